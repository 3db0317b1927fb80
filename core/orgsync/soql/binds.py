"""Apex-style binds: `WHERE Status = :status`."""

import re
from collections.abc import Mapping

from orgsync.errors import QueryRefused

from .literals import literal

__all__ = ["TEXT", "bind", "unbound"]

TEXT = r"'(?:[^'\\]|\\.)*'"
"""A quoted string in SOQL, escapes included."""

# The colons of 10:15:00Z and LAST_N_DAYS:30 are followed by digits; a bind's by a name.
_TOKENS = re.compile(rf"({TEXT})|:\s*([A-Za-z_]\w*)", re.DOTALL)

_TAKES_A_LIST = re.compile(r"\b(IN|INCLUDES|EXCLUDES)\s*$", re.IGNORECASE)
_IN_PARENTHESES = re.compile(r"[(,]\s*$")
_COLLECTIONS = (list, tuple, set, frozenset)


def bind(soql: str, values: Mapping[str, object]) -> str:
    """Put the values in the places of their names, outside quoted text.

    A list belongs behind IN, INCLUDES or EXCLUDES, and nothing else does. Raises QueryRefused where it is otherwise,
    for a name without a value, and for a value without a place.
    """
    used: set[str] = set()

    def replaced(match: re.Match[str]) -> str:
        text, name = match.groups()
        if text is not None:
            return str(text)
        if name not in values:
            raise QueryRefused(f"The query has :{name}, but no value was given for it.", f"Pass {name}=... as well.")
        used.add(name)
        _require_fit(soql[: match.start()], name, values[name])
        return literal(values[name])

    bound = _TOKENS.sub(replaced, soql)
    if unused := sorted(values.keys() - used):
        raise QueryRefused(
            f"The query has no place for {', '.join(unused)}.", f"Write :{unused[0]} where the value belongs."
        )
    return bound


def unbound(soql: str) -> str:
    """Return the first name that waits for a value; empty where there is none."""
    return next((found.group(2) for found in _TOKENS.finditer(soql) if found.group(2)), "")


def _require_fit(before: str, name: str, value: object) -> None:
    """Raise QueryRefused for a list where the text before it wants one value, and the other way round."""
    is_list = isinstance(value, _COLLECTIONS)
    operator = _TAKES_A_LIST.search(before)
    if operator and not is_list:
        word = operator.group(1).upper()
        raise QueryRefused(
            f"The query has {word} :{name}, which takes a list, but the value of {name} is of type "
            f"{type(value).__name__}.",
            f"Pass a list: {name}=[...]; or compare with one value: = :{name}.",
        )
    if is_list and not operator:
        inside = f", without parentheses around :{name}" if _IN_PARENTHESES.search(before) else ""
        raise QueryRefused(
            f"The value of {name} is a list, but :{name} stands where SOQL takes one value.",
            f"Write IN :{name}{inside}, or pass one value.",
        )
