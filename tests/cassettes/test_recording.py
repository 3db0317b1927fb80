"""Recording keeps all that is said to an org, and leaves the project that it records from as it was."""

import threading
import urllib.request
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from orgsync import Batch, Batches, Context, Credentials, Record, Sync, sync
from orgsync.cassettes import (
    Cassette,
    Ran,
    RecordFrom,
    Recording,
    Replay,
    Replayed,
    Sandbox,
    read_cassette,
    throw_away,
    write_cassette,
)
from orgsync.cassettes.interaction import RecordedRequest, RecordedResponse
from orgsync.cassettes.recorder import Recorder
from orgsync.cassettes.step_names import step_name
from orgsync.demo_org import DemoOrg, Fault
from orgsync.errors import NotRecorded, SignInNeeded
from orgsync.project import Project, open_project
from orgsync.settings import Settings
from orgsync.store import Connection, Store
from orgsync_syncs.accounts import accounts
from orgsync_syncs.contacts import contacts
from tests.conftest import BEGAN
from tests.projects import Interruption, at_commits, credentials_for, executed, settings_for

from .recorded import NOTHING, recorded, replayed, source_at

Story = Callable[[Sandbox], Awaitable[Any]]


@pytest.fixture
def org() -> Iterator[DemoOrg]:
    """A demo org whose clock stands still, with two pages of contacts."""
    with DemoOrg(contacts=30, accounts=5, page_size=20, now=BEGAN) as started:
        yield started


def names(cassette: Cassette) -> list[str]:
    return [step_name(each) for each in cassette.interactions]


async def captured(source: RecordFrom, folder: Path, story: Story) -> tuple[Cassette, Any]:
    """Record what happens on a sandbox."""
    recording = Recording(source, folder / "recording")
    with recording.capturing():
        result = await story(recording.sandbox)
    return recording.cassette(), result


async def played(cassette: Cassette, folder: Path, story: Story) -> Any:
    """Let the same happen on the sandbox of a replay, by way of a file, to the cassette's end."""
    write_cassette(folder / "it.yaml", cassette)
    replay = Replay(read_cassette(folder / "it.yaml"), "it.yaml", folder / "replay", settings_for(folder), Replayed())
    with replay.playing():
        result = await story(replay.sandbox)
    replay.player.require_played()
    return result


def moving(org: DemoOrg, *, seconds: float) -> Callable[[], datetime]:
    """Return a clock that moves, and the org's with it, whenever it is read."""

    def now() -> datetime:
        org.advance(seconds=seconds)
        return org.now

    return now


async def dumped(settings: Settings) -> dict[str, Any]:
    """Read a store's tables, but not how the sign-in stands: token, instance and status may change, with an alert."""
    async with Store.open(settings.store_url, folder=settings.folder) as store, store.session() as session:
        found = (await session.connection()).exec_driver_sql
        listed = (await found("SELECT name FROM sqlite_master WHERE type = 'table'")).scalars().all()
        return {
            name: (await found(f'SELECT * FROM "{name}"')).all()
            for name in listed
            if name not in ("orgsync_connection", "orgsync_alert")
        }


async def real_secrets(source: RecordFrom) -> dict[str, Any]:
    async with open_project(source.settings) as opened:
        return await opened.store.connections.secrets("acme")


async def once(sandbox: Sandbox) -> Ran[Any]:
    return await sandbox.run(contacts)


async def twice(sandbox: Sandbox) -> list[Ran[Any]]:
    return [await sandbox.run(contacts) for _ in range(2)]


async def test_recording_leaves_no_row_no_run_and_no_lease_in_the_real_store(org: DemoOrg, tmp_path: Path) -> None:
    source = await source_at(tmp_path / "source", org)
    before = await dumped(source.settings)
    await captured(source, tmp_path, twice)
    assert await dumped(source.settings) == before


async def test_a_run_that_fails_leaves_nothing_either(org: DemoOrg, tmp_path: Path) -> None:
    source = await source_at(tmp_path / "source", org)
    before = await dumped(source.settings)
    org.revoke_refresh_tokens()
    with pytest.raises(SignInNeeded):
        await captured(source, tmp_path, once)
    assert await dumped(source.settings) == before


