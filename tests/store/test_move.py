"""Everything moves to another kind of database and back, and is what it was; nothing is lost or twice at any point."""

import json
import sqlite3
import tracemalloc
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio.to_thread
import pytest

from orgsync.errors import AlreadyRunning, ArgumentInvalid, NetworkProblem, StoreMoved, StoreUnavailable
from orgsync.project.move import move_database, undo_move
from orgsync.records import Position, Record, Row, schema_of
from orgsync.settings import Settings
from orgsync.store import Connection, ObjectColumn, Store, StoredPart, Write
from orgsync.store.move import Moved
from orgsync.store.org_schemas import SeenObject
from orgsync.store.postgres.move_end import PostgresMoveEnd
from orgsync.store.sqlite.move_end import SqliteMoveEnd
from tests.store.contacts import CONTACT, NEW, contact, deliver, feed
from tests.store.databases import PostgresDatabase, SqliteDatabase
from tests.store.running import running


class Everything(Record, table=True):
    text: str | None
    whole: int | None
    double: float | None
    flag: bool | None
    amount: Decimal | None
    instant: datetime | None
    day: date | None
    hour: time | None
    words: list[str] | None
    thing: dict[str, Any] | None


EVERYTHING = schema_of(Everything)
EMPTY = {
    *("orgsync_api_token", "orgsync_api_token_connection", "orgsync_idempotency_key", "orgsync_job", "orgsync_worker"),
    *("orgsync_webhook_change", "orgsync_webhook_connection", "orgsync_webhook_delivery"),
}
"""Tables that `filled` puts nothing into; all others have something to lose."""

ROWS: list[Row] = [
    (
        *("a", NEW, False, "tab\t back\\ line\nÜ 😀 \\N", 2**63 - 1, 1e308, True, "12345678901234567890.1234567890"),
        *("0001-01-01T00:00:00.000Z", "9999-12-31", "23:59:59.999", '["x", "\\ud83d\\ude00"]'),
        '{"b": 1.50, "a": [1e2, -0.5, null, true, 12345678901234567890.123]}',
    ),
    ("A", None, False, "", -(2**63), float("inf"), False, "-0.10", NEW, "0001-01-01", "00:00:00.000", "[]", "{}"),
    ("b", NEW, False, None, None, None, None, None, None, None, None, None, None),
]


@pytest.fixture
def sqlite(tmp_path: Path) -> SqliteDatabase:
    return SqliteDatabase(tmp_path)


@pytest.fixture
def postgres(tmp_path: Path) -> PostgresDatabase:
    return PostgresDatabase(tmp_path)


@pytest.fixture
def project(tmp_path: Path) -> Callable[[str], Settings]:
    return lambda url: Settings(project=tmp_path, database_url=url)


async def filled(url: str, folder: Path) -> None:
    """Fill a database with something in every table."""
    async with Store.open(url, folder=folder) as store:
        metadata = {"plan": {"b": 1, "a": ["ü", 0.1]}, "n": 10**20}
        for name in ("acme", "Beta"):
            await store.connections.save(
                Connection(name=name, metadata_=metadata, tags=["eu", "b"]), {"refresh_token": "t0ken"}
            )
        for kind in ("phone", "textarea"):
            await store.org_schemas.note(
                "acme", {"Contact": SeenObject({"Phone": kind}, "Tue")}, reader="people contact"
            )
        await store.sign_ins.save("state", {"verifier": "v"})
        await store.webhooks.add("https://example.com/hook", events=[], connections=["acme"], tags=[])
        await store.connect_sessions.create("acme", {"app_name": "Ü", "tags": ["eu"], "metadata": {"n": 1.5}})
        await store.schedules.change(["contacts"], ["acme"], every="1h", off=True)
        await store.object_columns.settle(
            "everything", lambda _: [ObjectColumn(record_table="Everything", column="x", field="X__c", kind="datetime")]
        )
        write = await store.org_writes.start("acme", "key", "label")
        await store.org_writes.save_part(write, StoredPart(3, '{"sent": [1, 2]}'), b"\x00\xff\\")
        await store.org_writes.finish(write)
        async with running(store, "contacts") as run:
            position = Position("contact", None, {"columns": {"seen_at": ["SeenAt__c", "datetime"]}})
            await store.rows.commit(run, [Write(CONTACT, [contact(key) for key in "abc"])], position, 0)
            await deliver(store, run, [contact("b", NEW, name="Bo")], deleted_ids=["c"])
            await store.copy("acme", sync="contacts").mark_seen(CONTACT, ["a", "Z", "z"])
            error = NetworkProblem("No way.", "Wait.")
            await store.runs.finish(run, status="failed", error=error, api_calls=2, usage=(1, 2**40), alert_after=1)
        async with running(store, "all") as run:
            position = Position("everything", datetime(2026, 1, 3, tzinfo=UTC), {"columns": columns_of_everything()})
            await store.rows.commit(run, [Write(EVERYTHING, ROWS)], position, 2)
        async with running(store, "gone", "Beta") as run:
            gone = schema_of(type("Gone", (Record,), {"__module__": __name__, "__annotations__": {}}, table=True))
            await store.rows.commit(run, [Write(gone, [("a", NEW, False)])], None, 0)
        await store.rows.reset("gone")


