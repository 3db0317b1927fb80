"""The database opened for reading, with psycopg alone: commands that only read do not load SQLAlchemy."""

import json
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg

from orgsync.errors import NameUnknown
from orgsync.field_mapping import mapping_as_text, mapping_from_json

from .. import health_sql
from ..free_query import QueryBounds, QueryResult
from ..health_rows import AlertRow, SchemaRow, StandingRow, owed_rows
from ..row_pages import first_parameters, pages_of, require_columns
from ..run_filter import run_filter
from ..schema_queries import SchemaQueries, tables_changed
from ..statuses import Owed
from ..unknown_names import record_table, require_sync, row_id
from ..versions import MARKED, MOVE_NOTE, VERSION_TABLE, is_newest, moved
from ..view import ConnectionRow, RunRow, ScheduleRow, Selection, connection_named
from ..worker_tables import WorkerRow, WorkersSeen
from . import feed_sql, holding_back, row_sql, table_sql, view_sql
from .address import Address
from .backup import not_backed_up
from .condition import refusal, require_expression, require_only_tables
from .errors import errors_explained
from .free_query import free_query
from .health_view import alert_row, schema_of, standing_row
from .schema import in_schema
from .seen_runs import seen_run
from .selected import query_of
from .stored import instants_in_utc, types_in
from .view_connection import connected, upgrade

__all__ = ["PostgresView"]


