"""Errors for names that do not exist, with the nearest that does."""

from collections.abc import Sequence

from orgsync.errors import ConfigurationInvalid
from orgsync.suggest import folded, nearest

__all__ = ["record_table", "unknown"]


def unknown(
    kind: str, name: str, known: Sequence[str], *, none_yet: str, database: str | None = None
) -> ConfigurationInvalid:
    """Return an error that lists what exists, the nearest first, or says `none_yet`, and that names the database."""
    place = f" {_place_of(database)}" if database else ""
    if not known:
        return ConfigurationInvalid(f"There is no {kind} {name!r}.", f"{none_yet}{place}")
    near = nearest(name, known)
    guess = f"; did you mean {near!r}?" if near else "."
    return ConfigurationInvalid(
        f"There is no {kind} {name!r}{guess}", f"What exists: {', '.join(sorted(known))}.{place}"
    )


def _place_of(database: str) -> str:
    """Name the database: an application that is started in another folder opens another project, or none."""
    return f"The database is {database}; for another project, set ORGSYNC_PROJECT to its folder."


def record_table(name: str, tables: Sequence[str], database: str) -> str:
    """Return a record table by its own name or its class's, in any case; raises ConfigurationInvalid."""
    if name in tables:
        return name
    alike = {folded(table): table for table in tables}
    if folded(name) in alike:
        return alike[folded(name)]
    none_yet = "Run a sync first: it makes the table of its record class."
    raise unknown("record table", name, tables, none_yet=none_yet, database=database)
