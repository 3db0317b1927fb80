"""Runs that a person waits for, carried out by workers."""

import json
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio import to_thread

from orgsync.demo_org import DemoOrg
from orgsync.engine import Job
from orgsync.errors import ArgumentInvalid, NoWorker, OrgsyncError, PostgresNeeded
from orgsync.workers import request_run, run_on_workers, wait_for_run
from tests.projects import project_at

from .fleets import ACCOUNTS, fleet_at

BY_HAND = """\
from orgsync import Batch, Batches, Context, Record, sync


class Note(Record, table=True):
    name: str


@sync
async def by_hand(ctx: Context) -> Batches[Note]:
    yield Batch(Note, [])
"""
CONTACTS = Job("sync", "contacts", "acme")


async def test_a_person_gets_the_outcome_of_a_run_that_a_worker_has_carried_out(tmp_path: Path, org: DemoOrg) -> None:
    async with fleet_at(tmp_path, org) as fleet:
        fleet.write("accounts.py", ACCOUNTS)
        async with fleet.worker():
            outcome = await run_on_workers(fleet.project, CONTACTS)  # a shipped sync, which is never due by itself
            assert (outcome.run.sync, outcome.run.status, outcome.run.added) == ("contacts", "done", 25)
            full = await run_on_workers(fleet.project, Job("sync", "contacts", "acme", full=True))
            assert full.run.unchanged == 25
            await fleet.at_rest()


async def test_a_script_that_is_never_due_is_run_as_it_stands_when_it_is_asked_for(
    tmp_path: Path, org: DemoOrg
) -> None:
    async with fleet_at(tmp_path, org) as fleet:
        fleet.write("accounts.py", ACCOUNTS)
        fleet.write("by_hand.py", BY_HAND)
        async with fleet.worker() as worker:
            job = Job("sync", "by_hand", "acme")
            assert (await run_on_workers(fleet.project, job)).run.status == "done"
            while not worker.plans:  # noqa: ASYNC110 # it plans within seconds
                await anyio.sleep(0.02)
            fleet.write("by_hand.py", BY_HAND.replace("yield", "raise ValueError\n    yield"))
            while (await run_on_workers(fleet.project, job)).run.status == "done":
                pass  # until the change was seen, and is kept for a second


async def test_a_run_that_fails_gives_its_cause_remedy_and_exit_code(tmp_path: Path, org: DemoOrg) -> None:
    async with fleet_at(tmp_path, org) as fleet:
        fleet.write("accounts.py", ACCOUNTS)
        async with fleet.worker():
            await fleet.ran(1)
            org.hide_object("Contact")
            outcome = await run_on_workers(fleet.project, CONTACTS)
            with pytest.raises(OrgsyncError) as never_began:
                await run_on_workers(fleet.project, Job("sync", "nothing", "acme"))
        assert outcome.problem is not None
        assert (outcome.run.status, outcome.problem.code) == ("failed", outcome.run.error_code)
        assert type(outcome.problem) is not OrgsyncError
        assert str(outcome.problem) == outcome.run.error
        assert never_began.value.code == "name_unknown"


async def test_a_person_comes_before_what_is_due_and_waits_for_a_run_of_the_same(tmp_path: Path, org: DemoOrg) -> None:
    async with fleet_at(tmp_path, org, connections=6) as fleet:
        gate = fleet.write_slow()
        async with fleet.worker(concurrency=1):
            [running] = await fleet.started()
            last = next(name for name in ("c005", "c004") if name != running.connection)
            number = await request_run(fleet.project, Job("sync", "slow", last, full=True))
            gate.touch()
            outcome = await wait_for_run(fleet.project, number)
            ended = await fleet.runs()
            assert outcome.run.connection == last
            assert [each.connection for each in ended].index(last) <= 3  # it was due as the last of six
            again = await run_on_workers(fleet.project, Job("sync", "slow", last))
            assert again.run.id > outcome.run.id


async def test_without_a_worker_it_is_refused_and_nothing_is_left(tmp_path: Path, org: DemoOrg) -> None:
    async with fleet_at(tmp_path, org) as fleet:
        with pytest.raises(NoWorker, match="No worker is alive"):
            await run_on_workers(fleet.project, CONTACTS)
        with pytest.raises(ArgumentInvalid, match="orgsync do limits -c acme, with its arguments"):
            await run_on_workers(fleet.project, Job("action", "limits", "acme"))
        assert await fleet.counts() == {}


async def test_who_waits_no_longer_withdraws_what_has_not_begun(tmp_path: Path, org: DemoOrg) -> None:
    async with fleet_at(tmp_path, org) as fleet:
        fleet.write_slow()
        async with fleet.worker(concurrency=1):
            await fleet.started()
            with anyio.move_on_after(0.1):
                await run_on_workers(fleet.project, CONTACTS)
            assert await fleet.counts() == {"running": 1}


@pytest.mark.sqlite_alone(reason="workers need PostgreSQL")
async def test_on_sqlite_workers_are_refused(tmp_path: Path, org: DemoOrg) -> None:
    async with project_at(tmp_path, org) as project:
        with pytest.raises(PostgresNeeded, match="ORGSYNC_DATABASE_URL"):
            await run_on_workers(project.opened, CONTACTS)


async def test_the_command_shows_a_workers_run_as_its_own(tmp_path: Path, org: DemoOrg) -> None:
    async with fleet_at(tmp_path, org) as fleet:
        fleet.write("accounts.py", ACCOUNTS)

        async def run(*arguments: str) -> tuple[int, str, str]:
            process = fleet.process("run", "contacts", "-c", "acme", "--on-workers", *arguments)
            out, err = await to_thread.run_sync(process.communicate)
            return process.returncode, out, err

        code, _, err = await run()
        assert (code, err.splitlines()[0]) == (1, "error: No worker is alive that could run it.")
        async with fleet.worker():
            code, out, err = await run("--json")
        assert (code, err) == (0, "")
        run_view: dict[str, Any] = json.loads(out)
        assert (run_view["status"], run_view["added"]) == ("done", 25)
