"""The database's files are their owner's alone."""

import sqlite3
from contextlib import closing
from pathlib import Path

from ..private import OTHERS, require_no_link, require_private

__all__ = ["require_no_links", "require_private_database"]

_WHAT = "The database"
_INSTEAD = "Name the file itself: database_url in orgsync.toml, or ORGSYNC_DATABASE_URL."


def require_no_links(path: Path) -> None:
    """Raise StoreUnavailable where the database, or the log or index beside it, is a symbolic link."""
    for each in (path, *_beside(path)):
        require_no_link(each, _WHAT, instead=_INSTEAD)


def require_private_database(path: Path) -> None:
    """Close a database, and the log and index beside it, to others; raises as `require_private` does.

    What is no database, a folder too, keeps its permissions: whoever opens it is told that it is none.
    """
    beside = _beside(path)
    for each in beside if _is_open_to_others(path) and not _is_database(path) else (path, *beside):
        require_private(each, _WHAT, instead=_INSTEAD)


def _beside(path: Path) -> tuple[Path, Path]:
    return Path(f"{path}-wal"), Path(f"{path}-shm")


def _is_open_to_others(path: Path) -> bool:
    try:
        return not path.is_symlink() and bool(path.stat().st_mode & OTHERS)
    except OSError:  # absent or out of reach: opening it will fail with its own error
        return False


def _is_database(path: Path) -> bool:
    """Ask SQLite, whatever else is wrong with it.

    To read a file otherwise, and close it, would free the locks of all connections that this process has to it (POSIX).
    """
    if not path.is_file():
        return False
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as on:
            on.execute("PRAGMA schema_version")
    except sqlite3.Error as error:
        return getattr(error, "sqlite_errorcode", None) != sqlite3.SQLITE_NOTADB
    return True
