"""The scheduler against demo orgs and a real database, its clock moved by hand."""

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from structlog.testing import capture_logs

from orgsync import Credentials
from orgsync.demo_org import DemoOrg, Fault
from orgsync.engine import Job
from orgsync.errors import NameUnknown, NothingScheduled, RunInterrupted, StoreReplaced, StoreUnavailable
from orgsync.project import open_project
from orgsync.project.status import Status, statuses
from orgsync.scheduler import Patience, Scheduler, ScriptWatcher
from orgsync.scheduler.rules import Bounds
from orgsync.scheduler.run_slots import RunSlot
from orgsync.scheduler.slots import Slots
from orgsync.scripts import stored
from orgsync.store import Run
from orgsync.store.runs import Runs
from tests.projects import SampleProject, credentials_for, executed, project_at

ACCOUNTS = """\
from orgsync import Batches, Context, Record, sync


class Account(Record, table=True):
    name: str


@sync(every="15m")
def accounts(ctx: Context) -> Batches[Account]:
    return ctx.changes(Account)
"""

RAISING = """\
from orgsync import Batches, Context, Record, sync


class Contact(Record, table=True):
    last_name: str


@sync(every="15m")
async def contacts(ctx: Context) -> Batches[Contact]:
    raise EXCEPTION
    yield
"""


@dataclass
class Night:
    """A scheduler in a project, whose time passes when the test says so."""

    project: SampleProject
    scripts: Path
    passed: timedelta = timedelta(0)

    def clock(self) -> datetime:
        """This machine's time, which the database keeps for runs, and what has passed since."""
        return datetime.now(UTC) + self.passed

    def write(self, name: str, text: str) -> None:
        self.scripts.mkdir(exist_ok=True)
        (self.scripts / name).write_text(text)

    def scheduler(self, *names: str, connections: tuple[str, ...] = (), patience: Patience | None = None) -> Scheduler:
        scripts = ScriptWatcher(self.scripts, names)
        scripts.load()
        opened = replace(self.project.opened, clock=self.clock)
        return Scheduler(
            opened,
            scripts,
            connections=connections,
            chance=lambda _sync, _connection, _failures: 0.0,
            patience=patience,
        )

    async def ran(self, scheduler: Scheduler, *, minutes: float = 0) -> list[dict[str, Any]]:
        """Let time pass, run what is due, and give what was said."""
        self.passed += timedelta(minutes=minutes)
        with capture_logs() as said:
            await scheduler.run_due()
        return [dict(each) for each in said]


def in_the_browser(org: DemoOrg) -> Credentials:
    """Sign in by another grant: the app's refresh tokens have been revoked."""
    return replace(credentials_for(org), grant="client-credentials", refresh_token=None)


