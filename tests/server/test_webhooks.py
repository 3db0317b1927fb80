"""Webhooks over HTTP: made, read, tested, rotated and removed, within what a token may see."""

import json
import re
from collections.abc import AsyncGenerator
from pathlib import Path

import anyio.to_thread
import pytest
import pytest_asyncio

from orgsync.demo_org import DemoOrg
from orgsync.store import Connection
from tests.projects import credentials_for
from tests.webhooks.receiver import Answer, receiving

from .serving import Served, contacts, serving


@pytest_asyncio.fixture
async def served(tmp_path: Path, org: DemoOrg) -> AsyncGenerator[Served]:
    """A served project whose webhooks may go to loopback."""
    async with serving(tmp_path, org, webhook_allow_private=["127.0.0.0/8"]) as found:
        yield found


async def test_a_webhook_is_made_and_a_run_arrives_there_verified(served: Served) -> None:
    with receiving() as receiver:
        async with await served.caller("admin") as caller:
            made = await caller.post("/api/v1/webhooks", json={"url": receiver.url, "events": ["records.changed"]})
            assert made.status_code == 201
            secret, webhook = made.json()["secret"], made.json()["webhook"]
            await served.sample.run(contacts)
            await anyio.to_thread.run_sync(receiver.wait)
            message = receiver.got[0].verified_by(secret)
            assert (message["type"], message["data"]["table"]) == ("records.changed", "contact")
            after = message["data"]["first"] - 1
            changes = await caller.get(f"/api/v1/changes/contact?after={after}&connection=acme")
            assert changes.status_code == 200
            assert (await caller.get(f"/api/v1/webhooks/{webhook['id']}")).json() == webhook
            assert secret not in (await caller.get("/api/v1/webhooks")).text
            [delivery] = (await caller.get("/api/v1/webhooks/deliveries")).json()["deliveries"]
            assert delivery["message"] == receiver.got[0].id
            again = await caller.post(f"/api/v1/webhooks/deliveries/{delivery['id']}/redeliver")
            assert again.json()["state"] == "pending"


async def test_it_is_tested_rotated_enabled_and_removed(served: Served) -> None:
    with receiving() as receiver:
        async with await served.caller("admin") as caller:
            made = (await caller.post("/api/v1/webhooks", json={"url": receiver.url})).json()
            path = f"/api/v1/webhooks/{made['webhook']['id']}"
            assert (await caller.post(f"{path}/test")).json() == {"status": 204, "problem": ""}
            assert receiver.got[0].verified_by(made["secret"])["type"] == "webhook.test"
            secret = (await caller.post(f"{path}/rotate", json={"overlap_seconds": 60})).json()["secret"]
            receiver.answer = lambda _: Answer(500, body=b"a secret of the receiver's")
            failed = await caller.post(f"{path}/test")
            assert failed.json() == {"status": 500, "problem": "The receiver answered with status 500."}
            assert receiver.got[1].verified_by(secret) == receiver.got[1].verified_by(made["secret"])
            await served.project.store.webhooks.switch_off(made["webhook"]["id"], "Enough.")
            assert (await caller.get(path)).json()["off"] == "Enough."
            assert (await caller.post(f"{path}/enable")).json()["off"] is None
            assert (await caller.delete(path)).status_code == 200
            assert (await caller.get(path)).status_code == 404


@pytest.mark.parametrize(
    ("url", "status", "code"),
    [
        ("https://169.254.169.254/latest/meta-data/", 400, "host_not_allowed"),
        ("http://[::ffff:10.0.0.1]:8080/", 400, "host_not_allowed"),
        ("http://10.0.0.1/", 400, "host_not_allowed"),
        ("http://user:s3cret@127.0.0.1:9000/", 400, "argument_invalid"),
        ("http://127.0.0.1:22/", 400, "argument_invalid"),
        ("gopher://127.0.0.1/", 400, "argument_invalid"),
    ],
)
async def test_what_may_not_be_sent_to_is_refused_at_once(served: Served, url: str, status: int, code: str) -> None:
    async with await served.caller("admin") as caller:
        refused = await caller.post("/api/v1/webhooks", json={"url": url})
        assert (refused.status_code, refused.json()["code"]) == (status, code)
        assert "s3cret" not in refused.text
        assert (await caller.get("/api/v1/webhooks")).json() == {"webhooks": []}


async def test_unknown_events_and_fields_are_refused(served: Served) -> None:
    async with await served.caller("admin") as caller:
        wrong = await caller.post("/api/v1/webhooks", json={"url": "http://127.0.0.1:9000", "events": ["run.finish"]})
        assert "run.finished" in wrong.json()["detail"]
        odd = await caller.post("/api/v1/webhooks", json={"url": "http://127.0.0.1:9000", "secret": "mine"})
        assert 400 <= odd.status_code < 500


