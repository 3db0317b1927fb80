"""The database opened for reading, with sqlite3 alone: commands that only read do not load SQLAlchemy."""

import sqlite3
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import fields
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from orgsync.errors import NameUnknown

from .. import health_sql
from ..free_query import QueryBounds, QueryResult
from ..health_rows import AlertRow, SchemaRow, StandingRow, owed_rows, schema_row
from ..row_pages import pages_of, require_columns
from ..run_filter import run_filter
from ..schema_queries import SchemaQueries, tables_changed
from ..statuses import Owed
from ..unknown_names import record_table, require_sync, row_id
from ..versions import MARKED, MOVE_NOTE, VERSION_TABLE, is_newest, moved
from ..view import ConnectionRow, RunRow, ScheduleRow, Selection, connection_named
from . import control_sql, feed_sql, row_sql, table_sql
from .condition import only_reading, refusal, require_expression
from .errors import errors_explained
from .free_query import free_query
from .in_place import file_at, is_of_database, require_folder, require_same_file
from .private import require_no_links, require_private_database
from .seen_runs import seen_run
from .selected import query_of
from .state_copy import back_up, nothing_to_back_up
from .view_file import file_of, opened, upgrade
from .view_rows import alert_row, connection_row, instant, standing_row

__all__ = ["SqliteView"]

_NONE: tuple[int, datetime | None] = (0, None)


