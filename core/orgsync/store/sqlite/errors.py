"""SQLite's errors, as errors that an operator can act on."""

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from orgsync.errors import StoreUnavailable

from ..versions import moved_while_open

__all__ = ["MOVED", "errors_explained"]

MOVED = "is being moved, or was moved, to "
"""How the words begin with which a database that was closed by a move refuses to be written to."""

_ANEW = (
    "move the file away, with the -wal and -shm beside it, run `orgsync connect NAME` for every connection, and run "
    "the syncs: the rows are read again. Connections, runs and what scripts wrote of their own are lost."
)
_FAULTS: dict[int, tuple[str, str]] = {
    sqlite3.SQLITE_BUSY: (
        "is locked by another process",
        "Stop what holds it (a long write, a backup, an open editor), then run again.",
    ),
    sqlite3.SQLITE_LOCKED: (
        "is locked by another reader in this process",
        "Finish reading, then run again.",
    ),
    sqlite3.SQLITE_READONLY: (
        "is read-only",
        "Make the file and its folder writable for this user; on a read-only file system no user may write.",
    ),
    sqlite3.SQLITE_PERM: (
        "may not be opened by this user",
        "Give this user the right to read and write the file and its folder.",
    ),
    sqlite3.SQLITE_CANTOPEN: (
        "cannot be opened",
        "Check that its folder exists, and that this user may read and write it and the file.",
    ),
    sqlite3.SQLITE_FULL: (
        "cannot grow: the disk is full",
        "Free some space, then run again; nothing committed is lost.",
    ),
    sqlite3.SQLITE_IOERR: (
        "cannot be read or written: the disk reports an error",
        "Check the disk and its free space, then run again.",
    ),
    sqlite3.SQLITE_CORRUPT: (
        "is damaged",
        f"Restore a backup, or {_ANEW}",
    ),
    sqlite3.SQLITE_NOTADB: (
        "is not an SQLite database",
        f"Point ORGSYNC_DATABASE_URL at another file. If it is a damaged copy, restore a backup, or {_ANEW}",
    ),
}

_FOLDER = ("is a folder", "Name a file: database_url in orgsync.toml, or ORGSYNC_DATABASE_URL.")

_PRIMARY_CODE = 0xFF
"""SQLite's extended codes keep the primary one in their lowest byte."""


@contextmanager
def errors_explained(path: Path) -> Generator[None]:
    """Raise StoreUnavailable for what the machine did wrong; an error in the SQL itself is not changed."""
    try:
        yield
    except sqlite3.Error as error:
        explained = _explain(error, path)
        if explained is None:
            raise
        raise explained from error
    except Exception as error:
        from sqlalchemy.exc import DBAPIError  # here: a command that only reads the database does not need it
        from sqlalchemy.exc import TimeoutError as PoolTimeout

        if isinstance(error, PoolTimeout):
            raise StoreUnavailable(
                f"Every connection to the database {path} is in use.", "Close sessions that are open, then try again."
            ) from error
        original = error.orig if isinstance(error, DBAPIError) else None
        explained = _explain(original, path)
        if explained is None:
            raise
        # An SQLAlchemy error's text holds the statement's values, which are a customer's: only SQLite's own is chained.
        raise explained from original


def _explain(original: BaseException | None, path: Path) -> StoreUnavailable | None:
    code: int | None = getattr(original, "sqlite_errorcode", None)
    if code == sqlite3.SQLITE_CONSTRAINT_TRIGGER and str(original).startswith(MOVED):
        return moved_while_open(str(original))
    fault = None if code is None else _FAULTS.get(code & _PRIMARY_CODE)
    if fault is _FAULTS[sqlite3.SQLITE_CANTOPEN] and path.is_dir():
        fault = _FOLDER
    return None if fault is None else StoreUnavailable(f"The database {path} {fault[0]}.", fault[1])
