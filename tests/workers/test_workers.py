"""Workers over a real PostgreSQL and a demo org: what is due is planned by one, and run by whichever takes it."""

import signal
from pathlib import Path

import anyio
import pytest
from anyio import to_thread
from cryptography.fernet import Fernet
from pydantic import SecretStr

from orgsync.demo_org import DemoOrg, Fault
from orgsync.engine import Event, Observer, Started
from orgsync.errors import KeyUnusable
from orgsync.project import open_project
from orgsync.project.doctor import diagnose
from orgsync.project.workers_seen import described
from orgsync.scheduler import Patience
from orgsync.store.worker_tables import SentJob, WorkersSeen
from orgsync.workers.queue import JobQueue

from .fleets import ACCOUNTS, fleet_at, replace_settings

LEADS = """\
from orgsync import Batches, Context, Record, sync


class Lead(Record, table=True):
    last_name: str


@sync(every="15m")
def leads(ctx: Context) -> Batches[Lead]:
    return ctx.changes(Lead)
"""


async def test_what_is_due_on_every_connection_is_run_once(tmp_path: Path, org: DemoOrg) -> None:
    async with fleet_at(tmp_path, org, connections=3) as fleet:
        fleet.write("accounts.py", ACCOUNTS)
        async with fleet.worker():
            runs = await fleet.ran(3)
            await fleet.at_rest()
        assert {(each.sync, each.connection, each.status) for each in runs} == {
            ("accounts", name, "done") for name in ("acme", "c001", "c002")
        }
        assert [each.added for each in runs] == [5, 5, 5]


async def test_of_two_workers_one_plans_and_both_run_jobs(tmp_path: Path, org: DemoOrg) -> None:
    async with fleet_at(tmp_path, org, connections=2) as fleet:
        gate, begun, both = fleet.write_slow(), list[str](), anyio.Event()

        def of(name: str) -> Observer:
            def observe(event: Event) -> None:
                if isinstance(event, Started):
                    begun.append(name)
                    if len(begun) == 2:
                        both.set()

            return observe

        async with fleet.worker(concurrency=1, observe=of("a")) as a, fleet.worker(concurrency=1, observe=of("b")) as b:
            await both.wait()
            assert sorted(begun) == ["a", "b"]
            assert sorted([a.plans, b.plans]) == [False, True]
            gate.touch()
            await fleet.ran(2)


async def test_an_org_has_no_more_runs_at_once_than_it_may_over_all_workers(tmp_path: Path, org: DemoOrg) -> None:
    async with fleet_at(tmp_path, org, concurrency_per_org=1) as fleet:
        gate = fleet.write_slow()
        fleet.write(
            "accounts.py", ACCOUNTS.replace("Account", "Contact").replace("accounts", "a").replace("name", "last_name")
        )
        async with fleet.worker(), fleet.worker():
            await fleet.started()
            assert await fleet.counts() == {"running": 1}
            gate.touch()
            await fleet.ran(2)


async def test_when_the_planner_goes_another_worker_plans(tmp_path: Path, org: DemoOrg) -> None:
    async with fleet_at(tmp_path, org) as fleet:
        fleet.write("accounts.py", ACCOUNTS.replace("15m", "1s"))
        planner = fleet.process("worker")
        await fleet.ran(1)
        async with fleet.worker(concurrency=1) as other:
            assert not other.plans
            planner.kill()
            await to_thread.run_sync(planner.communicate)
            seen = len(await fleet.runs())
            await fleet.ran(seen + 3)
            assert other.plans


