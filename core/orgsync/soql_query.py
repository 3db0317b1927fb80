"""A query that someone wrote, taken apart: the fields, the object and the condition, from text to values.

Only what names the rows of one object and their fields is taken, since such rows can be followed: each has an Id and a
stamp. What sorts, cuts, groups or counts rows is refused by its name.
"""

import re
from dataclasses import dataclass

from orgsync.errors import QueryRefused

from .soql import require_condition, unbound

__all__ = ["FieldQuery", "parse_field_query"]

_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'", re.DOTALL)
_QUERY = re.compile(r"\s*SELECT\s+(?P<fields>.+?)\s+FROM\s+(?P<rest>.+?)\s*", re.IGNORECASE | re.DOTALL)
_SOURCE = re.compile(r"(?P<name>[A-Za-z]\w*)(?:\s+WHERE\s+(?P<where>.+))?", re.IGNORECASE | re.DOTALL)
_OTHER = re.compile(
    r"\b(ORDER\s+BY|GROUP\s+BY|HAVING|LIMIT|OFFSET|FOR\s+(?:VIEW|REFERENCE|UPDATE)|ALL\s+ROWS|USING\s+SCOPE|WITH)\b",
    re.IGNORECASE,
)
_PATH = re.compile(r"[A-Za-z]\w*(?:\.[A-Za-z]\w*)*", re.ASCII)
_WRITE = "Write it as SELECT Name, Account.Name FROM Opportunity WHERE IsWon = true."


@dataclass(frozen=True, slots=True)
class FieldQuery:
    """The paths that a query selects, each once and without Id, its object, and its condition or None."""

    paths: tuple[str, ...]
    sobject: str
    where: str | None


def parse_field_query(text: str) -> FieldQuery:
    """Take a query apart; raise QueryRefused, which says what it has and may not have, for any other kind of query."""
    masked = _QUOTED.sub(lambda quoted: "x" * len(quoted.group()), text)
    found = _QUERY.fullmatch(masked)
    if found is None:
        raise QueryRefused("The query is not of the form SELECT fields FROM object WHERE condition.", _WRITE)
    if "'" in masked:
        raise QueryRefused("A quote in the query is not closed.", r"Write a quote inside of a text as \'.")
    paths = _paths(found["fields"])
    source = _SOURCE.fullmatch(found["rest"])
    condition = source["where"] if source else None
    other = _OTHER.search(_outside(found["rest"] if source is None else condition or ""))
    if other is not None:
        words = " ".join(other[1].upper().split())
        raise QueryRefused(f"The query has {words}, but a sync follows every row that matches.", "Leave it out.")
    if source is None:
        raise QueryRefused("The query has an alias, or something else behind the name of its object.", _WRITE)
    start = found.start("rest") + source.start("where")
    where = None if condition is None else require_condition(text[start : found.end("rest")].rstrip())
    if where is not None and (name := unbound(where)):
        raise QueryRefused(f"The query has :{name}, but there is nothing to bind.", "Write the value itself.")
    return FieldQuery(tuple(paths), source["name"], where)


def _paths(fields: str) -> dict[str, None]:
    """Return the paths of a select list, without Id."""
    if "(" in fields or re.match(r"TYPEOF\s", fields, re.IGNORECASE):
        raise QueryRefused("The query selects a function, a sub-query or TYPEOF; none is a field of a row.", _WRITE)
    paths = dict.fromkeys(each.strip() for each in fields.split(","))
    wrong = next((path for path in paths if not _PATH.fullmatch(path)), None)
    if wrong is not None:
        raise QueryRefused(f"The query selects {wrong[:40] or 'nothing'!r}, which is not the name of a field.", _WRITE)
    return {path: None for path in paths if path.lower() != "id"}


def _outside(text: str) -> str:
    """Return what stands outside of parentheses."""
    outside, depth = "", 0
    for each in text:
        depth += {"(": 1, ")": -1}.get(each, 0)
        outside += each if not depth else " "
    return outside
