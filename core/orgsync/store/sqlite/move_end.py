"""An SQLite database that is moved to another one, or that another one is moved to."""
# ruff: noqa: S608 # every name is quoted and every value a parameter

import json
import sqlite3
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from orgsync.clock import utc_now
from orgsync.column_names import exact_name
from orgsync.errors import AlreadyRunning

from ..holder import Holder
from ..move_types import (
    Arrived,
    Kind,
    MovedColumn,
    MovedTable,
    MoveState,
    Page,
    TypesOf,
    control_tables,
    counted_tables,
)
from ..row_pages import pages_by_size
from ..versions import MARKED
from . import control_sql, feed_sql, table_sql
from .driver import address, file_of
from .errors import MOVED, errors_explained
from .file_locks import held_at_once
from .liveness import Liveness
from .table_sql import quoted

__all__ = ["SqliteMoveEnd"]

_TYPES: Mapping[Kind, str] = {
    **dict.fromkeys(("text", "instant", "time"), "VARCHAR"),
    **{"date": "DATE", "bool": "BOOLEAN", "int": "INTEGER", "float": "FLOAT", "json": "JSON", "bytes": "BLOB"},
    "number": table_sql.NUMBER,
}
_KINDS: Mapping[str, Kind] = {"DATE": "date", "BOOLEAN": "bool", "JSON": "json", table_sql.NUMBER: "number"}
_BY_PYTHON_TYPE: Mapping[str, Kind] = {"datetime": "instant", "time": "time"}
_INSTANTS = ("system_modstamp", "sync_changed_at", "sync_first_seen_at")
_TEXTS = ("connection", "id", "sync_change")
_NOTE = (
    "CREATE TABLE orgsync_move (id VARCHAR NOT NULL, role VARCHAR NOT NULL, state VARCHAR NOT NULL, "
    "other VARCHAR NOT NULL)",
    "CREATE TABLE orgsync_arrived (name VARCHAR PRIMARY KEY, note VARCHAR NOT NULL)",
)
_FORGET = ("DROP TABLE IF EXISTS orgsync_move", "DROP TABLE IF EXISTS orgsync_arrived")
_MARK = f"INSERT INTO orgsync_version (version_num) VALUES ('{MARKED}')"
_UNMARK = f"DELETE FROM orgsync_version WHERE version_num = '{MARKED}'"
_OTHERS = (
    "SELECT type || ' ' || name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'orgsync\\_%' "
    "ESCAPE '\\' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
)
_UNDER_WAY = (
    "SELECT sync, connection, holder, expires_at FROM orgsync_lease WHERE holder <> '' UNION ALL "
    "SELECT sync, connection, holder, '9999' FROM orgsync_run WHERE kind = 'action' AND status = 'running'"
)