def columns_of_everything() -> dict[str, list[str]]:
    return {each.name: [each.path, each.type.__name__] for each in EVERYTHING.columns}


def dump(path: Path) -> dict[str, list[dict[str, Any]]]:
    """Read all rows of all tables of an SQLite file, JSON as values; what a move itself notes is left out."""
    with closing(sqlite3.connect(path)) as database:
        database.row_factory = sqlite3.Row
        tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall()
        found: dict[str, list[dict[str, Any]]] = {}
        for (table,) in tables:
            kinds = {row["name"]: row["type"] for row in database.execute(f"PRAGMA table_xinfo('{table}')")}
            if table not in ("orgsync_move", "orgsync_arrived", "orgsync_sequence", "sqlite_stat1"):
                rows = [dict(row) for row in database.execute(f"SELECT * FROM '{table}'")]
                read = [{name: json_of(kinds[name], value) for name, value in row.items()} for row in rows]
                found[table] = sorted(read, key=repr)
        return found


def json_of(kind: str, value: Any) -> Any:
    return json.loads(value) if kind == "JSON" and value is not None else value


async def moved(settings: Settings, to: str) -> Moved:
    return await anyio.to_thread.run_sync(move_database, settings, to)


async def test_all_that_is_in_the_database_comes_back_value_by_value(
    sqlite: SqliteDatabase, postgres: PostgresDatabase, folder: Path, project: Callable[[str], Settings]
) -> None:
    await filled(sqlite.url, folder)
    before = dump(sqlite.path)
    back = sqlite.beside("back")
    there = await moved(project(sqlite.url), postgres.url)
    again = await moved(project(postgres.url), back.url)
    assert {name: each.rows for name, each in there.tables.items()} == {
        name: each.rows for name, each in again.tables.items()
    }
    assert {name for name, each in there.tables.items() if not each.rows} <= EMPTY
    assert {each.checksum for each in there.tables.values()} == {each.checksum for each in again.tables.values()}
    after = dump(back.path)
    assert after.keys() == before.keys()
    for table, rows in before.items():
        assert after[table] == rows, table
    with closing(sqlite3.connect(sqlite.path)) as one, closing(sqlite3.connect(back.path)) as other:
        shape = "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'orgsync_%' AND name NOT LIKE 'sqlite_%'"
        made, expected = dict(other.execute(shape).fetchall()), dict(one.execute(shape).fetchall())
        assert other.execute("SELECT connection, sync_change FROM gone_changes").fetchall() == [("Beta", "cleared")]
    del made["gone_changes"], expected["gone_changes"]  # of its columns, only those remain that an event needs
    assert made == expected


async def test_what_was_moved_is_used_as_before(
    sqlite: SqliteDatabase, postgres: PostgresDatabase, folder: Path, project: Callable[[str], Settings]
) -> None:
    await filled(sqlite.url, folder)
    await moved(project(sqlite.url), postgres.url)
    async with Store.open(postgres.url, folder=folder) as store:
        assert await store.connections.secrets("acme") == {"refresh_token": "t0ken"}
        assert await store.sign_ins.take("state") == {"verifier": "v"}
        async with running(store, "all") as run:  # the class fits its table
            again = await store.rows.commit(run, [Write(EVERYTHING, ROWS)], None, 2)
            assert (again.unchanged, run.id) == (3, 4)
        [write] = [await store.org_writes.last("acme", "key")]
        assert write is not None
        assert await store.org_writes.outcomes(write, 3) == b"\x00\xff\\"