class SqliteView:
    """A database opened for reading; if there is none yet, it looks like an empty one."""

    def __init__(self, path: Path, on: sqlite3.Connection | None, folder: Path) -> None:
        self._path = path
        self._on = on
        self._folder = folder
        self._absolute = path.absolute()  # a caller may change the working directory
        self._file = file_at(self._absolute)
        self._schema = SchemaQueries(self._fetch, self._schema_version)

    @classmethod
    @contextmanager
    def open(cls, url: str, *, folder: Path) -> "Generator[SqliteView]":
        """Open the database at `url` without creating one; an older version is upgraded first.

        Raises as `Store.open` does.
        """
        path = file_of(url)
        require_no_links(path)
        if not path.exists():
            require_folder(path, made_with_it=folder)
            yield cls(path, None, folder)
            return
        with errors_explained(path):
            on = opened(path)
        with closing(on):
            view = cls(path, on, folder)
            if not view._fetch(control_sql.TABLE_EXISTS, (VERSION_TABLE,)):  # another's database, or a new one
                yield cls(path, None, folder)
                return
            require_private_database(path)
            if not view._is_current():
                upgrade(url, folder)
            with errors_explained(path):
                on.execute("PRAGMA query_only = ON")
            yield view

    @property
    def has_tables(self) -> bool:
        """Whether orgsync's tables are there."""
        return self._on is not None

    def connections(self) -> list[ConnectionRow]:
        """Read every connection, by name."""
        names = [each.name for each in fields(ConnectionRow)]
        stored = ", ".join(f'"{name}"' for name in names)
        found = self._fetch(f"SELECT {stored} FROM orgsync_connection ORDER BY name")  # noqa: S608 # constants alone
        return [connection_row(dict(zip(names, row, strict=True))) for row in found]

    def connection(self, name: str) -> ConnectionRow:
        """Read one connection; raises NameUnknown, with the nearest name, for one that does not exist."""
        return connection_named(name, self.connections(), str(self._path.absolute()))

    def run(self, run_id: int) -> RunRow:
        """Read one run; raises NameUnknown for a number that none has."""
        found = self._fetch(control_sql.RUN, (row_id(run_id),))
        if not found:
            raise NameUnknown(f"There is no run {run_id}.", "List them: orgsync runs.")
        return seen_run(found[0], self._fetch, self._folder)

    def runs(
        self, limit: int, *, sync: str | None = None, action: str | None = None, connection: str | None = None
    ) -> list[RunRow]:
        """Read runs, the latest first: all, or those of one sync or of one action."""
        found = self._fetch(control_sql.RUNS, (*run_filter(sync, action), connection, limit))
        return [seen_run(row, self._fetch, self._folder) for row in found]

    def pairs(self) -> list[tuple[str, str]]:
        """List each sync and connection that has a run."""
        return [(sync, connection) for sync, connection in self._fetch(control_sql.RUN_PAIRS)]

    def syncs(self) -> list[str]:
        """List the syncs that have a run, a checkpoint or a table."""
        return [name for (name,) in self._fetch(control_sql.SYNC_NAMES)]

    def require_sync(self, name: str) -> None:
        """Raise NameUnknown, with the nearest name, for a sync that has no run, no checkpoint and no table."""
        require_sync(name, self.syncs(), str(self._path.absolute()))

    def schedules(self) -> list[ScheduleRow]:
        """Read what is set for syncs on connections, where it differs from the scripts."""
        rows = self._fetch(control_sql.SCHEDULES)
        return [ScheduleRow(sync=sync, connection=on, every=every, off=bool(off)) for sync, on, every, off in rows]

    def webhooks_off(self) -> list[tuple[str, str]]:
        """Read the webhooks that are off, each with the reason."""
        return [(str(webhook), str(reason)) for webhook, reason in self._fetch(control_sql.WEBHOOKS_OFF)]

    def standings(self) -> list[StandingRow]:
        """Read how each sync and action stands on each connection, by the runs that have ended."""
        return [standing_row(row) for row in self._fetch(health_sql.STANDINGS)]

    def owed(self) -> dict[tuple[str, str], Owed]:
        """Read what is owed of each sync on each connection."""
        return owed_rows(self._fetch(health_sql.OWED, health_sql.OWED_TEXTS))

    def alerts(self) -> list[AlertRow]:
        """Read the alerts that are active, by connection."""
        return [alert_row(row) for row in self._fetch(health_sql.ALERTS)]

    def schemas(self, connection: str | None = None) -> list[SchemaRow]:
        """Read the fields of objects as the connections saw them last, of one connection or of all."""
        return [schema_row(row, instant) for row in self._fetch(health_sql.SCHEMAS, (connection,))]

    def pending_messages(self) -> tuple[int, datetime | None]:
        """Count the messages of webhooks that are not delivered, and return when the oldest was written."""
        return next(((number, instant(oldest)) for number, oldest in self._fetch(health_sql.PENDING_MESSAGES)), _NONE)

    def workers(self, ttl: float) -> None:
        """Return None: workers meet in no file."""

    def owners(self) -> dict[str, str]:
        """Read the sync that each record table belongs to."""
        return dict(self._fetch(control_sql.TABLE_OWNERS))

    def objects(self) -> set[str]:
        """Return the names of the objects that have been copied without a script."""
        return {name for (name,) in self._fetch(control_sql.OBJECTS)}

    def last_change(self) -> int:
        """Return the number up to which the change feed is complete; 0 if nothing was ever written."""
        return sum(number for (number,) in self._fetch(control_sql.LAST_NUMBER))

    def held_back(self) -> str:
        """Return nothing: writers commit one after the other, so that the feeds are complete at any time."""
        return ""

    def live_count(self, table: str, connection: str) -> int:
        """Count a connection's live rows in a record table; a table that was dropped has none."""
        if not self._schema.fetch(table_sql.HAS_TABLE, table):
            return 0
        [(number,)] = self._fetch(row_sql.live_count(table), (connection,))
        return int(number)

    def back_up(self, to: Path, progress: Callable[[int, int], None]) -> None:
        """Copy the whole database as it is now into an empty file, while others read and write, and check the copy."""
        if self._on is None:
            raise nothing_to_back_up(self._absolute)
        with errors_explained(self._path), closing(opened(self._path)) as source:
            back_up(source, to, progress)

    def is_own(self, path: Path) -> bool:
        """Return whether a path is that of the database, its log or the log's index."""
        return is_of_database(path, self._absolute)

    def require_in_place(self) -> None:
        """Raise StoreReplaced where the database was deleted, replaced or made since it was opened."""
        require_same_file(self._absolute, self._file, self._path)

    def tables(self) -> list[str]:
        """List every record table."""
        return [name for (name,) in self._schema.fetch(table_sql.RECORD_TABLES)]

    def table(self, name: str, *, changes: bool = False) -> str:
        """Return a record table by its own name or its class's, in any case; raises NameUnknown.

        With `changes` it may have been dropped: its change feed is still there.
        """
        dropped = [table for (table,) in self._fetch(control_sql.CLEARED_TABLES)] if changes else []
        return record_table(name, list(dict.fromkeys([*self.tables(), *dropped])), str(self._path.absolute()))

    def columns(self, table: str, *, changes: bool = False) -> dict[str, str]:
        """Return the declared type of each column of a table, or of its change feed, in the table's order."""
        found = self._schema.fetch(table_sql.COLUMNS, table)
        columns = table_sql.readable_columns((name, kind, computed) for name, kind, computed in found)
        if columns or not changes:
            return feed_sql.feed_kinds(columns) if changes else columns
        dropped = self._schema.fetch(table_sql.COLUMNS, feed_sql.feed_of(table))
        return feed_sql.dropped_kinds({name: kind for name, kind, _ in dropped})

    def read(self, selection: Selection) -> Iterator[dict[str, Any]]:
        """Read rows of a record table, or its changes, with values as `Rows.read` has them."""
        kinds = self.columns(selection.table, changes=selection.changes)
        names = list(selection.columns or kinds)
        converted = [table_sql.CONVERTED.get(kinds.get(name, "")) for name in names]
        for page in self.pages(selection):
            for row in page:
                yield {
                    name: value if convert is None or value is None else convert(value)
                    for name, value, convert in zip(names, row, converted, strict=True)
                }

    def pages(self, selection: Selection) -> Iterator[list[tuple[Any, ...]]]:
        """Read what `read` does in stored form, each page in a query of its own: a slow reader holds nothing open."""
        kinds = self.columns(selection.table, changes=selection.changes)
        require_columns(selection, kinds)
        readable = self._readable(selection, kinds) if selection.where else ()
        is_dropped = selection.changes and not self._schema.fetch(table_sql.HAS_TABLE, selection.table)
        try:
            sql = query_of(selection, kinds, is_dropped=is_dropped)
            yield from pages_of(selection, kinds, partial(self._fetch_restricted, readable), sql)
        except sqlite3.Error as error:
            if self.columns(selection.table, changes=selection.changes) != kinds:
                raise tables_changed(str(self._path)) from None
            raise (refusal(error, list(kinds), selection.table) if selection.where else None) or error from None

    def query(self, sql: str, bounds: QueryBounds) -> QueryResult:
        """Run one SELECT in a connection of its own, which can read these tables and nothing else."""
        if self._on is None:
            return QueryResult([], [], is_cut=False)
        tables = self.tables()
        with errors_explained(self._path):
            return free_query(self._absolute, sql, [*tables, *map(feed_sql.feed_of, tables)], bounds)

    @contextmanager
    def one_state(self) -> Generator[None]:
        """Let everything that is read in the block be read from one state of the database."""
        self._fetch("BEGIN")
        try:
            yield
        finally:
            self._fetch("ROLLBACK")

    def one_schema(self) -> AbstractContextManager[None]:
        """Do nothing: SQLite says at each query whether the schema is another."""
        return nullcontext()

    def indexed(self, table: str) -> list[str]:
        """Return the columns of a table by whose value rows are found without reading all of them."""
        return sorted({name for (name,) in self._schema.fetch(table_sql.INDEXED, table)})

    def stored_types(self, table: str) -> dict[str, str]:
        """Return the Python type of each column whose field was read from an org, by its name."""
        return {name: kind for name, kind in self._fetch(control_sql.COLUMN_TYPES, (table,)) if name}

    def _readable(self, selection: Selection, columns: Iterable[str]) -> list[str]:
        """Return what the condition may read; raises ArgumentInvalid where it is not one expression."""
        tables = self.tables()
        feeds = [feed_sql.feed_of(each) for each in tables]
        names = {name.lower() for each in tables for name in (each, *self.columns(each))}
        require_expression(selection.where, {*names, *columns, *(each.lower() for each in feeds)})
        return [*tables, *feeds]

    def _fetch_restricted(
        self, readable: Sequence[str], sql: str, parameters: Sequence[Any] = ()
    ) -> list[tuple[Any, ...]]:
        """Run a query that has a user's condition in it, which can read these tables and nothing else."""
        if self._on is None or not readable:
            return self._fetch(sql, parameters)
        only_reading(self._on, readable)
        try:
            return self._fetch(sql, parameters)
        finally:
            self._on.set_authorizer(None)

    def _fetch(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        if self._on is None:
            return []
        with errors_explained(self._path):
            return self._on.execute(sql, parameters).fetchall()

    def _schema_version(self) -> int:
        return sum(number for (number,) in self._fetch(table_sql.SCHEMA_VERSION))

    def _is_current(self) -> bool:
        found = [version for (version,) in self._fetch(control_sql.VERSION)]
        if MARKED in found:
            raise moved(*self._fetch(MOVE_NOTE)[0])
        return is_newest(found)
