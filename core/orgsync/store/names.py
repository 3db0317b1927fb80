"""What to say of a name that does not exist."""

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from orgsync.errors import ConfigurationInvalid

__all__ = ["record_table", "unknown"]


def unknown(
    kind: str, name: str, known: Sequence[str], *, none_yet: str, database: Path | None = None
) -> ConfigurationInvalid:
    """Name the nearest of what exists, list it, and name the database; `none_yet` says what to do when nothing does."""
    place = f" {_place_of(database)}" if database else ""
    if not known:
        return ConfigurationInvalid(f"There is no {kind} {name!r}.", f"{none_yet}{place}")
    folded = {each.lower(): each for each in known}
    near = get_close_matches(name.lower(), folded, n=1)
    guess = f"; did you mean {folded[near[0]]!r}?" if near else "."
    return ConfigurationInvalid(
        f"There is no {kind} {name!r}{guess}", f"What exists: {', '.join(sorted(known))}.{place}"
    )


def _place_of(database: Path) -> str:
    """Say where was looked: an application that is started in another folder finds another project, or none."""
    return f"The database is {database}; for another project, set ORGSYNC_PROJECT to its folder."


def record_table(name: str, tables: Sequence[str], database: Path) -> str:
    """Find a record table by its own name or its class's, in any case; raises ConfigurationInvalid."""
    if name in tables:
        return name
    folded = {_folded(table): table for table in tables}
    if _folded(name) in folded:
        return folded[_folded(name)]
    none_yet = "Run a sync first: it makes the table of its record class."
    raise unknown("record table", name, tables, none_yet=none_yet, database=database)


def _folded(name: str) -> str:
    return name.replace("_", "").lower()