class PostgresView:
    """A database opened for reading; if it has no tables of orgsync's yet, it looks like an empty one."""

    def __init__(self, at: Address, on: "psycopg.Connection[Any]", *, is_new: bool) -> None:
        self._address = at
        self._on = on
        self._is_new = is_new
        self._block: object | None = None
        self._schema = SchemaQueries(self._fetch, lambda: self._block)

    @classmethod
    @contextmanager
    def open(cls, at: Address, *, url: str, folder: Path) -> "Generator[PostgresView]":
        """Open the database without making anything in it; an older version is upgraded first.

        Raises as `Store.open` does.
        """
        with connected(at) as opened:
            view = cls(at, opened, is_new=False)
            view._address = in_schema(at, *view._rows(view_sql.SCHEMA)[0])
            view._is_new = not view._rows(view_sql.TABLE_EXISTS, (VERSION_TABLE,))
            found = [] if view._is_new else [version for (version,) in view._fetch(view_sql.VERSION)]
            if MARKED in found:
                raise moved(*view._fetch(MOVE_NOTE)[0])
            if found and not is_newest(found):
                upgrade(url, folder)
            yield view

    @property
    def has_tables(self) -> bool:
        """Whether orgsync's tables are there."""
        return not self._is_new

    def connections(self) -> list[ConnectionRow]:
        """Read every connection, by name."""
        found = self._all('FROM orgsync_connection ORDER BY name COLLATE "C"', ConnectionRow)
        for each in found:
            each["mapping"] = mapping_as_text(mapping_from_json(each["mapping"]))
        return [ConnectionRow(**each) for each in found]

    def connection(self, name: str) -> ConnectionRow:
        """Read one connection; raises NameUnknown, with the nearest name, for one that does not exist."""
        return connection_named(name, self.connections(), self._address.shown)

    def run(self, run_id: int) -> RunRow:
        """Read one run; raises NameUnknown for a number that none has."""
        found = self._runs(view_sql.FROM_RUN, (row_id(run_id),))
        if not found:
            raise NameUnknown(f"There is no run {run_id}.", "List them: orgsync runs.")
        return found[0]

    def runs(
        self, limit: int, *, sync: str | None = None, action: str | None = None, connection: str | None = None
    ) -> list[RunRow]:
        """Read runs, the latest first: all, or those of one sync or of one action."""
        return self._runs(view_sql.FROM_RUNS, (*run_filter(sync, action), connection, limit))

    def pairs(self) -> list[tuple[str, str]]:
        """List each sync and connection that has a run."""
        return [(sync, connection) for sync, connection in self._fetch(view_sql.RUN_PAIRS)]

    def syncs(self) -> list[str]:
        """List the syncs that have a run, a checkpoint or a table."""
        return [name for (name,) in self._fetch(view_sql.SYNC_NAMES)]

    def require_sync(self, name: str) -> None:
        """Raise NameUnknown, with the nearest name, for a sync that has no run, no checkpoint and no table."""
        require_sync(name, self.syncs(), self._address.shown)

    def schedules(self) -> list[ScheduleRow]:
        """Read what is set for syncs on connections, where it differs from the scripts."""
        rows = self._fetch(view_sql.SCHEDULES)
        return [ScheduleRow(sync=sync, connection=on, every=every, off=bool(off)) for sync, on, every, off in rows]

    def webhooks_off(self) -> list[tuple[str, str]]:
        """Read the webhooks that are off, each with the reason."""
        return [(str(webhook), str(reason)) for webhook, reason in self._fetch(view_sql.WEBHOOKS_OFF)]

    def standings(self) -> list[StandingRow]:
        """Read how each sync and action stands on each connection, by the runs that have ended."""
        return [standing_row(row) for row in self._fetch(health_sql.STANDINGS)]

    def owed(self) -> dict[tuple[str, str], Owed]:
        """Read what is owed of each sync on each connection."""
        return owed_rows(self._fetch(health_sql.named(health_sql.OWED), health_sql.OWED_TEXTS))

    def alerts(self) -> list[AlertRow]:
        """Read the alerts that are active, by connection."""
        return [alert_row(row) for row in self._fetch(health_sql.ALERTS)]

    def schemas(self, connection: str | None = None) -> list[SchemaRow]:
        """Read the fields of objects as the connections saw them last, of one connection or of all."""
        return [schema_of(row) for row in self._fetch(health_sql.named(health_sql.SCHEMAS), (connection,))]

    def pending_messages(self) -> tuple[int, datetime | None]:
        """Count the messages of webhooks that are not delivered, and return when the oldest was written."""
        found = [instants_in_utc(row) for row in self._fetch(health_sql.PENDING_MESSAGES)]
        return next(((number, oldest) for number, oldest in found), (0, None))

    def workers(self, ttl: float) -> WorkersSeen:
        """Read the workers that were seen within so many seconds, and count the jobs."""
        alive = [WorkerRow(*instants_in_utc(row)) for row in self._fetch(view_sql.WORKERS, (ttl,))]
        return WorkersSeen(alive, dict(self._fetch(view_sql.WORKER_JOBS)))

    def owners(self) -> dict[str, str]:
        """Read the sync that each record table belongs to."""
        return dict(self._fetch(view_sql.TABLE_OWNERS))

    def objects(self) -> set[str]:
        """Return the names of the objects that have been copied without a script."""
        return {name for (name,) in self._fetch(view_sql.OBJECTS)}

    def last_change(self) -> int:
        """Return the number up to which the change feed is complete; 0 where there are no tables yet."""
        return sum(number for (number,) in self._fetch(view_sql.LAST_CHANGE))

    def held_back(self) -> str:
        """Say what has held back the change feeds for more than a minute, and what to do; empty where nothing has."""
        found = self._fetch(holding_back.OLDEST)
        if holding_back.is_hidden(found):
            [(seconds,)] = self._fetch(holding_back.waiting(self.tables()))
            found = [(found[0][0], seconds, found[0][2])]
        return holding_back.sentence(found)

    def live_count(self, table: str, connection: str) -> int:
        """Count a connection's live rows in a record table; a table that was dropped has none."""
        if not self._fetch(table_sql.HAS_TABLE, (table,)):
            return 0
        [(number,)] = self._fetch(row_sql.live_count(table), (connection,))
        return int(number)

    def back_up(self, to: Path, progress: Callable[[int, int], None]) -> None:
        """Raise StoreUnavailable: the server's own tools make backups, and this host may have none of them."""
        raise not_backed_up(self._address)

    def is_own(self, path: Path) -> bool:
        """Return False: a server's database is no file of this host's."""
        return False

    def require_in_place(self) -> None:
        """Do nothing: a server's database cannot be replaced beneath an open connection."""

    def tables(self) -> list[str]:
        """List every record table."""
        return [name for (name,) in self._schema.fetch(table_sql.RECORD_TABLES)]

    def table(self, name: str, *, changes: bool = False) -> str:
        """Return a record table by its own name or its class's, in any case; raises NameUnknown.

        With `changes` it may have been dropped: its change feed is still there.
        """
        is_plain = name.isascii() and name.isidentifier() and len(name) < table_sql.LONGEST_NAME
        if is_plain and (columns := self._schema.fetch(table_sql.COLUMNS_OF_RECORDS, name)):
            self._schema.note(columns, table_sql.COLUMNS, name)
            return name
        dropped = [table for (table,) in self._fetch(view_sql.CLEARED_TABLES)] if changes else []
        return record_table(name, list(dict.fromkeys([*self.tables(), *dropped])), self._address.shown)

    def columns(self, table: str, *, changes: bool = False) -> dict[str, str]:
        """Return the type of each column of a table, or of its change feed, in the table's order."""
        columns = dict(self._schema.fetch(table_sql.COLUMNS, table))
        if not changes:
            return columns
        if columns:
            return feed_sql.feed_kinds(columns)
        return feed_sql.dropped_kinds(dict(self._schema.fetch(table_sql.COLUMNS, feed_sql.feed_of(table))))

    def read(self, selection: Selection) -> Iterator[dict[str, Any]]:
        """Read rows of a record table, or its changes, with values as `Rows.read` has them."""
        kinds = self.columns(selection.table, changes=selection.changes)
        names = list(selection.columns or kinds)
        nested = [name for name in names if kinds.get(name) == "jsonb"]
        for page in self.pages(selection):
            for values in page:
                row = dict(zip(names, values, strict=True))
                row.update({name: json.loads(row[name]) for name in nested if row[name] is not None})
                yield row

    def pages(self, selection: Selection) -> Iterator[list[tuple[Any, ...]]]:
        """Read what `read` does in stored form, each page in a query of its own: a slow reader holds nothing open."""
        kinds, where = self.columns(selection.table, changes=selection.changes), selection.where
        require_columns(selection, kinds)
        if self._is_new:
            return
        is_dropped = selection.changes and not self._schema.fetch(table_sql.COLUMNS, selection.table)
        sql = query_of(selection, kinds, is_dropped=is_dropped)
        try:
            if where:
                require_expression(where, self._on)
                require_only_tables(sql, first_parameters(selection), self._on, self.tables())
            yield from pages_of(selection, kinds, self._fetch, sql)
        except psycopg.Error as error:
            self._fetch("ROLLBACK")  # of a block that reads one state, which the error has ended
            if self._block is not None:
                self._block = object()
            if self.columns(selection.table, changes=selection.changes) != kinds:
                raise tables_changed(self._address.shown) from None
            raise (refusal(error, list(kinds), selection.table) if where else None) or error from None

    def query(self, sql: str, bounds: QueryBounds) -> QueryResult:
        """Run one SELECT, which can read the record tables and nothing else."""
        if self._is_new:
            return QueryResult([], [], is_cut=False)
        with errors_explained(self._address):
            return free_query(self._on, sql, self.tables(), bounds)

    @contextmanager
    def one_state(self) -> Generator[None]:
        """Let everything that is read in the block be read from one state of the database."""
        self._fetch("BEGIN ISOLATION LEVEL REPEATABLE READ")
        try:
            yield
        finally:
            self._fetch("ROLLBACK")

    @contextmanager
    def one_schema(self) -> Generator[None]:
        """Ask for tables and columns once in the block."""
        self._block = object()
        try:
            yield
        finally:
            self._block = None

    def indexed(self, table: str) -> list[str]:
        """Return the columns of a table by whose value rows are found without reading all of them."""
        return sorted({name for (name,) in self._schema.fetch(table_sql.INDEXED, table)})

    def stored_types(self, table: str) -> dict[str, str]:
        """Return the Python type of each column whose field was read from an org, by its name."""
        return types_in(position for (position,) in self._fetch(view_sql.POSITIONS, (table,)))

    def _runs(self, rest: str, parameters: Sequence[Any]) -> list[RunRow]:
        found = [RunRow(**each) for each in self._all(rest, RunRow, parameters)]
        return [seen_run(each, self._fetch, self._again) for each in found]

    def _again(self, run: RunRow) -> RunRow:
        found = self._all(view_sql.FROM_RUN, RunRow, (run.id,))
        return RunRow(**found[0]) if found else run

    def _all(
        self, rest: str, kind: type[RunRow | ConnectionRow], parameters: Sequence[Any] = ()
    ) -> list[dict[str, Any]]:
        """Read rows of a control table, with the columns that a dataclass has."""
        listed = ", ".join(f'"{each.name}"' for each in fields(kind))
        found = self._fetch(f"SELECT {listed} {rest}", parameters)
        return [dict(zip([each.name for each in fields(kind)], instants_in_utc(row), strict=True)) for row in found]

    def _fetch(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return [] if self._is_new else self._rows(sql, parameters)

    def _rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with errors_explained(self._address):
            cursor = self._on.execute(sql.encode(), parameters)
            return cursor.fetchall() if cursor.pgresult and cursor.pgresult.nfields else []