async def test_only_admin_may_and_a_limited_token_sees_and_makes_its_own_alone(served: Served) -> None:
    store = served.project.store
    await store.connections.save(Connection(name="globex"), {})
    foreign, _ = await store.webhooks.add("http://127.0.0.1:9", events=[], connections=["globex"], tags=[])
    tagged, _ = await store.webhooks.add("http://127.0.0.1:9", events=[], connections=["acme"], tags=["eu"])
    whole, _ = await store.webhooks.add("http://127.0.0.1:9", events=[], connections=None, tags=[])
    await store.webhooks.tell("run.finished", "globex", {})
    async with await served.caller("read", "run", "connect", "proxy") as caller:
        assert (await caller.get("/api/v1/webhooks")).status_code == 403
        assert (await caller.post("/api/v1/webhooks", json={"url": "http://127.0.0.1:9000"})).status_code == 403
    async with await served.caller("admin", connections=["acme"], name="limited") as caller:
        for body in ({}, {"connections": ["globex"]}, {"connections": ["acme"], "tags": ["eu"]}):
            refused = await caller.post("/api/v1/webhooks", json={"url": "http://127.0.0.1:9000", **body})
            assert refused.status_code == 403
        made = await caller.post("/api/v1/webhooks", json={"url": "http://127.0.0.1:9000", "connections": ["acme"]})
        own = made.json()["webhook"]["id"]
        assert [each["id"] for each in (await caller.get("/api/v1/webhooks")).json()["webhooks"]] == [own]
        assert (await caller.get("/api/v1/webhooks/deliveries")).json() == {"deliveries": []}
        [delivery, *_] = await store.webhooks.deliveries(foreign.id)
        assert (await caller.post(f"/api/v1/webhooks/deliveries/{delivery.id}/redeliver")).status_code == 404
        for other in (foreign, tagged, whole):
            path = f"/api/v1/webhooks/{other.id}"
            for call in (caller.get(path), caller.delete(path), caller.post(f"{path}/test")):
                assert (await call).status_code == 404
            assert (await caller.post(f"{path}/rotate", json={})).status_code == 404
            assert (await caller.post(f"{path}/enable")).status_code == 404
            assert (await caller.get(f"/api/v1/webhooks/deliveries?webhook={other.id}")).status_code == 404
        assert len(await store.webhooks.list()) == 4


async def test_a_limited_token_finds_the_latest_deliveries_to_its_own_endpoints(served: Served) -> None:
    store = served.project.store
    await store.connections.save(Connection(name="globex"), {})
    for name in ("acme", "globex", "acme"):
        await store.webhooks.add("http://127.0.0.1:9", events=[], connections=[name], tags=[])
    for name in ("acme", "acme", "globex"):
        await store.webhooks.tell("run.finished", name, {})
    expected = [each.id for each in await store.webhooks.deliveries() if each.connection == "acme"]
    async with await served.caller("admin", connections=["acme"], name="limited") as caller:
        for limit in (3, 50):
            found = (await caller.get(f"/api/v1/webhooks/deliveries?limit={limit}")).json()["deliveries"]
            assert [each["id"] for each in found] == expected[:limit]
            assert len(found) == min(limit, 4)


async def test_what_is_left_of_a_removed_connection_is_no_limited_tokens(served: Served, org: DemoOrg) -> None:
    await served.project.connections.connect("globex", credentials_for(org))
    store = served.project.store
    lost, _ = await store.webhooks.add("http://127.0.0.1:9", events=[], connections=["globex"], tags=[])
    both, _ = await store.webhooks.add("http://127.0.0.1:9", events=[], connections=["acme", "globex"], tags=[])
    await served.project.connections.remove("globex")
    foreign = [each.id for hook in (lost, both) for each in await store.webhooks.deliveries(hook.id)]
    assert len(foreign) == 2
    async with await served.caller("admin", connections=["acme"], name="limited") as caller:
        assert [each["id"] for each in (await caller.get("/api/v1/webhooks")).json()["webhooks"]] == [both.id]
        assert (await caller.post(f"/api/v1/webhooks/{lost.id}/rotate", json={})).status_code == 404
        for path in ("deliveries", f"deliveries?webhook={both.id}"):
            assert (await caller.get(f"/api/v1/webhooks/{path}")).json() == {"deliveries": []}
        answers = [await caller.post(f"/api/v1/webhooks/deliveries/{one}/redeliver") for one in (*foreign, 77)]
    assert {each.status_code for each in answers} == {404}
    assert (
        len({re.sub(r"delivery \d+", "delivery", each.text) for each in answers}) == 1
    )  # nothing says which are there


async def test_the_api_document_names_the_routes(served: Served) -> None:
    async with await served.caller("read") as caller:
        document = (await caller.get("/openapi.json")).json()
    assert "/api/v1/webhooks/{webhook}/rotate" in document["paths"]
    assert "s3cret" not in json.dumps(document)
