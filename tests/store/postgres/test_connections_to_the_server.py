"""What every connection to the server is set to, whatever the server, the database or the role say."""

from pathlib import Path

import pytest

from orgsync.errors import StoreUnavailable
from orgsync.store.backends import open_backend
from orgsync.store.postgres.database import PostgresBackend
from tests.store.databases import PostgresDatabase


async def setting(backend: PostgresBackend, name: str, *, writes: bool) -> str:
    async with backend.writing() if writes else backend.reading() as on:
        [(value,)] = await on.statements.fetch("SELECT current_setting(%s)", (name,))
    return str(value)


@pytest.fixture
def url(database: PostgresDatabase) -> str:
    name = database.url.partition("?")[0].rpartition("/")[2]
    for statement in ("synchronous_commit = off", "default_transaction_isolation = serializable", "datestyle = 'SQL'"):
        database.execute(f"ALTER DATABASE {name} SET {statement}")
    return f"{database.url}&idle_transaction_timeout=7"


async def test_commits_are_on_the_disk_transactions_do_not_stay_open_and_readers_do_not_write(
    url: str, tmp_path: Path
) -> None:
    async with open_backend(url, tmp_path) as backend:
        assert isinstance(backend, PostgresBackend)
        assert await setting(backend, "synchronous_commit", writes=True) == "on"
        assert await setting(backend, "idle_in_transaction_session_timeout", writes=True) == "7s"
        assert await setting(backend, "transaction_isolation", writes=True) == "read committed"
        assert await setting(backend, "transaction_read_only", writes=True) == "off"
        assert await setting(backend, "transaction_read_only", writes=False) == "on"
        assert await setting(backend, "application_name", writes=True) == "orgsync"


async def test_a_transaction_that_was_idle_for_too_long_is_ended_and_leaves_nothing(
    url: str, database: PostgresDatabase, tmp_path: Path
) -> None:
    async with open_backend(url, tmp_path) as backend:
        assert isinstance(backend, PostgresBackend)
        with pytest.raises(StoreUnavailable, match=r"nothing happened for too long|was cut"):
            await pause_within(backend, database)
        async with backend.reading() as on:
            assert not await on.runs.list(limit=9, name=None, kind=None, connection=None)


async def pause_within(backend: PostgresBackend, database: PostgresDatabase) -> None:
    """Begin a run, and do nothing in its transaction until the server has ended that."""
    async with backend.writing() as on:
        await on.runs.start("contacts", "acme", 1)
        await on.statements.fetch("SET LOCAL idle_in_transaction_session_timeout = '1ms'")
        while database.execute("SELECT 1 FROM pg_stat_activity WHERE state = 'idle in transaction'"):
            pass
        await on.statements.fetch("SELECT 1")
