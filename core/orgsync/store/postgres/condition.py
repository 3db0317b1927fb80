"""A user's condition on rows: one SQL expression, and nothing else."""

import json
import re
from collections.abc import Collection, Sequence
from typing import Any, cast

import psycopg

from orgsync.errors import ArgumentInvalid
from orgsync.suggest import nearest

__all__ = ["refusal", "require_expression", "require_only_tables", "require_query"]

_TOKEN = re.compile(
    r"""'(?:[^']|'')*'|(?P<quoted>"(?:[^"]|"")*")\s*(?=\()|"(?:[^"]|"")*"|(?P<call>[^\W\d][\w$]*)\s*(?=\()"""
    r"""|(?P<word>[^\W\d][\w$]*)"""
    r"""|(?P<odd>--|/\*|[;\\$'"])|(?P<paren>[()])|.""",
    re.DOTALL,
)
_ESCAPES = re.compile(r"""(?<![^\W\d])(?:[eEuU]&?'|[uU]&")""")  # in which a character could stand for another one
_NO_FUNCTIONS = re.compile(
    "and|or|not|in|any|all|some|exists|between|like|ilike|is|as|from|where|select|values|when|then|else|case|on|over|"
    "filter|cast|row|array|using|by|coalesce|nullif|greatest|least|extract|substring|trim|position|overlay|interval|"
    "numeric|decimal|varchar|char|timestamp|timestamptz|time|distinct|limit|union",
    re.IGNORECASE,
)
"""Words that stand before a parenthesis and are the grammar's."""

_PURE = (  # what only computes: no function that writes, waits, reads files, or runs a query that it is given
    "SELECT bool_and(provolatile IN ('i', 's') AND proname !~ '_to_xml|^pg_|^lo_|^dblink|current_setting|^has_') "
    "FROM pg_catalog.pg_proc WHERE proname = %s"
)


_ONE = {
    "condition": "Give one SQL expression, text in single quotes: \"name = 'Acme' AND NOT is_deleted\".",
    "query": "Send one SELECT, with text in single quotes and no comment.",
}
"""What may be given, by what it is called."""

_IN_QUERIES = (  # of PostgreSQL's own, or of nobody: then the name is a word of the grammar, or a CTE's
    "SELECT bool_and(provolatile IN ('i', 's') AND pronamespace = 'pg_catalog'::pg_catalog.regnamespace "
    "AND proname !~ '_to_xml|^pg_|^lo_|^dblink|current_setting|^has_|^(repeat|lpad|rpad|format|array_fill)$') "
    "FROM pg_catalog.pg_proc WHERE proname = %s"
)


def require_expression(condition: str, on: "psycopg.Connection[Any]") -> None:
    """Raise ArgumentInvalid for a text that is not exactly one expression, or calls more than what computes."""
    for name in _calls(condition):
        found = on.execute(_PURE, (name,)).fetchone()
        if found is None or found[0] is None:
            raise _refused(f"there is no function {name}.", "Use PostgreSQL's own functions.")
        if not found[0]:
            raise _refused(f"{name} does more than compute.", "Use functions of the row's values alone.")


def require_query(sql: str, on: "psycopg.Connection[Any]") -> None:
    """Raise ArgumentInvalid for a text that is more than one query, or calls more than what computes.

    What it reads is in its plan: `require_only_tables`.
    """
    for name in _calls(sql, "query"):
        [found] = on.execute(_IN_QUERIES, (name,)).fetchall()
        if found[0] is False:
            remedy = "Use functions of PostgreSQL's that compute, alone."
            raise _refused(f"{name} does more than compute.", remedy, "query")


def _calls(condition: str, what: str = "condition") -> set[str]:
    """Return the functions that an expression, or a query, calls by name; raises ArgumentInvalid for more than one."""
    depth, calls = 0, set[str]()
    if _ESCAPES.search(condition):
        raise _refused("it has text, or a name, with escapes.", "Write both in plain quotes.", what)
    for token in _TOKEN.finditer(condition):
        if odd := token["odd"]:
            why = f"the quote {odd} is not closed" if odd in "'\"" else f"{odd} has no place in it"
            raise _refused(f"{why}.", _ONE[what], what)
        if token["quoted"]:
            calls.add(token["quoted"].strip()[1:-1].replace('""', '"'))
        if token["call"] and not _NO_FUNCTIONS.fullmatch(token["call"]):
            calls.add(token["call"].lower())
        depth += {"(": 1, ")": -1}.get(token["paren"] or "", 0)
        if depth < 0:
            break
    if depth or not condition.strip():
        raise _refused("its parentheses do not match." if depth else "it is empty.", _ONE[what], what)
    return calls


def require_only_tables(
    sql: str,
    parameters: Sequence[Any],
    on: "psycopg.Connection[Any]",
    tables: Collection[str],
    *,
    what: str = "condition",
) -> None:
    """Raise ArgumentInvalid where a query reads any other table than these; it is planned, and not run."""
    explained = on.execute(f"EXPLAIN (VERBOSE, FORMAT JSON) {sql}".encode(), parameters).fetchone()
    plan: Any = explained[0] if explained else []
    [(own,)] = on.execute("SELECT current_schema()::text").fetchall()
    for schema, name in _relations(json.loads(plan) if isinstance(plan, str) else plan):
        if schema != own or name not in {*tables, "orgsync_cleared", "orgsync_sequence"}:
            raise _refused("it may read record tables alone.", f"Ask of {', '.join(sorted(tables))}.", what)


def _relations(node: Any) -> list[tuple[str, str]]:
    """List the tables, and functions in the place of tables, that a plan reads."""
    if isinstance(node, list):
        parts = cast("list[Any]", node)  # type: ignore[redundant-cast] # pyright asks for it
        return [each for part in parts for each in _relations(part)]
    if not isinstance(node, dict):
        return []
    values = cast("dict[str, Any]", node)
    own = [(values.get("Schema", ""), values["Relation Name"])] if "Relation Name" in values else []
    called = [("", values["Function Name"])] if values.get("Function Name") not in (None, "unnest") else []
    return [*own, *called, *(each for part in values.values() for each in _relations(part))]


def refusal(error: psycopg.Error, columns: Sequence[str], table: str) -> ArgumentInvalid | None:
    """Return an error that explains what is wrong with a condition; None if the condition is not the cause."""
    if not (error.sqlstate or "").startswith(("42", "22", "0A", "21")):
        return None
    said = (error.diag.message_primary or "it cannot be read").strip()
    missing = re.search(r'column "?([^" ]+)"? does not exist', said)
    near = nearest(missing[1].rpartition(".")[2], columns) if missing else None
    guess = f"Did you mean {near}? " if near else ""
    quotes = "Text goes in single quotes. " if missing else ""
    return _refused(f"{said}.", f"{guess}{quotes}The columns of {table}: {', '.join(columns)}.")


def _refused(why: str, remedy: str, what: str = "condition") -> ArgumentInvalid:
    return ArgumentInvalid(f"The {what} cannot be used: {why}", remedy)
