"""Poolers: one in session mode is as good as the server, one in transaction mode would lose locks."""

from pathlib import Path

import pytest

from orgsync.errors import StoreUnavailable
from orgsync.store import Store, open_view
from tests.postgres_server import shared_server
from tests.store.databases import PostgresDatabase

from .pooler import pooler


async def test_a_pooler_that_lends_one_session_to_several_connections_is_refused(
    empty_database: PostgresDatabase, tmp_path: Path
) -> None:
    server, name = shared_server(), empty_database.url.partition("?")[0].rpartition("/")[2]
    with pooler(server.folder, server.port, name, "transaction") as port:
        url = f"postgresql://ann@127.0.0.1:{port}/{name}"
        with pytest.raises(StoreUnavailable, match="pooler in transaction mode") as by_store:
            async with Store.open(url, folder=tmp_path):
                pass
        with pytest.raises(StoreUnavailable) as by_view, open_view(url, folder=tmp_path):
            pass
    assert str(by_view.value) == str(by_store.value)
    assert "pool_mode=session" in by_store.value.remedy
    assert empty_database.execute("SELECT count(*) FROM pg_class WHERE relname LIKE 'orgsync%'") == [(0,)]


async def test_a_pooler_that_leaves_out_the_schema_of_the_url_is_refused(
    empty_database: PostgresDatabase, tmp_path: Path
) -> None:
    empty_database.execute("CREATE SCHEMA project_a")
    server, name = shared_server(), empty_database.url.partition("?")[0].rpartition("/")[2]
    with pooler(server.folder, server.port, name, "session") as port:
        url = f"postgresql://ann@127.0.0.1:{port}/{name}?options=-csearch_path%3Dproject_a"
        with pytest.raises(StoreUnavailable, match="is not in force there") as by_store:
            async with Store.open(url, folder=tmp_path):
                pass
        with pytest.raises(StoreUnavailable) as by_view, open_view(url, folder=tmp_path):
            pass
    assert str(by_view.value) == str(by_store.value)
    assert empty_database.execute("SELECT count(*) FROM pg_class WHERE relname LIKE 'orgsync%'") == [(0,)]


async def test_a_pooler_that_lends_each_connection_a_session_of_its_own_is_used(
    database: PostgresDatabase, tmp_path: Path
) -> None:
    async with Store.open(database.url, folder=tmp_path):
        pass
    server, name = shared_server(), database.url.partition("?")[0].rpartition("/")[2]
    with pooler(server.folder, server.port, name, "session") as port:
        url = f"postgresql://ann@127.0.0.1:{port}/{name}"
        async with Store.open(url, folder=tmp_path) as store:
            assert await store.connections.list() == []
        with open_view(url, folder=tmp_path) as view:
            assert view.connections() == []