def runs(said: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return sorted((e["sync"], e["connection"], e["status"]) for e in said if e["event"] == "run ended")


def events(said: list[dict[str, Any]], level: str) -> list[str]:
    own = [each for each in said if not each["event"].startswith("stamina.")]  # whose hook the command takes away
    return [each["event"] for each in own if each["log_level"] == level]


@pytest.fixture
async def night(tmp_path: Path, org: DemoOrg) -> AsyncIterator[Night]:
    async with project_at(tmp_path, org, concurrency=4, concurrency_per_org=1) as project:
        night = Night(project, tmp_path / "syncs")
        night.write("accounts.py", ACCOUNTS)
        yield night


async def test_what_is_due_runs_on_every_connection_at_its_rhythm(night: Night) -> None:
    await night.project.opened.connections.connect("globex", credentials_for(night.project.org))
    scheduler = night.scheduler()
    both = [("accounts", "acme", "done"), ("accounts", "globex", "done")]
    assert runs(await night.ran(scheduler)) == both
    assert runs(await night.ran(scheduler, minutes=14)) == []
    assert runs(await night.ran(scheduler, minutes=1)) == both
    assert runs(await night.ran(scheduler, minutes=100)) == both
    assert len(await night.project.live("account")) == 5


async def test_a_restart_keeps_the_rhythm(night: Night) -> None:
    await night.ran(night.scheduler())
    assert runs(await night.ran(night.scheduler(), minutes=14)) == []
    assert len(runs(await night.ran(night.scheduler(), minutes=2))) == 1


async def test_a_sync_that_was_reset_is_due_at_once(night: Night) -> None:
    await night.ran(night.scheduler())
    await night.project.opened.store.rows.reset("accounts")
    assert len(runs(await night.ran(night.scheduler()))) == 1
    assert len(await night.project.live("account")) == 5


async def test_a_sync_that_is_reset_while_the_scheduler_looks_is_due_at_once(night: Night) -> None:
    scheduler = night.scheduler()
    await night.ran(scheduler)
    assert runs(await night.ran(scheduler, minutes=5)) == []
    await night.project.opened.store.rows.reset("accounts", "acme")
    assert len(runs(await night.ran(scheduler, minutes=5))) == 1
    assert len(await night.project.live("account")) == 5
    assert runs(await night.ran(scheduler, minutes=14)) == []
    assert len(runs(await night.ran(scheduler, minutes=1))) == 1, "it keeps the rhythm of its new start"


async def test_a_sync_that_is_reset_before_the_end_of_its_first_run_was_read_is_due_at_once(night: Night) -> None:
    scheduler = night.scheduler()
    await night.ran(scheduler)
    await night.project.opened.store.rows.reset("accounts", "acme")
    assert len(runs(await night.ran(scheduler, minutes=1))) == 1


async def test_a_run_that_ended_elsewhere_before_a_reset_puts_nothing_off(night: Night) -> None:
    scheduler = night.scheduler()
    await night.ran(scheduler)
    await night.ran(scheduler, minutes=5)
    await night.project.opened.execute(Job("sync", "accounts", "acme"))
    await night.project.opened.store.rows.reset("accounts")
    assert len(runs(await night.ran(scheduler, minutes=1))) == 1


async def test_runs_are_forgotten_when_they_are_old(night: Night) -> None:
    for _ in range(3):
        await night.ran(night.scheduler(), minutes=15)
    scheduler = night.scheduler()
    await night.ran(scheduler, minutes=60 * 24 * 91)
    assert len(await night.project.opened.store.runs.list()) == 4
    await night.ran(scheduler, minutes=1)
    assert len(await night.project.opened.store.runs.list()) == 1


async def test_only_what_is_named_runs_and_shipped_syncs_when_they_are_named(night: Night) -> None:
    night.scripts.joinpath("accounts.py").unlink()
    await night.project.opened.connections.connect("globex", credentials_for(night.project.org))
    with pytest.raises(NothingScheduled, match="nothing is ever due"):
        night.scheduler()
    scheduler = night.scheduler("contacts", connections=("globex",))
    assert runs(await night.ran(scheduler)) == [("contacts", "globex", "done")]


async def test_a_name_that_is_wrong_is_reported_before_anything_runs(night: Night) -> None:
    with pytest.raises(NameUnknown, match="no sync 'acounts'"):
        night.scheduler("acounts")
    with pytest.raises(NameUnknown, match="no connection 'acm'"):
        await night.scheduler(connections=("acm",)).run_due()
    night.write("accounts.py", ACCOUNTS.replace('(every="15m")', ""))
    with pytest.raises(NothingScheduled, match="has no every="):
        night.scheduler("accounts")


@pytest.mark.parametrize("error", ["KeyError('Ms Private')", "SystemExit(3)", "__import__('asyncio').CancelledError"])
async def test_a_script_that_raises_stops_nothing_else_backs_off_and_is_reported_once(night: Night, error: str) -> None:
    night.write("raising.py", RAISING.replace("EXCEPTION", error))
    scheduler = night.scheduler()
    said = await night.ran(scheduler)
    assert ("accounts", "acme", "done") in runs(said)
    assert scheduler.worst == 1
    [warning] = [each for each in said if each["log_level"] == "warning"]
    assert "line 11" in warning["error"] or "raising.py" in warning["error"]
    assert "Private" not in str(said)
    assert events(await night.ran(scheduler, minutes=20), "warning") == []
    assert scheduler.worst == 0, "it has not been tried again"
    await night.ran(scheduler, minutes=10)
    assert scheduler.worst == 1


async def test_status_shows_when_what_failed_is_really_tried_again(night: Night) -> None:
    night.project.org.hide_object("Account")
    opened, scripts = replace(night.project.opened, clock=night.clock), ScriptWatcher(night.scripts, ())
    scripts.load()
    scheduler = Scheduler(opened, scripts)
    for _ in range(2):
        assert runs(await night.ran(scheduler, minutes=61)) == [("accounts", "acme", "failed")]
    [standing] = await statuses(opened)
    [run] = (await opened.store.runs.last()).values()
    assert standing.due is not None
    pause = standing.due - run.started_at
    assert timedelta(minutes=45) <= pause < timedelta(minutes=60), "twice doubled, less its jitter"
    assert runs(await night.ran(scheduler, minutes=pause / timedelta(minutes=1) - 1)) == []
    assert len(runs(await night.ran(scheduler, minutes=1))) == 1


async def test_what_waits_for_a_sign_in_is_not_due(night: Night) -> None:
    night.project.org.expire_tokens()
    night.project.org.revoke_refresh_tokens()
    await night.ran(night.scheduler())
    [standing] = await statuses(night.project.opened)
    assert (standing.verdict, standing.due) == ("failing", None)


async def test_a_failure_that_ends_is_reported(night: Night) -> None:
    night.project.org.hide_object("Account")
    scheduler = night.scheduler()
    assert events(await night.ran(scheduler), "warning") == ["run ended"]
    night.project.org.show_everything()
    assert runs(await night.ran(scheduler, minutes=29)) == []
    [reported] = [each for each in await night.ran(scheduler, minutes=1) if each["event"] == "run ended"]
    assert reported["works_again"]


async def test_retries_name_their_sync_and_connection_and_the_same_trouble_is_reported_once(night: Night) -> None:
    scheduler = night.scheduler()
    await night.ran(scheduler)
    night.project.org.stop()
    said = await night.ran(scheduler, minutes=15)
    assert events(said, "warning") == ["retrying", "run ended"]
    retrying = next(each for each in said if each["event"] == "retrying")
    assert (retrying["sync"], retrying["connection"]) == ("accounts", "acme")
    assert "Nothing listens at 127.0.0.1:" in retrying["error"]
    assert events(await night.ran(scheduler, minutes=60), "warning") == ["alert raised"]  # it is an hour behind
    night.project.org.start()
    [ended] = [each for each in await night.ran(scheduler, minutes=60) if each["event"] == "run ended"]
    assert ended["works_again"]


async def test_trouble_that_passes_while_it_is_retried_ends_with_a_word_too(night: Night) -> None:
    scheduler = night.scheduler()
    night.project.org.add_fault(Fault.maintenance(), match="query", times=2)
    said = await night.ran(scheduler)
    assert events(said, "warning") == ["retrying"]
    [ended] = [each for each in said if each["event"] == "run ended"]
    assert ended["works_again"]


async def test_a_connection_that_needs_a_sign_in_is_waited_for_and_runs_at_once_when_it_is_ready(night: Night) -> None:
    org, opened = night.project.org, night.project.opened
    scheduler = night.scheduler()
    await night.ran(scheduler)
    org.expire_tokens()
    org.revoke_refresh_tokens()
    refused = await night.ran(scheduler, minutes=15)
    assert runs(refused) == [("accounts", "acme", "failed")]
    assert scheduler.worst == 3
    assert events(refused + await night.ran(scheduler), "warning") == ["alert raised", "run ended"]
    org.clear_requests()
    assert runs(await night.ran(scheduler, minutes=600)) == []
    assert scheduler.worst == 3
    assert org.requests == []
    await opened.connections.connect("acme", in_the_browser(org))
    said = await night.ran(scheduler)
    assert "signed in again" in events(said, "info")
    assert runs(said) == [("accounts", "acme", "done")]
    assert scheduler.worst == 0


async def test_a_sign_in_that_another_process_finds_dead_is_reported_also_after_one_that_a_run_has(
    night: Night,
) -> None:
    org, opened = night.project.org, night.project.opened
    scheduler = night.scheduler()
    await night.ran(scheduler)
    org.expire_tokens()
    org.revoke_refresh_tokens()
    await night.ran(scheduler, minutes=15)
    assert events(await night.ran(scheduler), "warning") == []
    for _ in range(2):
        await opened.connections.connect("acme", in_the_browser(org))
        assert "signed in again" in events(await night.ran(scheduler), "info")
        async with open_project(opened.settings) as other:
            await other.store.connections.update("acme", status="needs sign-in", status_reason="It was revoked.")
        assert events(await night.ran(scheduler), "warning") == ["sign-in needed"]


async def test_an_org_at_its_limit_rests_for_an_hour(night: Night) -> None:
    org = night.project.org
    scheduler = night.scheduler()
    org.api_used = org.api_limit
    said = await night.ran(scheduler)
    assert runs(said) == [("accounts", "acme", "stopped")]
    assert "org paused" in events(said, "warning")
    assert scheduler.worst == 4
    org.api_used = 0
    org.clear_requests()
    assert runs(await night.ran(scheduler, minutes=59)) == []
    assert org.requests == []
    assert runs(await night.ran(scheduler, minutes=1)) == [("accounts", "acme", "done")]


async def test_connections_that_come_and_go_are_noticed(night: Night) -> None:
    scheduler = night.scheduler()
    await night.ran(scheduler)
    await night.project.opened.connections.connect("globex", credentials_for(night.project.org))
    said = await night.ran(scheduler)
    assert "connection added" in events(said, "info")
    assert runs(said) == [("accounts", "globex", "done")]
    await night.project.opened.store.connections.remove("acme")
    said = await night.ran(scheduler, minutes=15)
    assert "connection removed" in events(said, "info")
    assert runs(said) == [("accounts", "globex", "done")]


async def test_what_was_run_by_hand_counts(night: Night) -> None:
    scheduler = night.scheduler()
    await night.ran(scheduler)
    by_hand = ScriptWatcher(night.scripts)
    by_hand.load()
    await executed(night.project.opened, by_hand.syncs["accounts"])
    assert runs(await night.ran(scheduler, minutes=14.9)) == []
    assert await night.project.opened.store.runs.last(after=1) != {}


@pytest.mark.parametrize("new", [False, True])
async def test_a_run_of_another_process_that_is_cut_short_is_due_at_once(night: Night, *, new: bool) -> None:
    scheduler, store = night.scheduler(), night.project.opened.store
    await night.ran(scheduler)
    async with store.runs.begin("accounts", "acme") as run:
        said = await night.ran(night.scheduler() if new else scheduler, minutes=16)
        assert (runs(said), events(said, "info").count("runs elsewhere")) == ([], 0), "it is seen, and left alone"
        await store.runs.finish(run, status="stopped", error=RunInterrupted(), api_calls=0)
    assert runs(await night.ran(scheduler)) == [("accounts", "acme", "done")]
    assert runs(await night.ran(scheduler)) == []


async def test_a_first_run_of_another_process_that_was_seen_under_way_and_is_reset_puts_nothing_off(
    night: Night,
) -> None:
    scheduler, store = night.scheduler(), night.project.opened.store
    async with store.runs.begin("accounts", "acme") as run:
        assert runs(await night.ran(scheduler)) == []
        await store.runs.finish(run, status="done", api_calls=0)
    await store.rows.reset("accounts")
    assert runs(await night.ran(scheduler)) == [("accounts", "acme", "done")]


async def test_a_run_of_another_process_that_has_died_is_due_at_once(night: Night) -> None:
    scheduler, store = night.scheduler(), night.project.opened.store
    await night.ran(scheduler)
    async with store.runs.begin("accounts", "acme"):
        assert runs(await night.ran(scheduler, minutes=1)) == []
    assert runs(await night.ran(scheduler)) == [("accounts", "acme", "done")]
    assert [run.error_code for run in await store.runs.list()] == [None, "process_died", None]


async def test_a_run_that_begins_elsewhere_as_the_scheduler_starts_its_own_counts_as_that(night: Night) -> None:
    scheduler, store = night.scheduler(), night.project.opened.store
    await night.ran(scheduler)
    original = Runs.pairs_that_ran
    async with AsyncExitStack() as held:

        async def begun(of: Runs) -> set[tuple[str, str]]:
            patch.undo()
            other.append(await held.enter_async_context(store.runs.begin("accounts", "acme")))
            return await original(of)

        other: list[Run] = []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Runs, "pairs_that_ran", begun)
            said = await night.ran(scheduler, minutes=16)
        assert events(said, "info").count("runs elsewhere") == 1
        assert runs(await night.ran(scheduler, minutes=1)) == []
        await store.runs.finish(other[0], status="stopped", error=RunInterrupted(), api_calls=0)
    assert runs(await night.ran(scheduler)) == [("accounts", "acme", "done")]


