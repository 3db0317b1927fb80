"""A user's condition on rows: one SQL expression, and nothing else."""

import re
import sqlite3
from collections.abc import Collection, Sequence

from orgsync.errors import ArgumentInvalid
from orgsync.suggest import nearest

__all__ = ["only_reading", "refusal", "require_expression"]

_TOKEN = re.compile(
    r"""'(?:[^']|'')*'|"(?P<name>(?:[^"]|"")*)"|`(?:[^`]|``)*`|\[[^\]]*\]|(?P<odd>--|/\*|[;?:@$'"`\[])|(?P<paren>[()])|.""",
    re.DOTALL,
)
_QUOTES = "'\"`["


def require_expression(condition: str, names: Collection[str]) -> None:
    """Raise ArgumentInvalid for a text that is not exactly one expression.

    `names` are the tables and columns there are: SQLite silently reads any other name in double quotes as text.
    """
    depth = 0
    for token in _TOKEN.finditer(condition):
        if odd := token["odd"]:
            what = f"the quote {odd} is not closed" if odd in _QUOTES else f"{odd} has no place in it"
            raise _refused(f"{what}.", "Give one SQL expression, text in single quotes: \"name = 'Acme'\".")
        quoted = token["name"]
        if quoted is not None and quoted.lower() not in names:
            raise _refused(f'there is no column "{quoted}".', f"Text goes in single quotes: '{quoted}'.")
        depth += {"(": 1, ")": -1}.get(token["paren"] or "", 0)
        if depth < 0:
            break
    if depth or not condition.strip():
        raise _refused(
            "its parentheses do not match." if depth else "it is empty.",
            "Give one SQL expression: \"name LIKE 'A%' AND NOT is_deleted\".",
        )


def only_reading(
    on: sqlite3.Connection,
    tables: Collection[str],
    *,
    counted: Collection[str] = (),
    not_called: Collection[str] = ("load_extension",),
) -> None:
    """Restrict a connection to reading these tables, change feeds among them.

    `counted` are names of a query's own, such as of CTEs, which are no tables: where no column of them is read, they
    are named as if they were. `not_called` are functions that it may not call.
    """

    def may(action: int, first: str | None, second: str | None, _database: str | None, view: str | None) -> int:
        known = first in tables or first in ("json_each", "json_tree")
        in_feed = first == "orgsync_cleared" and view in tables
        is_own = not second and first in counted
        reads = action == sqlite3.SQLITE_READ and (known or in_feed or is_own)
        calls = action == sqlite3.SQLITE_FUNCTION and second not in not_called
        allowed = reads or calls or action in (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_RECURSIVE)
        return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY

    on.set_authorizer(may)


def refusal(error: sqlite3.Error, columns: Sequence[str], table: str) -> ArgumentInvalid | None:
    """Return an error that explains what is wrong with a condition; None if the condition is not the cause."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    if code == sqlite3.SQLITE_AUTH or "not authorized" in str(error):
        return _refused("it may read record tables alone.", f"Ask of {table} and the other record tables.")
    if code != sqlite3.SQLITE_ERROR:
        return None
    missing = str(error).removeprefix("no such column: ")
    near = nearest(missing, columns) if missing != str(error) else None
    guess = f"Did you mean {near}? " if near else ""
    return _refused(f"{error}.", f"{guess}The columns of {table}: {', '.join(columns)}.")


def _refused(why: str, remedy: str) -> ArgumentInvalid:
    return ArgumentInvalid(f"The condition cannot be used: {why}", remedy)
