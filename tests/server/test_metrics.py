"""The metrics, as Prometheus's own parser reads them."""

from typing import Any, cast

import httpx
from prometheus_client import parser

from orgsync.errors import NetworkProblem
from orgsync.store import Connection
from tests.plain_http import NOBODY

from .serving import Served, contacts


def samples(response: httpx.Response) -> dict[str, float]:
    """Return each sample under its name and labels, `name{a="1"}`."""
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    families: Any = cast("Any", parser).text_string_to_metric_families(response.text)
    return {
        each.name + "".join(f" {key}={value}" for key, value in sorted(each.labels.items())): each.value
        for family in families
        for each in family.samples
    }


async def test_a_run_shows_in_the_metrics(served: Served) -> None:
    run = await served.sample.run(contacts)
    async with await served.caller("read") as caller:
        found = samples(await caller.get("/metrics"))
    assert found["orgsync_runs_total connection=acme kind=sync name=contacts outcome=done"] == 1
    assert found["orgsync_runs_total connection=acme kind=sync name=contacts outcome=failed"] == 0
    assert found["orgsync_rows_total change=added connection=acme sync=contacts"] == run.added > 0
    assert found["orgsync_api_calls_total connection=acme kind=sync name=contacts"] == run.api_calls > 0
    assert found["orgsync_sync_consecutive_failures connection=acme sync=contacts"] == 0
    assert found["orgsync_sync_lag_seconds connection=acme sync=contacts"] > 0
    assert run.finished_at is not None
    success = found["orgsync_sync_last_success_timestamp_seconds connection=acme sync=contacts"]
    assert success == run.finished_at.timestamp()
    used = found["orgsync_api_requests_used connection=acme"]
    assert 0 < used < found["orgsync_api_requests_allowed connection=acme"]
    assert found["orgsync_connection_needs_sign_in connection=acme"] == 0
    assert (found["orgsync_webhook_messages_pending"], found["orgsync_feed_held_back"]) == (0, 0)
    assert not [name for name in found if name.partition(" ")[0].endswith("_created")]


async def test_failures_sign_ins_messages_and_alerts_show(served: Served) -> None:
    store = served.project.store
    await store.webhooks.add("https://example.com/in", events=[], connections=None, tags=[])
    async with store.runs.begin("contacts", "acme") as run:
        await store.runs.finish(run, status="failed", error=NetworkProblem("No.", "Wait."), api_calls=3, alert_after=1)
    await store.connections.update("acme", status="needs sign-in", status_reason="Revoked.")
    async with await served.caller("read") as caller:
        found = samples(await caller.get("/metrics"))
    assert found["orgsync_sync_consecutive_failures connection=acme sync=contacts"] == 1
    assert "orgsync_sync_lag_seconds connection=acme sync=contacts" not in found
    assert found["orgsync_connection_needs_sign_in connection=acme"] == 1
    assert found["orgsync_webhook_messages_pending"] == len(await store.webhooks.deliveries()) > 1
    assert found["orgsync_webhook_oldest_pending_seconds"] >= 0
    assert found["orgsync_alert_active connection=acme kind=failing subject=contacts"] == 1
    assert found["orgsync_alert_active connection=acme kind=sign_in_needed subject="] == 1


async def test_the_status_names_the_alerts_of_the_connections_that_a_token_sees(served: Served) -> None:
    store = served.project.store
    await store.connections.save(Connection(name="other"), {})
    for name in ("acme", "other"):
        await store.connections.update(name, status="needs sign-in", status_reason="Revoked.")
    async with await served.caller("read", connections=["acme"]) as caller:
        found = (await caller.get("/api/v1/status")).json()
    assert [each["connection"] for each in found["alerts"]] == ["acme"]
    assert found["alerts"][0]["message"] == "acme needs a sign-in: Revoked. Run: orgsync connect acme"


async def test_a_token_sees_the_metrics_of_its_own_connections_alone(served: Served) -> None:
    await served.project.store.connections.save(Connection(name="other"), {})
    await served.sample.run(contacts)
    async with await served.caller("read", connections=["other"]) as caller:
        found = samples(await caller.get("/metrics"))
    assert found["orgsync_connection_needs_sign_in connection=other"] == 0
    assert not [name for name in found if "acme" in name or "webhook" in name]


async def test_without_a_token_that_reads_there_are_no_metrics(served: Served) -> None:
    async with httpx.AsyncClient(verify=NOBODY, base_url=served.url, timeout=30) as nobody:
        assert (await nobody.get("/metrics")).status_code == 401
    async with await served.caller("run") as caller:
        assert (await caller.get("/metrics")).status_code == 403
