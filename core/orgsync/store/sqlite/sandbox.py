"""A temporary copy of the whole database, made while others read and write."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import anyio.from_thread
import anyio.to_thread
from sqlalchemy import URL

from orgsync.errors import StoreUnavailable

from . import driver
from .state_copy import NO_ROOM, copy_state

__all__ = ["copy"]


async def copy(url: URL, to: Path) -> None:
    """Copy one state of a database into a new file, in which no lease is held; cancelling stops it midway.

    Raises StoreUnavailable where there is no room.
    """
    try:
        await anyio.to_thread.run_sync(_copy, url, to)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode not in NO_ROOM:
            raise
        raise StoreUnavailable(
            f"There is no room in {to.parent.parent} for a copy of the database.",
            "Free some space there, or set TMPDIR to a folder that has it.",
        ) from error


def _copy(url: URL, to: Path) -> None:
    os.close(os.open(to, os.O_CREAT | os.O_EXCL, 0o600))
    with closing(driver.plain(url)) as source, closing(sqlite3.connect(to, isolation_level=None)) as target:
        copy_state(source, target, _check_cancelled)


def _check_cancelled(_copied: int, _total: int) -> None:
    """Stop between two steps if the task that waits for the copy is cancelled."""
    anyio.from_thread.check_cancelled()
