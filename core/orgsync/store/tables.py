"""Record tables: made from the class, widened with it, never narrowed."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import Column
from sqlalchemy.dialects.sqlite import dialect
from sqlalchemy.types import TypeEngine

from orgsync.errors import RecordClassInvalid
from orgsync.records import Schema, StoredDecimal

from .names import record_table
from .sqlite import row_sql
from .sqlite.driver import Statements

__all__ = ["columns_of", "declared_type", "exists", "misfits", "prepare", "record_tables", "table_named"]

_DIALECT = dialect()
_MARK = "sync_seq"
"""The column that tells a record table from the user's own."""


async def record_tables(on: Statements) -> list[str]:
    """Name every record table of the database."""
    return [name for (name,) in await on.fetch(row_sql.RECORD_TABLES)]


async def table_named(on: Statements, name: str) -> str:
    """Find a record table by its own name or its class's, in any case; raises ConfigurationInvalid."""
    return record_table(name, await record_tables(on), await on.file())


async def exists(on: Statements, table: str) -> bool:
    """Tell whether there is a table of this name."""
    return bool(await on.fetch(row_sql.HAS_TABLE, (table,)))


async def columns_of(on: Statements, table: str) -> dict[str, str]:
    """Answer with each column's declared type, in the table's order; empty where there is no such table.

    Columns that keep a number's digits are left out, as are computed ones that are not orgsync's.
    """
    return row_sql.readable_columns(
        (name, kind, computed) for name, kind, computed in await on.fetch(row_sql.COLUMNS, (table,))
    )


async def prepare(on: Statements, schema: Schema) -> list[str]:
    """Make or widen the table of a record class, and make the indexes that the class asks for and the table lacks.

    Answers with the names of columns added to a table that was there.
    """
    added = await _make_or_widen(on, schema)
    there = {name for (name,) in await on.fetch(row_sql.INDEXES, (schema.table,))}
    for column in schema.fields:
        if column.index and row_sql.index_of(schema.table, column.name) not in there:
            await on.fetch(row_sql.index_column(schema.table, column.name))
    return added


async def misfits(on: Statements, schema: Schema) -> list[RecordClassInvalid]:
    """Return what `prepare` would refuse of a class whose table holds rows: one error for each column."""
    stored = await columns_of(on, schema.table)
    if not stored:
        return []
    try:
        _require_ours(schema, stored)
    except RecordClassInvalid as problem:
        return [problem]
    declared = {column.name: declared_type(column.type) for column in _columns(schema)}
    unfit = _unfit_names(declared, stored)
    if not unfit or not await on.fetch(row_sql.any_row(schema.table)):
        return []
    return [_unfit(schema, name, declared[name], stored[name]) for name in unfit]


def _unfit_names(declared: Mapping[str, str], stored: Mapping[str, str]) -> list[str]:
    return [name for name, kind in declared.items() if name in stored and stored[name].upper() != kind.upper()]


async def _make_or_widen(on: Statements, schema: Schema) -> list[str]:
    stored = await columns_of(on, schema.table)
    declared = {column.name: declared_type(column.type) for column in _columns(schema)}
    if not stored:
        _require_free_name(schema)
        await _make(on, schema, declared)
        return []
    _require_ours(schema, stored)
    unfit = _unfit_names(declared, stored)
    if unfit:
        if await on.fetch(row_sql.any_row(schema.table)):
            raise _unfit(schema, unfit[0], declared[unfit[0]], stored[unfit[0]])
        await on.fetch(row_sql.drop(schema.table))
        await _make(on, schema, declared)
        return []
    missing = [name for name in declared if name not in stored]
    for name in missing:
        for statement in row_sql.add_column(schema.table, name, declared[name]):
            await on.fetch(statement)
    return missing


async def _make(on: Statements, schema: Schema, declared: Mapping[str, str]) -> None:
    required = [column.name for column in _columns(schema) if not column.nullable]
    await on.fetch(row_sql.create_table(schema.table, declared, required))
    await on.fetch(row_sql.index_changes(schema.table))


def _columns(schema: Schema) -> Iterable[Column[Any]]:
    return schema.model.metadata.tables[schema.table].columns


def declared_type(type: TypeEngine[Any]) -> str:
    """Name a column's type in SQLite."""
    return row_sql.NUMBER if isinstance(type, StoredDecimal) else type.compile(_DIALECT)


def _require_free_name(schema: Schema) -> None:
    if schema.table.lower().startswith(("sqlite_", "orgsync_")):
        raise RecordClassInvalid(
            f"{schema.model.__name__} would be kept in the table {schema.table}, a name that is taken.",
            f'Name its table in the class: __tablename__ = "my_{schema.table}".',
        )


def _require_ours(schema: Schema, stored: Collection[str]) -> None:
    """Refuse a table of the user's own."""
    if _MARK not in stored:
        raise RecordClassInvalid(
            f"{schema.model.__name__} would be kept in the table {schema.table}, which is not orgsync's.",
            f'Name its table in the class: __tablename__ = "my_{schema.table}".',
        )


def _unfit(schema: Schema, name: str, declared: str, stored: str) -> RecordClassInvalid:
    """Say that a column's values would not be what the class says."""
    return RecordClassInvalid(
        f"{schema.model.__name__}.{name} is {declared} in the class, but {stored} in the table {schema.table}.",
        "Take the type back, give the field another name, or give up the copy and make it anew: orgsync reset SYNC.",
    )