async def test_the_database_that_the_environment_names_is_not_written_to(
    org: DemoOrg, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = await source_at(tmp_path / "source", org)
    before = await dumped(source.settings)
    monkeypatch.setenv("ORGSYNC_DATABASE_URL", f"sqlite:///{tmp_path / 'other.db'}")
    cassette, _ = await captured(source, tmp_path, once)
    await played(cassette, tmp_path, once)
    assert not (tmp_path / "other.db").exists()
    assert await dumped(source.settings) == before


async def test_a_rotated_refresh_token_is_kept_in_the_real_store(org: DemoOrg, tmp_path: Path) -> None:
    org.rotate_refresh_tokens = True
    source = await source_at(tmp_path / "source", org)
    before = (await real_secrets(source))["refresh_token"]
    cassette, _ = await captured(source, tmp_path, once)
    after = (await real_secrets(source))["refresh_token"]
    assert after != before
    assert "REFRESH-TOKEN-2" in str(cassette.interactions[0].response.body)
    async with open_project(source.settings) as opened:  # and it is alive
        org.expire_tokens()
        assert (await executed(opened, accounts, clock=lambda: org.now)).problem is None
    assert (await played(cassette, tmp_path, once)).added == 30


async def test_a_recording_begins_with_a_sign_in_though_the_real_token_lives(org: DemoOrg, tmp_path: Path) -> None:
    source = await source_at(tmp_path / "source", org)
    cassette, _ = await captured(source, tmp_path, twice)
    signed_in = [name for name in names(cassette) if "oauth2/token" in name]
    assert signed_in == ["POST /services/oauth2/token (refresh_token) -> 200"]
    assert names(cassette)[0] == signed_in[0]


async def test_what_is_sent_while_paused_is_not_recorded_nor_is_a_sign_in_missed(org: DemoOrg, tmp_path: Path) -> None:
    recording = Recording(await source_at(tmp_path / "source", org), tmp_path / "recording")
    org.expire_tokens()
    with recording.capturing():
        with recording.paused():
            async with recording.sandbox.org() as opened:
                await opened.post("sobjects/Contact", {"LastName": "Paused"})
        ran = await recording.sandbox.run(contacts)
        with recording.paused():
            async with recording.sandbox.org() as opened:
                await opened.patch(f"sobjects/Contact/{ran.rows[0].id}", {"Title": "Paused"})
        second = await recording.sandbox.run(contacts)
    assert (ran.added, second.updated) == (31, 1)
    cassette = recording.cassette()
    assert not [name for name in names(cassette) if name.startswith(("PATCH", "POST sobjects"))]
    again = await played(cassette, tmp_path, twice)
    assert (again[0].added, again[1].updated) == (31, 1)


def test_what_is_kept_is_judged_by_when_it_was_asked() -> None:
    recorder, request, answer = Recorder(lambda: BEGAN), RecordedRequest("GET", "", "/"), RecordedResponse(200)
    captured = recorder.request_sent()
    with recorder.paused():
        recorder.record(request, answer, captured)
        while_paused = recorder.request_sent()
        assert not recorder.capturing
    recorder.record(request, answer, while_paused)
    assert (len(recorder), recorder.capturing) == (1, True)


async def test_a_renewal_and_answers_that_never_came_whole_are_recorded_as_they_were_seen(
    org: DemoOrg, tmp_path: Path
) -> None:
    async def story(sandbox: Sandbox, troubled: bool = False) -> list[Ran[Any]]:
        if troubled:
            org.add_fault(Fault.reset(), match="queryAll")
            org.add_fault(Fault.truncate(), match="queryAll")
        first = await sandbox.run(contacts)
        if troubled:
            org.advance(minutes=5)
            org.expire_tokens()
            org.add_fault(Fault.maintenance(), match="queryAll")
        return [first, await sandbox.run(contacts)]

    cassette, (first, second) = await captured(
        await source_at(tmp_path / "source", org), tmp_path, lambda sandbox: story(sandbox, troubled=True)
    )
    assert [name for name in names(cassette) if name.endswith("401 INVALID_SESSION_ID")]
    assert [name for name in names(cassette) if name.endswith("503")]
    again = await played(cassette, tmp_path, story)
    assert [(each.added, len(each.rows)) for each in again] == [(30, 30), (0, 30)]
    assert again[0].api_calls < first.api_calls  # an answer that did not come whole was a call all the same
    assert again[1].api_calls == second.api_calls


async def test_an_org_that_moves_while_it_is_recorded_is_found_again_in_a_replay(org: DemoOrg, tmp_path: Path) -> None:
    async def story(sandbox: Sandbox, org: DemoOrg | None = None) -> list[Ran[Any]]:
        first = await sandbox.run(contacts)
        if org:
            org.insert("Contact", LastName="Moved")
            org.advance(minutes=10)
            org.move_instance()
        return [first, await sandbox.run(contacts)]

    source = await source_at(tmp_path / "source", org)
    cassette, (_, second) = await captured(source, tmp_path, lambda sandbox: story(sandbox, org))
    assert second.added == 1
    bodies = "".join(str(each.response.body) for each in cassette.interactions)
    assert "https://instance-1.test" in bodies
    assert "https://instance-2.test" in bodies
    assert {each.request.origin for each in cassette.interactions} == {""}

    async def replayed_story(sandbox: Sandbox) -> tuple[list[Ran[Any]], str]:
        ran = await story(sandbox)
        async with sandbox.project() as opened:
            return ran, (await opened.store.connections.get(sandbox.connection)).instance_url

    ran, instance = await played(cassette, tmp_path, replayed_story)
    assert ([each.added for each in ran], instance) == ([30, 1], "https://instance-2.my.salesforce.com")
    async with open_project(source.settings) as opened:
        assert (await opened.store.connections.get("acme")).instance_url == org.instance_url


async def test_a_bulk_job_its_polls_and_its_pages_of_csv_are_recorded(org: DemoOrg, tmp_path: Path) -> None:
    source = await source_at(tmp_path / "source", org, bulk_from=1)
    org.insert("Contact", LastName='Ö, "quoted"\nand broken', Title=None)
    cassette, ran = await captured(source, tmp_path, once)
    steps = names(cassette)
    assert "POST jobs/query Contact -> 200" in steps
    assert sum(name.startswith("GET jobs/query/") and "/results" in name for name in steps) >= 1
    replay = Replay(cassette, "it.yaml", tmp_path / "replay", settings_for(tmp_path, bulk_from=1), Replayed())
    with replay.playing():
        again = await replay.sandbox.run(contacts)
    replay.player.require_played()
    assert [row.id for row in again.rows] == [row.id for row in ran.rows]
    assert len(again.rows) == 31


async def test_a_run_that_is_interrupted_and_continues_is_recorded(org: DemoOrg, tmp_path: Path) -> None:
    async def story(sandbox: Sandbox) -> Ran[Any]:
        def stop(_: object) -> None:
            raise Interruption

        with suppress(Interruption):
            await sandbox.run(contacts, observe=at_commits(stop))
        return await sandbox.run(contacts)

    cassette, _ = await captured(await source_at(tmp_path / "source", org), tmp_path, story)
    rest = await played(cassette, tmp_path, story)
    assert (rest.added, len(rest.rows)) == (10, 30)


class Case(Record, table=True):
    """Not read by anything; each script needs a record class to promise."""

    __sobject__ = "Case"
    __tablename__ = "recorded_case"
    subject: str | None


@sync
async def at_once(ctx: Context) -> Batches[Case]:
    """Ask for several things at a time."""
    async with anyio.create_task_group() as tasks:
        for name in ("Contact", "Account", "Opportunity", "User"):
            tasks.start_soon(ctx.get, f"sobjects/{name}")
    await ctx.get("limits")
    yield Batch(Case, [])


async def test_what_a_script_asks_at_once_may_come_in_any_order(org: DemoOrg, tmp_path: Path) -> None:
    org.add_fault(Fault.delay(0.2), match="sobjects/Contact")
    cassette = await recorded(at_once, org, tmp_path, NOTHING)
    steps = names(cassette)
    assert steps[-1] == "GET limits -> 200"
    assert steps.index("GET sobjects/Contact -> 200") == len(steps) - 2  # answered last, though asked for first
    together = cassette.interactions[-5:-1]
    assert {each.after for each in together} <= {0, 1}  # one of them signs in
    await replayed(cassette, at_once, tmp_path / "again")


async def two_at_once(sandbox: Sandbox) -> list[int]:
    added: list[int] = []

    async def run(one: Sync[Any]) -> None:
        added.append((await sandbox.run(one)).added)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run, contacts)
        tasks.start_soon(run, accounts)
    return sorted(added)


