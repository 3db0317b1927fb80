"""Which sync a record table belongs to: the first that writes to it, on all connections, until it is reset."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from orgsync.errors import RecordClassInvalid

if TYPE_CHECKING:
    from .backend import Transaction

__all__ = ["claim", "owner_of", "taken"]


def owner_of(table: str, known: Mapping[str, str]) -> str | None:
    """Return the owner of a table, in whichever case its name is written; None where it belongs to nobody."""
    return {name.lower(): sync for name, sync in known.items()}.get(table.lower())


async def claim(on: "Transaction", sync: str, tables: Sequence[str]) -> None:
    """Make tables this sync's own, inside the transaction that writes them.

    Raises RecordClassInvalid for one that belongs to another.
    """
    for table in tables:
        owner = await on.owners.claim(table, sync)
        if owner != sync:
            raise taken(table, owner, sync)


def taken(table: str, owner: str, other: str) -> RecordClassInvalid:
    """Return the error for a table that belongs to one sync and that another would write to."""
    return RecordClassInvalid(
        f"The table {table} belongs to the sync {owner}, so {other} may not write to it.",
        f"Give {other} a table of its own (in a script a record class or a __tablename__, in [[objects]] a table); "
        f"or discard what {owner} has copied: orgsync reset {owner}.",
    )
