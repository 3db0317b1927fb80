"""Which database stands behind the store: the only module that knows them all, and chooses by the URL."""

from contextlib import AbstractAsyncContextManager, AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .backend import Backend
    from .view import View

__all__ = ["open_backend", "open_view"]


def open_backend(url: str, folder: Path) -> "AbstractAsyncContextManager[Backend]":
    """Open the database at `url`, created or upgraded if needed; `folder` is for its locks.

    Raises SettingInvalid for a URL of no supported database, StoreUnavailable for one that cannot be used.
    """
    from .sqlite.database import SqliteBackend

    return SqliteBackend.open(url, folder)


def open_view(url: str, *, folder: Path) -> "AbstractContextManager[View]":
    """Open the database at `url` for reading, without creating one; an older version is upgraded first.

    Raises as `open_backend` does.
    """
    from .sqlite.view import SqliteView

    return SqliteView.open(url, folder=folder)