async def test_a_reader_of_the_feed_continues_there_and_back_and_misses_nothing(
    sqlite: SqliteDatabase, postgres: PostgresDatabase, folder: Path, project: Callable[[str], Settings]
) -> None:
    await filled(sqlite.url, folder)
    async with Store.open(sqlite.url, folder=folder) as store:
        first = await feed(store)
        remembered = await store.rows.last_change()
        in_the_middle = first[0][2]
    url = sqlite.url
    for target in (postgres.url, sqlite.beside("one").url, PostgresDatabase(folder).url, sqlite.beside("two").url):
        await moved(project(url), target)
        url = target
        async with Store.open(url, folder=folder) as store:
            assert [each for each in await feed(store) if each[2] <= first[-1][2]] == first
            assert (await feed(store, after=in_the_middle))[: len(first) - 1] == first[1:]
            assert await feed(store, after=remembered) == []
            async with running(store, "contacts") as run:
                await deliver(store, run, [contact(f"new {target}", NEW)])
            [(key, change, number)] = await feed(store, after=remembered)
            assert (key, change, number > remembered) == (f"new {target}", "added", True)
            remembered = await store.rows.last_change()


STEPS = ("close_to_others", "begin_arrival", "arrival", "note_arrived", "read", "complete")


class Killed(BaseException):
    """What ends the process."""


