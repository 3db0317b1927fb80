"""Jobs over HTTP: begun, waited for, watched, cancelled, and begun once."""

import asyncio
import json
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from orgsync.demo_org import DemoOrg, Fault
from tests.plain_http import NOBODY
from tests.projects import credentials_for

from .serving import Served, serving

SCRIPT = """\
from orgsync import Batches, Context, Org, Record, action, sync


class Contact(Record, table=True):
    last_name: str


@sync
def people(ctx: Context) -> Batches[Contact]:
    return ctx.changes(Contact)


@action
async def rename(org: Org, id: str, last_name: str) -> str:
    await org.patch(f"sobjects/Contact/{id}", {"LastName": last_name})
    return last_name
"""
PEOPLE = {"name": "people", "connection": "acme"}


@pytest.fixture(autouse=True)
def script(tmp_path: Path) -> None:
    (tmp_path / "syncs").mkdir()
    (tmp_path / "syncs" / "people.py").write_text(SCRIPT)


async def test_a_sync_is_run_and_waited_for(served: Served) -> None:
    async with await served.caller("run", "read") as caller:
        answer = await caller.post("/api/v1/jobs?wait=30", json=PEOPLE)
        assert answer.status_code == 200, answer.text
        [job] = answer.json()["jobs"]
        assert (job["state"], job["run"]["added"], job["error"]) == ("done", 25, None)
        assert (await caller.get(f"/api/v1/jobs/{job['id']}")).json() == job
        assert (await caller.get(f"/api/v1/runs/{job['run']['id']}")).json() == job["run"]


