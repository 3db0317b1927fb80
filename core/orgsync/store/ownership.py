"""Which sync a record table belongs to: the first that writes to it, on all connections, until it is reset."""

from collections.abc import Mapping, Sequence

from orgsync.errors import RecordClassInvalid

from .sqlite import control_sql
from .sqlite.driver import Statements

__all__ = ["claim", "owner_of", "owners", "taken"]


async def owners(on: Statements) -> dict[str, str]:
    """Name the sync that each table belongs to."""
    return dict(await on.fetch(control_sql.TABLE_OWNERS))


def owner_of(table: str, known: Mapping[str, str]) -> str | None:
    """Find the owner of a table, in whichever case its name is written; None where it belongs to nobody."""
    return {name.lower(): sync for name, sync in known.items()}.get(table.lower())


async def claim(on: Statements, sync: str, tables: Sequence[str]) -> None:
    """Make tables this sync's own, inside the transaction that writes them.

    Raises RecordClassInvalid for one that belongs to another.
    """
    for table in tables:
        [(owner,)] = await on.fetch(control_sql.CLAIM_TABLE, (table, sync))
        if owner != sync:
            raise taken(table, owner, sync)


def taken(table: str, owner: str, other: str) -> RecordClassInvalid:
    """Say that a table belongs to one sync, to another that would write to it."""
    return RecordClassInvalid(
        f"The table {table} belongs to the sync {owner}, so {other} may not write to it.",
        f"Give {other} a record class of its own (or a __tablename__); "
        f"or give up what {owner} has copied: orgsync reset {owner}.",
    )
