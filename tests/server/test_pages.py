"""The pages of a connection and of runs, and their forms, over plain HTTP."""

from pathlib import Path

import httpx
import pytest

from orgsync.demo_org import DemoOrg, Fault
from orgsync.engine import Job
from tests.plain_http import NOBODY

from .serving import Served, serving
from .visiting import visiting

SCRIPT = """\
from orgsync import Batches, Context, Record, sync


class Contact(Record, table=True):
    last_name: str


@sync(every="15m")
def people(ctx: Context) -> Batches[Contact]:
    if ctx.connection.metadata.get("broken"):
        raise ValueError("<script>alert(1)</script>")
    return ctx.changes(Contact)
"""


@pytest.fixture(autouse=True)
def script(tmp_path: Path) -> None:
    (tmp_path / "syncs").mkdir()
    (tmp_path / "syncs" / "people.py").write_text(SCRIPT)


async def test_run_now_begins_a_run_and_shows_it(served: Served) -> None:
    async with await visiting(served, "read", "run") as visit:
        sent = await visit.send("/connections/acme/syncs/people/run")
        assert (sent.status_code, sent.headers["location"]) == (303, "/runs/1")
        async with visit.client.stream("GET", "/runs/1/events") as events:
            assert events.headers["content-type"].startswith("text/event-stream")
            assert "event: ended" in [line async for line in events.aiter_lines()]
        shown = (await visit.get("/runs/1")).text
        assert 'class="state done"' in shown
        assert "rows expected" in shown
        assert "requests of the last 24 hours" in (await visit.get("/")).text
        part = await visit.get("/connections/acme", **{"HX-Request": "true"})
        assert "Rows changed in the last 1 run: 25 to 25, last 25" in part.text
        assert 'href="/runs/1"' in (await visit.get("/runs?state=done")).text
        assert 'href="/runs/1"' not in (await visit.get("/runs?state=failed")).text


async def test_a_failure_is_shown_with_its_remedy_and_nothing_of_it_is_run(served: Served) -> None:
    await served.project.connections.update("acme", metadata={"broken": True})
    await served.project.execute(Job("sync", "people", "acme"))
    async with await visiting(served, "read") as visit:
        for path in ("/", "/connections/acme", "/runs", "/runs/1"):
            shown = (await visit.get(path)).text
            assert "raised ValueError" in shown, path
            assert "Correct the script" in shown, path
            assert "<script>alert" not in shown, path


@pytest.mark.parametrize(
    ("asked", "what"), [("full", "reads everything"), ("reconcile", "compares the copy&#39;s Ids with the org&#39;s")]
)
async def test_what_a_run_was_to_do_and_has_left_to_the_next_is_said(
    served: Served, org: DemoOrg, asked: str, what: str
) -> None:
    line = f"The next run {what}, as an earlier one was to."
    await served.project.execute(Job("sync", "people", "acme"))
    org.add_fault(Fault.json_error(403, "INSUFFICIENT_ACCESS", "no"), match="query")
    job = Job("sync", "people", "acme", full=asked == "full", reconcile=asked == "reconcile")
    outcome = await served.project.execute(job)
    assert outcome.problem is not None
    async with await visiting(served, "read") as visit:
        assert line in (await visit.get("/connections/acme")).text
    async with await served.caller("read", name="program") as caller:
        assert [each["owed"] for each in (await caller.get("/api/v1/status")).json()["statuses"]] == [asked]
        await served.project.execute(Job("sync", "people", "acme"))
        assert [each["owed"] for each in (await caller.get("/api/v1/status")).json()["statuses"]] == [None]


async def test_a_sync_is_paused_and_continued_alone_and_with_all(served: Served) -> None:
    async with await visiting(served, "admin") as visit:
        for path, is_off in (
            ("/connections/acme/syncs/people/pause", True),
            ("/connections/acme/syncs/people/continue", False),
            ("/connections/acme/pause", True),
            ("/connections/acme/continue", False),
        ):
            sent = await visit.send(path)
            assert (sent.status_code, sent.headers["location"]) == (303, "/connections/acme")
            assert any(each.off for each in await served.project.schedules.list()) is is_off
            assert ("paused" in (await visit.get("/connections/acme")).text) is is_off


async def test_signing_in_again_leads_to_the_pages_that_customers_see_and_back(tmp_path: Path, org: DemoOrg) -> None:
    async with (
        serving(tmp_path, org, client_id=org.client_id) as served,
        await visiting(served, "read", "connect") as visit,
    ):
        sent = await visit.send("/connections/acme/reconnect")
        assert sent.status_code == 303, sent.text
        assert sent.headers["location"].startswith(f"{served.url}/connect/")
        assert "orgsync" in (await visit.get(sent.headers["location"])).text
        back = await visit.get("/connections/acme?session=cs_1&state=connected")
        assert "signed in again" in back.text


