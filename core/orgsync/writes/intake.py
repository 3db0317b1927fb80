"""Taking in the rows of a write: each is checked against the object and stored, before anything is sent."""

from collections.abc import AsyncIterable, AsyncIterator, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast

import anyio.lowlevel
import sqlalchemy as sa

from orgsync.errors import ArgumentInvalid, OrgsyncError
from orgsync.field_mapping import MappedColumn
from orgsync.records import Column, Record, Schema, long_id, mapped, schema_of
from orgsync.records.scalars import valid_id
from orgsync.salesforce.api.client import Client

from .csv_file import RESERVED
from .row_result import RowResult, RowStatus
from .spool import ABSENT, Given, Spool, Value
from .target import ID, Target
from .values import NULL, ValueInvalid, csv_text, flat, value_of

__all__ = ["Intake", "Rows", "take_in"]

RowGiven: TypeAlias = Mapping[str, object] | Record
Rows: TypeAlias = Iterable[RowGiven] | AsyncIterable[RowGiven]

_CHUNK = 1000  # rows stored at a time
_MOST_GROUPS = 16  # of rows with the same columns; rows with yet other columns share one


@dataclass(slots=True)
class Intake:
    """Checks rows for a target, and stores them.

    `schema` lets the keys of a mapping be names of a record class; `mapping` are the fields that the connection has in
    place of those that record classes name.
    """

    client: Client
    target: Target
    spool: Spool
    schema: Schema | None = None
    mapping: Sequence[MappedColumn] = ()
    rows: int = 0
    _schemas: dict[type[Record], Schema] = field(default_factory=dict[type[Record], Schema], init=False)
    _known: dict[tuple[str, ...], tuple[str, ...]] = field(
        default_factory=dict[tuple[str, ...], tuple[str, ...]], init=False
    )
    _own: set[tuple[str, ...]] = field(default_factory=set[tuple[str, ...]], init=False)
    _held: list[Given] = field(default_factory=list[Given], init=False)
    _refused: list[RowResult] = field(default_factory=list[RowResult], init=False)

    async def add(self, row: RowGiven, *, line: int = 0) -> None:
        """Take in one row; `line` is where it begins in its file. Raises ArgumentInvalid and FieldNotFound."""
        place, self.rows = self.rows, self.rows + 1
        where = f"line {line}" if line else f"the row at index {place}"
        cells = self._cells(row, where)
        columns = await self.columns(tuple(cells), where)
        values = [self._value(name, value, where) for name, value in cells.items()]
        self._place(place, line, columns, values)
        if len(self._held) >= _CHUNK:
            self.flush()
            await anyio.lowlevel.checkpoint()

    def flush(self) -> None:
        """Store what is held back."""
        self.spool.add(self._held)
        self.spool.save(self._refused)
        self._held, self._refused = [], []

    def _place(self, place: int, line: int, columns: tuple[str, ...], values: list[Value]) -> None:
        """Put a row into its group; one that does not say which row of the org it means is refused here."""
        key = self.target.key
        if key is not None:
            at = columns.index(key)
            if (refusal := _refusal(place, key, values[at]) or self._of_another_object(place, values[at])) is not None:
                self._refused.append(refusal)
            elif key == ID:
                values[at] = long_id(str(values[at]))
        if columns in self._own or len(self._own) < _MOST_GROUPS:
            self._own.add(columns)
            group = self.spool.group_of(columns, literal=NULL in values)
        else:
            group, at_columns = self.spool.wide_group_of(columns, literal=NULL in values)
            given = dict(zip(at_columns, values, strict=True))
            values = [given.get(at, ABSENT) for at in range(max(at_columns) + 1)]
        size = sum(len(csv_text(value).encode()) + 3 for value in values)
        self._held.append(Given(place, line, group, size, values))

    def _of_another_object(self, place: int, value: Value) -> RowResult | None:
        """Refuse an Id that cannot be one of the object's: a collection would delete whatever row has it."""
        prefix = self.target.sobject.key_prefix
        if not self.target.operation.deletes or str(value).startswith(prefix):
            return None
        message = f"the Id is not one of {self.target.sobject.name}, whose Ids begin with {prefix}; the row is not sent"
        return RowResult(place, RowStatus.REFUSED, code="INVALID_ID_FIELD", fields=(ID,), message=message)

    async def columns(self, names: tuple[str, ...], where: str) -> tuple[str, ...]:
        """Return the columns of rows with these keys, checked once for all of them."""
        if names not in self._known:
            with _placed(where):
                self._known[names] = await self._checked(names)
        return self._known[names]

    async def header(self, names: Sequence[str]) -> None:
        """Check the columns of a CSV by its header; what is wrong with one is reported with its place there."""
        needed = self.needed({name: None for name in names if not name.startswith(RESERVED)}, "line 1")
        for at, name in enumerate(names, start=1):
            if name in needed:
                with _placed(f"line 1, column {at}"):
                    await self.target.column(self.client, name)
        await self.columns(tuple(needed), "line 1")

    async def _checked(self, names: tuple[str, ...]) -> tuple[str, ...]:
        columns = tuple([await self.target.column(self.client, name) for name in names])
        if twice := {name for name in columns if columns.count(name) > 1}:
            raise ArgumentInvalid(f"The column {min(twice)} is there twice.", "Leave one of them out.")
        if not columns:
            raise ArgumentInvalid("A row has no columns.", "Leave it out, or give it values.")
        self.target.require_key(columns)
        return columns

    def _cells(self, row: RowGiven, where: str) -> dict[str, object]:
        if isinstance(row, Record):
            cells = _of_record(row, self._schema_of(type(row)), with_id=self.target.key == ID, where=where)
        elif isinstance(cast("object", row), Mapping):
            cells = flat(self._renamed(row, where))
        else:
            raise ArgumentInvalid(
                f"A row is neither a mapping nor a record, but {type(row).__name__} ({where}).",
                'Write it as {"LastName": "Lovelace"}.',
            )
        return self.needed(cells, where)

    def needed(self, cells: dict[str, object], where: str) -> dict[str, object]:
        """Return what the operation needs of a row: where rows are deleted, the Id alone."""
        if not self.target.operation.deletes:
            return cells
        found = {name: value for name, value in cells.items() if name.lower() == "id"}
        if not found:
            with _placed(where):
                self.target.require_key(tuple(cells))
        return found

    def _schema_of(self, model: type[Record]) -> Schema:
        if model not in self._schemas:
            self._schemas[model] = mapped(schema_of(model), self.mapping)
        return self._schemas[model]

    def _renamed(self, row: Mapping[str, object], where: str) -> Mapping[str, object]:
        if self.schema is None:
            return row
        for column in self.schema.columns:
            if column.name in row and (column.mask or column.extra):
                raise _not_written(self.schema, column, where)
        paths = {column.name: column.path for column in self.schema.columns if not column.local}
        return {paths.get(name, name): value for name, value in row.items()}

    def _value(self, name: str, given: object, where: str) -> Value:
        try:
            return value_of(given)
        except ValueInvalid as error:
            raise ArgumentInvalid(
                f"{name} holds {error} ({where}).",
                "Give text, a number, a boolean, a date, a time, a datetime with its zone, or None.",
            ) from None


