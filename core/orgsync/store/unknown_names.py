"""Record tables by the names that people give them, and names and numbers that the database does not know."""

from collections.abc import Collection, Sequence

from orgsync.errors import NameUnknown
from orgsync.object_names import object_table
from orgsync.suggest import folded

__all__ = ["no_delivery", "no_token", "no_webhook", "record_table", "require_sync", "row_id"]

_LARGEST = 2**63 - 1
"""What the integers of databases hold."""


def record_table(name: str, tables: Sequence[str], database: str) -> str:
    """Return a record table by its own name, its class's or its object's, in any case; raises NameUnknown."""
    if name in tables:
        return name
    names = {folded(table): table for table in tables}
    for known in (folded(name), folded(object_table(name))):
        if known in names:
            return names[known]
    none_yet = "Run a sync first: it creates the table of its record class."
    raise NameUnknown.among("record table", name, tables, none_yet=none_yet, database=database)


def require_sync(name: str, known: Collection[str], database: str) -> None:
    """Raise NameUnknown, with the nearest name, for a sync that is not among those that a database knows."""
    if name not in known:
        none_yet = "Nothing was run yet, so there is nothing to reset."
        raise NameUnknown.among("copy of a sync", name, known, none_yet=none_yet, database=database)


def no_webhook(webhook: str, known: Collection[str] = ()) -> NameUnknown:
    """Return the error for a webhook that is not among those that are known, with the nearest id."""
    return NameUnknown.among("webhook", webhook, known, none_yet="Create one: orgsync webhooks add URL.")


def no_delivery(number: int) -> NameUnknown:
    """Return the error for a number that no delivery of a webhook has."""
    return NameUnknown(f"There is no delivery {number}.", "List them: orgsync webhooks deliveries.")


def no_token(name: str, known: Collection[str] = ()) -> NameUnknown:
    """Return the error for a token that is not among those that are known, with the nearest name."""
    return NameUnknown.among("token", name, known, none_yet="Create one: orgsync tokens create NAME.")


def row_id(number: int) -> int:
    """Return a run's or a delivery's number as a database can look it up: 0, which none has, for one out of range."""
    return number if 0 <= number <= _LARGEST else 0