async def test_two_schedulers_on_one_database_share_the_work(night: Night) -> None:
    first, second = night.scheduler(), night.scheduler()
    assert len(runs(await night.ran(first)) + runs(await night.ran(second))) == 1


async def test_a_script_that_changes_is_read_again_when_it_is_left_alone(night: Night) -> None:
    scripts = ScriptWatcher(night.scripts)
    scripts.load()
    assert not scripts.reload()
    night.write("accounts.py", ACCOUNTS.replace("15m", "25m"))
    assert not scripts.reload(), "it may still be being written"
    assert scripts.reload()
    assert str(scripts.schedules["accounts"]) == "25m"
    assert not scripts.reload()


async def test_a_change_within_the_same_second_and_of_the_same_size_is_noticed(night: Night) -> None:
    scripts = ScriptWatcher(night.scripts)
    scripts.load()
    path = night.scripts / "accounts.py"
    before = path.stat()
    night.write("accounts.py", ACCOUNTS.replace("15m", "25m"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns // 10**9 * 10**9 + 1))
    scripts.reload()
    scripts.reload()
    assert str(scripts.schedules["accounts"]) == "25m"


async def test_a_script_that_no_longer_loads_keeps_its_last_good_version_and_others_are_read(night: Night) -> None:
    night.write("contacts.py", RAISING)
    scripts = ScriptWatcher(night.scripts)
    scripts.load()
    good = scripts.syncs["accounts"]
    night.write("accounts.py", "def accounts(:\n")
    night.write("contacts.py", RAISING.replace("15m", "5m"))
    scripts.reload()
    assert scripts.reload()
    assert scripts.syncs["accounts"] is good
    assert str(scripts.schedules["contacts"]) == "5m"
    assert "accounts.py, line 1" in scripts.problems[0].cause
    night.scripts.joinpath("accounts.py").unlink()
    scripts.reload()
    assert scripts.reload()
    assert [*scripts.syncs] == ["contacts"]
    assert not scripts.problems


async def test_two_syncs_that_write_one_table_are_reported(night: Night) -> None:
    scripts = ScriptWatcher(night.scripts)
    scripts.load()
    assert not scripts.clashes
    again = "from orgsync import Batches, Context, sync\nfrom syncs.accounts import Account\n\n"
    again += "@sync(every='15m')\ndef again(ctx: Context) -> Batches[Account]:\n    return ctx.changes(Account)\n"
    night.write("again.py", again)
    scripts.reload()
    assert scripts.reload()
    [clash] = scripts.clashes
    assert "The syncs accounts and again both write to the table account" in str(clash)
    assert not scripts.problems


async def test_two_syncs_of_one_name_leave_everything_as_it_was(night: Night) -> None:
    scripts = ScriptWatcher(night.scripts)
    scripts.load()
    night.write("again.py", ACCOUNTS)
    scripts.reload()
    assert scripts.reload()
    assert [*scripts.syncs] == ["accounts"]
    assert "Two syncs are called accounts" in scripts.problems[0].cause


async def test_a_clock_that_is_set_back_stalls_nothing_and_is_reported(night: Night) -> None:
    scheduler = night.scheduler()
    await night.ran(scheduler)
    said = await night.ran(scheduler, minutes=-60)
    assert events(said, "warning") == ["clock was set back"]
    assert runs(said) == []
    assert runs(await night.ran(scheduler, minutes=14)) == []
    assert runs(await night.ran(scheduler, minutes=1)) == [("accounts", "acme", "done")]
    assert runs(await night.ran(scheduler, minutes=15)) == [("accounts", "acme", "done")]


@pytest.mark.sqlite_alone(reason="a server's database is no file")
@pytest.mark.parametrize("replaced", [False, True])
async def test_a_database_that_is_deleted_or_replaced_ends_the_scheduler(night: Night, *, replaced: bool) -> None:
    database = night.project.opened.settings.folder / "orgsync.db"
    other = database.with_suffix(".new")
    other.touch()
    taking_away = f"Path({str(other)!r}).rename({str(database)!r})" if replaced else f"Path({str(database)!r}).unlink()"
    script = RAISING.replace("raise EXCEPTION", f"{taking_away}\n    await anyio.sleep_forever()")
    night.write("taking_away.py", f"from pathlib import Path\n\nimport anyio\n{script}")
    scheduler = night.scheduler()
    with anyio.fail_after(20), pytest.raises(StoreReplaced, match="by another file" if replaced else "was deleted"):
        await scheduler.run()


@pytest.fixture
async def two_orgs(tmp_path: Path, org: DemoOrg) -> AsyncIterator[Night]:
    """A project with room for one run at a time, and connections to two orgs: acme's turn comes first."""
    with DemoOrg(contacts=1, accounts=1) as other:
        async with project_at(tmp_path, org, concurrency=1, timeout=2) as project:
            night = Night(project, tmp_path / "syncs")
            night.write("accounts.py", ACCOUNTS)
            await project.opened.connections.connect("globex", credentials_for(other))
            yield night


def order(said: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(each["connection"], each["status"]) for each in said if each["event"] == "run ended"]


@pytest.mark.parametrize("match", ["query", "token"])
async def test_a_run_that_waits_to_try_again_makes_room_for_another_and_then_continues(
    two_orgs: Night, match: str
) -> None:
    two_orgs.project.org.expire_tokens()
    two_orgs.project.org.add_fault(Fault.maintenance(), match=match, times=3)
    said = await two_orgs.ran(two_orgs.scheduler())
    assert order(said) == [("globex", "done"), ("acme", "done")]


async def test_a_run_that_has_no_answer_makes_room_for_another_and_is_reported_while_it_waits(two_orgs: Night) -> None:
    two_orgs.project.org.add_fault(Fault.hang(), match="query")
    scheduler = two_orgs.scheduler(patience=Patience(stalled_after=0.2, report_after=0.3))
    said = await two_orgs.ran(scheduler)
    assert order(said) == [("globex", "done"), ("acme", "done")]
    report = next(each for each in said if each["event"] == "run takes long" and each["log_level"] == "warning")
    assert report["connection"] == "acme"
    assert "No answer has come for" in report["error"]
    assert said.index(report) < len(said) - 1, "while it runs"
    assert (await two_orgs.project.opened.store.runs.last())["accounts", "acme"].error is None


async def test_status_shows_what_a_long_run_waits_for_while_it_does(two_orgs: Night) -> None:
    two_orgs.project.org.add_fault(Fault.hang(), match="query", times=None)
    opened = two_orgs.project.opened
    scheduler = two_orgs.scheduler(patience=Patience(stalled_after=0.1, report_after=0.2))
    found: list[Status] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(scheduler.run)
        while not any(each.waits_for for each in found):
            found = await statuses(opened)
        tasks.cancel_scope.cancel()
    acme, globex = found
    assert (acme.verdict, acme.needs_attention, globex.needs_attention) == ("running", True, False)
    assert acme.running_for is not None
    assert "No answer has come for" in acme.waits_for
    assert "status.salesforce.com" in acme.waits_for


def script(body: str) -> str:
    """Make `accounts` a generator that does something before it reads."""
    head = ACCOUNTS.replace("def accounts", "async def accounts").partition("    return")[0]
    reads = "    async for batch in ctx.changes(Account):\n        yield batch\n"
    imports = "import asyncio\nfrom contextlib import suppress\nfrom pathlib import Path\n\nimport anyio\n"
    return f"{imports}{head}{body}{reads}"


async def test_a_task_that_a_script_leaves_behind_ends_no_other_run(night: Night, tmp_path: Path) -> None:
    mark = tmp_path / "over"
    stray = (
        "    async def stray() -> None:\n        for _ in range(20):\n            with suppress(Exception):\n"
        f"                await ctx.get('limits')\n        Path({str(mark)!r}).touch()\n\n"
        "    await asyncio.gather(ctx.get('sobjects/Nothing/describe'), stray())\n"
    )
    night.write("accounts.py", script(stray))
    night.project.org.add_fault(Fault.maintenance(), match="/limits", times=None)
    scheduler = night.scheduler()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(scheduler.run)
        while not mark.exists():
            await anyio.lowlevel.checkpoint()
        for _ in range(50):
            await anyio.lowlevel.checkpoint()
        tasks.cancel_scope.cancel()
    assert (await night.project.opened.store.runs.last())["accounts", "acme"].status == "failed"


async def test_only_a_run_with_a_request_under_way_is_said_to_wait_for_its_answer() -> None:
    job, slots = Job("sync", "accounts", "acme"), Slots(Bounds(1, 1))
    slots.begin(job)
    slot = RunSlot(job, slots, Patience(stalled_after=0), lambda: None)
    slot.check()
    assert (slot.has_stalled, slot.complaint) == (False, "")
    slot.request_sent()
    slot.check()
    assert slot.has_stalled
    assert "No answer has come for" in slot.complaint
    slot.request_ended()
    slot.check()
    assert slot.complaint == ""


async def test_a_run_that_waits_for_a_slot_keeps_nobody_from_the_tokens_lock(two_orgs: Night, tmp_path: Path) -> None:
    mark = tmp_path / "go on"
    waits = (
        f"    mark = Path({str(mark)!r})\n"
        "    while ctx.connection.name == 'globex' and not mark.exists():\n        await anyio.sleep(0.01)\n"
    )
    two_orgs.write("accounts.py", script(waits))
    two_orgs.project.org.expire_tokens()
    two_orgs.project.org.add_fault(Fault.maintenance(), match="token")
    two_orgs.project.org.add_fault(Fault.delay(1), match="token")  # meanwhile the other run takes the slot
    store = two_orgs.project.opened.store
    scheduler = two_orgs.scheduler(patience=Patience(stalled_after=600))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(scheduler.run)
        while len(await store.runs.list()) < 2:
            await anyio.lowlevel.checkpoint()
        async with store.lock("token acme", timeout=60):
            mark.touch()
        while [run.status for run in await store.runs.list()] != ["done", "done"]:
            await anyio.lowlevel.checkpoint()
        tasks.cancel_scope.cancel()


async def test_what_a_run_waits_for_need_not_be_kept(two_orgs: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    two_orgs.project.org.add_fault(Fault.hang(), match="query")

    async def full(*_: object) -> None:
        raise StoreUnavailable("The disk is full.", "Make room.")

    monkeypatch.setattr(Runs, "note", full)
    said = await two_orgs.ran(two_orgs.scheduler(patience=Patience(stalled_after=0.2, report_after=0.3)))
    assert [status for _, status in order(said)] == ["done", "done"]


async def test_a_token_that_another_process_renews_for_too_long_ends_the_run_with_that_cause(
    two_orgs: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "_RENEWAL_TIMEOUT", 0.1)
    two_orgs.project.org.expire_tokens()
    opened = two_orgs.project.opened
    scripts = ScriptWatcher(two_orgs.scripts, ["accounts"])
    scripts.load()
    async with opened.store.lock("token acme", timeout=1):
        outcome = await executed(opened, scripts.syncs["accounts"])
    assert outcome.run.status == "failed"
    assert "Another process has been renewing the token of acme" in (outcome.run.error or "")
