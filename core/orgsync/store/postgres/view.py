"""The database opened for reading, with psycopg alone: commands that only read do not load SQLAlchemy."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import psycopg

from orgsync.errors import NameUnknown

from ..holder import Holder
from ..unknown_names import record_table
from ..versions import VERSION_TABLE, is_newest
from ..view import ConnectionRow, RunRow, connection_named
from . import feed_sql, liveness, row_sql, table_sql, view_sql
from .address import Address
from .condition import refusal, require_expression, require_only_tables
from .driver import set_up
from .errors import connection_refused, errors_explained, require_version
from .stored import instants_in_utc

__all__ = ["PostgresView"]

_PAGE = 1000
_STATEMENT_SECONDS = 60
Kind = TypeVar("Kind", RunRow, ConnectionRow)


class PostgresView:
    """A database opened for reading; if it has no tables of orgsync's yet, it looks like an empty one."""

    def __init__(self, at: Address, on: "psycopg.Connection[Any]", *, is_new: bool) -> None:
        self._address = at
        self._on = on
        self._is_new = is_new

    @classmethod
    @contextmanager
    def open(cls, at: Address, *, url: str, folder: Path) -> "Generator[PostgresView]":
        """Open the database without making anything in it; an older version is upgraded first.

        Raises as `Store.open` does.
        """
        with _connected(at) as opened:
            view = cls(at, opened, is_new=False)
            view._is_new = not view._rows(view_sql.TABLE_EXISTS, (VERSION_TABLE,))
            if not view._is_new and not is_newest([version for (version,) in view._fetch(view_sql.VERSION)]):
                _upgrade(url, folder)
            yield view

    def connections(self) -> list[ConnectionRow]:
        """Read every connection, by name."""
        return self._all(ConnectionRow, 'FROM orgsync_connection ORDER BY name COLLATE "C"')

    def connection(self, name: str) -> ConnectionRow:
        """Read one connection; raises NameUnknown, with the nearest name, for one that does not exist."""
        return connection_named(name, self.connections(), self._address.shown)

    def run(self, run_id: int) -> RunRow:
        """Read one run; raises NameUnknown for a number that none has."""
        found = self._all(RunRow, "FROM orgsync_run WHERE id = %s::bigint", (run_id,))
        if not found:
            raise NameUnknown(f"There is no run {run_id}.", "List them with `orgsync runs`.")
        return found[0]

    def runs(self, limit: int, *, sync: str | None = None, connection: str | None = None) -> list[RunRow]:
        """Read runs, the latest first."""
        return self._all(RunRow, view_sql.FROM_RUNS, (sync, connection, limit))

    def pairs(self) -> list[tuple[str, str]]:
        """List each sync and connection that has a run."""
        return [(sync, connection) for sync, connection in self._fetch(view_sql.RUN_PAIRS)]

    def syncs(self) -> list[str]:
        """List the syncs that have a run, a checkpoint or a table."""
        return [name for (name,) in self._fetch(view_sql.SYNC_NAMES)]

    def is_running(self, sync: str, connection: str) -> bool:
        """Return whether a run of the sync is under way, by its lease: a run whose process died keeps its status."""
        held = self._fetch(view_sql.HELD_LEASE, (sync, connection))
        return bool(held) and not liveness.is_dead(Holder.parse(held[0][0]))

    def owners(self) -> dict[str, str]:
        """Read the sync that each record table belongs to."""
        return dict(self._fetch(view_sql.TABLE_OWNERS))

    def last_change(self) -> int:
        """Return the number up to which the change feed is complete; 0 where there are no tables yet."""
        return sum(number for (number,) in self._fetch(view_sql.LAST_CHANGE))

    def live_count(self, table: str, connection: str) -> int:
        """Count a connection's live rows in a record table; a table that was dropped has none."""
        if not self._fetch(table_sql.HAS_TABLE, (table,)):
            return 0
        [(number,)] = self._fetch(row_sql.live_count(table), (connection,))
        return int(number)

    def tables(self) -> list[str]:
        """List every record table."""
        return [name for (name,) in self._fetch(table_sql.RECORD_TABLES)]

    def table(self, name: str, *, changes: bool = False) -> str:
        """Return a record table by its own name or its class's, in any case; raises NameUnknown.

        With `changes` it may have been dropped: its change feed is still there.
        """
        dropped = [table for (table,) in self._fetch(view_sql.CLEARED_TABLES)] if changes else []
        return record_table(name, list(dict.fromkeys([*self.tables(), *dropped])), self._address.shown)

    def columns(self, table: str, *, changes: bool = False) -> dict[str, str]:
        """Return the type of each column of a table, or of its change feed, in the table's order."""
        columns = dict(self._fetch(table_sql.COLUMNS, (table,)))
        if not changes:
            return columns
        if columns:
            return feed_sql.feed_kinds(columns)
        return feed_sql.dropped_kinds(dict(self._fetch(table_sql.COLUMNS, (feed_sql.feed_of(table),))))

    def read(
        self,
        table: str,
        *,
        connection: str | None = None,
        changes: bool = False,
        after: int = 0,
        limit: int | None = None,
        columns: Sequence[str] = (),
        where: str = "",
    ) -> Iterator[dict[str, Any]]:
        """Read rows of a record table, or its changes, as `Rows.read` does, where the expression `where` holds.

        `columns` are those to give, all by default. Raises ArgumentInvalid, before the first row, for a column
        that is not there and a condition that is not one expression or reads anything but record tables.
        """
        kinds = self.columns(table, changes=changes)
        is_dropped = changes and not self._fetch(table_sql.HAS_TABLE, (table,))
        for name in columns:
            if name not in kinds:
                raise NameUnknown.among("column", name, list(kinds), none_yet="")
        key = ("sync_seq",) if changes else ("connection", "id")
        wanted = {name: kinds[name] for name in dict.fromkeys([*(columns or kinds), *key])}
        of_one = connection is not None
        if changes:
            sql = feed_sql.changes_after(
                table, kinds, names=wanted, is_dropped=is_dropped, of_one=of_one, condition=where
            )
        else:
            sql = row_sql.rows_after(table, wanted, of_one=of_one, condition=where)
        own = (connection,) if changes and connection is not None else ()
        start = (after,) if changes else (connection or "", "")
        try:
            if where:
                require_expression(where, self._on)
                require_only_tables(sql, (*start, *own, _PAGE), self._on, self.tables())
            for row in self._pages(sql, start, list(wanted), key, own=own, limit=limit):
                yield {name: row[name] for name in columns or kinds}
        except psycopg.Error as error:
            problem = refusal(error, list(kinds), table) if where else None
            raise problem or error from None

    def _pages(
        self,
        sql: str,
        start: tuple[Any, ...],
        names: Sequence[str],
        key: Sequence[str],
        *,
        own: tuple[str, ...],
        limit: int | None,
    ) -> Iterator[dict[str, Any]]:
        """Read page by page, each in a query of its own, so that a slow reader holds no transaction open."""
        cursor, left = start, limit
        while left is None or left > 0:
            size = _PAGE if left is None else min(_PAGE, left)
            page = [dict(zip(names, row, strict=True)) for row in self._fetch(sql, (*cursor, *own, size))]
            yield from page
            if len(page) < size:
                return
            cursor = tuple(page[-1][name] for name in key)
            left = None if left is None else left - size

    def _all(self, kind: type[Kind], rest: str, parameters: Sequence[Any] = ()) -> list[Kind]:
        """Read rows of a control table, whose columns are those of a dataclass."""
        names = [each.name for each in fields(kind)]
        listed = ", ".join(f'"{name}"' for name in names)
        found = self._fetch(f"SELECT {listed} {rest}", parameters)
        return [kind(**dict(zip(names, instants_in_utc(row), strict=True))) for row in found]

    def _fetch(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return [] if self._is_new else self._rows(sql, parameters)

    def _rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with errors_explained(self._address):
            return self._on.execute(sql.encode(), parameters).fetchall()


@contextmanager
def _connected(at: Address) -> "Generator[psycopg.Connection[Any]]":
    try:
        opened = psycopg.connect(at.conninfo, autocommit=True, connect_timeout=10, fallback_application_name="orgsync")
    except psycopg.OperationalError as error:
        raise connection_refused(error, at) from None
    with opened:
        require_version(opened.info.server_version, at)
        opened.execute(set_up(at, writes=False).encode())
        opened.execute("SELECT set_config('statement_timeout', %s, false)", (f"{_STATEMENT_SECONDS}s",))
        yield opened


def _upgrade(url: str, folder: Path) -> None:
    import anyio

    from ..backends import open_backend

    async def upgrade() -> None:
        async with open_backend(url, folder):
            pass

    anyio.run(upgrade)
