"""Apex-style binds: `WHERE Status = :status`."""

import re
from collections.abc import Mapping

from orgsync.errors import QueryRefused

from .literals import literal

__all__ = ["TEXT", "bind"]

TEXT = r"'(?:[^'\\]|\\.)*'"
"""A quoted string in SOQL, escapes included."""

# The colons of 10:15:00Z and LAST_N_DAYS:30 are followed by digits; a bind's by a name.
_TOKENS = re.compile(rf"({TEXT})|:\s*([A-Za-z_]\w*)", re.DOTALL)


def bind(soql: str, values: Mapping[str, object]) -> str:
    """Put the values in the places of their names, outside quoted text.

    Raises QueryRefused for a name without a value, or a value without a place.
    """
    used: set[str] = set()

    def replaced(match: re.Match[str]) -> str:
        text, name = match.groups()
        if text is not None:
            return str(text)
        if name not in values:
            raise QueryRefused(f"The query has :{name}, but no value was given for it.", f"Pass {name}=... as well.")
        used.add(name)
        return literal(values[name])

    bound = _TOKENS.sub(replaced, soql)
    if unused := sorted(values.keys() - used):
        raise QueryRefused(
            f"The query has no place for {', '.join(unused)}.", f"Write :{unused[0]} where the value belongs."
        )
    return bound