async def test_an_action_is_carried_out_and_returns_its_result(served: Served, org: DemoOrg) -> None:
    one = str(org.rows("Contact")[0]["Id"])
    asked = {"kind": "action", "name": "rename", "connection": "acme", "arguments": {"id": one, "last_name": "New"}}
    async with await served.caller("run") as caller:
        [job] = (await caller.post("/api/v1/jobs?wait=30", json=asked)).json()["jobs"]
    assert (job["state"], job["result"]) == ("done", "New")
    assert [row["LastName"] for row in org.rows("Contact") if row["Id"] == one] == ["New"]


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        ({"name": "peple", "connection": "acme"}, 404, "name_unknown"),
        ({"name": "people", "connection": "globex"}, 404, "name_unknown"),
        ({"name": "people"}, 400, "argument_invalid"),
        ({"name": "people", "connection": "acme", "tag": "eu"}, 400, "argument_invalid"),
        ({"name": "people", "tag": "eu"}, 404, "name_unknown"),
        ({"name": "people", "connection": "acme", "arguments": {"a": 1}}, 400, "argument_invalid"),
        ({"kind": "action", "name": "rename", "connection": "acme", "arguments": {"id": 1}}, 400, "argument_invalid"),
        ({"kind": "action", "name": "rename", "tag": "eu"}, 400, "argument_invalid"),
        ({"name": "people", "connection": "acme", "fulll": True}, 422, "argument_invalid"),
    ],
)
async def test_a_wrong_job_is_refused_before_anything_begins(
    served: Served, asked: dict[str, object], status: int, code: str
) -> None:
    async with await served.caller("run") as caller:
        answer = await caller.post("/api/v1/jobs", json=asked)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert str(served.project.settings.project) not in answer.text
    assert await served.project.runs.list() == []


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (b'{"name": "people", "conection": "acme"}', 422, "body.conection: there is no such field; did you mean conn"),
        (b'{"name": "people", "zzz": 1}', 422, "body.zzz: there is no such field; there are: kind, name, connection"),
        (
            b'{"nmae": "people", "connection": "acme"}',
            422,
            "body.nmae: there is no such field; did you mean name?; body.name: Field required.",
        ),
        (
            b'{"a": 1, "b": 1, "tag": 1}',
            422,
            "there are: kind, name, connection, tag, full, reconcile, arguments; body",
        ),
        (b'{"a": 1, "b": 1, "tag": 1}', 422, "body.name: Field required; and 1 more."),
        (b'{"name": 1, "connection": "acme"}', 422, "body.name: Input should be a valid string"),
        (b"[]", 422, "The body is not a JSON object."),
        (b"", 422, "The body is not a JSON object."),
        (b"\xff{", 400, "The body cannot be read."),
        (b"[" * 100_000, 400, "The body cannot be read."),
    ],
)
async def test_what_is_wrong_in_a_body_is_named_with_what_would_be_right(
    served: Served, body: bytes, status: int, says: str
) -> None:
    async with await served.caller("run") as caller:
        answer = await caller.post("/api/v1/jobs", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == status
    assert says in answer.json()["title"]
    assert answer.json()["detail"]


async def test_a_job_for_a_tag_runs_on_every_connection_that_has_it(served: Served) -> None:
    await served.project.connections.update("acme", tags=["eu"])
    async with await served.caller("run") as caller:
        [job] = (await caller.post("/api/v1/jobs?wait=30", json={"name": "people", "tag": "eu"})).json()["jobs"]
    assert (job["connection"], job["state"]) == ("acme", "done")


async def test_the_events_of_a_run_are_followed_to_its_end(served: Served, org: DemoOrg) -> None:
    org.page_size = 5
    async with await served.caller("run", "read") as caller:
        [job] = (await caller.post("/api/v1/jobs", json=PEOPLE)).json()["jobs"]
        found = await events(caller, job["run"]["id"])
        assert found[0]["event"] == "started"
        assert found[-1] | {"watermark": None} == {
            "event": "ended",
            "run": job["run"]["id"],
            "status": "done",
            "api_calls": found[-1]["api_calls"],
            "watermark": None,
            "error": None,
            "error_code": None,
        }
        assert max(each["added"] for each in found if each["event"] == "committed") == 25


async def test_a_client_that_vanishes_costs_nothing_but_its_own_connection(served: Served, org: DemoOrg) -> None:
    org.page_size = 5
    org.add_fault(Fault.delay(0.2), match="/query", times=None)
    async with await served.caller("run", "read") as caller:
        [job] = (await caller.post("/api/v1/jobs", json=PEOPLE)).json()["jobs"]
        for _ in range(5):
            async with caller.stream("GET", f"/api/v1/runs/{job['run']['id']}/events") as answer:
                assert (await anext(answer.aiter_lines())).startswith("id: ")
        org.clear_faults()
        ended = (await caller.get(f"/api/v1/jobs/{job['id']}?wait=30")).json()
    assert (ended["state"], ended["run"]["added"]) == ("done", 25)


async def test_a_run_of_another_process_is_followed_too(served: Served) -> None:
    async with await served.caller("run", "read") as caller:
        [job] = (await caller.post("/api/v1/jobs?wait=30", json=PEOPLE)).json()["jobs"]
        async with (
            serving(served.project.settings.project, served.sample.org) as other,
            httpx.AsyncClient(verify=NOBODY, base_url=other.url, headers=caller.headers, timeout=30) as there,
        ):
            found = await events(there, job["run"]["id"])
    assert [each["event"] for each in found] == ["committed", "ended"]


@pytest.mark.parametrize(
    ("path", "answered"),
    [
        ("jobs/{job}?wait=60", b'"state":"running"'),
        ("runs/{run}/events", b"event: started"),
        ("changes/contact?after={last}&wait=60", b'"changes":[]'),
    ],
)
async def test_what_callers_wait_for_is_answered_when_the_server_stops(
    org: DemoOrg, tmp_path: Path, path: str, answered: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(tmp_path, org) as served, await served.caller("run", "read") as caller:
        await caller.post("/api/v1/jobs?wait=30", json=PEOPLE)
        last = (await caller.get("/api/v1/changes/contact")).json()["last"]
        org.add_fault(Fault.delay(60), match="/query", times=None)
        [job] = (await caller.post("/api/v1/jobs", json=PEOPLE)).json()["jobs"]
        target = f"/api/v1/{path.format(job=job['id'], run=job['run']['id'], last=last)}"
        server = httpx.URL(served.url)
        reader, writer = await asyncio.open_connection(server.host, server.port)
        head = f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {caller.headers['Authorization']}\r\n\r\n"
        writer.write(head.encode())
        await caller.get("/health")  # by then the server has taken the call before
    with anyio.fail_after(10):
        answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 200")
    assert answered in answer
    assert answer.endswith(b"0\r\n\r\n") or b"content-length" in answer
    assert "ASGI" not in caplog.text


async def test_a_cancelled_job_keeps_what_it_has_committed(served: Served, org: DemoOrg) -> None:
    org.page_size = 5
    async with await served.caller("run", "read") as caller:
        org.add_fault(Fault.delay(0.3), match="/query", times=None)
        [job] = (await caller.post("/api/v1/jobs", json=PEOPLE)).json()["jobs"]
        while not (await caller.get(f"/api/v1/jobs/{job['id']}")).json()["run"]["added"]:  # noqa: ASYNC110
            await anyio.sleep(0.02)
        ended = (await caller.post(f"/api/v1/jobs/{job['id']}/cancel")).json()
        assert (ended["state"], ended["run"]["status"]) == ("stopped", "stopped")
        org.clear_faults()
        [rest] = (await caller.post("/api/v1/jobs?wait=30", json=PEOPLE)).json()["jobs"]
    assert ended["run"]["added"] + rest["run"]["added"] == 25
    assert rest["run"]["added"] < 25


async def test_a_call_with_a_key_is_made_once(served: Served, org: DemoOrg) -> None:
    one = str(org.rows("Contact")[0]["Id"])
    asked = {"kind": "action", "name": "rename", "connection": "acme", "arguments": {"id": one, "last_name": "New"}}
    key = {"Idempotency-Key": "order-7"}
    async with await served.caller("run") as caller:
        answers: list[httpx.Response] = []

        async def call() -> None:
            answers.append(await caller.post("/api/v1/jobs?wait=30", json=asked, headers=key))

        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(call)
        assert len({each.json()["jobs"][0]["id"] for each in answers}) == 1
        assert len(await served.project.runs.list()) == 1
        other = await caller.post("/api/v1/jobs", json=asked | {"name": "delete"}, headers=key)
        assert (other.status_code, other.json()["code"]) == (400, "argument_invalid")
    async with (
        serving(served.project.settings.project, org) as restarted,
        httpx.AsyncClient(verify=NOBODY, base_url=restarted.url, headers=caller.headers, timeout=30) as later,
    ):
        again = await later.post("/api/v1/jobs", json=asked, headers=key)
    assert (again.status_code, again.json()["code"]) == (409, "call_unknown")
    assert again.json()["detail"] == "Its run has the number 1."
    assert len(await served.project.runs.list()) == 1


async def test_a_call_that_was_refused_did_nothing_and_its_key_is_still_good(served: Served, org: DemoOrg) -> None:
    org.add_fault(Fault.hang(), match="/query", times=None)
    key = {"Idempotency-Key": "order-9"}
    async with await served.caller("run") as caller:
        [job] = (await caller.post("/api/v1/jobs", json=PEOPLE)).json()["jobs"]
        refused = await caller.post("/api/v1/jobs?wait=30", json=PEOPLE, headers=key)
        assert (refused.status_code, refused.json()["code"]) == (409, "already_running")
        await caller.post(f"/api/v1/jobs/{job['id']}/cancel")
        org.clear_faults()
        done = await caller.post("/api/v1/jobs?wait=30", json=PEOPLE, headers=key)
        assert (done.status_code, done.json()["jobs"][0]["state"]) == (200, "done")
        again = await caller.post("/api/v1/jobs?wait=30", json=PEOPLE, headers=key)
        assert again.json()["jobs"][0]["id"] == done.json()["jobs"][0]["id"]
        empty = await caller.post("/api/v1/jobs", json=PEOPLE, headers={"Idempotency-Key": ""})
        assert empty.status_code == 422


async def test_where_too_many_wait_nothing_of_a_call_begins_and_its_key_is_still_good(
    tmp_path: Path, org: DemoOrg, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orgsync.server.jobs._MOST_WAITING", 2)
    org.add_fault(Fault.hang(), match="/query", times=None)
    async with serving(tmp_path, org, concurrency=1) as served, await served.caller("run", "admin") as caller:
        await served.project.connections.update("acme", tags=["eu"])
        await served.project.connections.connect("globex", credentials_for(org), tags=["eu"])
        for state in ("running", "queued"):
            [job] = (await caller.post("/api/v1/jobs?wait=0.5", json=PEOPLE)).json()["jobs"]
            assert job["state"] == state
        for_both = await caller.post("/api/v1/jobs?wait=0.1", json={"name": "people", "tag": "eu"})
        assert (for_both.status_code, for_both.json()["code"]) == (503, "server_busy")
        last = {"name": "people", "connection": "globex"}
        assert (await caller.post("/api/v1/jobs?wait=0.1", json=last)).status_code == 202  # so none of both waits
        key = {"Idempotency-Key": "order-8"}
        assert (await caller.post("/api/v1/jobs?wait=0.1", json=last, headers=key)).status_code == 503
        await caller.post(f"/api/v1/jobs/{job['id']}/cancel")
        begun = await caller.post("/api/v1/jobs?wait=0.1", json=last, headers=key)
        again = await caller.post("/api/v1/jobs?wait=0.1", json=last, headers=key)  # for which no room is needed
        assert (begun.status_code, again.status_code) == (202, 202)
        assert begun.json()["jobs"][0]["id"] == again.json()["jobs"][0]["id"]


async def test_a_limited_token_neither_runs_nor_sees_jobs_of_other_connections(served: Served, org: DemoOrg) -> None:
    await served.project.connections.connect("globex", credentials_for(org))
    async with (
        await served.caller("run", "read") as caller,
        await served.caller("run", "read", connections=["globex"], name="limited") as limited,
    ):
        assert (await limited.post("/api/v1/jobs", json=PEOPLE)).status_code == 403
        [job] = (await caller.post("/api/v1/jobs?wait=30", json=PEOPLE)).json()["jobs"]
        for path in (f"jobs/{job['id']}", f"runs/{job['run']['id']}", f"runs/{job['run']['id']}/events"):
            foreign = await limited.get(f"/api/v1/{path}")
            missing = await limited.get(f"/api/v1/{path.replace(str(job['run']['id']), '77')}")
            assert (foreign.status_code, missing.status_code) == (404, 404)
            assert foreign.json()["detail"] == missing.json()["detail"]  # nothing says which are there
        assert (await limited.post(f"/api/v1/jobs/{job['id']}/cancel")).status_code == 404


async def events(caller: httpx.AsyncClient, run: int) -> list[dict[str, Any]]:
    """Read the events of a run to its end."""
    found: list[dict[str, Any]] = []
    async with caller.stream("GET", f"/api/v1/runs/{run}/events") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        async for line in answer.aiter_lines():
            if line.startswith("data: "):
                found.append(json.loads(line.removeprefix("data: ")))
    return found


async def test_of_many_faults_the_first_are_named_and_the_others_counted(served: Served) -> None:
    async with await served.caller("run") as caller:
        many = await caller.post("/api/v1/jobs", json={f"b{number}": 1 for number in range(20_000)})
        long = await caller.post("/api/v1/jobs", json={"b" * 100_000: 1, "name": "contacts", "connection": "acme"})
    assert (many.status_code, len(many.json()["fields"])) == (422, 20)
    assert many.json()["title"].endswith("more.")
    assert max(len(many.content), len(long.content)) < 10_000
