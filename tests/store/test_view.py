"""A database opened for reading alone."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from orgsync.errors import ArgumentInvalid, NameUnknown, StoreUnavailable
from orgsync.project.exports import write_rows
from orgsync.records import Position
from orgsync.store import Connection, ObjectColumn, Run, Store, Write, open_view
from orgsync.store.statuses import Owed
from orgsync.store.view import ScheduleRow, Selection
from tests.projects import settings_for
from tests.store.contacts import CONTACT, MID, OLD, contact, deliver
from tests.store.databases import Database


async def test_an_empty_database_looks_empty(database: Database, folder: Path) -> None:
    with open_view(database.beside("new").url, folder=folder) as view, view.one_state():
        assert (view.connections(), view.runs(9), view.schedules(), view.objects(), view.tables()) == (
            [],
            [],
            [],
            set(),
            [],
        )
        assert not view.has_tables
        assert view.stored_types("contact") == {}
        with pytest.raises(NameUnknown):
            view.require_sync("contacts")


async def test_a_database_of_another_application_looks_empty_and_stays_as_it_is(
    database: Database, folder: Path
) -> None:
    database = database.beside("theirs")
    database.execute("CREATE TABLE theirs (id integer)")
    with open_view(database.url, folder=folder) as view:
        assert (view.connections(), view.tables(), view.runs(9)) == ([], [], [])
        assert not view.has_tables
    found = "sqlite_master" if database.url.startswith("sqlite") else "pg_catalog.pg_class"
    name = "name" if database.url.startswith("sqlite") else "relname"
    assert database.execute(f"SELECT {name} FROM {found} WHERE {name} LIKE 'orgsync%'") == []


async def test_what_runs_were_asked_for_is_owed_until_a_position_replaces_it(
    store: Store, url: str, folder: Path
) -> None:
    async def run(connection: str, *positions: Position, owed: Owed = "") -> None:
        async with store.runs.begin("contacts", connection, owed=owed) as begun:
            for position in positions:
                await store.rows.commit(begun, [], position, 1)

    text = {"note": '"owed": "full", \0 and "owed": "reconcile"'}
    stood = (Position("contact", None, {"owed": "", **text}), Position("", None, {"owed": "full", **text}))
    for connection in ("acme", "beta", "mine", "none"):
        await run(connection, *stood)
    await run("acme", stood[0], owed="full")
    await run("acme", owed="reconcile")  # which is less, and is owed of the contacts alone
    await run("beta", owed="reconcile")
    await run("mine", stood[0], owed="full")
    await run("never")
    with open_view(url, folder=folder) as view:
        assert view.owed() == {
            ("contacts", "acme"): "full",
            ("contacts", "beta"): "reconcile",
            ("contacts", "mine"): "full",
        }
    await run("mine", stood[1])
    own = (await store.runs.checkpoints("contacts", "mine"))[""].position
    assert own == stood[1].state
    with open_view(url, folder=folder) as view:
        assert ("contacts", "mine") not in view.owed()


async def test_a_number_that_no_database_can_hold_is_no_runs_and_no_deliverys(
    store: Store, run: Run, url: str, folder: Path
) -> None:
    with open_view(url, folder=folder) as view:
        for number in (run.id + 1, 2**63, -(2**63) - 1, 10**30):
            with pytest.raises(NameUnknown, match=f"There is no run {number}"):
                view.run(number)
            with pytest.raises(NameUnknown, match=f"There is no run {number}"):
                await store.runs.get(number)
            with pytest.raises(NameUnknown, match=f"There is no delivery {number}"):
                await store.webhooks.delivery(number)


async def test_what_is_set_is_read(store: Store, run: Run, url: str, folder: Path) -> None:
    mapping = [{"model": "Contact", "table": "contact", "column": "level", "fields": ["Tier__c"]}]
    await store.connections.save(Connection(name="acme", tags=["eu"], mapping=mapping), {})
    await store.schedules.change(["contacts", "accounts"], ["acme"], every="1h")
    await store.schedules.change(["contacts"], ["acme"], off=True)
    await store.schedules.remove(["accounts"], ["acme"])
    action = await store.runs.start_action("merge", "acme")
    await store.object_columns.settle(
        "Contact", lambda _: [ObjectColumn(record_table="Contact", column="a", field="A", kind="str")]
    )
    await deliver(store, run, [contact("a")])
    with open_view(url, folder=folder) as view:
        assert view.has_tables
        assert view.connection("acme").mapping == {"Contact.level": "Tier__c"}
        assert view.schedules() == [ScheduleRow(sync="contacts", connection="acme", every="1h", off=True)]
        assert [(each.id, each.kind) for each in view.runs(9)] == [(action.id, "action"), (run.id, "sync")]
        assert [each.id for each in view.runs(9, action="merge")] == [action.id]
        assert [each.id for each in view.runs(9, sync="contacts", connection="acme")] == [run.id]
        assert (view.pairs(), view.syncs(), view.objects()) == ([("contacts", "acme")], ["contacts"], {"contacts"})
        assert not view.is_own(folder / "elsewhere.db")
        view.require_sync("contacts")
        view.require_in_place()
        with pytest.raises(NameUnknown):
            view.require_sync("merge")
    await store.connections.rename("acme", "new")
    assert [row.connection for row in await store.schedules.list()] == ["new"]
    await store.connections.remove("new")
    assert not await store.schedules.list()


async def test_selected_columns_come_in_the_order_asked_for(store: Store, run: Run, url: str, folder: Path) -> None:
    await deliver(store, run, [contact(f"{number:04}", name=f"n{number}") for number in range(2100)])
    with open_view(url, folder=folder) as view:
        chosen = Selection("contact", "acme", columns=["labels", "name"], where="name <> 'n3'", limit=1500)
        assert [len(page) for page in view.pages(chosen)] == [128, 512, 860]
        rows = list(view.read(chosen))
        assert (rows[0], len(rows)) == ({"labels": ["a"], "name": "n0"}, 1500)
        every = list(view.read(Selection("contact", changes=True, columns=["sync_seq", "id"])))
        third, last = every[2]["sync_seq"], every[-1]["sync_seq"]
        some = Selection("contact", "acme", changes=True, after=every[0]["sync_seq"], upto=third, columns=["id"])
        assert list(view.pages(some)) == [[("0001",), ("0002",)]]
        assert not list(view.pages(Selection("contact", changes=True, after=last)))
        for odd in ("name = name; DELETE FROM contact", "EXISTS (SELECT 1 FROM orgsync_connection)"):
            with pytest.raises(ArgumentInvalid):
                next(view.pages(Selection("contact", where=odd)))
        with pytest.raises(NameUnknown, match="name"):
            next(view.pages(Selection("contact", columns=["nam"])))


async def test_rows_of_one_connection_do_not_begin_behind_a_row_of_another(
    store: Store, run: Run, url: str, folder: Path
) -> None:
    await deliver(store, run, [contact("a")])
    with open_view(url, folder=folder) as view:
        assert list(view.read(Selection("contact", "acme", columns=["id"], after_key=("acme", "")))) == [{"id": "a"}]
        with pytest.raises(ArgumentInvalid):
            list(view.read(Selection("contact", "zeta", columns=["id"], after_key=("acme", ""))))


async def test_nul_in_what_is_asked_for_is_no_fault_of_the_database(
    store: Store, run: Run, url: str, folder: Path
) -> None:
    with open_view(url, folder=folder) as view:
        if url.startswith("sqlite"):
            assert view.runs(9, sync="\0") == []
            return
        with pytest.raises(ArgumentInvalid, match="NUL"):
            view.runs(9, sync="\0")
        with pytest.raises(ArgumentInvalid, match="NUL"):
            await store.connections.get("\0")


async def test_one_state_is_read_while_others_write(store: Store, run: Run, url: str, folder: Path) -> None:
    await deliver(store, run, [contact("a")])
    with open_view(url, folder=folder) as view:
        with view.one_state():
            assert len(list(view.read(Selection("contact")))) == 1
            await deliver(store, run, [contact("b")])
            assert len(list(view.read(Selection("contact")))) == 1
        assert len(list(view.read(Selection("contact")))) == 2


async def test_a_view_that_stays_open_sees_what_others_make_of_the_tables(
    store: Store, run: Run, url: str, folder: Path, database: Database
) -> None:
    with open_view(url, folder=folder) as view:
        assert view.tables() == []
        await deliver(store, run, [contact("a")])
        assert (view.tables(), view.table("contact")) == (["contact"], "contact")
        assert "nickname" not in view.columns("contact")
        database.execute("ALTER TABLE contact ADD COLUMN nickname VARCHAR")
        assert "nickname" in view.columns("contact")
        database.execute("UPDATE contact SET nickname = 'Al'")
        assert [row["nickname"] for row in view.read(Selection("contact"))] == ["Al"]
        database.execute("CREATE INDEX by_nickname ON contact (nickname)")
        assert "nickname" in view.indexed("contact")
        database.execute("DROP INDEX by_nickname")
        database.execute("ALTER TABLE contact DROP COLUMN nickname")
        assert [row["id"] for row in view.read(Selection("contact"))] == ["a"]
        database.execute("DROP VIEW contact_changes")
        database.execute("DROP TABLE contact")
        assert view.tables() == []
        with pytest.raises(NameUnknown):
            view.table("contact")


async def test_a_run_that_ends_while_it_is_read_has_not_died(
    store: Store, run: Run, url: str, folder: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_view(url, folder=folder) as view:
        assert [each.status for each in view.runs(9)] == ["running"]

        def ending(sql: str, parameters: Sequence[Any] = ()) -> Any:
            if "orgsync_lease" in sql:  # whoever ends the run gives up its lease in the same transaction
                database.execute("UPDATE orgsync_run SET status = 'done' WHERE id = ?", run.id)
                database.execute("UPDATE orgsync_lease SET holder = ''")
            return original(sql, parameters)

        original = getattr(view, "_fetch")  # noqa: B009
        monkeypatch.setattr(view, "_fetch", ending)
        assert [(each.status, each.error) for each in view.runs(9)] == [("done", None)]
        monkeypatch.undo()
        database.execute("UPDATE orgsync_run SET status = 'running'")
        assert [(each.status, each.error_code) for each in view.runs(9)] == [("failed", "process_died")]


@pytest.mark.parametrize("where", ["", "nickname IS NULL"])
@pytest.mark.parametrize("changes", [False, True])
async def test_a_table_that_is_changed_while_it_is_read_is_named_as_that(
    changes: bool, where: str, store: Store, run: Run, url: str, folder: Path, database: Database
) -> None:
    await deliver(store, run, [contact(f"{number:04}") for number in range(300)])
    database.execute("ALTER TABLE contact ADD COLUMN nickname VARCHAR")
    with open_view(url, folder=folder) as view:
        pages = view.pages(Selection("contact", changes=changes, where=where))
        assert next(pages)
        database.execute("ALTER TABLE contact DROP COLUMN nickname")
        with pytest.raises(StoreUnavailable, match="changed while they were read"):
            next(pages)
        assert sum(map(len, view.pages(Selection("contact", changes=changes)))) == 300


async def test_a_table_whose_column_has_another_type_can_be_read_again(
    store: Store, run: Run, url: str, folder: Path, database: Database
) -> None:
    if url.startswith("sqlite"):
        pytest.skip("SQLite changes no column's type")
    await deliver(store, run, [contact("a")])
    database.execute("ALTER TABLE contact ADD COLUMN nickname VARCHAR")
    with open_view(url, folder=folder) as view:
        for _ in range(6):  # psycopg prepares a statement that it has run five times
            assert list(view.pages(Selection("contact")))
        database.execute("ALTER TABLE contact ALTER COLUMN nickname TYPE integer USING 1")
        assert [row["nickname"] for row in view.read(Selection("contact"))] == [1]


async def test_tables_are_asked_for_once_in_a_block_where_that_takes_long(
    store: Store, run: Run, url: str, folder: Path, database: Database
) -> None:
    await deliver(store, run, [contact("a")])
    with open_view(url, folder=folder) as view:
        for column in ("one", "two"):
            with view.one_schema():
                before = view.columns("contact")
                database.execute(f"ALTER TABLE contact ADD COLUMN {column} VARCHAR")
                assert (column in view.columns("contact")) is url.startswith("sqlite")
            assert column not in before
            assert column in view.columns("contact")


async def test_types_are_those_of_the_last_run_that_kept_its_rows_there(
    store: Store, run: Run, url: str, folder: Path
) -> None:
    state = {"columns": {"seen_at": ["SeenAt", "datetime", True], "name": ["Name", "str", True]}, "text": "\0"}
    await store.rows.commit(run, [Write(CONTACT, [contact("a")])], Position("person", None, state), 0)
    await store.rows.commit(run, [], Position("", None, {"columns": [1], "own": "\0"}), 0)
    with open_view(url, folder=folder) as view:
        assert view.stored_types("contact") == view.stored_types("CONTACT") == {"seen_at": "datetime", "name": "str"}
        assert view.stored_types("person") == {}


@pytest.mark.parametrize("form", ["csv", "json", "parquet"])
async def test_exports_are_alike_on_every_database(
    store: Store, run: Run, url: str, folder: Path, tmp_path: Path, form: str
) -> None:
    await deliver(store, run, [contact("a"), ("b", None, False, *[None] * 7)])
    columns = ["id", "name", "age", "score", "active", "amount", "seen_at", "labels", "is_deleted", "system_modstamp"]
    path = tmp_path / "contacts.out"
    with open_view(url, folder=folder) as view:
        write_rows(view, Selection("contact", columns=columns), path, form, settings=settings_for(tmp_path))  # type: ignore[arg-type] # pyright: ignore
    if form == "csv":
        first, second = path.read_text().splitlines()[1:]
        assert first == f'a,Ann,7,0.5,true,10.50,{OLD},"[""a""]",false,{MID}'
        assert second == "b,,,,,,,,false,"
    if form == "json":
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        assert [*rows[0].values()] == ["a", "Ann", 7, 0.5, True, "10.50", OLD, ["a"], False, MID]
        assert [*rows[1].values()] == ["b", *[None] * 7, False, None]
    if form == "parquet":
        from arro3.io import read_parquet

        types = {
            name: str(column.type) for name, column in zip(columns, read_parquet(path).read_all().columns, strict=True)
        }
        assert "Timestamp" in types["system_modstamp"]
        assert ("Boolean" in types["active"], "Int64" in types["age"], "Decimal128" in types["amount"]) == (True,) * 3
