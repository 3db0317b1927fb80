"""A few rows as one JSON parameter: they need no stage, so that a small commit is a few round trips."""
# ruff: noqa: S608 # every name is quoted and every value a parameter

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from .table_sql import quoted

if TYPE_CHECKING:
    from orgsync.records import Row, Schema

__all__ = ["FEW", "given_rows", "json_rows"]

FEW = 500
"""Up to so many rows; more are sooner parsed and planned for as a table."""

_WIDEST = 2**63


def json_rows(schema: "Schema", rows: "Sequence[Row]") -> str | None:
    """Return rows as JSON; None for those with a value that JSON or PostgreSQL's way of reading it would not keep.

    COPY takes those as they are, or says what is wrong with them.
    """
    for column, values in zip(schema.columns, zip(*rows, strict=True), strict=True):
        if column.type is float and not all(type(value) is not float or math.isfinite(value) for value in values):
            return None
        if column.type is int and not all(type(value) is not int or -_WIDEST <= value < _WIDEST for value in values):
            return None
    keys = [f"c{place}" for place in range(len(schema.columns))]
    try:
        text = msgspec.json.encode([dict(zip(keys, row, strict=True)) for row in rows])
    except (UnicodeEncodeError, TypeError):
        return None
    return None if b"u0000" in text else text.decode()  # NUL, in a text or in JSON within it


def given_rows(schema: "Schema", kinds: Mapping[str, str]) -> str:
    """Return the FROM item that reads `json_rows`: columns by their names, and `sync_place` from a number on.

    JSON within a row is a text there, so it is read as one. Its parameters: the number before the first, and the rows.
    """
    read, named = list[str](), list[str]()
    for place, column in enumerate(schema.columns):
        is_json = kinds[column.name] == "jsonb"
        read.append(f"c{place} {'text' if is_json else kinds[column.name]}")
        named.append(f"c{place}{'::jsonb' if is_json else ''} AS {quoted(column.name)}")
    keys = ", ".join(f"c{place}" for place in range(len(read)))
    return (
        f"(SELECT {', '.join(named)}, %s::bigint + place AS sync_place FROM ROWS FROM (json_to_recordset(%s::json) "
        f"AS ({', '.join(read)})) WITH ORDINALITY AS given({keys}, place)) AS given"
    )