async def test_two_runs_under_way_at_once_share_one_sign_in(org: DemoOrg, tmp_path: Path) -> None:
    cassette, added = await captured(await source_at(tmp_path / "source", org), tmp_path, two_at_once)
    assert added == [5, 30]
    assert sum("oauth2/token" in name for name in names(cassette)) == 1
    for number in range(3):
        assert await played(cassette, tmp_path / f"{number}", two_at_once) == [5, 30]


def test_time_stands_still_from_one_response_to_the_next_and_a_sign_in_does_not_move_it() -> None:
    times = iter(BEGAN + timedelta(seconds=number) for number in range(9))
    recorder = Recorder(lambda: next(times))
    seen = [recorder.now]
    for path in ("/services/oauth2/token", "/services/data", "/services/oauth2/token"):
        recorder.record(RecordedRequest("GET", "", path), RecordedResponse(200), recorder.request_sent())
        seen += [recorder.now, recorder.now]
    assert [(each - BEGAN).seconds for each in seen] == [0, 0, 0, 1, 1, 1, 1]


async def test_each_of_two_runs_at_once_has_its_own_time(org: DemoOrg, tmp_path: Path) -> None:
    """They ask up to which second there were changes; a replay in which they take turns otherwise asks the same."""
    org.add_fault(Fault.delay(0.2), match="sobjects/Contact")
    source = replace(await source_at(tmp_path / "source", org), clock=moving(org, seconds=7))
    cassette, _ = await captured(source, tmp_path, two_at_once)
    ends = [dict(each.request.query)["end"] for each in cassette.interactions if "updated" in each.request.path]
    assert len({*ends}) == 2
    await played(cassette, tmp_path, two_at_once)


