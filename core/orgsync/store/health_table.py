"""What a backend does with the tables of health, a protocol like those of the control tables."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from .health_rows import AlertRow, ConnectionHealth, SchemaRow, StandingRow

__all__ = ["HealthTable"]


class HealthTable(Protocol):
    """How syncs stand, the alerts that are active, and the schemas of orgs."""

    async def note_end(self, run_id: int, *, used: int | None, limit: int | None) -> int:
        """Add a run that has ended to how its sync stands; return how often it has failed in a row.

        `used` of `limit` daily API requests were used, as far as is known.
        """
        ...

    async def standings(self) -> Sequence[StandingRow]:
        """Read how each sync and action stands on each connection."""
        ...

    async def standing_pairs(self) -> Sequence[tuple[str, str]]:
        """List each sync and connection of which a run has ended since it was reset last."""
        ...

    async def remove_standings(self, sync: str, connection: str | None) -> None:
        """Delete how a sync stands, on one connection or on all."""
        ...

    async def connections(self) -> Sequence[ConnectionHealth]:
        """Read which connections are ready, by name; of a thousand, this is a tenth of the work of reading them."""
        ...

    async def objects(self) -> Sequence[str]:
        """List the objects that have been copied without a script."""
        ...

    async def alerts(self, connection: str | None = None) -> Sequence[AlertRow]:
        """Read the alerts that are active, of one connection or of all."""
        ...

    async def raise_alert(self, alert: AlertRow) -> bool:
        """Insert an alert; return False where it is active already."""
        ...

    async def clear_alert(self, kind: str, connection: str, subject: str) -> AlertRow | None:
        """Delete an alert and return it; None where it is not active."""
        ...

    async def schema(self, connection: str, name: str) -> SchemaRow | None:
        """Read the fields of an object as a connection saw them last."""
        ...

    async def schemas(self, connection: str | None) -> Sequence[SchemaRow]:
        """Read those of all objects, on one connection or on all."""
        ...

    async def changed_schemas(self, since: datetime) -> Sequence[SchemaRow]:
        """Read those in which changes were found after an instant."""
        ...

    async def save_schema(self, row: SchemaRow) -> None:
        """Insert or replace one."""
        ...

    async def remove_schema(self, connection: str, name: str) -> None:
        """Delete one."""
        ...
