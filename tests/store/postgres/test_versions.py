"""A database of an older version is brought to this package's, and is then as a new one."""

from pathlib import Path
from typing import Any

import psycopg

from orgsync.records import Record, Row, schema_of
from orgsync.store import Connection, Store, Write
from tests.store.contacts import CONTACT, contact, deliver, names
from tests.store.databases import PostgresDatabase
from tests.store.running import running

AS_IT_WAS_IN_0008 = (
    "ALTER TABLE orgsync_connection DROP COLUMN mapping",
    "DROP TABLE orgsync_object_column",
    "DROP INDEX orgsync_run_sync_connection",
    "ALTER TABLE orgsync_run DROP COLUMN kind, DROP COLUMN holder",
    "CREATE INDEX orgsync_run_sync_connection ON orgsync_run (sync, connection)",
    "DROP TABLE orgsync_idempotency_key",
    "DROP TABLE orgsync_api_token",
    "DROP TABLE orgsync_connect_session",
    "DROP TABLE orgsync_api_token_connection",
    "DROP TABLE orgsync_alert",
    "DROP TABLE orgsync_org_schema",
    "DROP TABLE orgsync_standing",
    "DROP TABLE orgsync_webhook",
    "DROP TABLE orgsync_webhook_change",
    "DROP TABLE orgsync_webhook_connection",
    "DROP TABLE orgsync_webhook_delivery",
    "DROP TABLE orgsync_schedule",
    "DROP TABLE orgsync_worker",
    "DROP TABLE orgsync_job",
    "UPDATE orgsync_version SET version_num = '0008'",
)


def tables_in(database: PostgresDatabase) -> tuple[list[tuple[Any, ...]], ...]:
    columns = database.execute(
        "SELECT table_name, column_name, data_type, collation_name, is_nullable, column_default "
        "FROM information_schema.columns WHERE table_name LIKE 'orgsync%' ORDER BY 1, 2"
    )
    return columns, database.execute("SELECT indexdef FROM pg_indexes WHERE tablename LIKE 'orgsync%' ORDER BY 1")


async def test_an_upgraded_database_is_as_a_new_one(database: PostgresDatabase, tmp_path: Path) -> None:
    async with Store.open(database.url, folder=tmp_path) as store:
        await store.connections.save(Connection(name="acme"), {"refresh_token": "kept"})
        async with running(store) as run:
            await store.rows.prepare(CONTACT)
            await deliver(store, run, [contact("a")])
    new = tables_in(database)
    for statement in AS_IT_WAS_IN_0008:
        database.execute(statement)
    assert tables_in(database) != new
    async with Store.open(database.url, folder=tmp_path) as store:
        assert tables_in(database) == new
        assert await names(store) == {"a": "Ann"}
        assert (await store.connections.get("acme")).mapping == []
        assert [each.kind for each in await store.runs.list()] == ["sync"]


async def test_texts_are_compared_by_their_bytes_whatever_the_databases_collation(store: Store, url: str) -> None:
    assert not await store.runs.list()
    with psycopg.connect(url) as raw:
        others = raw.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_name LIKE 'orgsync%' "
            "AND data_type IN ('text', 'character varying') AND collation_name IS DISTINCT FROM 'C' "
            "AND table_name <> 'orgsync_version'"
        ).fetchall()
    assert others == []


WITHOUT_DEFAULTS = (
    "ALTER TABLE contact ALTER sync_changed_at DROP DEFAULT, ALTER sync_first_seen_at DROP DEFAULT, "
    "ALTER sync_change DROP DEFAULT"
)


async def test_a_table_that_an_older_version_has_made_takes_a_first_pass(
    database: PostgresDatabase, tmp_path: Path
) -> None:
    async with Store.open(database.url, folder=tmp_path) as store, running(store) as run:
        await store.rows.prepare(CONTACT)
        database.execute(WITHOUT_DEFAULTS)
        counts = await deliver(store, run, [contact(f"{number:04}") for number in range(600)])
    assert counts.added == 600
    found = database.execute("SELECT DISTINCT sync_changed_at = sync_first_seen_at, sync_change FROM contact")
    assert found == [(True, "added")]


async def test_a_table_with_a_percent_sign_in_its_name_takes_a_first_pass(
    database: PostgresDatabase, tmp_path: Path
) -> None:
    class Share(Record, table=True):
        __tablename__ = "100% shares"
        name: str | None

    rows: list[Row] = [(f"{number:04}", None, False, "Ann") for number in range(600)]
    async with Store.open(database.url, folder=tmp_path) as store, running(store) as run:
        counts = await store.rows.commit(run, [Write(schema_of(Share), rows)], None, 0)
    assert counts.added == 600