@pytest.mark.parametrize("way", ["to postgres", "to sqlite"])
@pytest.mark.parametrize("at", [0, 1, 2, 5, 9, 14, 20, 27, 33, 40, 46, 999])
async def test_ended_at_any_point_it_is_completed_by_the_next_call(
    way: str,
    at: int,
    sqlite: SqliteDatabase,
    postgres: PostgresDatabase,
    folder: Path,
    project: Callable[[str], Settings],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source, target = (sqlite.url, postgres.url) if way == "to postgres" else (postgres.url, sqlite.url)
    await filled(source, folder)
    left = at

    def dying(original: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any) -> Any:
            nonlocal left
            left -= 1
            if left < 0:
                raise Killed
            return original(*arguments)

        return step

    with monkeypatch.context() as patch:
        for end in (SqliteMoveEnd, PostgresMoveEnd):
            for name in STEPS:
                patch.setattr(end, name, dying(getattr(end, name)))
        try:
            first = await moved(project(source), target)
        except Killed:
            first = None
        assert (first is None) == (at < 100)
    if first is None:
        first = await moved(project(source), target)
    with pytest.raises(StoreMoved, match="was moved to"):
        async with Store.open(source, folder=folder):
            pass
    async with Store.open(target, folder=folder) as store:
        assert [key for key, _, _ in await feed(store)] == ["a", "b", "c"]
    with pytest.raises(ArgumentInvalid, match=r"was moved to .* already"):
        await moved(project(source), target)
    assert first.tables["contact"].rows == 3


@pytest.mark.parametrize("way", ["to postgres", "to sqlite"])
async def test_from_its_beginning_nobody_writes_to_the_source_or_opens_the_target(
    way: str,
    sqlite: SqliteDatabase,
    postgres: PostgresDatabase,
    folder: Path,
    project: Callable[[str], Settings],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source, target = (sqlite.url, postgres.url) if way == "to postgres" else (postgres.url, sqlite.url)
    await filled(source, folder)
    end = SqliteMoveEnd if way == "to postgres" else PostgresMoveEnd

    def killed(*_: object) -> None:
        raise Killed

    async with Store.open(source, folder=folder) as open_before:
        with monkeypatch.context() as patch:
            patch.setattr(end, "read", killed)
            with pytest.raises(Killed):
                await moved(project(source), target)
        with pytest.raises(StoreMoved, match="is being moved"):
            async with running(open_before):
                pass
        with pytest.raises(StoreMoved, match="is being moved"):
            await open_before.connections.update("acme", status_reason="x")
        with pytest.raises(StoreMoved, match="is being moved"):
            await open_before.require_writable()  # what is asked before a refresh token is used up
        for url, words in ((source, "is being moved to"), (target, "is being filled by a move from")):
            with pytest.raises(StoreMoved, match=words):
                async with Store.open(url, folder=folder):
                    pass
        undone = await anyio.to_thread.run_sync(undo_move, project(source))
        assert undone.state == "copying"
        async with running(open_before) as run:
            await deliver(open_before, run, [contact("later")])
    with pytest.raises(ArgumentInvalid, match="is not empty: it holds"):
        await moved(project(source), target)


@pytest.mark.parametrize("way", ["to postgres", "to sqlite"])
async def test_while_anything_is_under_way_nothing_moves_and_nothing_is_changed(
    way: str, sqlite: SqliteDatabase, postgres: PostgresDatabase, folder: Path, project: Callable[[str], Settings]
) -> None:
    source, target = (sqlite.url, postgres.url) if way == "to postgres" else (postgres.url, sqlite.url)
    await filled(source, folder)
    async with Store.open(source, folder=folder) as store:
        async with running(store, "contacts") as run:
            with pytest.raises(AlreadyRunning, match="'contacts' is running on 'acme'"):
                await moved(project(source), target)
            await deliver(store, run, [contact("d")])
        action = await store.runs.start_action("invoice", "acme")
        with pytest.raises(AlreadyRunning, match="'invoice' is running on 'acme'"):
            await moved(project(source), target)
        await store.runs.finish_action(action, status="done", api_calls=0)
        async with store.lock("token acme", timeout=0):
            with pytest.raises(AlreadyRunning, match="token acme"):
                await moved(project(source), target)
        await store.org_writes.start("acme", "k" * 40, "label")
        async with store.lock(f"write-{'k' * 32}", timeout=0):
            with pytest.raises(AlreadyRunning, match="write-kkk"):
                await moved(project(source), target)
        async with running(store, "contacts") as run:
            await deliver(store, run, [contact("e")])
    assert (await moved(project(source), target)).tables["contact"].rows == 5


async def test_a_target_that_holds_anything_is_refused_and_stays_as_it_is(
    sqlite: SqliteDatabase, postgres: PostgresDatabase, folder: Path, project: Callable[[str], Settings]
) -> None:
    await filled(sqlite.url, folder)
    async with Store.open(postgres.url, folder=folder) as store:
        await store.connections.save(Connection(name="other"), {})
    with pytest.raises(ArgumentInvalid, match=r"is not empty: it holds rows in orgsync_connection"):
        await moved(project(sqlite.url), postgres.url)
    async with Store.open(postgres.url, folder=folder) as store:
        assert [each.name for each in await store.connections.list()] == ["other"]
    async with Store.open(sqlite.url, folder=folder) as store, running(store) as run:  # the source is not closed
        await deliver(store, run, [contact("d")])
    with pytest.raises(ArgumentInvalid, match="is there already"):
        await moved(project(sqlite.url), sqlite.url)


async def test_what_is_not_orgsyncs_stays_and_is_named_as_is_a_column_whose_type_nobody_knows(
    sqlite: SqliteDatabase, postgres: PostgresDatabase, folder: Path, project: Callable[[str], Settings]
) -> None:
    async with Store.open(sqlite.url, folder=folder) as store, running(store) as run:
        await deliver(store, run, [contact("a")])
    sqlite.execute("CREATE TABLE mine (x)")
    sqlite.execute("ALTER TABLE contact ADD COLUMN rating INTEGER DEFAULT 3")
    postgres.execute("CREATE TABLE contact (mine text)")
    with pytest.raises(ArgumentInvalid, match="has a table contact, a name that the copy needs"):
        await moved(project(sqlite.url), postgres.url)
    postgres.execute("DROP TABLE contact")
    done = await moved(project(sqlite.url), postgres.url)
    assert (done.left_behind, done.unknown) == (("table mine",), ("contact.seen_at",))
    assert postgres.execute("SELECT id, rating FROM contact_changes") == [("a", 3)]


async def test_what_postgresql_cannot_hold_is_a_question_mark_and_is_counted(
    sqlite: SqliteDatabase, postgres: PostgresDatabase, folder: Path, project: Callable[[str], Settings]
) -> None:
    async with Store.open(sqlite.url, folder=folder) as store, running(store) as run:
        await deliver(store, run, [contact("a"), contact("b", name="plain \\u0000")])
    labels = '["\\u0000 \\\\u0000 \\ud83d\\ude00 \\ud83d"]'
    sqlite.execute("UPDATE contact SET name = 'nul ' || char(0) || ' here', labels = ? WHERE id = 'a'", labels)
    done = await moved(project(sqlite.url), postgres.url)
    assert done.changed == {"contact.name": 1, "contact.labels": 1}
    async with Store.open(postgres.url, folder=folder) as store:
        found = {row["id"]: row async for row in store.rows.read("contact")}
    assert (found["a"]["name"], found["b"]["name"]) == ("nul ? here", "plain \\u0000")
    assert found["a"]["labels"] == ["? \\u0000 😀 ?"]


@pytest.mark.parametrize(
    ("change", "reported"),
    [
        ("UPDATE contact SET age = 'seven' WHERE id = 'a'", r"contact has a value in age \(connection acme, id a\)"),
        ("UPDATE contact SET seen_at = 'yesterday-ish' WHERE id = 'a'", "contact has a value in seen_at that"),
        ("UPDATE contact SET labels = '[NaN]' WHERE id = 'a'", "contact has a value in labels that"),
    ],
)
async def test_a_value_that_is_none_of_its_column_is_named_without_itself(
    change: str,
    reported: str,
    sqlite: SqliteDatabase,
    postgres: PostgresDatabase,
    folder: Path,
    project: Callable[[str], Settings],
) -> None:
    position = Position("contact", None, {"columns": {"seen_at": ["SeenAt__c", "datetime"]}})
    async with Store.open(sqlite.url, folder=folder) as store, running(store) as run:
        await store.rows.commit(run, [Write(CONTACT, [contact("a")])], position, 0)
    sqlite.execute(change)
    with pytest.raises(StoreUnavailable, match=reported) as refused:
        await moved(project(sqlite.url), postgres.url)
    assert "seven" not in str(refused.value)
    assert "yesterday" not in str(refused.value)
    await anyio.to_thread.run_sync(undo_move, project(sqlite.url))
    async with Store.open(sqlite.url, folder=folder) as store:
        assert [row["id"] async for row in store.rows.read("contact")] == ["a"]


async def test_what_has_not_arrived_as_it_was_sent_is_found_and_the_target_stays_closed(
    sqlite: SqliteDatabase,
    postgres: PostgresDatabase,
    folder: Path,
    project: Callable[[str], Settings],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await filled(sqlite.url, folder)
    original = PostgresMoveEnd.note_arrived

    def tampered(self: PostgresMoveEnd, table: Any, arrived: Any) -> None:
        original(self, table, arrived)
        if table.name == "contact":
            self._on.execute("UPDATE contact SET name = 'other' WHERE id = 'a'")  # pyright: ignore[reportPrivateUsage]

    monkeypatch.setattr(PostgresMoveEnd, "note_arrived", tampered)
    with pytest.raises(StoreUnavailable, match=r"contact in .* is not what was sent: 3 rows of 3 with other values"):
        await moved(project(sqlite.url), postgres.url)
    with pytest.raises(StoreMoved, match="is being filled"):
        async with Store.open(postgres.url, folder=folder):
            pass


async def test_two_moves_at_once_are_refused(
    sqlite: SqliteDatabase, postgres: PostgresDatabase, folder: Path, project: Callable[[str], Settings]
) -> None:
    await filled(sqlite.url, folder)
    with (
        SqliteMoveEnd.open(sqlite.url, folder) as source,
        source.alone(),
        pytest.raises(AlreadyRunning, match="move"),
    ):
        await moved(project(sqlite.url), postgres.url)
    await moved(project(sqlite.url), postgres.url)


class Long(Record, table=True):
    body: str | None


@pytest.mark.parametrize("up", [True, False], ids=["up", "down"])
async def test_memory_does_not_grow_with_the_size_of_rows(
    sqlite: SqliteDatabase, postgres: PostgresDatabase, folder: Path, project: Callable[[str], Settings], up: bool
) -> None:
    source, target = (sqlite.url, postgres.url) if up else (postgres.url, sqlite.url)
    short, long = 1_000, 500
    rows: list[Row] = [
        (f"{number:04}", NEW, False, "x" * (100_000 if number >= short else 5)) for number in range(1500)
    ]
    async with Store.open(source, folder=folder) as store, running(store, "all") as run:
        await store.rows.commit(run, [Write(schema_of(Long), rows)], None, 0)
    del rows
    tracemalloc.start()
    try:
        there = await moved(project(source), target)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert there.tables["long"].rows == short + long
    assert peak < 45_000_000  # the long rows alone are 50,000,000 bytes, and each is held several times