async def test_runs_that_start_together_have_one_time_also_after_others(org: DemoOrg, tmp_path: Path) -> None:
    async def rounds(sandbox: Sandbox) -> list[list[int]]:
        return [await two_at_once(sandbox) for _ in range(3)]

    source = replace(await source_at(tmp_path / "source", org), clock=moving(org, seconds=0.4))
    cassette, added = await captured(source, tmp_path, rounds)
    org.add_fault(Fault.delay(0.1), match="sobjects/Contact")
    for number in range(3):
        assert await played(cassette, tmp_path / f"{number}", rounds) == added


async def test_a_project_is_prepared_once_though_runs_begin_at_once(tmp_path: Path) -> None:
    prepared: list[Project] = []

    async def prepare(opened: Project) -> None:
        prepared.append(opened)
        await anyio.sleep(0.1)  # long enough for the other to look whether there is a connection
        await opened.store.connections.save(
            Connection(name="it", grant="jwt", login_url="https://a", client_id="b"), {}
        )

    sandbox = Sandbox(throw_away(tmp_path, settings_for(tmp_path)), "it", prepare, lambda: BEGAN)

    async def open_it() -> None:
        async with sandbox.project() as opened:
            assert (await opened.store.connections.get("it")).client_id == "b"

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(open_it)
        tasks.start_soon(open_it)
    assert len(prepared) == 1


