"""A PostgreSQL database that is moved to another one, or that another one is moved to."""
# ruff: noqa: S608 # every name is quoted and every value a parameter

import json
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from orgsync.errors import AlreadyRunning, StoreUnavailable

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
from . import control_sql, feed_sql, liveness, table_sql
from .address import Address
from .driver import OPTIONS, set_up
from .errors import MOVED, errors_explained, require_usable
from .locks import TRY
from .move_sql import (
    AHEAD,
    FORGET,
    FREE,
    KINDS,
    MARK,
    NO_TIMEOUTS,
    NOTE,
    OTHERS,
    READ,
    REQUIRED,
    TYPES,
    UNDER_WAY,
    UNMARK,
    plain,
    texts,
)
from .refusals import connection_refused
from .schema import in_schema

__all__ = ["PostgresMoveEnd"]


class PostgresMoveEnd:
    """One schema of a PostgreSQL database, opened by one process for a move."""

    loses_nul = True

    def __init__(self, at: Address, on: "psycopg.Connection[Any]") -> None:
        self.shown = at.shown if at.schema == "public" else f"{at.shown} (schema {at.schema})"
        self._on = on

    @classmethod
    @contextmanager
    def open(cls, at: Address) -> "Generator[PostgresMoveEnd]":
        """Connect; raises StoreUnavailable for a database that cannot be used."""
        try:
            opened = psycopg.connect(at.conninfo, autocommit=True, **OPTIONS)
        except psycopg.OperationalError as error:
            raise connection_refused(error, at) from None
        with errors_explained(at), opened:
            require_usable(opened.info, at)
            opened.execute(set_up(at, writes=True).encode())
            opened.execute(NO_TIMEOUTS)
            here = in_schema(at, *opened.execute(control_sql.SCHEMA).fetchall()[0])
            with errors_explained(here):
                yield cls(here, opened)

    @contextmanager
    def alone(self) -> Generator[None]:
        """Keep other moves of the database out."""
        with self._held_at_once(["move"]):
            yield

    def noted(self) -> MoveState | None:
        """Return what is noted of a move."""
        if not self._all(control_sql.TABLE_EXISTS, "orgsync_move"):
            return None
        [(id, role, state, other)] = self._all("SELECT id, role, state, other FROM orgsync_move")
        return MoveState(id, role, state, other)

    def contents(self) -> Sequence[str]:
        """Say what the schema holds."""
        filled = [each.name for each in control_tables() if self._all(f"SELECT 1 FROM {each.name} LIMIT 1")]
        records = [name for (name,) in self._all(table_sql.RECORD_TABLES)]
        return [f"rows in {name}" for name in filled] + [f"the table {name}" for name in records]

    def close_to_others(self, state: MoveState) -> None:
        """Note a move, and from now on let nobody else write."""
        tables = [*(each.name for each in control_tables()), "orgsync_sequence"]
        names = [name for (name,) in self._all("SELECT name FROM orgsync_connection")]
        with self._held_at_once(f"token {name}" for name in names), self._on.transaction():
            self._do(f"LOCK TABLE {', '.join(tables)} IN SHARE ROW EXCLUSIVE MODE")
            self._require_quiet()
            self._note(state)
            text = f"is being moved, or was moved, to {state.other}".replace("'", "''")
            self._do(
                "CREATE OR REPLACE FUNCTION orgsync_moved() RETURNS trigger LANGUAGE plpgsql AS "
                f"$body$ BEGIN RAISE EXCEPTION USING ERRCODE = '{MOVED}', MESSAGE = '{text}'; END $body$"
            )
            for name in tables:
                self._do(
                    f"CREATE TRIGGER orgsync_moved BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON {name} "
                    "FOR EACH STATEMENT EXECUTE FUNCTION orgsync_moved()"
                )

    def begin_arrival(self, state: MoveState) -> None:
        """Note a move, and let nobody open the database until it is done."""
        with self._on.transaction():
            self._note(state)

    def complete(self, state: MoveState, counters: Mapping[str, int]) -> None:
        """Note that a move is done; a target is opened to all."""
        with self._on.transaction():
            self._do("UPDATE orgsync_move SET state = 'done'")
            if state.role == "source":
                return
            self._do(control_sql.FREE_LEASES)
            above = counters["change"] >> feed_sql.PLACE_BITS
            self._do(f"UPDATE orgsync_sequence SET value = greatest(0, {above} + 1 - {AHEAD}) WHERE name = 'change'")
            for table in counted_tables():
                sequence = f"pg_get_serial_sequence('{table}', 'id')"
                self._do(f"SELECT setval({sequence}, {counters[table] + 1}, false)")
            records = {name for (name,) in self._all(table_sql.RECORD_TABLES)}
            for (table,) in self._all(control_sql.CLEARED_TABLES):
                if table not in records:
                    view = feed_sql.create_view(table, feed_sql.dropped_kinds({}), is_dropped=True)
                    self._do(view)
                    self._do(feed_sql.note_digest(table, feed_sql.digest_of(view)))
            self._do(UNMARK)

    def reopen(self) -> None:
        """Forget the move that this database was the source of."""
        with self._on.transaction():
            self._do("DROP FUNCTION IF EXISTS orgsync_moved() CASCADE")
            for statement in (*FORGET, UNMARK):
                self._do(statement)

    def counters(self) -> Mapping[str, int]:
        """Return the last number that was given to a row, by table, and to a change or a reader of changes."""
        given: dict[str, int] = {}
        for table in counted_tables():
            [(sequence,)] = self._all(f"SELECT pg_get_serial_sequence('{table}', 'id')")
            [(last, is_called)] = self._all(f"SELECT last_value, is_called FROM {sequence}")
            given[table] = last if is_called else last - 1
        sql = f"SELECT ({AHEAD} + value) << {feed_sql.PLACE_BITS} FROM orgsync_sequence WHERE name = 'change'"
        [(change,)] = self._all(sql)
        return {**given, "change": change}

    def tables(self, types: TypesOf) -> Sequence[MovedTable]:
        """Describe every table that moves, the control tables first."""
        return [*control_tables(), *(self._described(name) for (name,) in self._all(table_sql.RECORD_TABLES))]

    def left_behind(self) -> Sequence[str]:
        """List the tables and views that are not orgsync's."""
        records = [name for (name,) in self._all(table_sql.RECORD_TABLES)]
        dropped = [name for (name,) in self._all(control_sql.CLEARED_TABLES)]
        own = {f"table {name}" for name in records} | {
            f"view {feed_sql.feed_of(each)}" for each in (*records, *dropped)
        }
        return [name for (name,) in self._all(OTHERS) if name not in own]

    def read(self, table: MovedTable) -> Iterator[Page]:
        """Read a table's rows in the order of its key's bytes, page by page."""
        kinds: dict[str, Kind] = {column.name: column.kind for column in table.columns}
        names = ", ".join(READ[kind].format(plain(name)) for name, kind in kinds.items())
        key = ", ".join(f"{plain(name)}{_COLLATED if kinds[name] == 'text' else ''}" for name in table.key)
        with self._on.transaction(), self._on.cursor(name="orgsync_move") as cursor:
            cursor.execute(f"SELECT {names} FROM {plain(table.name)} ORDER BY {key}".encode())
            yield from pages_by_size(cursor.fetchmany)

    def arrived(self) -> Mapping[str, Arrived]:
        """Return what has arrived of each table that is whole."""
        return {name: Arrived(**json.loads(note)) for name, note in self._all("SELECT name, note FROM orgsync_arrived")}

    @contextmanager
    def arrival(self, table: MovedTable) -> Generator[Callable[[Page], None]]:
        """Make and fill a table in one transaction."""
        with self._on.transaction():
            if table.records:
                self._make(table)
            names = ", ".join(plain(column.name) for column in table.columns)
            copy = f"COPY {plain(table.name)} ({names}) FROM STDIN".encode()
            yield lambda page: self._write(table, copy, page)
            if table.records:
                indexed = [table_sql.index_column(table.name, each.name) for each in table.columns if each.indexed]
                view = feed_sql.create_view(table.name, dict(self._all(table_sql.COLUMNS, table.name)))
                digest = feed_sql.note_digest(table.name, feed_sql.digest_of(view))
                for statement in (*table_sql.index_changes(table.name), *indexed, view, digest):
                    self._do(statement)

    def note_arrived(self, table: MovedTable, arrived: Arrived) -> None:
        """Note, within the block of `arrival`, that a table is whole."""
        note = {"rows": arrived.rows, "checksum": arrived.checksum, "changed": dict(arrived.changed)}
        self._on.execute("INSERT INTO orgsync_arrived (name, note) VALUES (%s, %s)", (table.name, json.dumps(note)))

    def _make(self, table: MovedTable) -> None:
        long = [each.name for each in table.columns if len(each.name.encode()) > table_sql.LONGEST_NAME]
        if len(table.name.encode()) > table_sql.LONGEST_TABLE or long:
            what = f"The column {long[0]} of the table {table.name}" if long else f"The table {table.name}"
            raise StoreUnavailable(
                f"{what} has a longer name than PostgreSQL keeps.",
                "Give it a shorter one in the record class, reset the sync whose table it is, and move again.",
            )
        kinds = {column.name: TYPES[column.kind] for column in table.columns}
        self._do(table_sql.create_table(table.name, kinds, [each.name for each in table.columns if each.required]))

    def _write(self, table: MovedTable, copy: bytes, page: Page) -> None:
        columns = [texts(values) for values in zip(*page, strict=True)]
        text = "\n".join(map("\t".join, zip(*columns, strict=True))) + "\n"
        try:
            with self._on.cursor() as cursor, cursor.copy(copy) as sent:
                sent.write(text.encode())
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            column = (error.diag.context or "").partition(", column ")[2].partition(":")[0]
            raise StoreUnavailable(
                f"The table {table.name} has a value{f' in {column}' if column else ''} that PostgreSQL does not take: "
                f"SQLSTATE {error.sqlstate}.",
                "Correct the value, or reset the sync whose table it is, and move again.",
            ) from None  # its text holds the value

    def _described(self, table: str) -> MovedTable:
        required = {name for (name,) in self._all(REQUIRED, table)}
        indexes = {name for (name,) in self._all(table_sql.INDEXES, table)}
        columns = [
            MovedColumn(name, KINDS.get(kind, "text"), name in required, table_sql.index_of(table, name) in indexes)
            for name, kind in self._all(table_sql.COLUMNS, table)
        ]
        return MovedTable(table, tuple(columns), ("connection", "id"), records=True)

    def _note(self, state: MoveState) -> None:
        for statement in (*FORGET, *NOTE, MARK):
            self._do(statement)
        values = (state.id, state.role, state.state, state.other)
        self._on.execute("INSERT INTO orgsync_move (id, role, state, other) VALUES (%s, %s, %s, %s)", values)

    def _require_quiet(self) -> None:
        """Raise AlreadyRunning while a run, an action or a write to an org is under way."""
        for name, connection, holder in self._all(UNDER_WAY):
            if not liveness.is_dead(Holder.parse(holder)):
                raise AlreadyRunning(
                    f"{name!r} is running on {connection!r}, in {Holder.parse(holder)}.",
                    "Stop every `orgsync up`, wait until it has ended, and move again.",
                )
        writes = [
            f"write-{key[:32]}" for (key,) in self._all("SELECT key FROM orgsync_write WHERE finished_at IS NULL")
        ]
        with self._held_at_once(dict.fromkeys(writes)):
            pass

    @contextmanager
    def _held_at_once(self, names: Iterable[str]) -> Generator[None]:
        """Hold many locks of other processes; raises AlreadyRunning where one of them is not free."""
        held: list[str] = []
        try:
            for name in names:
                if not self._all(TRY, name)[0][0]:
                    raise AlreadyRunning(
                        f"The lock {name!r} is held elsewhere.", "Wait until it is free, then run again."
                    )
                held.append(name)
            yield
        finally:
            if not self._on.broken and self._on.info.transaction_status != TransactionStatus.INERROR:
                for name in held:
                    self._all(FREE, name)

    def _do(self, sql: str) -> None:
        self._on.execute(sql.replace("%%", "%").encode())

    def _all(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        return self._on.execute(sql.encode(), parameters or None).fetchall()


_COLLATED = ' COLLATE "C"'
