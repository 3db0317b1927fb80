"""Errors for names that do not exist, with the nearest that does."""

from collections.abc import Sequence
from difflib import get_close_matches

from orgsync.errors import ConfigurationInvalid

__all__ = ["record_table", "unknown"]


def unknown(
    kind: str, name: str, known: Sequence[str], *, none_yet: str, database: str | None = None
) -> ConfigurationInvalid:
    """Return an error that lists what exists, the nearest first, or says `none_yet`, and that names the database."""
    place = f" {_place_of(database)}" if database else ""
    if not known:
        return ConfigurationInvalid(f"There is no {kind} {name!r}.", f"{none_yet}{place}")
    folded = {each.lower(): each for each in known}
    near = get_close_matches(name.lower(), folded, n=1)
    guess = f"; did you mean {folded[near[0]]!r}?" if near else "."
    return ConfigurationInvalid(
        f"There is no {kind} {name!r}{guess}", f"What exists: {', '.join(sorted(known))}.{place}"
    )


def _place_of(database: str) -> str:
    """Return where the search was: an application that is started in another folder finds another project, or none."""
    return f"The database is {database}; for another project, set ORGSYNC_PROJECT to its folder."


def record_table(name: str, tables: Sequence[str], database: str) -> str:
    """Return a record table by its own name or its class's, in any case; raises ConfigurationInvalid."""
    if name in tables:
        return name
    folded = {_folded(table): table for table in tables}
    if _folded(name) in folded:
        return folded[_folded(name)]
    none_yet = "Run a sync first: it makes the table of its record class."
    raise unknown("record table", name, tables, none_yet=none_yet, database=database)


def _folded(name: str) -> str:
    return name.replace("_", "").lower()
