"""The statements that make, widen and describe record tables, in SQLite's words."""
# ruff: noqa: S608 # every name is quoted and every value a parameter

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from orgsync.column_names import exact_name

__all__ = [
    "COLUMNS",
    "CONVERTED",
    "HAS_TABLE",
    "INDEXED",
    "INDEXES",
    "NUMBER",
    "NUMBERED_BY_SEQ",
    "RECORD_TABLES",
    "SCHEMA_VERSION",
    "add_column",
    "any_row",
    "create_table",
    "drop",
    "has_owner",
    "index_changes",
    "index_column",
    "index_of",
    "index_of_changes",
    "python_value",
    "quoted",
    "readable_columns",
    "renumbered",
]

NUMBER = "NUMERIC"
"""The declared type of a column of Decimals."""

CONVERTED: dict[str, Callable[[Any], Any]] = {"BOOLEAN": bool, "JSON": json.loads}
"""What makes Python's values of stored ones, by the declared type; all else is read in stored form."""

RECORD_TABLES = (  # the index tells them from a user's own copy of one, made by CREATE TABLE AS
    "SELECT name FROM sqlite_master AS t WHERE type = 'table' "
    "AND EXISTS (SELECT 1 FROM pragma_table_info(t.name) WHERE name = 'sync_number') "
    "AND EXISTS (SELECT 1 FROM pragma_index_list(t.name) AS i WHERE i.name = t.name || '_sync_number') ORDER BY name"
)
SCHEMA_VERSION = "PRAGMA schema_version"
"""A number that SQLite raises in the file with every change of the schema, of other processes too."""

NUMBERED_BY_SEQ = (  # record tables as they were before their change feed was a view
    "SELECT name FROM sqlite_master AS t WHERE type = 'table' "
    "AND EXISTS (SELECT 1 FROM pragma_table_info(t.name) WHERE name = 'sync_seq') "
    "AND EXISTS (SELECT 1 FROM pragma_index_list(t.name) AS i WHERE i.name = t.name || '_sync_seq') ORDER BY name"
)
HAS_TABLE = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ? COLLATE NOCASE"
COLUMNS = "SELECT name, type, hidden = 2 FROM pragma_table_xinfo(?) WHERE hidden IN (0, 2)"  # 2: computed when read
INDEXES = "SELECT name FROM pragma_index_list(?)"
INDEXED = (
    "SELECT info.name FROM pragma_index_list(?) AS list JOIN pragma_index_info(list.name) AS info "
    "WHERE info.seqno = 0 AND info.name IS NOT NULL AND NOT list.partial"
)
"""The columns that come first in an index."""


def quoted(name: str) -> str:
    """Quote the name of a table or column."""
    return '"' + name.replace('"', '""') + '"'


def readable_columns(found: Iterable[tuple[str, str, int]]) -> dict[str, str]:
    """Return a table's columns and their types, from the rows of `COLUMNS`.

    Columns that keep a number's digits are left out, as are computed ones that are not orgsync's. A user's own column
    of the declared type NUMERIC, which has no digits beside it, is called DECIMAL.
    """
    described = list(found)
    stored = {name for name, _, computed in described if not computed}
    numbers = {name for name, _, computed in described if computed and exact_name(name) in stored}
    left_out = {exact_name(name) for name in numbers}
    return {
        name: "DECIMAL" if kind == NUMBER and not computed else kind
        for name, kind, computed in described
        if (name in numbers if computed else name not in left_out)
    }


def create_table(table: str, columns: Mapping[str, str], required: Iterable[str]) -> str:
    """Return the statement that makes a record table of columns with their types; the `required` ones take no NULL."""
    definitions = [each for name, kind in columns.items() for each in _definitions(name, kind, name in required)]
    return f"CREATE TABLE {quoted(table)} ({', '.join([*definitions, 'PRIMARY KEY (connection, id)'])})"


def any_row(table: str) -> str:
    """Return the query for whether a table has rows."""
    return f"SELECT 1 FROM {quoted(table)} LIMIT 1"


def has_owner(table: str) -> str:
    """Return the query for whether a connection has rows here."""
    return f"SELECT 1 FROM {quoted(table)} WHERE connection = ? LIMIT 1"


def add_column(table: str, column: str, kind: str) -> list[str]:
    """Return the statements that widen a table by a column."""
    return [f"ALTER TABLE {quoted(table)} ADD COLUMN {each}" for each in _definitions(column, kind, False)]


def _definitions(name: str, kind: str, required: bool) -> list[str]:
    """Define a column; one of numbers is two, the digits and the number that SQLite computes of them when it is read.

    Digits alone would compare as text, and a double alone would not hold them. Beside storing the number as well, this
    writes as fast as one column of text, and takes no more room.
    """
    if kind != NUMBER:
        return [f"{quoted(name)} {kind}{' NOT NULL' if required else ''}"]
    digits = quoted(exact_name(name))
    return [f"{digits} VARCHAR", f"{quoted(name)} {NUMBER} GENERATED ALWAYS AS (CAST({digits} AS {NUMBER})) VIRTUAL"]


def index_changes(table: str) -> str:
    """Return the statement that lets the change feed be read in order, and changes be counted without their rows."""
    return f"CREATE INDEX {quoted(index_of_changes(table))} ON {quoted(table)} (sync_number, sync_change)"


def index_of_changes(table: str) -> str:
    """Return the name of the index that a change feed is read by."""
    return f"{table}_sync_number"


def renumbered(table: str) -> list[str]:
    """Return the statements that give a table of `NUMBERED_BY_SEQ` today's names."""
    return [
        f"ALTER TABLE {quoted(table)} RENAME COLUMN sync_seq TO sync_number",
        f"DROP INDEX {quoted(table + '_sync_seq')}",
        index_changes(table),
    ]


def index_of(table: str, column: str) -> str:
    """Return the name of the index that a record class asks for on a column."""
    return f"{table}__{column}"


def index_column(table: str, column: str) -> str:
    """Return the statement that makes a column's index."""
    return f"CREATE INDEX {quoted(index_of(table, column))} ON {quoted(table)} ({quoted(column)})"


def drop(table: str) -> str:
    """Return the statement that drops a table, if it is there."""
    return f"DROP TABLE IF EXISTS {quoted(table)}"


def python_value(kind: str, value: Any) -> Any:
    """Make Python's value of a stored one, by its column's declared type."""
    return CONVERTED[kind](value) if kind in CONVERTED and value is not None else value
