"""The types of a record class's columns, as PostgreSQL names them."""

from functools import lru_cache
from typing import Any

from sqlalchemy import Boolean, Date, Float, Integer, String
from sqlalchemy.types import JSON, TypeEngine

from orgsync.records import Schema, StoredDecimal, StoredTime, UtcDateTime, table_columns

__all__ = ["declared_types"]

_NAMES: dict[type[TypeEngine[Any]], str] = {
    String: "text",
    Boolean: "boolean",
    Integer: "bigint",
    Float: "double precision",
    StoredDecimal: "numeric",
    UtcDateTime: "timestamp with time zone",
    Date: "date",
    StoredTime: "time without time zone",
    JSON: "jsonb",
}


@lru_cache(maxsize=512)
def declared_types(schema: Schema) -> dict[str, str]:
    """Return the type of each column of a record class's table, in the table's order."""
    return {column.name: _name_of(column.type) for column in table_columns(schema.fields)}


def _name_of(type: TypeEngine[Any]) -> str:
    return next(name for kind, name in _NAMES.items() if isinstance(type, kind))
