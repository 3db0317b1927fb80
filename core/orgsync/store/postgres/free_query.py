"""A whole query of somebody who may read the record tables and nothing else, in a transaction that is read only."""

from collections.abc import Collection
from time import monotonic
from typing import Any

import msgspec
import psycopg

from ..free_query import QueryBounds, QueryResult, refused, takes_too_long
from .condition import require_only_tables, require_query

__all__ = ["free_query"]

_PAGE = 10


def free_query(on: "psycopg.Connection[Any]", sql: str, tables: Collection[str], bounds: QueryBounds) -> QueryResult:
    """Run one SELECT, inside of another that makes each row JSON; `tables` are those that it may read.

    What it calls is looked up, and what it reads is taken from its plan, before it is run. Raises ArgumentInvalid for
    any other statement, for one that reads or does more, and for one that costs too much.
    """
    try:
        with on.transaction(force_rollback=True):
            on.execute("SET TRANSACTION READ ONLY")
            on.execute("SELECT pg_catalog.set_config('statement_timeout', %s, true)", (f"{bounds.seconds}s",))
            require_query(sql, on)
            inner = f"FROM (\n{sql.replace('%', '%%')}\n) AS q"
            require_only_tables(f"SELECT q.* {inner}", (), on, tables, what="query")
            return _read(on, inner, bounds)
    except psycopg.errors.QueryCanceled:
        raise takes_too_long(bounds) from None
    except psycopg.Error as error:
        if not (error.sqlstate or "").startswith(("42", "22", "0A", "21", "25006", "54")):
            raise
        said = (error.diag.message_primary or "it cannot be read").strip()
        remedy = "Send one SELECT in PostgreSQL's SQL; the tool `tables` lists tables and columns."
        raise refused(f"{said}.", remedy) from None


def _read(on: "psycopg.Connection[Any]", inner: str, bounds: QueryBounds) -> QueryResult:
    described = on.execute(f"SELECT q.* {inner} LIMIT 0".encode(), ()).description or []
    columns = [each.name for each in described]
    if len(set(columns)) < len(columns):
        raise refused("two of its columns have the same name.", "Name each with AS.")
    until = monotonic() + bounds.seconds  # the timeout of statements begins again with each page
    rows: list[list[Any]] = []
    size = 0
    with on.cursor(name="free_query") as cursor:
        cursor.itersize = _PAGE
        text = f"SELECT pg_catalog.left(pg_catalog.row_to_json(q)::pg_catalog.text, {bounds.bytes + 1}) {inner}"
        cursor.execute(text.encode(), ())
        for (row,) in cursor:
            if monotonic() > until:
                raise takes_too_long(bounds)
            size += len(row.encode())
            if len(rows) == bounds.rows or size > bounds.bytes:
                return QueryResult(columns, rows, is_cut=True)
            rows.append(list(msgspec.json.decode(row, type=dict[str, Any]).values()))
    return QueryResult(columns, rows, is_cut=False)
