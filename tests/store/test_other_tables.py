"""A database that holds tables of something else is taken with a word."""

from pathlib import Path

from structlog.testing import capture_logs

from orgsync.logs import BESIDE_OTHER_TABLES
from orgsync.store import Store
from tests.store.databases import Database


async def said_on_opening(database: Database, folder: Path) -> list[object]:
    """Open the store, and return which tables it has been said to have made its own beside."""
    with capture_logs() as logged:
        async with Store.open(database.url, folder=folder):
            pass
    told = [each for each in logged if each["event"] == BESIDE_OTHER_TABLES]
    assert not [each for each in told if each["log_level"] != "warning" or "database" not in each]
    return [each["tables"] for each in told]


async def test_tables_beside_those_of_something_else_are_made_with_a_word_once(
    database: Database, folder: Path
) -> None:
    beside = database.beside("others")
    for name in ("users", "invoice", "orders", "line", "orgsyncs"):
        beside.execute(f"CREATE TABLE {name} (id INTEGER)")
    assert await said_on_opening(beside, folder) == ["invoice, line, orders and 2 more"]
    assert await said_on_opening(beside, folder) == []
    assert beside.execute("SELECT * FROM users") == []


async def test_two_tables_are_both_named_and_a_view_is_none(database: Database, folder: Path) -> None:
    beside = database.beside("others")
    for statement in ("TABLE users (id INTEGER)", "TABLE invoice (id INTEGER)", "VIEW a_view AS SELECT 1 AS one"):
        beside.execute(f"CREATE {statement}")
    assert await said_on_opening(beside, folder) == ["invoice, users"]


async def test_of_a_new_database_nothing_is_said(database: Database, folder: Path) -> None:
    assert await said_on_opening(database.beside("others"), folder) == []
