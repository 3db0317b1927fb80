"""Which database stands behind the store: the only module that knows them all, and chooses by the URL."""

import re
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from orgsync.errors import SettingInvalid

if TYPE_CHECKING:
    from .backend import Backend
    from .missing_rights import MissingRights
    from .move_types import MoveEnd
    from .view import View

__all__ = ["has_database", "missing_rights", "open_backend", "open_move_end", "open_view", "require_url"]

_POSTGRES = re.compile(r"\s*postgres(ql)?(\+psycopg)?(:|//)", re.IGNORECASE)  # with the mistakes that its address names


def require_url(url: str, source: str) -> None:
    """Raise SettingInvalid for what is no URL of a database; the cause begins with where the URL was given."""
    try:
        if _POSTGRES.match(url):
            _require_psycopg()
            from .postgres.address import address as postgres_address

            postgres_address(url)
            return
        from .sqlite.view_file import file_of

        file_of(url)
    except SettingInvalid as error:
        raise SettingInvalid(f"{source}: {error.cause}", error.remedy) from None


def open_backend(url: str, folder: Path) -> "AbstractAsyncContextManager[Backend]":
    """Open the database at `url`, created or upgraded if needed; `folder` is for its locks.

    Raises SettingInvalid for a URL of no supported database, StoreUnavailable for one that cannot be used.
    """
    if _POSTGRES.match(url):
        _require_psycopg()
        from .postgres.address import address
        from .postgres.database import PostgresBackend

        return PostgresBackend.open(address(url))
    from .sqlite.database import SqliteBackend

    return SqliteBackend.open(url, folder)


def open_view(url: str, *, folder: Path) -> "AbstractContextManager[View]":
    """Open the database at `url` for reading, without creating one; an older version is upgraded first.

    Raises as `open_backend` does.
    """
    if _POSTGRES.match(url):
        _require_psycopg()
        from .postgres.address import address
        from .postgres.view import PostgresView

        return PostgresView.open(address(url), url=url, folder=folder)
    from .sqlite.view import SqliteView

    return SqliteView.open(url, folder=folder)


def open_move_end(url: str, folder: Path) -> "AbstractContextManager[MoveEnd]":
    """Open the database at `url`, which is there already, to move it or to move another one to it.

    Raises as `open_backend` does.
    """
    if _POSTGRES.match(url):
        _require_psycopg()
        from .postgres.address import address
        from .postgres.move_end import PostgresMoveEnd

        return PostgresMoveEnd.open(address(url))
    from .sqlite.move_end import SqliteMoveEnd

    return SqliteMoveEnd.open(url, folder)


def missing_rights(url: str) -> "MissingRights | None":
    """Return what the role lacks in the database at `url`; None where there are no roles.

    Raises StoreUnavailable for a database that cannot be used.
    """
    if not _POSTGRES.match(url):
        return None
    _require_psycopg()
    from .postgres.address import address
    from .postgres.schema import rights_in_schema

    return rights_in_schema(address(url))


def has_database(url: str) -> bool:
    """Return whether there is a database at `url`; a server is taken to have it."""
    if _POSTGRES.match(url):
        return True
    from .sqlite.driver import address, file_of

    return file_of(address(url)).exists()


def _require_psycopg() -> None:
    if find_spec("psycopg") is None:
        raise SettingInvalid(
            "PostgreSQL needs a driver that is not installed.", "Install it: pip install 'orgsync[postgres]'"
        )