@contextmanager
def _placed(where: str) -> Generator[None]:
    """Say in an error where the row or the column is."""
    try:
        yield
    except OrgsyncError as problem:
        problem.cause = f"{problem.cause} ({where})"
        problem.args = (f"{problem.cause} {problem.remedy}",)
        raise


async def take_in(intake: Intake, rows: Rows) -> None:
    """Take in all rows."""
    async for row in _each(rows):
        await intake.add(row)
    intake.flush()


async def _each(rows: Rows) -> AsyncIterator[RowGiven]:
    if isinstance(rows, AsyncIterable):
        async for row in rows:
            yield row
        return
    for row in rows:
        yield row


def _of_record(row: Record, schema: Schema, *, with_id: bool, where: str) -> dict[str, object]:
    """Return the fields that were set in a record, or read into it; those of parents are not the object's own."""
    state: Any = sa.inspect(row)
    loaded = vars(row).keys() if state.persistent or state.detached else row.model_fields_set
    given = [column for column in schema.fields if column.name in loaded and not column.local]
    for column in given:
        if (column.mask or column.extra) and getattr(row, column.name) is not None:
            raise _not_written(schema, column, where)
    cells = {column.path: getattr(row, column.name) for column in given if _is_own(column)}
    return {ID: row.id, **cells} if with_id else cells


def _is_own(column: Column) -> bool:
    """Return whether a column holds a field of the object itself, as it is."""
    return "." not in column.path and not column.mask and not column.extra


def _not_written(schema: Schema, column: Column, where: str) -> ArgumentInvalid:
    name = f"{schema.model.__name__}.{column.name}"
    if column.mask:
        return ArgumentInvalid(
            f"{name} is masked: its hash would replace the value that the org has ({where}).",
            "Write a mapping with the fields that are to change, without it.",
        )
    return ArgumentInvalid(
        f"{name} holds several fields ({where}).", "Write a mapping with the names of the fields that are to change."
    )


def _refusal(place: int, key: str, value: Value) -> RowResult | None:
    """Return why a row cannot be found in the org; None where it can be looked for."""
    if value is None or value is ABSENT:
        message = "is empty, so the row is not sent"
        return RowResult(place, RowStatus.REFUSED, code="MISSING_ARGUMENT", fields=(key,), message=message)
    if key == ID and valid_id(value) is None:
        message = "is no Id of 15 or 18 letters and digits, so the row is not sent"
        return RowResult(place, RowStatus.REFUSED, code="MALFORMED_ID", fields=(key,), message=message)
    return None
