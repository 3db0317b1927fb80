"""Tokens of the HTTP API: kept as hashes, found by what a caller shows, limited, revoked."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from orgsync.errors import NameTaken, NameUnknown
from orgsync.store import Connection, Store
from tests.store.databases import Database


async def test_a_token_is_found_by_what_it_is_and_kept_as_a_hash_alone(store: Store, database: Database) -> None:
    token = await store.api_tokens.create("dash", scopes=["read", "run"])
    found = await store.api_tokens.find(token)
    assert found is not None
    assert (found.name, found.scopes, found.connections, found.last_used_at) == ("dash", ["read", "run"], None, None)
    secret = token.split("_", 2)[2]
    [row] = database.execute("SELECT name, id, scopes, digest FROM orgsync_api_token")
    assert not any(secret in str(value) for value in row)
    assert await store.api_tokens.find(token[:-1]) is None
    assert await store.api_tokens.find("orgsync_" + "é" * 20) is None


async def test_a_token_ends_when_it_expires_or_is_revoked(store: Store) -> None:
    past = datetime.now(UTC) - timedelta(seconds=1)
    assert await store.api_tokens.find(await store.api_tokens.create("old", scopes=["read"], expires_at=past)) is None
    token = await store.api_tokens.create("new", scopes=["read"], expires_at=past + timedelta(hours=1))
    assert await store.api_tokens.find(token) is not None
    await store.api_tokens.revoke("new")
    assert await store.api_tokens.find(token) is None
    with pytest.raises(NameUnknown, match="did you mean 'old'"):
        await store.api_tokens.revoke("olt")


async def test_a_known_token_is_not_looked_up_again_but_what_this_process_has_revoked_is(
    store: Store, url: str, folder: Path
) -> None:
    token = await store.api_tokens.create("dash", scopes=["read"])
    other = await store.api_tokens.create("other", scopes=["read"])
    async with Store.open(url, folder=folder) as elsewhere:
        for each in (token, other):
            assert await store.api_tokens.find(each, known_for=60) is not None
            assert await elsewhere.api_tokens.find(each) is not None
        assert await store.api_tokens.find(f"{token[:-1]}?", known_for=60) is None, (
            "its secret is compared all the same"
        )
        await elsewhere.api_tokens.revoke("dash")
        assert await elsewhere.api_tokens.find(token) is None
        assert await store.api_tokens.find(token, known_for=60) is not None, "it was found less than a minute ago"
        await store.api_tokens.revoke("other")
        for each in (token, other):
            assert await store.api_tokens.find(each, known_for=60) is None


async def test_a_token_for_some_connections_is_looked_up_each_time(store: Store, url: str, folder: Path) -> None:
    await store.connections.save(Connection(name="acme"), {})
    token = await store.api_tokens.create("dash", scopes=["read"], connections=["acme"])
    assert await store.api_tokens.find(token, known_for=60) is not None
    await store.connections.rename("acme", "globex")
    found = await store.api_tokens.find(token, known_for=60)
    assert found is not None
    assert found.connections == ["globex"]


async def test_its_name_is_its_own_and_its_connections_exist(store: Store) -> None:
    await store.api_tokens.create("dash", scopes=["read"])
    with pytest.raises(NameTaken, match="There is a token 'dash' already"):
        await store.api_tokens.create("dash", scopes=["read"])
    with pytest.raises(NameUnknown):
        await store.api_tokens.create("acme-app", scopes=["read"], connections=["nowhere"])
    assert [each.name for each in await store.api_tokens.list()] == ["dash"]


async def test_its_use_is_stamped(store: Store) -> None:
    token = await store.api_tokens.create("dash", scopes=["read"])
    found = await store.api_tokens.find(token)
    assert found is not None
    await store.api_tokens.note_use(found.id)
    [used] = await store.api_tokens.list()
    assert used.last_used_at is not None
    assert used.last_used_at >= used.created_at


async def test_a_session_stands_on_its_token_and_ends_with_it(store: Store, database: Database) -> None:
    found = await store.api_tokens.find(await store.api_tokens.create("ops", scopes=["read"]))
    assert found is not None
    cookie = await store.api_tokens.begin_session(found, lasts=timedelta(hours=1))
    session = await store.api_tokens.session(cookie)
    assert session is not None
    assert session.token == found
    assert session.csrf not in cookie
    assert (
        await store.api_tokens.session(await store.api_tokens.begin_session(found, lasts=-timedelta(seconds=1))) is None
    )
    await store.api_tokens.revoke("ops")
    assert await store.api_tokens.session(cookie) is None


async def test_a_session_that_differs_in_anything_is_none_and_so_are_encrypted_credentials(
    store: Store, database: Database
) -> None:
    found = await store.api_tokens.find(await store.api_tokens.create("ops", scopes=["read"]))
    assert found is not None
    cookie = await store.api_tokens.begin_session(found, lasts=timedelta(hours=1))
    await store.connections.save(Connection(name="acme"), {"refresh_token": "x"})
    [(secrets,)] = database.execute("SELECT secrets FROM orgsync_connection")
    for wrong in (cookie[:-3], cookie.swapcase(), "é", "x", bytes(secrets).decode()):
        assert await store.api_tokens.session(wrong) is None
