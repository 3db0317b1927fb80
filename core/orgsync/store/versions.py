"""The version of the control tables: read with one SELECT, raised by alembic only where it must be.

Importing alembic costs half a second, so neither a database that is up to date nor a new one causes it.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from orgsync.errors import StoreUnavailable

if TYPE_CHECKING:
    import sqlalchemy as sa
    from sqlalchemy.ext.asyncio import AsyncConnection

__all__ = ["KNOWN_VERSIONS", "MIGRATIONS", "VERSION_TABLE", "is_newest", "upgrade"]

KNOWN_VERSIONS = (
    *("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009", "0010", "0011", "0012"),
    "0013",
    "0014",
    "0015",
    "0016",
)
"""Every version that this package can read, oldest first; the last is what it writes."""

VERSION_TABLE = "orgsync_version"
"""The table in which a database keeps its version."""

MIGRATIONS = Path(__file__).parent / "migrations"


def is_newest(found: Sequence[str]) -> bool:
    """Return whether the versions that a database bears are this package's; raises StoreUnavailable for a newer one."""
    if any(version not in KNOWN_VERSIONS for version in found):
        raise StoreUnavailable(
            f"The database is of version {', '.join(found)}, newer than this orgsync knows.",
            "Install the orgsync that wrote it, or point ORGSYNC_DATABASE_URL at another database.",
        )
    return list(found) == [KNOWN_VERSIONS[-1]]


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
