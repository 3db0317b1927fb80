"""How syncs stand, and alerts: told once when raised and once when cleared, whatever raises them."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import pytest
from structlog.testing import capture_logs

from orgsync.errors import NetworkProblem, OrgsyncError, RunInterrupted
from orgsync.store import Connection, RunStatus, Store
from orgsync.store.alerts import AlertKey, HealthFacts
from orgsync.store.health_rows import StandingRow
from orgsync.store.org_schemas import FieldChange, SeenObject, changes_of
from tests.store.databases import Database
from tests.store.running import running

AGO = datetime(2026, 1, 1, tzinfo=UTC)
PROBLEM = NetworkProblem("No way.", "Wait.")
LAG: AlertKey = ("lag", "acme", "contacts")


@pytest.fixture(autouse=True)
async def acme(store: Store) -> None:
    await store.connections.save(Connection(name="acme"), {"refresh_token": "kept"})
    await store.webhooks.add(
        "https://example.com/in", events=["alert.raised", "alert.cleared"], connections=None, tags=[]
    )


async def ran(
    store: Store,
    status: RunStatus,
    *,
    alert_after: int = 0,
    usage: tuple[int, int] | None = None,
    error: OrgsyncError = PROBLEM,
) -> None:
    async with running(store, "contacts", "acme") as run:
        watermark = AGO if status == "done" else None
        await store.runs.finish(
            run,
            status=status,
            error=None if status == "done" else error,
            api_calls=2,
            watermark=watermark,
            usage=usage,
            alert_after=alert_after,
        )


async def standing(store: Store) -> StandingRow:
    [found] = await store.alerts.standings()
    return found


async def told(store: Store) -> list[tuple[str, Mapping[str, Any]]]:
    found = [json.loads(each.body) for each in reversed(await store.webhooks.deliveries())]
    return [(each["type"], each["data"]) for each in found]


async def test_each_end_of_a_run_adds_to_how_its_sync_stands(store: Store) -> None:
    for status, usage in (("failed", (10, 100)), ("done", (12, 100)), ("failed", None), ("stopped", None)):
        await ran(store, status, usage=usage)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    found = await standing(store)
    runs = await store.runs.list()
    assert (found.done, found.failed, found.stopped, found.api_calls) == (1, 2, 1, 8)
    assert (found.failures, found.status, found.error_code) == (1, "stopped", "network_problem")
    assert (found.started_at, found.ended_at) == (runs[0].started_at, runs[0].finished_at)
    assert (found.success_ended_at, found.watermark) == (runs[2].finished_at, AGO)
    assert (found.api_used, found.api_limit, found.api_seen_at) == (12, 100, runs[2].finished_at)


async def test_a_run_that_is_stopped_leaves_the_error_of_the_failure_before_it_and_one_that_is_done_does_not(
    store: Store,
) -> None:
    seen: list[tuple[str | None, str | None]] = []
    for status in ("stopped", "failed", "stopped", "done", "stopped"):
        await ran(store, status, error=PROBLEM if status == "failed" else RunInterrupted())
        found = await standing(store)
        seen.append((found.failure_error, found.failure_error_code))
    failure = (str(PROBLEM), PROBLEM.code)
    assert seen == [(None, None), failure, failure, (None, None), (None, None)]


async def test_counts_stay_when_old_runs_are_deleted(store: Store) -> None:
    for _ in range(3):
        await ran(store, "done")
    await store.runs.remove_before(datetime(2100, 1, 1, tzinfo=UTC))
    assert len(await store.runs.list()) == 1
    assert (await standing(store)).done == 3


async def test_an_action_stands_apart_from_a_sync_of_its_name(store: Store) -> None:
    await ran(store, "done")
    run = await store.runs.start_action("contacts", "acme")
    await store.runs.finish_action(run, status="failed", error=PROBLEM, api_calls=1)
    found = [(each.kind, each.done, each.failed) for each in await store.alerts.standings()]
    assert found == [("action", 0, 1), ("sync", 1, 0)]


async def test_failures_in_a_row_raise_one_alert_and_a_success_clears_it(store: Store) -> None:
    with capture_logs() as logs:
        for status in ("failed", "failed", "failed", "done", "done"):
            await ran(store, status, alert_after=2)
    raised, cleared = await told(store)
    assert (raised[0], cleared[0]) == ("alert.raised", "alert.cleared")
    assert raised[1] == cleared[1]
    assert raised[1]["message"] == "contacts on acme has failed 2 times in a row. No way. Wait."
    assert {name: raised[1][name] for name in ("kind", "connection", "sync")} == {
        "kind": "failing",
        "connection": "acme",
        "sync": "contacts",
    }
    assert [each["event"] for each in logs if each["event"].startswith("alert")] == ["alert raised", "alert cleared"]
    assert not await store.alerts.list()


async def test_a_sign_in_that_is_needed_is_one_alert(store: Store) -> None:
    for _ in range(2):
        await store.connections.update("acme", status="needs sign-in", status_reason="Revoked.")
    [alert] = await store.alerts.list()
    assert alert.key == ("sign_in_needed", "acme", "")
    assert alert.message == "acme needs a sign-in: Revoked. Run: orgsync connect acme"
    await store.connections.update("acme", status="ready", status_reason="")
    assert [kind for kind, _ in await told(store)] == ["alert.raised", "alert.cleared"]


async def test_alerts_follow_a_connection_that_is_renamed_and_end_with_one_that_is_removed(store: Store) -> None:
    await ran(store, "failed", alert_after=1)
    await store.connections.rename("acme", "apex")
    assert [each.key for each in await store.alerts.list()] == [("failing", "apex", "contacts")]
    assert (await standing(store)).connection == "apex"
    await store.connections.remove("apex", keep_rows=True)
    assert not await store.alerts.list()
    assert not await store.alerts.standings()
    assert [(kind, data["connection"]) for kind, data in await told(store)][-1] == ("alert.cleared", "apex")


async def test_two_processes_that_decide_the_same_tell_it_once(store: Store) -> None:
    def decide(_: HealthFacts) -> Mapping[AlertKey, str]:
        return {LAG: "It is behind.", ("lag", "gone", "contacts"): "Of no connection."}

    async def settle() -> None:
        await store.alerts.settle(decide, schemas_since=AGO)

    async with anyio.create_task_group() as group:
        for _ in range(4):
            group.start_soon(settle)
    assert [each.key for each in await store.alerts.list()] == [LAG]
    assert [kind for kind, _ in await told(store)] == ["alert.raised"]


async def test_what_is_no_longer_wanted_is_cleared_but_for_connections_that_others_look_after(store: Store) -> None:
    await store.connections.save(Connection(name="other"), {"refresh_token": "kept"})
    both = {LAG: "It is behind.", ("lag", "other", "contacts"): "So is this."}
    await store.alerts.settle(lambda _: both, schemas_since=AGO)
    changed = await store.alerts.settle(lambda _: {}, schemas_since=AGO, connections=["acme"])
    assert [(each.alert.key, each.raised) for each in changed] == [(LAG, False)]
    assert [each.connection for each in await store.alerts.list()] == ["other"]


async def test_a_reset_forgets_how_a_sync_stood_and_that_it_has_failed(store: Store) -> None:
    await ran(store, "failed", alert_after=1)
    await store.alerts.settle(lambda facts: dict.fromkeys([*facts.active, LAG], "Told."), schemas_since=AGO)
    assert await store.runs.pairs_that_ran() == {("contacts", "acme")}
    with capture_logs() as logged:
        await store.rows.reset("contacts", connection="acme")
    assert not await store.alerts.standings()
    assert await store.runs.pairs_that_ran() == set()
    assert [each.kind for each in await store.alerts.list()] == ["lag"]
    assert [each["event"] for each in logged] == ["alert cleared"]
    assert (await told(store))[-1][0] == "alert.cleared"


async def test_a_reset_clears_no_alert_of_another_sync_or_connection(store: Store) -> None:
    await store.connections.save(Connection(name="other"), {})
    others: dict[AlertKey, str] = {("failing", "acme", "leads"): "It.", ("failing", "other", "contacts"): "It."}
    await ran(store, "failed")
    await store.alerts.settle(lambda _: others, schemas_since=AGO)
    await store.rows.reset("contacts", connection="acme")
    assert {each.key for each in await store.alerts.list()} == set(others)


async def test_an_upgrade_counts_the_runs_that_are_kept(database: Database, folder: Path, store: Store) -> None:
    for status in ("failed", "done", "failed", "stopped"):
        await ran(store, status, error=RunInterrupted() if status == "stopped" else PROBLEM)
    before = await store.alerts.standings()
    for table in ("orgsync_standing", "orgsync_alert", "orgsync_org_schema", "orgsync_connect_session"):
        database.execute(f"DROP TABLE {table}")
    database.execute("UPDATE orgsync_version SET version_num = '0017'")
    async with Store.open(database.url, folder=folder) as upgraded:
        assert await upgraded.alerts.standings() == before
    assert before[0].failure_error == str(PROBLEM)


async def test_a_change_of_an_object_is_found_once_however_many_look_at_once(store: Store) -> None:
    await store.org_schemas.note("acme", {"Contact": SeenObject({"Id": "id", "Phone": "phone"}, "Mon")})
    now = {"Contact": SeenObject({"Id": "id", "Phone": "textarea", "Größe__c": "double"}, "Tue")}
    found: list[FieldChange] = []

    async def look() -> None:
        found.extend(await store.org_schemas.note("acme", now, reader="people contact", reads={"Contact": ["phone"]}))

    async with anyio.create_task_group() as group:
        for _ in range(4):
            group.start_soon(look)
    assert [(each.field, each.change, [*each.syncs]) for each in found] == [
        ("Größe__c", "new", []),
        ("Phone", "retyped", ["people"]),
    ]
    [row] = await store.org_schemas.list("acme")
    assert (row.fields, row.last_modified) == (now["Contact"].fields, "Tue")
    assert [each.field for each in changes_of(row)] == ["Größe__c", "Phone"]
    assert [each.key for each in await store.alerts.list()] == [("schema_changed", "acme", "Contact")]


async def test_schemas_follow_their_connection_and_none_is_kept_for_one_that_is_not_there(store: Store) -> None:
    seen = {"Contact": SeenObject({"Id": "id"})}
    assert not await store.org_schemas.note("gone", seen)
    await store.org_schemas.note("acme", seen)
    await store.connections.rename("acme", "apex")
    assert [each.connection for each in await store.org_schemas.list()] == ["apex"]
    await store.connections.remove("apex")
    assert not await store.org_schemas.list()
