"""The version of the control tables: read with one SELECT, raised by alembic only where it must be.

Importing alembic costs half a second, so neither a database that is up to date nor a new one causes it.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from orgsync.errors import StoreMoved, StoreUnavailable

if TYPE_CHECKING:
    import sqlalchemy as sa
    from sqlalchemy.ext.asyncio import AsyncConnection

__all__ = [
    "KNOWN_VERSIONS",
    "MARKED",
    "MIGRATIONS",
    "MOVE_NOTE",
    "VERSION_TABLE",
    "is_newest",
    "moved",
    "moved_while_open",
    "upgrade",
]

KNOWN_VERSIONS = (
    *("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009", "0010", "0011", "0012", "0013", "0014"),
    *("0015", "0016", "0017", "0018", "0019", "0020"),
)
"""Every version that this package can read, oldest first; the last is what it writes."""

VERSION_TABLE = "orgsync_version"
"""The table in which a database keeps its version."""

MARKED = "moved"
"""Stands beside the version of a database that was moved to another one, or is being filled by a move."""

MOVE_NOTE = "SELECT role, state, other FROM orgsync_move"
"""What a marked database says of the move."""

MIGRATIONS = Path(__file__).parent / "migrations"


def is_newest(found: Sequence[str]) -> bool:
    """Return whether the versions that a database bears are this package's; raises StoreUnavailable for a newer one."""
    if any(version not in KNOWN_VERSIONS for version in found):
        raise StoreUnavailable(
            f"The database is of version {', '.join(found)}, newer than this orgsync knows.",
            "Install the orgsync that wrote it, or point ORGSYNC_DATABASE_URL at another database.",
        )
    return list(found) == [KNOWN_VERSIONS[-1]]


def moved(role: str, state: str, other: str) -> StoreMoved:
    """Return the error for using a database that is marked."""
    if role == "target":
        return StoreMoved(
            f"The database is being filled by a move from {other}, which is not complete.",
            "Run the `orgsync move --to` again that began it; until then, nobody can use this database.",
        )
    if state == "copying":
        return StoreMoved(
            f"The database is being moved to {other}.",
            "Wait until that is complete, or run the `orgsync move --to` again that began it. To end it and use this "
            "database again: orgsync move --undo",
        )
    return StoreMoved(
        f"The database was moved to {other}.",
        "Set ORGSYNC_DATABASE_URL, or database_url in orgsync.toml, to that one. To use this one again, as it was "
        "then: orgsync move --undo",
    )


def moved_while_open(said: str) -> StoreMoved:
    """Return the error for writing to a database that was moved while it was open, from what it says itself."""
    return StoreMoved(f"The database {said}.", "Set ORGSYNC_DATABASE_URL to that one, and start orgsync again.")


async def upgrade(connection: "AsyncConnection") -> None:
    """Bring control tables of an older version to this package's version, in the connection's transaction."""
    await connection.run_sync(_upgrade)


def _upgrade(connection: "sa.Connection") -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
