"""Indexes that a record class asks for."""

import sqlite3
from pathlib import Path

from sqlmodel import Field

from orgsync.records import Record, field, schema_of
from orgsync.store import Run, Store
from tests.store.contacts import CONTACT, contact, deliver


def indexed() -> type[Record]:
    class Contact(Record, table=True):
        name: str | None = field(index=True)
        age: int | None = Field(index=True)

    return Contact


def plan(folder: Path, condition: str) -> str:
    raw = sqlite3.connect(folder / "orgsync.db")
    found = raw.execute(f"EXPLAIN QUERY PLAN SELECT id FROM contact WHERE {condition}").fetchall()
    raw.close()
    return str(found)


async def test_an_index_is_made_with_the_table(store: Store, tmp_path: Path) -> None:
    await store.rows.prepare(schema_of(indexed()))
    assert "contact__name" in plan(tmp_path, "name = 'Ann'")
    assert "contact__age" in plan(tmp_path, "age > 7")


async def test_an_index_is_made_on_a_table_that_is_there_already(store: Store, run: Run, tmp_path: Path) -> None:
    await deliver(store, run, [contact("a")])
    assert "contact__name" not in plan(tmp_path, "name = 'Ann'")
    assert await store.rows.prepare(schema_of(indexed())) == []
    assert "contact__name" in plan(tmp_path, "name = 'Ann'")


async def test_an_index_that_the_class_no_longer_asks_for_stays(store: Store, tmp_path: Path) -> None:
    await store.rows.prepare(schema_of(indexed()))
    await store.rows.prepare(CONTACT)
    assert "contact__name" in plan(tmp_path, "name = 'Ann'")


async def test_a_store_opened_again_finds_the_index_there(store: Store, url: str, folder: Path) -> None:
    await store.rows.prepare(schema_of(indexed()))
    async with Store.open(url, folder=folder) as again:
        assert await again.rows.prepare(schema_of(indexed())) == []