@pytest.fixture
def weather() -> Iterator[str]:
    """A server that is nobody's org."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "4")
            self.end_headers()
            self.wfile.write(b"rain")

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


async def test_another_host_that_a_script_asks_keeps_its_name(org: DemoOrg, tmp_path: Path, weather: str) -> None:
    @sync
    async def forecast(ctx: Context) -> AsyncGenerator[Batch[Case]]:
        async with httpx.AsyncClient(trust_env=False) as client:
            first = (await client.get(f"{weather}/today")).text
        limits = await ctx.get("limits")
        second = await anyio.to_thread.run_sync(lambda: urllib.request.urlopen(f"{weather}/soon").read())  # noqa: S310 - our own server
        assert (first, second, bool(limits)) == ("rain", b"rain", True)
        yield Batch(Case, [])

    cassette = await recorded(forecast, org, tmp_path, NOTHING)
    assert names(cassette)[0] == f"GET {weather}/today -> 200"
    assert names(cassette)[-1] == f"GET {weather}/soon -> 200"
    assert {each.request.origin for each in cassette.interactions} == {"", weather}
    await replayed(cassette, forecast, tmp_path / "again")


async def test_a_replay_reaches_no_server_whatever_is_asked(tmp_path: Path, weather: str) -> None:
    replay = Replay(Cassette(()), "it.yaml", tmp_path, settings_for(tmp_path), Replayed())
    with replay.playing():
        async with httpx.AsyncClient(trust_env=False) as client:
            for path in ("/today", "/services/oauth2/authorize"):
                with pytest.raises(NotRecorded):
                    await client.get(f"{weather}{path}")


@pytest.mark.parametrize("grant", ["jwt", "client-credentials"])
async def test_every_way_of_signing_in_is_recorded(grant: Any, tmp_path: Path) -> None:
    with DemoOrg(contacts=30, accounts=5) as org:  # an assertion is signed by this machine's clock
        await signed_in_and_recorded(grant, org, tmp_path)


async def signed_in_and_recorded(grant: Any, org: DemoOrg, tmp_path: Path) -> None:
    source = await source_at(tmp_path / "source", org)
    app = replace(credentials_for(org), grant=grant, refresh_token=None)
    signing = Credentials.with_secrets(app, {"private_key": org.private_key_pem}) if grant == "jwt" else app
    async with open_project(source.settings) as opened:
        await opened.connections.connect(
            "acme", replace(signing, username="ada@demo.example" if grant == "jwt" else None)
        )
    cassette, _ = await captured(source, tmp_path, once)
    assert cassette.connection.grant == grant
    assert names(cassette)[0].startswith("POST /services/oauth2/token (")
    write_cassette(tmp_path / "it.yaml", cassette)
    assert "PRIVATE KEY" not in (tmp_path / "it.yaml").read_text()
    assert (await played(cassette, tmp_path, once)).added == 30


async def test_the_kind_of_org_and_its_api_version_are_kept(org: DemoOrg, tmp_path: Path) -> None:
    source = await source_at(tmp_path / "source", org)
    async with open_project(source.settings) as opened:
        real = await opened.store.connections.get("acme")
        real.environment, real.api_version = "sandbox", "61.0"
        await opened.store.connections.save(real, await opened.store.connections.secrets("acme"))
    cassette, _ = await captured(source, tmp_path, once)
    assert (cassette.connection.environment, cassette.connection.api_version) == ("sandbox", "61.0")
    assert cassette.origin == "Recorded from a sandbox org."
    replay = Replay(cassette, "it.yaml", tmp_path / "replay", settings_for(tmp_path), Replayed())
    assert replay.credentials.login_url == "https://test.salesforce.com"
    with replay.playing():
        assert (await replay.sandbox.run(contacts)).added == 30
    replay.player.require_played()


async def test_a_script_that_asks_for_nothing_makes_a_cassette_of_nothing(org: DemoOrg, tmp_path: Path) -> None:
    @sync
    async def idle(ctx: Context) -> AsyncIterator[Batch[Case]]:
        yield Batch(Case, [])

    cassette = await recorded(idle, org, tmp_path, NOTHING)
    assert cassette.interactions == ()
    write_cassette(tmp_path / "it.yaml", cassette)
    await replayed(read_cassette(tmp_path / "it.yaml"), idle, tmp_path / "again")


async def test_time_moves_only_with_what_is_said(org: DemoOrg, tmp_path: Path) -> None:
    """What a script makes of the time in a replay is what it made of it when it was recorded."""
    seen: list[list[Any]] = []

    async def story(sandbox: Sandbox) -> None:
        async with sandbox.org() as opened:
            seen.append([])
            for _ in range(3):
                await opened.get("limits")
                seen[-1].append(sandbox.clock())

    source = replace(await source_at(tmp_path / "source", org), clock=moving(org, seconds=7))
    cassette, _ = await captured(source, tmp_path, story)
    await played(cassette, tmp_path, story)
    assert seen[0][:2] == seen[1][:2]  # after the last answer nothing more tells the time
    assert len({*seen[0]}) == 3
