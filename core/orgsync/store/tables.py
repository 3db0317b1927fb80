"""Record tables: made from the class, widened with it, never narrowed."""

from sqlalchemy.dialects.sqlite import dialect
from sqlalchemy.schema import CreateTable

from orgsync.errors import RecordClassInvalid
from orgsync.records import Schema

from . import statements
from .names import unknown
from .sqlite import Statements

__all__ = ["columns_of", "prepare", "record_tables", "table_named"]

_DIALECT = dialect()
_MARK = "sync_seq"
"""The column that tells a record table from the user's own."""


async def record_tables(on: Statements) -> list[str]:
    """Name every record table of the database."""
    return [name for (name,) in await on.fetch(statements.RECORD_TABLES)]


async def table_named(on: Statements, name: str) -> str:
    """Find a record table by its own name or its class's, in any case; raises ConfigurationInvalid."""
    tables = await record_tables(on)
    if name in tables:
        return name
    folded = {_folded(table): table for table in tables}
    if _folded(name) in folded:
        return folded[_folded(name)]
    raise unknown("record table", name, tables, none_yet="Run a sync first: it makes the table of its record class.")


def _folded(name: str) -> str:
    return name.replace("_", "").lower()


async def columns_of(on: Statements, table: str) -> dict[str, str]:
    """Answer with each column's declared type, in the table's order; empty where there is no such table."""
    return dict(await on.fetch(statements.COLUMNS, (table,)))


async def prepare(on: Statements, schema: Schema) -> list[str]:
    """Make or widen the table of a record class, and make the indexes that the class asks for and the table lacks.

    Answers with the names of columns added to a table that was there.
    """
    added = await _make_or_widen(on, schema)
    there = {name for (name,) in await on.fetch(statements.INDEXES, (schema.table,))}
    for column in schema.fields:
        if column.index and statements.index_of(schema.table, column.name) not in there:
            await on.fetch(statements.index_column(schema.table, column.name))
    return added


async def _make_or_widen(on: Statements, schema: Schema) -> list[str]:
    stored = await columns_of(on, schema.table)
    table = schema.model.metadata.tables[schema.table]
    if not stored:
        _require_free_name(schema)
        await on.fetch(str(CreateTable(table).compile(dialect=_DIALECT)))
        await on.fetch(statements.index_changes(schema.table))
        return []
    declared = {column.name: column.type.compile(_DIALECT) for column in table.columns}
    _require_fit(schema, stored, declared)
    missing = [name for name in declared if name not in stored]
    for name in missing:
        await on.fetch(statements.add_column(schema.table, name, declared[name]))
    return missing


def _require_free_name(schema: Schema) -> None:
    if schema.table.lower().startswith(("sqlite_", "orgsync_")):
        raise RecordClassInvalid(
            f"{schema.model.__name__} would be kept in the table {schema.table}, a name that is taken.",
            f'Name its table in the class: __tablename__ = "my_{schema.table}".',
        )


def _require_fit(schema: Schema, stored: dict[str, str], declared: dict[str, str]) -> None:
    """Refuse a table that is not ours, and columns whose values would not be what the class says."""
    if _MARK not in stored:
        raise RecordClassInvalid(
            f"{schema.model.__name__} would be kept in the table {schema.table}, which is not orgsync's.",
            f'Name its table in the class: __tablename__ = "my_{schema.table}".',
        )
    unfit = [name for name, kind in declared.items() if name in stored and stored[name].upper() != kind.upper()]
    if unfit:
        raise RecordClassInvalid(
            f"{schema.model.__name__}.{unfit[0]} is {declared[unfit[0]]} in the class, "
            f"but {stored[unfit[0]]} in the table {schema.table}.",
            "Take the type back, give the field another name, or drop the table and run with --full.",
        )
