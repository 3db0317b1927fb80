"""A project's database opened for reading alone, without what only work on it needs."""

import os
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager

from orgsync.settings import PROJECT_FILE, Settings, load_settings
from orgsync.store.backends import open_view as open_database
from orgsync.store.backends import require_url
from orgsync.store.view import Selection, View

__all__ = ["Selection", "View", "open_view", "require_connection", "require_database_url", "require_existing"]

_VARIABLE = "ORGSYNC_DATABASE_URL"


async def require_existing(view: Callable[[], AbstractContextManager[View]] | None, name: str) -> None:
    """Raise NameUnknown for a connection that a database opened for reading does not have; without one do nothing."""
    from anyio import to_thread

    def read() -> None:
        if view is not None:
            with view() as opened:
                opened.connection(name)

    await to_thread.run_sync(read)


async def require_connection(name: str, settings: Settings | None = None) -> None:
    """Raise NameUnknown for a connection that the database does not have; where there is none, none is made."""
    await require_existing(lambda: open_view(settings), name)


def require_database_url(settings: Settings) -> None:
    """Raise SettingInvalid, which says where it was set, for a URL of no database; nothing is opened."""
    given = os.environ.get(_VARIABLE) == settings.database_url
    require_url(settings.store_url, _VARIABLE if given else f"database_url in {PROJECT_FILE}")


@contextmanager
def open_view(settings: Settings | None = None) -> Generator[View]:
    """Open the database of the project around the working directory, or of the one whose settings are given."""
    settings = settings or load_settings()
    require_database_url(settings)
    with open_database(settings.store_url, folder=settings.folder) as view:
        yield view
