"""Typed reading of the copy: SQLModel's `select` in a session that returns live rows and cannot write."""

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, TypeVarTuple, cast, overload

import anyio.to_thread
from sqlalchemy import ClauseElement, ColumnElement, Table
from sqlalchemy import Select as AnySelect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import with_loader_criteria
from sqlalchemy.sql import visitors
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import Select, SelectOfScalar

from orgsync.errors import ArgumentInvalid, NameUnknown
from orgsync.records import Record, schema_of
from orgsync.settings import Settings
from orgsync.store import Store

from .view import open_view

if TYPE_CHECKING:
    from sqlalchemy import ScalarResult
    from sqlalchemy.engine import TupleResult
    from sqlalchemy.sql.base import ExecutableOption

__all__ = ["ReadSession", "open_read_session", "select"]

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class ReadSession:
    """Reads one state of the copy, the one at its first statement; made by `orgsync.session()`. It cannot write.

    Every record class in a statement, also in a join or a subquery, stands for its live rows, and where the session has
    a connection, for those of that connection. A class that is joined by LEFT JOIN keeps its rows' partners. Objects
    may be used after the session has ended.
    """

    def __init__(self, session: AsyncSession, settings: Settings, *, connection: str | None, deleted: bool) -> None:
        self._session = session
        self._settings = settings
        self._connection = connection
        self._deleted = deleted

    @overload
    async def exec(self, statement: "Select[*Ts]") -> "TupleResult[tuple[*Ts]]": ...

    @overload
    async def exec(self, statement: "SelectOfScalar[T]") -> "ScalarResult[T]": ...

    async def exec(self, statement: "Select[*Ts] | SelectOfScalar[T]") -> "TupleResult[tuple[*Ts]] | ScalarResult[T]":
        """Run a select, and return its result, whole in memory: `.all()`, `.first()` and `.one()` read it.

        A row is an object where one class or column is selected, else a tuple. Raises NameUnknown for a record class
        whose table or column does not exist yet, and ArgumentInvalid for any other statement than a select.
        """
        restricted = self._restricted(statement)
        try:
            result = cast("Any", await self._session.exec(restricted))
        except DBAPIError as error:
            raise await self._explained(error, restricted) from error.orig
        return cast("TupleResult[tuple[*Ts]] | ScalarResult[T]", result)

    @overload
    def stream(self, statement: "Select[*Ts]") -> "AsyncGenerator[tuple[*Ts]]": ...

    @overload
    def stream(self, statement: "SelectOfScalar[T]") -> "AsyncGenerator[T]": ...

    async def stream(self, statement: Any) -> AsyncGenerator[Any]:
        """Run a select, and yield its rows one by one, with a few hundred in memory; raises as `exec` does."""
        restricted = self._restricted(statement)
        reads_one = isinstance(restricted, SelectOfScalar)
        try:
            rows: Any = await (self._session.stream_scalars if reads_one else self._session.stream)(restricted)
        except DBAPIError as error:
            raise await self._explained(error, restricted) from error.orig
        try:
            async for row in rows:
                yield row
        finally:
            await rows.close()

    def _restricted(self, statement: object) -> Any:
        """Return the select with each record class restricted to the rows that the session reads."""
        if not isinstance(statement, AnySelect):
            raise ArgumentInvalid(
                f"The session reads by select, but it was given {type(statement).__name__}.",
                "Build the statement with orgsync.select; a union is read through select(...).select_from(subquery).",
            )
        restricted = cast("AnySelect[Any]", statement)
        for model in _record_classes(restricted):
            if not self._deleted:
                restricted = restricted.options(_only(model, col(model.is_deleted).is_(False)))
            if self._connection is not None:
                restricted = restricted.options(_only(model, col(model.connection) == self._connection))
        return restricted

    async def _explained(self, error: DBAPIError, statement: Any) -> Exception:
        """Return an error that names the table or column that does not exist yet, or else the database's own."""
        missing = partial(_missing, self._settings, _record_classes(statement))
        return await anyio.to_thread.run_sync(missing) or error


@asynccontextmanager
async def open_read_session(
    store: Store, settings: Settings, *, connection: str | None = None, deleted: bool = False
) -> AsyncGenerator[ReadSession]:
    """Open a session on a store; raises NameUnknown for a connection that does not exist."""
    if connection is not None:
        await store.connections.get(connection)
    async with store.session() as session:
        yield ReadSession(session, settings, connection=connection, deleted=deleted)


def _only(model: type[Record], condition: ColumnElement[bool]) -> "ExecutableOption":
    return with_loader_criteria(model, condition, include_aliases=True)


def _record_classes(statement: ClauseElement) -> list[type[Record]]:
    """Return the record classes whose tables a statement reads, also in joins and subqueries."""
    tables: set[Any] = {part for part in visitors.iterate(statement) if isinstance(part, Table)}
    return [model for model in _subclasses(Record) if getattr(model, "__table__", None) in tables]


def _subclasses(model: type[Record]) -> Iterator[type[Record]]:
    for each in model.__subclasses__():
        yield each
        yield from _subclasses(each)


def _missing(settings: Settings, models: Sequence[type[Record]]) -> NameUnknown | None:
    """Return the error for the first table or column of the classes that the database does not have."""
    with open_view(settings) as view:
        tables = set(view.tables())
        for schema in map(schema_of, models):
            name = schema.model.__name__
            if schema.table not in tables:
                return NameUnknown(
                    f"There is no table {schema.table!r} of the record class {name} yet.",
                    f"Run a sync of {name}: it creates the table. {settings.store_place}",
                )
            stored = view.columns(schema.table)
            if lacking := [column.name for column in schema.fields if column.name not in stored]:
                return NameUnknown(
                    f"The table {schema.table!r} does not have the column {lacking[0]!r} of {name} yet.",
                    f"Run the sync of {name}: it adds the column and fills it.",
                )
    return None
