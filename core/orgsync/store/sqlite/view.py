"""The database opened for reading, with sqlite3 alone: commands that only read do not load SQLAlchemy."""

import json
import re
import sqlite3
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from orgsync.clock import utc_now
from orgsync.errors import NameUnknown
from orgsync.field_mapping import mapping_as_text, mapping_from_json

from ..holder import Holder
from ..unknown_names import record_table
from ..versions import VERSION_TABLE, is_newest
from ..view import ConnectionRow, RunRow, connection_named
from . import control_sql, feed_sql, row_sql, table_sql
from .condition import only_reading, refusal, require_expression
from .errors import errors_explained
from .private import require_private_database

__all__ = ["SqliteView"]

_PLAIN_URL = re.compile(r"sqlite(?:\+\w+)?:///([^?%]+)")
_BUSY_SECONDS = 10
_PAGE = 1000


class SqliteView:
    """A database opened for reading; if there is none yet, it looks like an empty one."""

    def __init__(self, path: Path, on: sqlite3.Connection | None, folder: Path) -> None:
        self._path = path
        self._on = on
        self._folder = folder

    @classmethod
    @contextmanager
    def open(cls, url: str, *, folder: Path) -> "Generator[SqliteView]":
        """Open the database at `url` without creating one; an older version is upgraded first.

        Raises as `Store.open` does.
        """
        path = _file_of(url)
        require_private_database(path)
        if not path.exists():
            yield cls(path, None, folder)
            return
        with errors_explained(path):
            opened = sqlite3.connect(
                f"file:{quote(str(path))}?mode=rw", uri=True, timeout=_BUSY_SECONDS, isolation_level=None
            )
        with closing(opened):
            view = cls(path, opened, folder)
            if not view._is_current():
                _upgrade(url, folder)
            with errors_explained(path):
                opened.execute("PRAGMA query_only = ON")
            yield view

    def connections(self) -> list[ConnectionRow]:
        """Read every connection, by name."""
        names = [each.name for each in fields(ConnectionRow)]
        stored = ", ".join(f'"{name}"' for name in names)
        found = self._fetch(f"SELECT {stored} FROM orgsync_connection ORDER BY name")  # noqa: S608 # constants alone
        return [_connection(dict(zip(names, row, strict=True))) for row in found]

    def connection(self, name: str) -> ConnectionRow:
        """Read one connection; raises NameUnknown, with the nearest name, for one that does not exist."""
        return connection_named(name, self.connections(), str(self._path.absolute()))

    def run(self, run_id: int) -> RunRow:
        """Read one run; raises NameUnknown for a number that none has."""
        found = self._fetch(control_sql.RUN, (run_id,))
        if not found:
            raise NameUnknown(f"There is no run {run_id}.", "List them with `orgsync runs`.")
        return _run(found[0])

    def runs(self, limit: int, *, sync: str | None = None, connection: str | None = None) -> list[RunRow]:
        """Read runs, the latest first."""
        return [_run(row) for row in self._fetch(control_sql.RUNS, (sync, connection, limit))]

    def pairs(self) -> list[tuple[str, str]]:
        """List each sync and connection that has a run."""
        return [(sync, connection) for sync, connection in self._fetch(control_sql.RUN_PAIRS)]

    def syncs(self) -> list[str]:
        """List the syncs that have a run, a checkpoint or a table."""
        return [name for (name,) in self._fetch(control_sql.SYNC_NAMES)]

    def is_running(self, sync: str, connection: str) -> bool:
        """Return whether a run of the sync is under way, by its lease: a run whose process died keeps its status."""
        held = self._fetch(control_sql.LEASES, (sync, connection))
        if not held or datetime.fromisoformat(held[0][3]) <= utc_now():
            return False
        from .liveness import Liveness

        return not Liveness(self._folder / "holders").is_dead(Holder.parse(held[0][1]))

    def owners(self) -> dict[str, str]:
        """Read the sync that each record table belongs to."""
        return dict(self._fetch(control_sql.TABLE_OWNERS))

    def last_change(self) -> int:
        """Return the number up to which the change feed is complete; 0 if nothing was ever written."""
        return sum(number for (number,) in self._fetch(control_sql.LAST_NUMBER))

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
        dropped = [table for (table,) in self._fetch(control_sql.CLEARED_TABLES)] if changes else []
        return record_table(name, list(dict.fromkeys([*self.tables(), *dropped])), str(self._path.absolute()))

    def columns(self, table: str, *, changes: bool = False) -> dict[str, str]:
        """Return the declared type of each column of a table, or of its change feed, in the table's order."""
        found = self._fetch(table_sql.COLUMNS, (table,))
        columns = table_sql.readable_columns((name, kind, computed) for name, kind, computed in found)
        if not changes:
            return columns
        if columns:
            return feed_sql.feed_kinds(columns)
        dropped = self._fetch(table_sql.COLUMNS, (feed_sql.feed_of(table),))
        return feed_sql.dropped_kinds({name: kind for name, kind, _ in dropped})

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
        if where:
            self._require(where, table, list(kinds))
        key = ("sync_seq",) if changes else ("connection", "id")
        wanted = list(dict.fromkeys([*(columns or kinds), *key]))
        of_one = connection is not None
        if changes:
            sql = feed_sql.changes_after(
                table, kinds, names=wanted, is_dropped=is_dropped, of_one=of_one, condition=where
            )
        else:
            sql = row_sql.rows_after(table, {name: kinds[name] for name in wanted}, of_one=of_one, condition=where)
        own = (connection,) if changes and connection is not None else ()
        start = (after,) if changes else (connection or "", "")
        try:
            for row in self._pages(sql, start, wanted, key, own=own, limit=limit):
                yield {name: table_sql.python_value(kinds[name], row[name]) for name in columns or kinds}
        except sqlite3.Error as error:
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

    def _require(self, where: str, table: str, columns: list[str]) -> None:
        """Raise ArgumentInvalid unless the condition is usable; from then on the connection can only read rows."""
        tables = self.tables()
        feeds = [feed_sql.feed_of(each) for each in tables]
        names = {name.lower() for each in tables for name in (each, *self.columns(each))}
        require_expression(where, {*names, *columns, *(each.lower() for each in feeds)})
        if self._on is not None:
            only_reading(self._on, [*tables, *feeds])

    def _fetch(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        if self._on is None:
            return []
        with errors_explained(self._path):
            return self._on.execute(sql, parameters).fetchall()

    def _is_current(self) -> bool:
        if not self._fetch(control_sql.TABLE_EXISTS, (VERSION_TABLE,)):
            return False
        return is_newest([version for (version,) in self._fetch(control_sql.VERSION)])


def _file_of(url: str) -> Path:
    """Return the database file; a URL of the usual form is parsed without SQLAlchemy."""
    plain = _PLAIN_URL.fullmatch(url)
    if plain and ":memory:" not in url and not plain[1].startswith("file:"):
        return Path(plain[1])
    from . import driver

    return driver.file_of(driver.address(url))


def _upgrade(url: str, folder: Path) -> None:
    import anyio

    from .database import SqliteBackend

    async def upgrade() -> None:
        async with SqliteBackend.open(url, folder):
            pass

    anyio.run(upgrade)


def _run(row: Sequence[Any]) -> RunRow:
    values = dict(zip(control_sql.RUN_COLUMNS, row, strict=True))
    for name in ("started_at", "finished_at", "watermark"):
        values[name] = None if values[name] is None else datetime.fromisoformat(values[name])
    return RunRow(**values)


def _connection(values: dict[str, Any]) -> ConnectionRow:
    values["metadata"], values["tags"] = json.loads(values["metadata"]), json.loads(values["tags"])
    values["mapping"] = mapping_as_text(mapping_from_json(json.loads(values["mapping"])))
    for name in ("created_at", "updated_at"):
        values[name] = datetime.fromisoformat(values[name])
    return ConnectionRow(**values)