async def test_a_test_says_that_the_org_answered_and_a_problem_is_a_page(served: Served, org: DemoOrg) -> None:
    async with await visiting(served, "run", "read") as visit:
        sent = await visit.send("/connections/acme/test")
        assert sent.headers["location"] == "/connections/acme?tested=1"
        shown = (await visit.get(sent.headers["location"])).text
        assert "The org answered" in shown
        org.add_fault(Fault.status(503), times=None)
        failed = await visit.send("/connections/acme/test")
        assert failed.status_code == 502
        assert 'role="alert"' in failed.text


async def test_an_address_that_is_not_there_is_a_page_for_a_browser_and_a_problem_for_a_program(served: Served) -> None:
    async with httpx.AsyncClient(verify=NOBODY, base_url=served.url, timeout=30) as client:
        for path, accept, kind in (
            ("/nosuch", "text/html,*/*;q=0.8", "text/html; charset=utf-8"),
            ("/nosuch", "*/*", "application/problem+json"),
            ("/api/v1/nosuch", "text/html,*/*;q=0.8", "application/problem+json"),
        ):
            answer = await client.get(path, headers={"Accept": accept})
            assert (answer.status_code, answer.headers["content-type"]) == (404, kind)


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("/connections/acme/syncs/peple/run", 404, "people"),
        ("/connections/globex/syncs/people/run", 404, "acme"),
        ("/connections/acme/syncs/peple/pause", 404, "people"),
        ("/connections/globex/test", 404, "acme"),
        ("/connections/globex/pause", 404, "acme"),
    ],
)
async def test_a_form_for_what_is_not_there_is_a_page_that_names_the_nearest(
    served: Served, path: str, status: int, says: str
) -> None:
    async with await visiting(served, "admin") as visit:
        refused = await visit.send(path)
    assert (refused.status_code, says in refused.text, "<html" in refused.text) == (status, True, True)
    assert str(served.project.settings.project) not in refused.text


@pytest.mark.parametrize(
    "path",
    [
        "/connections/acme/syncs/people/run",
        "/connections/acme/test",
        "/connections/acme/pause",
        "/connections/acme/syncs/people/pause",
    ],
)
async def test_a_form_needs_its_scope_its_session_and_its_own_connection(served: Served, path: str) -> None:
    async with await visiting(served, "read") as visit:
        page = (await visit.get("/connections/acme")).text
        assert path not in page, "no button for what the token may not do"
        assert (await visit.send(path)).status_code == 403
    async with await visiting(served, "admin", name="admin") as visit:
        assert path in (await visit.get("/connections/acme")).text
        assert (await visit.client.post(path)).status_code == 403
        assert (await visit.send(path, **{"Sec-Fetch-Site": "cross-site"})).status_code == 403
    async with await visiting(served, "admin", connections=["acme"], name="limited") as visit:
        await served.project.connections.rename("acme", "globex")
        assert (await visit.send(path)).status_code == 404
    assert await served.project.runs.list() == []
    assert await served.project.schedules.list() == []


async def test_runs_of_others_are_not_there_for_a_limited_token(served: Served) -> None:
    await served.project.execute(Job("sync", "people", "acme"))
    async with await visiting(served, "read", connections=["acme"]) as visit:
        assert "people" in (await visit.get("/runs")).text
        await served.project.connections.remove("acme", keep_rows=True)  # its runs stay, and are nobody's of a limit
        assert "people" not in (await visit.get("/runs")).text
        for path in ("/runs/1", "/runs/1/events", "/connections/acme", "/runs?connection=acme", "/runs/2"):
            assert (await visit.get(path)).status_code == 404
        foreign, missing = (await visit.get("/runs/1")).text, (await visit.get("/runs/2")).text
        assert foreign.replace("no run 1", "no run 2") == missing  # nothing says which are there
        for path, status in (("/runs?state=odd", 400), (f"/runs/{2**63}", 404), ("/runs/x", 400)):
            assert (await visit.get(path)).status_code == status
    async with await visiting(served, "read", name="all") as visit:
        assert "people" in (await visit.get("/runs")).text


async def test_runs_of_a_connection_that_there_is_not_are_a_page_that_names_the_nearest(served: Served) -> None:
    async with await visiting(served, "read") as visit:
        assert (await visit.get("/runs?connection=acme&state=failed")).status_code == 200
        unknown = await visit.get("/runs?connection=acne")
    assert (unknown.status_code, "acme" in unknown.text, "<html" in unknown.text) == (404, True, True)


async def test_runs_are_paged(served: Served) -> None:
    for _ in range(52):
        run = await served.project.store.runs.start_action("touch", "acme")
        await served.project.store.runs.finish_action(run, status="done", api_calls=0)
    async with await visiting(served, "read") as visit:
        first, second = (await visit.get("/runs")).text, (await visit.get("/runs?before=3")).text
    assert 'href="/runs/52"' in first
    assert 'href="/runs?before=3"' in first
    assert ('href="/runs/2"' in first, 'href="/runs/2"' in second, "Older" in second) == (False, True, False)
