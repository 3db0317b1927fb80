"""A PostgreSQL server on two small disks of its own, its tables' and its log's, which a test fills and empties.

The disks are tmpfs, mounted in a mount namespace that only the server and one idle process are in: the system unmounts
them when both have ended, however that comes about.
"""

import os
import pwd
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from tests.postgres_server import ACCOUNT, PostgresServer

__all__ = ["FullServer", "server_on_small_disks"]

_SIZES = {"tables": "48m", "log": "320m"}
_PIECE = b"\0" * 65_536


class FullServer(PostgresServer):
    """A server whose databases are in the tablespace `small`. `disk` is `tables` or `log`."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._namespace: subprocess.Popen[str] | None = None

    @contextmanager
    def mounted(self) -> Generator[None]:
        """Have the disks during the block; skips the test where nothing may be mounted."""
        self.folder.chmod(0o755)
        mounts = [
            f"mkdir {self._mount(name)} && mount -t tmpfs -o size={size},mode=777 tmpfs {self._mount(name)}"
            for name, size in _SIZES.items()
        ]
        own = [] if os.getuid() == 0 else ["--user", "--map-current-user", "--keep-caps"]
        script = " && ".join([*mounts, "echo mounted", "exec sleep infinity"])
        with subprocess.Popen(
            ["unshare", *own, "--mount", "sh", "-c", script],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        ) as held:  # fmt: skip
            assert held.stdout is not None
            assert held.stderr is not None
            try:
                if not held.stdout.readline():
                    pytest.skip(f"no disk can be mounted here: {held.stderr.read().strip()}")
                self._namespace = held
                yield
            finally:
                held.kill()

    def fill(self, disk: str, *, leave: int = 0) -> None:
        """Fill a disk to the last byte, but for so many."""
        with self._ballast(disk).open("ab", buffering=0) as file:
            try:
                while file.write(_PIECE):
                    pass
            except OSError:
                file.truncate(max(0, file.tell() - leave))

    def empty(self, disk: str) -> None:
        """Delete what has filled a disk."""
        self._ballast(disk).unlink()

    def make(self) -> None:
        """Make the server's files."""
        super().make()
        log, moved = self.data / "pg_wal", self._mount("log") / "pg_wal"
        self._run_there("sh", "-c", f"mv {log} {moved} && ln -s {moved} {log}")
        self._run_there("mkdir", str(self._mount("tables") / "files"))

    def start_empty(self) -> None:
        """Start the server for the first time, and make its tablespace."""
        self.start()
        place = f"{self._mount('tables')}/files"
        with psycopg.connect(self.url("postgres"), autocommit=True) as raw:
            raw.execute(sql.SQL("CREATE TABLESPACE small LOCATION {}").format(sql.Literal(place)))

    @contextmanager
    def database(self, name: str) -> Generator[str]:
        """Make a database on the small disk and give its URL; at the end there is room again, and it is dropped."""
        self.execute("CREATE DATABASE {} TABLESPACE small", name)
        try:
            yield self.url(name)
        finally:
            for disk in _SIZES:
                self._ballast(disk).unlink(missing_ok=True)
            self.start()
            self.execute("DROP DATABASE {} WITH (FORCE)", name)

    def start(self) -> None:
        """Start the server, unless it is up, and wait until it answers."""
        if not self.is_up():
            (self.data / "postmaster.pid").unlink(missing_ok=True)
            super().start()

    def _mount(self, disk: str) -> Path:
        return self.folder / f"disk-{disk}"

    def _ballast(self, disk: str) -> Path:
        assert self._namespace is not None
        return Path(f"/proc/{self._namespace.pid}/root{self._mount(disk)}/ballast")

    def _run_there(self, *command: str) -> None:
        subprocess.run(**self._entering([*command]), check=True)

    def _command(self, program: str, *arguments: str) -> dict[str, Any]:
        return self._entering([str(self.programs / program), *arguments])

    def _entering(self, command: list[str]) -> dict[str, Any]:
        """Return how a command is run where the disks are, by an account that PostgreSQL lets run it."""
        assert self._namespace is not None
        there = ["--target", str(self._namespace.pid), "--mount", f"--wd={self.folder}"]
        if os.getuid() == 0:
            account = pwd.getpwnam(ACCOUNT)
            there += [f"--setuid={account.pw_uid}", f"--setgid={account.pw_gid}"]
        else:
            there += ["--user", "--preserve-credentials"]
        return {"args": ["nsenter", *there, *command], "stdin": subprocess.DEVNULL}


@contextmanager
def server_on_small_disks(folder: Path) -> Generator[FullServer]:
    """Have such a server during the block."""
    server = FullServer(folder)
    with server.mounted():
        server.make()
        server.start_empty()
        try:
            yield server
        finally:
            if server.is_up():
                server.kill()