class SqliteMoveEnd:
    """One SQLite file, opened by one process for a move."""

    loses_nul = False

    def __init__(self, path: Path, on: sqlite3.Connection, folder: Path) -> None:
        self.shown = f"sqlite:///{path.absolute()}"
        self._on = on
        self._folder = folder

    @classmethod
    @contextmanager
    def open(cls, url: str, folder: Path) -> "Generator[SqliteMoveEnd]":
        """Open a file that is there; raises StoreUnavailable for one that cannot be used."""
        path = file_of(address(url))
        with errors_explained(path):
            opened = sqlite3.connect(path, timeout=10, isolation_level=None)
            with closing(opened):
                yield cls(path, opened, folder)

    @contextmanager
    def alone(self) -> Generator[None]:
        """Keep other moves of the database out."""
        with held_at_once(self._folder / "locks", [f"move {self.shown}"]):
            yield

    def noted(self) -> MoveState | None:
        """Return what is noted of a move."""
        if not self._all(control_sql.TABLE_EXISTS, "orgsync_move"):
            return None
        [(id, role, state, other)] = self._all("SELECT id, role, state, other FROM orgsync_move")
        return MoveState(id, role, state, other)

    def contents(self) -> Sequence[str]:
        """Say what the database holds."""
        filled = [each.name for each in control_tables() if self._all(f"SELECT 1 FROM {each.name} LIMIT 1")]
        records = [name for (name,) in self._all(table_sql.RECORD_TABLES)]
        return [f"rows in {name}" for name in filled] + [f"the table {name}" for name in records]

    def close_to_others(self, state: MoveState) -> None:
        """Note a move, and from now on let nobody else write."""
        names = [name for (name,) in self._all("SELECT name FROM orgsync_connection")]
        with held_at_once(self._folder / "locks", (f"token {name}" for name in names)), self._transaction():
            self._require_quiet()
            self._note(state)
            text = f"{MOVED}{state.other}".replace("'", "''")
            for name in (*(each.name for each in control_tables()), "orgsync_sequence"):
                for change in ("INSERT", "UPDATE", "DELETE"):
                    trigger = f"CREATE TRIGGER orgsync_moved_{name}_{change} BEFORE {change} ON {name} "
                    self._on.execute(f"{trigger}BEGIN SELECT RAISE(ABORT, '{text}'); END")

    def begin_arrival(self, state: MoveState) -> None:
        """Note a move, and let nobody open the database until it is done."""
        with self._transaction():
            self._note(state)

    def complete(self, state: MoveState, counters: Mapping[str, int]) -> None:
        """Note that a move is done; a target is opened to all."""
        with self._transaction():
            self._on.execute("UPDATE orgsync_move SET state = 'done'")
            if state.role == "source":
                return
            self._on.execute(control_sql.FREE_LEASES)
            self._on.execute("UPDATE orgsync_sequence SET value = ? WHERE name = 'change'", (counters["change"],))
            autoincrement = "SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE '%AUTOINCREMENT%'"
            for table in {name for (name,) in self._all(autoincrement)} & counters.keys():
                self._on.execute("DELETE FROM sqlite_sequence WHERE name = ?", (table,))
                if counters[table]:
                    self._on.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table, counters[table]))
            records = {name.lower() for (name,) in self._all(table_sql.RECORD_TABLES)}
            for (table,) in self._all(control_sql.CLEARED_TABLES):
                if table.lower() not in records:
                    self._on.execute(feed_sql.create_view(table, feed_sql.dropped_kinds({}), is_dropped=True))
            self._on.execute(_UNMARK)

    def reopen(self) -> None:
        """Forget the move that this database was the source of."""
        with self._transaction():
            triggers = (
                "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'orgsync\\_moved\\_%' ESCAPE '\\'"
            )
            for (name,) in self._all(triggers):
                self._on.execute(f"DROP TRIGGER {quoted(name)}")
            for statement in (*_FORGET, _UNMARK):
                self._on.execute(statement)

    def counters(self) -> Mapping[str, int]:
        """Return the last number that was given to a row, by table, and to a change."""
        found: dict[str, int] = dict(self._all("SELECT name, seq FROM sqlite_sequence"))
        [(change,)] = self._all(control_sql.LAST_NUMBER)
        for table in counted_tables():
            [(highest,)] = self._all(f"SELECT coalesce(max(id), 0) FROM {table}")
            found[table] = max(highest, found.get(table, 0))
        return {**found, "change": change}

    def tables(self, types: TypesOf) -> Sequence[MovedTable]:
        """Describe every table that moves, the control tables first."""
        records = [name for (name,) in self._all(table_sql.RECORD_TABLES)]
        return [*control_tables(), *(self._described(name, types) for name in records)]

    def left_behind(self) -> Sequence[str]:
        """List the tables and views that are not orgsync's."""
        records = [name for (name,) in self._all(table_sql.RECORD_TABLES)]
        dropped = [name for (name,) in self._all(control_sql.CLEARED_TABLES)]
        own = {f"table {name}" for name in records} | {
            f"view {feed_sql.feed_of(each)}" for each in (*records, *dropped)
        }
        return [name for (name,) in self._all(_OTHERS) if name not in own]

    def read(self, table: MovedTable) -> Iterator[Page]:
        """Read a table's rows in the order of its key's bytes, page by page."""
        names = ", ".join(quoted(self._stored(column)) for column in table.columns)
        key = ", ".join(f"{quoted(name)} COLLATE BINARY" for name in table.key)
        with closing(self._on.execute(f"SELECT {names} FROM {quoted(table.name)} ORDER BY {key}")) as cursor:
            yield from pages_by_size(cursor.fetchmany)

    def arrived(self) -> Mapping[str, Arrived]:
        """Return what has arrived of each table that is whole."""
        return {name: Arrived(**json.loads(note)) for name, note in self._all("SELECT name, note FROM orgsync_arrived")}

    @contextmanager
    def arrival(self, table: MovedTable) -> Generator[Callable[[Page], None]]:
        """Make and fill a table in one transaction."""
        with self._transaction():
            if table.records:
                kinds = {column.name: _TYPES[column.kind] for column in table.columns}
                required = [column.name for column in table.columns if column.required]
                self._on.execute(table_sql.create_table(table.name, kinds, required))
            names = ", ".join(quoted(self._stored(column)) for column in table.columns)
            places = ", ".join("?" * len(table.columns))
            insert = f"INSERT INTO {quoted(table.name)} ({names}) VALUES ({places})"
            yield lambda page: self._on.executemany(insert, page).close()
            if table.records:
                self._on.execute(table_sql.index_changes(table.name))
                for column in table.columns:
                    if column.indexed:
                        self._on.execute(table_sql.index_column(table.name, column.name))
                self._on.execute(feed_sql.create_view(table.name, self._columns(table.name)))

    def note_arrived(self, table: MovedTable, arrived: Arrived) -> None:
        """Note, within the block of `arrival`, that a table is whole."""
        note = {"rows": arrived.rows, "checksum": arrived.checksum, "changed": dict(arrived.changed)}
        self._on.execute("INSERT INTO orgsync_arrived (name, note) VALUES (?, ?)", (table.name, json.dumps(note)))

    def _described(self, table: str, known: TypesOf) -> MovedTable:
        types = {
            **known(table),
            **{name: kind for name, kind in self._all(control_sql.COLUMN_TYPES, table) if name},
            **{name: kind for name, _, kind in self._all(control_sql.OBJECT_COLUMNS, table)},
        }
        kinds = table_sql.readable_columns(self._all(table_sql.COLUMNS, table))
        required = {name for (name,) in self._all('SELECT name FROM pragma_table_info(?) WHERE "notnull"', table)}
        indexes = {name for (name,) in self._all(table_sql.INDEXES, table)}
        columns = [
            MovedColumn(
                name,
                "instant" if name in _INSTANTS else _kind(kind, types.get(name, "")),
                name in required,
                table_sql.index_of(table, name) in indexes,
                is_unknown=name not in (*_INSTANTS, *_TEXTS, *types) and _kind(kind, "") == "text",
            )
            for name, kind in kinds.items()
        ]
        return MovedTable(table, tuple(columns), ("connection", "id"), records=True)

    def _columns(self, table: str) -> dict[str, str]:
        return {name: kind for name, kind, _ in self._all(table_sql.COLUMNS, table)}

    def _stored(self, column: MovedColumn) -> str:
        return exact_name(column.name) if column.kind == "number" else column.name

    def _note(self, state: MoveState) -> None:
        for statement in (*_FORGET, *_NOTE, _MARK):
            self._on.execute(statement)
        values = (state.id, state.role, state.state, state.other)
        self._on.execute("INSERT INTO orgsync_move (id, role, state, other) VALUES (?, ?, ?, ?)", values)

    def _require_quiet(self) -> None:
        """Raise AlreadyRunning while a run, an action or a write to an org is under way."""
        liveness = Liveness(self._folder / "holders")
        for name, connection, holder, until in self._all(_UNDER_WAY):
            ends = datetime.max.replace(tzinfo=utc_now().tzinfo) if until == "9999" else datetime.fromisoformat(until)
            if not liveness.is_dead(Holder.parse(holder)) and ends > utc_now():
                raise AlreadyRunning(
                    f"{name!r} is running on {connection!r}, in {Holder.parse(holder)}.",
                    "Stop `orgsync up`, wait until it has ended, and move again.",
                )
        writes = [
            f"write-{key[:32]}" for (key,) in self._all("SELECT key FROM orgsync_write WHERE finished_at IS NULL")
        ]
        with held_at_once(self._folder / "locks", dict.fromkeys(writes)):
            pass

    @contextmanager
    def _transaction(self) -> Generator[None]:
        self._on.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            if self._on.in_transaction:
                self._on.execute("ROLLBACK")
            raise
        self._on.execute("COMMIT")

    def _all(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        return self._on.execute(sql, parameters).fetchall()


def _kind(declared: str, python_type: str) -> Kind:
    """Return the kind of a column by its declared type, by SQLite's rules for one that is not orgsync's."""
    name = declared.upper()
    if name in _KINDS:
        return _KINDS[name]
    if "INT" in name:
        return "int"
    if any(part in name for part in ("CHAR", "CLOB", "TEXT")):
        return _BY_PYTHON_TYPE.get(python_type, "text")
    return "bytes" if not name or "BLOB" in name else "float"
