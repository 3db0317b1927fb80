"""Webhooks in the store: messages are written with what they tell, kept in order, and each endpoint gets its own."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from orgsync.errors import ArgumentInvalid, NameUnknown, NetworkProblem
from orgsync.store import Connection, Store
from orgsync.store.webhook_table import Delivery, WebhookRow
from tests.store.contacts import CONTACT, contact, deliver
from tests.store.databases import Database
from tests.store.running import Start, running

URL = "https://hooks.example.com/orgsync"


async def endpoint(
    store: Store, *events: str, connections: list[str] | None = None, tags: list[str] | None = None
) -> WebhookRow:
    row, _ = await store.webhooks.add(URL, events=events, connections=connections, tags=tags or [])
    return row


async def told(store: Store, webhook: WebhookRow | None = None) -> list[tuple[str, dict[str, Any]]]:
    """Read what is to be told, the first first, as type and data."""
    found = await store.webhooks.deliveries(webhook.id if webhook else None)
    return [(each.type, json.loads(each.body)["data"]) for each in reversed(found)]


async def pending(store: Store, webhook: WebhookRow) -> list[Delivery]:
    return [*await store.webhooks.pending(webhook.id, limit=100)]


async def test_a_run_tells_its_end_and_one_range_of_changes_a_table(store: Store) -> None:
    await endpoint(store)
    async with running(store) as run:
        await deliver(store, run, [contact("a")])
        first = await store.rows.last_change()
        await deliver(store, run, [contact("b"), contact("c")])
        assert await told(store) == []
        last = await store.rows.last_change()
        await store.runs.finish(run, status="done", api_calls=3)
    (changed, change), (finished, end) = await told(store)
    assert (changed, finished) == ("records.changed", "run.finished")
    rows = [row["sync_seq"] async for row in store.rows.read("contact", changes=True)]
    assert change["first"] == min(rows) <= first
    assert change["last"] == max(rows) <= last
    assert (change["table"], change["connection"], change["run"]) == ("contact", "acme", run.id)
    assert (end["status"], end["added"], end["api_calls"], end["error"]) == ("done", 3, 3, None)


async def test_a_run_that_changes_nothing_tells_its_end_alone(store: Store) -> None:
    async with running(store) as run:
        await deliver(store, run, [contact("a")])
        await store.runs.finish(run, status="done", api_calls=0)
    await endpoint(store)
    async with running(store) as run:
        await deliver(store, run, [contact("a")])
        await store.runs.finish(run, status="done", api_calls=0)
    assert [kind for kind, _ in await told(store)] == ["run.finished"]


async def test_what_is_rolled_back_is_not_told(store: Store, run: Any) -> None:
    await endpoint(store)
    await store.runs.finish(run, status="done", api_calls=0)
    with pytest.raises(Exception, match="has lost its lease"):
        await store.runs.finish(run, status="done", api_calls=0)
    assert len(await told(store)) == 1


async def test_a_run_whose_process_died_is_told_by_the_next(store: Store, database: Database, folder: Path) -> None:
    await endpoint(store)
    async with running(store) as run:
        await deliver(store, run, [contact("a")])
    assert await told(store) == []
    async with running(store):
        assert [(kind, data["run"]) for kind, data in await told(store)] == [
            ("records.changed", run.id),
            ("run.finished", run.id),
        ]


async def test_changes_of_a_run_that_died_are_told_without_another(store: Store, start: Start) -> None:
    await endpoint(store)
    async with running(store, connection="acme") as dead:
        await deliver(store, dead, [contact("a")])
    alive = await start(connection="globex")
    await deliver(store, alive, [contact("b")])
    await store.webhooks.tell_left()
    await store.webhooks.tell_left()
    assert [(kind, data["run"]) for kind, data in await told(store)] == [("records.changed", dead.id)]


async def test_an_action_tells_its_end(store: Store) -> None:
    await endpoint(store)
    run = await store.runs.start_action("create", "acme")
    await store.runs.finish_action(run, status="failed", error=NetworkProblem("No way.", "Wait."), api_calls=1)
    [(kind, data)] = await told(store)
    assert (kind, data["kind"], data["name"], data["error_code"]) == (
        "run.finished",
        "action",
        "create",
        "network_problem",
    )


async def test_what_happens_to_a_connection_is_told_once(store: Store) -> None:
    await endpoint(store)
    await store.connections.save(Connection(name="acme", org_id="00D1"), {"refresh_token": "s3cret"})
    await store.connections.save(Connection(name="acme", org_id="00D1"), {"refresh_token": "s3cret"})
    for _ in range(2):
        await store.connections.update("acme", status="needs sign-in", status_reason="Revoked.")
    await store.connections.update("acme", status="ready", status_reason="")
    await store.connections.rename("acme", "acme2")
    await store.connections.remove("acme2")
    found = [each for each in await told(store) if each[0].startswith("connection.")]
    assert [kind.partition(".")[2] for kind, _ in found] == ["added", "needs_sign_in", "ready", "renamed", "removed"]
    assert found[1][1] == {"connection": "acme", "org_id": "00D1", "environment": "production", "reason": "Revoked."}
    assert found[3][1] == {"connection": "acme2", "old_name": "acme"}
    assert {each.connection for each in await store.webhooks.deliveries()} == {"acme2"}  # they stay in one order
    assert "s3cret" not in str(found)


async def test_an_endpoint_gets_its_events_of_its_connections_and_tags(store: Store) -> None:
    for name, tags in (("acme", ["eu"]), ("globex", []), ("initech", ["us"])):
        await store.connections.save(Connection(name=name, tags=tags), {})
    everything = await endpoint(store)
    ends = await endpoint(store, "run.finished")
    globex_and_eu = await endpoint(store, connections=["globex"], tags=["eu"])
    for name in ("acme", "globex", "initech"):
        await store.webhooks.tell("run.finished", name, {"of": name})
        await store.webhooks.tell("connection.ready", name, {"of": name})
    assert len(await told(store, everything)) == 6
    assert {kind for kind, _ in await told(store, ends)} == {"run.finished"}
    assert [data["of"] for _, data in await told(store, globex_and_eu)] == ["acme", "acme", "globex", "globex"]
    await store.connections.rename("globex", "hooli")
    await store.connections.remove("hooli")
    assert len(await told(store, globex_and_eu)) == 6
    await store.connections.save(Connection(name="hooli"), {})
    assert len(await told(store, globex_and_eu)) == 6  # another connection of that name is not the one it was given
    with pytest.raises(KeyError):
        await store.webhooks.tell("run.begun", "acme", {})


async def test_secrets_are_encrypted_and_the_old_one_is_good_for_the_overlap(store: Store, database: Database) -> None:
    row, secret = await store.webhooks.add(URL, events=[], connections=None, tags=[])
    now = await store.webhooks.now()
    assert secret not in repr(row)
    [(stored,)] = database.execute("SELECT secrets FROM orgsync_webhook")
    assert secret[6:].encode() not in bytes(stored)
    newer = (await store.webhooks.rotate(row.id, overlap=timedelta(hours=1))).secret
    row = await store.webhooks.get(row.id)
    assert store.webhooks.secrets(row, now) == [newer, secret]
    assert store.webhooks.secrets(row, now + timedelta(hours=2)) == [newer]
    newest = (await store.webhooks.rotate(row.id, overlap=timedelta())).secret
    assert store.webhooks.secrets(await store.webhooks.get(row.id), now) == [newest]


async def test_a_connection_waits_for_its_first_message_and_others_do_not(store: Store) -> None:
    row = await endpoint(store)
    for name in ("acme", "acme", "globex"):
        await store.webhooks.tell("run.finished", name, {})
    first = (await pending(store, row))[0]
    now = await store.webhooks.now()
    later = now + timedelta(hours=1)
    await store.webhooks.failed(first, status=500, problem="500.", at=now, next_at=later, pause_all=False)
    assert [each.connection for each in await pending(store, row)] == ["globex"]
    assert await store.webhooks.due() == [row.id]
    [other] = await pending(store, row)
    await store.webhooks.failed(other, status=None, problem="No answer.", at=now, next_at=later, pause_all=True)
    assert await store.webhooks.due() == []
    await store.webhooks.switch_off(row.id, "Enough.")
    await store.webhooks.tell("run.finished", "acme", {})
    assert await store.webhooks.due() == []
    await store.webhooks.switch_on(row.id)
    assert [(each.connection, each.attempts) for each in await pending(store, row)] == [
        ("acme", 0),
        ("acme", 0),
        ("globex", 0),
    ]


async def test_a_message_is_delivered_again_by_hand_and_old_ones_go(store: Store) -> None:
    row = await endpoint(store)
    await store.webhooks.tell("run.finished", "acme", {})
    [one] = await pending(store, row)
    await store.webhooks.delivered(one, 204)
    assert await pending(store, row) == []
    await store.webhooks.redeliver(one.id)
    assert [each.message for each in await pending(store, row)] == [one.message]
    await store.webhooks.switch_off(row.id, "Gone.")
    with pytest.raises(ArgumentInvalid, match=r"is off: Gone\."):
        await store.webhooks.redeliver(one.id)
    with pytest.raises(NameUnknown, match="no delivery 77"):
        await store.webhooks.redeliver(77)
    now = await store.webhooks.now()
    assert await store.webhooks.remove_before(now - timedelta(days=1)) == 0
    assert await store.webhooks.remove_before(now + timedelta(days=1)) == 1
    await store.webhooks.remove(row.id)
    assert await store.webhooks.list() == []
    with pytest.raises(NameUnknown, match="webhook"):
        await store.webhooks.get(row.id)


async def test_without_an_endpoint_nothing_is_written(store: Store, database: Database) -> None:
    async with running(store) as run:
        await deliver(store, run, [contact("a")])
        assert database.execute("SELECT 1 FROM orgsync_webhook_change") == []
        await store.runs.finish(run, status="done", api_calls=0)
    assert database.execute("SELECT 1 FROM orgsync_webhook_delivery") == []


async def test_a_dry_run_tells_nobody(store: Store) -> None:
    await endpoint(store)
    await store.webhooks.tell("run.finished", "acme", {})
    async with store.sandbox() as sandbox, running(sandbox) as run:
        await sandbox.rows.prepare(CONTACT)
        await deliver(sandbox, run, [contact("a")])
        await sandbox.runs.finish(run, status="done", api_calls=0)
        assert len(await told(sandbox)) == 3
    assert len(await told(store)) == 1


async def test_the_latest_deliveries_of_some_connections_are_found_behind_those_of_others(store: Store) -> None:
    webhook = await endpoint(store)
    await store.webhooks.tell("connection.ready", "acme", {"connection": "acme"})
    for _ in range(3):
        await store.webhooks.tell("connection.ready", "globex", {"connection": "globex"})

    async def seen(connections: list[str] | None, limit: int) -> list[str]:
        found = await store.webhooks.deliveries(webhook.id, connections=connections, limit=limit)
        return [each.connection for each in found]

    assert await seen(["acme"], 2) == ["acme"]
    assert await seen(["acme", "globex"], 3) == ["globex"] * 3
    assert await seen([], 10) == []
    assert await seen(None, 10) == ["globex"] * 3 + ["acme"]


async def test_deliveries_to_some_endpoints_are_found_in_one_order(store: Store) -> None:
    first, second, other = [await endpoint(store) for _ in range(3)]
    for _ in range(3):
        await store.webhooks.tell("connection.ready", "acme", {"connection": "acme"})

    async def seen(*chosen: str, limit: int = 10) -> list[str]:
        return [each.webhook for each in await store.webhooks.deliveries(chosen, limit=limit)]

    assert set(await seen(first.id, second.id)) == {first.id, second.id}
    assert len(await seen(first.id, second.id)) == 6
    assert await seen(first.id, limit=2) == [first.id] * 2
    assert await seen() == []
    found = [each.id for each in await store.webhooks.deliveries([first.id, other.id])]
    assert found == sorted(found, reverse=True)
    with pytest.raises(NameUnknown):
        await store.webhooks.deliveries([first.id, "we_none"])
