"""One state of the whole database, copied into another file while others read and write."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from orgsync.errors import StoreUnavailable

from . import control_sql

__all__ = ["NO_ROOM", "back_up", "copy_state", "nothing_to_back_up"]

NO_ROOM = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE)
"""The codes of a file that cannot grow; the second where a quota, not the disk, is spent."""

_PAGES_A_STEP = 1000


def copy_state(source: sqlite3.Connection, target: sqlite3.Connection, progress: Callable[[int, int], None]) -> None:
    """Copy the database as it is now, without leases; `progress` is told the pages that are copied, and all.

    What `progress` raises ends the copy. Nothing is flushed to the disk, and a copy that was ended is unusable.
    """
    # A backup restarts whenever somebody else commits, unless its source connection reads one snapshot.
    source.execute("BEGIN")
    source.execute("SELECT 1 FROM sqlite_master").close()
    target.execute("PRAGMA journal_mode = OFF")
    target.execute("PRAGMA synchronous = OFF")
    source.backup(
        target, pages=_PAGES_A_STEP, progress=lambda _status, remaining, total: progress(total - remaining, total)
    )
    target.execute(control_sql.FREE_LEASES)


def back_up(source: sqlite3.Connection, to: Path, progress: Callable[[int, int], None]) -> None:
    """Copy the database as it is now into an empty file that stands alone, without a log beside it, and check it.

    Raises StoreUnavailable where there is no room, and where the copy is damaged: the database is then as well.
    """
    try:
        with closing(sqlite3.connect(to, isolation_level=None)) as target:
            copy_state(source, target, progress)
            target.execute("PRAGMA journal_mode = DELETE")
            [(found,)] = target.execute("PRAGMA quick_check(1)").fetchall()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode not in NO_ROOM:
            raise
        raise StoreUnavailable(
            f"There is no room in {to.parent} for a copy of the database.", "Free some space there, or name another."
        ) from error
    if found != "ok":
        raise StoreUnavailable(
            "The database is damaged, so no backup of it was made.",
            "Restore the last backup, or move the database away, connect again and run the syncs: the rows are read "
            "again.",
        )


def nothing_to_back_up(path: Path) -> StoreUnavailable:
    """Return the error for a database that is not there, or has no tables of orgsync's."""
    return StoreUnavailable(
        f"There is no database of orgsync's yet at {path}, so there is nothing to back up.",
        "Connect an org and run a sync first; for another project, set ORGSYNC_PROJECT to its folder.",
    )
