"""The page of the shipped syncs is true: their objects, tables, and what a run with nothing new costs."""

import asyncio
import re
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import orgsync
from orgsync.demo_org import DemoOrg
from orgsync.records import schema_of
from orgsync.scripts.discovery import find_sync

from .pages import page

SHIPPED = page("docs/reference/shipped.md")
ROWS = {row[0].strip("`"): row for row in SHIPPED.table("sync")}


def test_every_shipped_sync_is_on_the_page_in_order() -> None:
    assert list(ROWS) == sorted(point.name for point in entry_points(group="orgsync.syncs"))


@pytest.mark.parametrize("name", ROWS)
def test_objects_and_tables_are_those_of_the_page(name: str, tmp_path: Path) -> None:
    schemas = [schema_of(model) for model in find_sync(name, tmp_path).models]
    _, objects, tables, *_ = ROWS[name]
    assert tables == ", ".join(f"`{schema.table}`" for schema in schemas)
    assert objects == (", ".join(schema.object_name or "the query's" for schema in schemas))


@pytest.mark.parametrize("name", ROWS)
def test_a_run_with_nothing_new_costs_the_calls_of_the_page(name: str, acme: DemoOrg, folder: Path) -> None:
    acme.enable_knowledge()
    asyncio.run(orgsync.connections.update("acme", metadata={"soql": "SELECT Name FROM Account"}))
    sync = find_sync(name, folder / "syncs")
    first = asyncio.run(orgsync.run(sync, connection="acme"))
    assert first.added > 0
    again = asyncio.run(orgsync.run(sync, connection="acme"))
    assert (again.added, again.updated, again.deleted) == (0, 0, 0)
    assert again.api_calls == int(re.sub(r"\D", "", ROWS[name][4]))
