"""A project's database moved to another one, SQLite or PostgreSQL, and the way back."""

from collections.abc import Mapping
from pathlib import Path

from orgsync.errors import ArgumentInvalid, StoreMoved, StoreUnavailable
from orgsync.settings import Settings
from orgsync.store.backends import has_database, open_backend, open_move_end, require_url
from orgsync.store.move import Moved, Progress, move, nobody
from orgsync.store.move_types import MoveState, TypesOf

from .view import require_database_url

__all__ = ["Moved", "move_database", "undo_move"]


def move_database(settings: Settings, to: str, *, progress: Progress = nobody) -> Moved:
    """Copy everything from the project's database to an empty one, compare both, and mark the first as moved.

    A move that was ended at any point continues. Raises AlreadyRunning while anything is under way, ArgumentInvalid for
    a target that is not empty or not this move's, and StoreUnavailable for a database that cannot be used, and for a
    value that the target does not take.
    """
    folder = settings.folder
    require_database_url(settings)
    require_url(to, "--to")
    if not has_database(settings.store_url):
        raise StoreUnavailable(
            "There is no database yet, so there is nothing to move.",
            "Set ORGSYNC_DATABASE_URL to the new one, and connect; for another project, set ORGSYNC_PROJECT to its "
            "folder.",
        )
    _prepare(settings.store_url, folder)
    _prepare(to, folder)
    with open_move_end(settings.store_url, folder) as source, open_move_end(to, folder) as target:
        return move(source, target, _types_of(settings), progress=progress)


def undo_move(settings: Settings) -> MoveState:
    """Let the project's database, which was moved or is being moved, be used again as it is; return what the move was.

    Raises ArgumentInvalid for a database that was not moved.
    """
    require_database_url(settings)
    if has_database(settings.store_url):
        with open_move_end(settings.store_url, settings.folder) as end:
            noted = end.noted()
            if noted is not None and noted.role == "source":
                end.reopen()
                return noted
    raise ArgumentInvalid(
        f"{settings.shown_store_url} was not moved, so there is nothing to undo.",
        "Set ORGSYNC_DATABASE_URL to the database that was.",
    )


def _prepare(url: str, folder: Path) -> None:
    """Make a database's control tables, or bring them to this version, unless it takes part in a move already."""
    import anyio

    async def open_and_close() -> None:
        async with open_backend(url, folder):
            pass

    try:
        anyio.run(open_and_close)
    except StoreMoved:
        return


def _types_of(settings: Settings) -> TypesOf:
    """Return what says which Python types the columns of tables have: the scripts, and what was read of orgs."""
    from .mapped_classes import MappableClasses

    declared: dict[str, dict[str, str]] = {}
    for schema in MappableClasses.of(settings).schemas:
        of_table = declared.setdefault(schema.table.lower(), {})
        for column in schema.columns:
            of_table.setdefault(column.name, column.type.__name__)

    def types(table: str) -> Mapping[str, str]:
        return declared.get(table.lower(), {})

    return types