async def test_what_the_queue_loses_is_sent_again_and_what_it_repeats_changes_nothing(
    tmp_path: Path, org: DemoOrg, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = JobQueue.send
    lost: list[SentJob] = []

    async def losing(self: JobQueue, jobs: list[SentJob]) -> None:
        if not lost:
            lost.extend(jobs)
            return
        await send(self, [*lost, *jobs, *jobs])

    monkeypatch.setattr(JobQueue, "send", losing)
    async with fleet_at(tmp_path, org, lease=1) as fleet:
        fleet.write("accounts.py", ACCOUNTS)
        async with fleet.worker():
            await fleet.ran(1)
            await fleet.at_rest()
        assert [(each.epoch, each.status) for each in await fleet.runs()] == [(1, "done")]
        assert lost


async def test_a_worker_that_is_killed_is_noticed_and_its_job_is_run_by_another(tmp_path: Path, org: DemoOrg) -> None:
    async with fleet_at(tmp_path, org) as fleet:
        gate = fleet.write_slow()
        process = fleet.process("worker", "--json")
        await fleet.started()
        process.send_signal(signal.SIGKILL)
        await to_thread.run_sync(process.communicate)
        gate.touch()
        async with fleet.worker():
            await fleet.ran(2)
            await fleet.at_rest()
        assert [(each.status, each.epoch, each.added) for each in await fleet.runs()] == [
            ("failed", 1, 0),
            ("done", 2, 5),
        ]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
async def test_a_worker_that_is_told_to_stop_hands_its_job_to_another_at_once(
    tmp_path: Path, org: DemoOrg, number: signal.Signals, code: int
) -> None:
    async with fleet_at(tmp_path, org, lease=600) as fleet:  # nobody waits for that
        gate = fleet.write_slow()
        process = fleet.process("worker")
        await fleet.started()
        async with fleet.worker():
            process.send_signal(number)
            await to_thread.run_sync(process.communicate)
            gate.touch()
            await fleet.ran(2)
        assert process.returncode == code
        assert [(each.status, each.added) for each in await fleet.runs()] == [("stopped", 0), ("done", 5)]


async def test_a_run_that_gets_no_answer_gives_up_its_place(tmp_path: Path, org: DemoOrg) -> None:
    async with fleet_at(tmp_path, org, connections=3, timeout=100) as fleet:
        fleet.write("accounts.py", ACCOUNTS)
        org.add_fault(Fault.delay(90), match="query", times=1)
        async with fleet.worker(concurrency=1, patience=Patience(stalled_after=0.1)):
            await fleet.ran(2)
            assert len(await fleet.started()) == 1


async def test_a_worker_with_another_key_says_so(tmp_path: Path, org: DemoOrg) -> None:
    async with fleet_at(tmp_path, org) as fleet:
        fleet.write("accounts.py", ACCOUNTS)
        (tmp_path / ".orgsync" / "key").unlink()
        with pytest.raises(KeyUnusable, match="there is no key"):
            async with fleet.worker():
                pass


async def test_a_worker_that_lacks_the_key_of_one_connection_among_others_says_so(tmp_path: Path, org: DemoOrg) -> None:
    async with fleet_at(tmp_path, org, connections=2) as fleet:
        fleet.write("accounts.py", ACCOUNTS)
        own = replace_settings(fleet.settings, key=SecretStr(Fernet.generate_key().decode()))
        async with open_project(own) as elsewhere:
            await elsewhere.store.connections.update("c001", secrets={"refresh_token": "of another key"})
        with pytest.raises(KeyUnusable, match="'c001' cannot be decrypted: they were encrypted with another key"):
            async with fleet.worker():
                pass
        await fleet.project.store.connections.update("c001", status="needs sign-in")
        async with fleet.worker():
            await fleet.ran(1)


async def test_a_script_that_only_the_others_lack_is_an_error_of_its_run_alone(tmp_path: Path, org: DemoOrg) -> None:
    async with fleet_at(tmp_path, org) as fleet:
        fleet.write("accounts.py", ACCOUNTS)
        async with fleet.worker() as worker:
            await fleet.ran(1)
            assert worker.plans
            async with fleet.project.store.workers() as on:
                [sent] = await on.send(['{"kind": "sync", "name": "gone", "connection": "acme"}'], ttl=60)
            async with JobQueue.open(fleet.project.store) as queue:
                await queue.send([sent])
            await fleet.at_rest()
            assert [each.sync for each in await fleet.runs()] == ["accounts"]


async def test_status_and_doctor_say_which_workers_are_alive_and_which_plans(tmp_path: Path, org: DemoOrg) -> None:
    async with fleet_at(tmp_path, org) as fleet:
        gate = fleet.write_slow()
        async with fleet.worker(concurrency=3) as worker:
            await fleet.started()
            await fleet.planned()
            process = fleet.process("status")
            _, shown = await to_thread.run_sync(process.communicate)
            who = f"process {worker.name.partition('-')[0]} on {worker.name.rpartition('@')[2]}"
            said = f"1 worker for 3 runs at once, {who} plans; 1 job running, 0 waiting."
            assert said in shown
            found = {each.about: each.text async for each in diagnose(fleet.settings)}
            assert found["workers"] == said
            gate.touch()
            await fleet.at_rest()
    assert described(WorkersSeen([], {"requested": 1})) == (
        "No worker is alive: 0 jobs running, 1 waiting. Start one: orgsync worker"
    )


async def test_a_worker_that_is_suspended_past_its_lease_gives_up_what_another_has_taken(
    tmp_path: Path, org: DemoOrg
) -> None:
    async with fleet_at(tmp_path, org, lease=1) as fleet:
        gate = fleet.write_slow()
        sleeper = fleet.process("worker", "--json")
        await fleet.started()
        sleeper.send_signal(signal.SIGSTOP)
        try:
            async with fleet.worker() as other:
                while not other.plans:  # noqa: ASYNC110 # the server takes the lock from a silent planner
                    await anyio.sleep(0.05)
                gate.touch()
                await fleet.at_rest()
                before = [(each.id, each.epoch, each.status) for each in await fleet.runs()]
                assert before[-1][1:] == (2, "done")
        finally:
            sleeper.send_signal(signal.SIGCONT)
        while not await fleet.alive(1.5) and sleeper.poll() is None:  # noqa: ASYNC110 # another process
            await anyio.sleep(0.05)
        sleeper.send_signal(signal.SIGTERM)
        out, err = await to_thread.run_sync(sleeper.communicate)
        assert sleeper.returncode == 0, out + err
        assert [(each.id, each.epoch, each.status) for each in await fleet.runs()] == before
        assert [row["sync_change"] async for row in fleet.project.store.rows.read("account", changes=True)] == [
            "added"
        ] * 5
