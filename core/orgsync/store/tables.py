"""Record tables: made from the class, widened with it, never narrowed."""

from collections.abc import Mapping, Sequence

from orgsync.errors import RecordClassInvalid
from orgsync.records import Schema

from .backend import Transaction

__all__ = ["misfits", "prepare"]

_RESERVED = ("sqlite_", "orgsync_")
"""How no table of records is called: SQLite's own tables are, and orgsync's."""


async def prepare(on: Transaction, schema: Schema) -> Sequence[str]:
    """Make or widen the table of a record class, and make the indexes that the class asks for and the table lacks.

    Return the names of columns added to a table that was there. Raises RecordClassInvalid for a column whose type no
    longer fits, or a table that is not orgsync's.
    """
    await _require_free_feed(on, schema)
    added = await _make_or_widen(on, schema)
    await on.tables.make_feed(schema.table)
    await on.tables.index(schema)
    return added


async def misfits(on: Transaction, schema: Schema) -> Sequence[RecordClassInvalid]:
    """Return what `prepare` would refuse of a class as its table is now: one error for each column that holds rows."""
    stored = await on.tables.columns(schema.table)
    try:
        if stored:
            await _require_ours(on, schema)
        await _require_free_feed(on, schema)
    except RecordClassInvalid as problem:
        return [problem]
    if not stored:
        return []
    declared = on.tables.declared(schema)
    unfit = _unfit_names(declared, stored)
    if not unfit or not await on.tables.has_rows(schema.table):
        return []
    return [_unfit(schema, name, declared[name], stored[name]) for name in unfit]


def _unfit_names(declared: Mapping[str, str], stored: Mapping[str, str]) -> list[str]:
    return [name for name, kind in declared.items() if name in stored and stored[name].upper() != kind.upper()]


async def _make_or_widen(on: Transaction, schema: Schema) -> Sequence[str]:
    stored = await on.tables.columns(schema.table)
    if not stored:
        _require_free_name(schema)
        await on.tables.make(schema)
        return []
    await _require_ours(on, schema)
    declared = on.tables.declared(schema)
    unfit = _unfit_names(declared, stored)
    if unfit:
        if await on.tables.has_rows(schema.table):
            raise _unfit(schema, unfit[0], declared[unfit[0]], stored[unfit[0]])
        await on.tables.drop(schema.table)
        await on.tables.make(schema)
        return []
    missing = [name for name in declared if name not in stored]
    await on.tables.widen(schema, missing)
    return missing


def _require_free_name(schema: Schema) -> None:
    if schema.table.lower().startswith(_RESERVED):
        raise RecordClassInvalid(
            f"{schema.model.__name__} would be kept in the table {schema.table}, whose name has a reserved prefix "
            f"({', '.join(_RESERVED)}).",
            f'Name its table in the class: __tablename__ = "my_{schema.table}".',
        )


async def _require_free_feed(on: Transaction, schema: Schema) -> None:
    """Refuse a class whose change feed would have a name that something else has."""
    taken = await on.tables.feed_conflict(schema.table)
    if taken is not None:
        raise RecordClassInvalid(
            f"The change feed of {schema.model.__name__} needs the name {taken}, which something else in the database "
            "has.",
            f"Rename or drop that one. {_instead(schema)}",
        )


async def _require_ours(on: Transaction, schema: Schema) -> None:
    """Refuse a table of the user's own."""
    if schema.table.lower() not in {table.lower() for table in await on.tables.list()}:
        raise RecordClassInvalid(
            f"{schema.model.__name__} would be kept in the table {schema.table}, which is not orgsync's.",
            _instead(schema),
        )


def _instead(schema: Schema) -> str:
    """Say where the rows may be kept instead; a sync that a package brings has a class that nobody here can change."""
    return (
        "Give orgsync a database of its own: ORGSYNC_DATABASE_URL. Or let a sync of your own have another table: in "
        f'the class __tablename__ = "my_{schema.table}", in [[objects]] table = "my_{schema.table}".'
    )


def _unfit(schema: Schema, name: str, declared: str, stored: str) -> RecordClassInvalid:
    """Return the error for a column whose values would not be what the class says."""
    return RecordClassInvalid(
        f"{schema.model.__name__}.{name} is {declared} in the class, but {stored} in the table {schema.table}.",
        "Restore the type, give the field another name, or discard the copy and make another: orgsync reset SYNC.",
    )
