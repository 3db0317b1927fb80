"""A project's database opened for reading alone, without what only work on it needs."""

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager

from orgsync.settings import Settings, load_settings
from orgsync.store.backends import open_view as open_database
from orgsync.store.view import Selection, View

__all__ = ["Selection", "View", "open_view", "require_connection", "require_existing"]


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


@contextmanager
def open_view(settings: Settings | None = None) -> Generator[View]:
    """Open the database of the project around the working directory, or of the one whose settings are given."""
    settings = settings or load_settings()
    with open_database(settings.store_url, folder=settings.folder) as view:
        yield view
