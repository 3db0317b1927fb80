"""Connect sessions: a link's secret is kept as a hash, and connects one org, once, within half an hour."""

import json
from typing import Any

import pytest

from orgsync.errors import ConnectSessionEnded, NameUnknown
from orgsync.store import Connection, Store
from orgsync.store.connect_sessions import MOST_ATTEMPTS
from tests.store.databases import Database

OPTIONS = {"app_name": "Acme CRM", "tags": ["eu"], "metadata": {"customer": 7}}


async def bodies(store: Store, event: str) -> list[dict[str, Any]]:
    """Read what is to be told of an event."""
    return [json.loads(each.body)["data"] for each in await store.webhooks.deliveries(None) if each.type == event]


async def begun(store: Store, connection: str = "acme") -> str:
    row, _ = await store.connect_sessions.create(connection, OPTIONS)
    return row.id


def expire(database: Database) -> None:
    database.execute("UPDATE orgsync_connect_session SET expires_at = ?", "2026-01-01T00:00:00.000Z")


async def test_a_session_is_found_by_its_secret_which_is_not_in_the_database(store: Store, database: Database) -> None:
    row, secret = await store.connect_sessions.create("acme", OPTIONS)
    found = await store.connect_sessions.find(secret)
    assert found == (row, False)
    assert (row.connection, row.options, row.state, row.attempts) == ("acme", OPTIONS, "waiting", 0)
    assert (row.expires_at - row.created_at).total_seconds() == 1800
    assert await store.connect_sessions.find(f"{secret}x") is None
    [kept] = database.execute("SELECT * FROM orgsync_connect_session")
    assert secret not in str(kept)


async def test_a_connection_is_stored_together_with_the_end_of_its_session(store: Store) -> None:
    await store.webhooks.add("https://example.com/hook", events=[], connections=None, tags=[])
    session = await begun(store)
    await store.connections.save(Connection(name="acme"), {}, session=session)
    row, _ = await store.connect_sessions.get(session)
    assert (row.state, row.ended_at is not None) == ("connected", True)
    assert await bodies(store, "connect_session.finished") == [{"session": session, "connection": "acme"}]


@pytest.mark.parametrize("reason", ["connected", "cancelled", "expired", "renamed", "unknown"])
async def test_a_session_that_has_ended_stores_no_connection(store: Store, database: Database, reason: str) -> None:
    session = await begun(store, "other" if reason == "renamed" else "acme")
    if reason == "connected":
        await store.connections.save(Connection(name="acme"), {}, session=session)
        await store.connections.remove("acme")
    elif reason == "cancelled":
        await store.connect_sessions.cancel(session)
    elif reason == "expired":
        expire(database)
    elif reason == "unknown":
        session = "cs_none"
    with pytest.raises(ConnectSessionEnded) as refused:
        await store.connections.save(Connection(name="acme"), {}, session=session)
    assert refused.value.reason == reason
    assert await store.connections.list() == []


async def test_a_failed_attempt_is_told_and_may_be_followed_by_another(store: Store) -> None:
    await store.webhooks.add("https://example.com/hook", events=[], connections=None, tags=["eu"])
    session = await begun(store)
    await store.connect_sessions.begin_attempt(session)
    await store.connect_sessions.fail(session, code="denied", cause="Denied.", remedy="Allow.")
    row, _ = await store.connect_sessions.get(session)
    assert (row.state, row.code, row.cause, row.remedy, row.attempts) == ("failed", "denied", "Denied.", "Allow.", 1)
    told = {"session": session, "connection": "acme", "code": "denied"}
    assert await bodies(store, "connect_session.failed") == [told]
    assert (await store.connect_sessions.begin_attempt(session)).code == "denied"
    row, _ = await store.connect_sessions.get(session)
    assert (row.state, row.code, row.cause, row.remedy, row.ended_at, row.attempts) == ("waiting", *[None] * 4, 2)


async def test_a_session_has_a_bounded_number_of_attempts(store: Store) -> None:
    session = await begun(store)
    for _ in range(MOST_ATTEMPTS):
        await store.connect_sessions.begin_attempt(session)
    with pytest.raises(ConnectSessionEnded) as refused:
        await store.connect_sessions.begin_attempt(session)
    assert refused.value.reason == "attempts"


async def test_a_finished_session_neither_fails_nor_is_cancelled_afterwards(store: Store) -> None:
    session = await begun(store)
    await store.connections.save(Connection(name="acme"), {}, session=session)
    await store.connect_sessions.fail(session, code="denied", cause="", remedy="")
    assert (await store.connect_sessions.cancel(session)).state == "connected"
    with pytest.raises(ConnectSessionEnded):
        await store.connect_sessions.begin_attempt(session)


async def test_a_session_follows_its_renamed_connection_and_ends_with_a_removed_one(store: Store) -> None:
    await store.connections.save(Connection(name="acme"), {})
    session = await begun(store)
    await store.connections.rename("acme", "acme-eu")
    assert (await store.connect_sessions.get(session))[0].connection == "acme-eu"
    await store.connections.remove("acme-eu")
    assert (await store.connect_sessions.get(session))[0].state == "cancelled"


async def test_a_session_that_expired_a_month_ago_is_deleted_by_the_next(store: Store, database: Database) -> None:
    session = await begun(store)
    expire(database)
    assert (await store.connect_sessions.get(session))[1] is True
    database.execute("UPDATE orgsync_connect_session SET expires_at = ?", "2025-01-01T00:00:00.000Z")
    await begun(store)
    with pytest.raises(NameUnknown):
        await store.connect_sessions.get(session)
