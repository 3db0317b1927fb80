"""What to say of a name that does not exist."""

from collections.abc import Sequence
from difflib import get_close_matches

from orgsync.errors import ConfigurationInvalid

__all__ = ["record_table", "unknown"]


def unknown(kind: str, name: str, known: Sequence[str], *, none_yet: str) -> ConfigurationInvalid:
    """Name the nearest of what exists, and list it; `none_yet` says what to do when nothing does."""
    if not known:
        return ConfigurationInvalid(f"There is no {kind} {name!r}.", none_yet)
    folded = {each.lower(): each for each in known}
    near = get_close_matches(name.lower(), folded, n=1)
    guess = f"; did you mean {folded[near[0]]!r}?" if near else "."
    return ConfigurationInvalid(f"There is no {kind} {name!r}{guess}", f"What exists: {', '.join(sorted(known))}.")


def record_table(name: str, tables: Sequence[str]) -> str:
    """Find a record table by its own name or its class's, in any case; raises ConfigurationInvalid."""
    if name in tables:
        return name
    folded = {_folded(table): table for table in tables}
    if _folded(name) in folded:
        return folded[_folded(name)]
    raise unknown("record table", name, tables, none_yet="Run a sync first: it makes the table of its record class.")


def _folded(name: str) -> str:
    return name.replace("_", "").lower()
