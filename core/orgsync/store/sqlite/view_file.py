"""The file that a view reads, opened with sqlite3 alone."""

import re
import sqlite3
from pathlib import Path
from urllib.parse import quote

__all__ = ["file_of", "opened", "upgrade"]

_PLAIN_URL = re.compile(r"sqlite(?:\+\w+)?:///([^?%]+)")
_BUSY_SECONDS = 10


def file_of(url: str) -> Path:
    """Return the database file; a URL of the usual form is parsed without SQLAlchemy."""
    plain = _PLAIN_URL.fullmatch(url)
    if plain and ":memory:" not in url and not plain[1].startswith("file:"):
        return Path(plain[1])
    from . import driver

    return driver.file_of(driver.address(url))


def opened(path: Path) -> sqlite3.Connection:
    """Open the file, which must be there."""
    return sqlite3.connect(
        f"file:{quote(str(path))}?mode=rw",
        uri=True,
        timeout=_BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,  # a server uses it in one thread after the other, never in two at once
    )


def upgrade(url: str, folder: Path) -> None:
    """Bring the database to this package's version."""
    import anyio

    from .database import SqliteBackend

    async def opening() -> None:
        async with SqliteBackend.open(url, folder):
            pass

    anyio.run(opening)
