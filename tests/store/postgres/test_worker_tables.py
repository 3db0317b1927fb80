"""The rows of workers and their jobs: each job is one worker's, under one epoch, and no end is lost or taken twice."""

from pathlib import Path

import pytest

from orgsync.errors import AlreadyRunning
from orgsync.store import Store
from orgsync.store.worker_tables import JobEnd, SentJob

JOB = '{"kind": "sync", "name": "contacts", "connection": "acme"}'


async def sent(store: Store, *, ttl: float = 60) -> SentJob:
    async with store.workers() as on:
        [job] = await on.send([JOB], ttl=ttl)
    return job


async def test_a_job_is_taken_once_and_ended_under_its_epoch_alone(store: Store) -> None:
    job = await sent(store)
    async with store.workers() as on:
        [row] = await on.take([job, job], worker="a", ttl=60)
        assert (row.job, row.state, row.worker) == (JOB, "running", "a")
        assert await on.take([job], worker="b", ttl=60) == []
        [again] = await on.send_again([job.id], ttl=60)
        assert (again.id, again.epoch) == (job.id, 2)
        await on.end([(job, JobEnd("done"))])  # by one that was suspended meanwhile
        assert await on.take_ended() == []
        assert await on.take([job], worker="a", ttl=60) == []
        await on.take([again], worker="b", ttl=60)
        assert await on.renew("a", waiting=(), ttl=60) == []
        await on.end([(again, JobEnd("failed", 7, "Why.", "What to do.", "code", 3))])
        assert [row.end for row in await on.take_ended()] == [JobEnd("failed", 7, "Why.", "What to do.", "code", 3)]


async def test_what_has_ended_is_under_way_until_the_planner_has_taken_it(store: Store) -> None:
    job = await sent(store)
    async with store.workers() as on:
        await on.take([job], worker="a", ttl=60)
        assert await on.take_ended() == []
        await on.end([(job, JobEnd("done", 1))])  # between the planner's two looks
        assert [row.state for row in await on.under_way()] == ["ended"]
        assert [row.end for row in await on.take_ended()] == [JobEnd("done", 1)]
        assert await on.under_way() == []


async def test_a_job_is_late_when_its_time_has_passed(store: Store) -> None:
    early, late = await sent(store), await sent(store, ttl=-1)
    async with store.workers() as on:
        assert [(row.id, row.is_late) for row in await on.under_way()] == [(early.id, False), (late.id, True)]


async def test_what_somebody_waits_for_is_kept_until_it_is_fetched(store: Store) -> None:
    async with store.workers() as on:
        number = await on.request(JOB, priority=100)
        [job] = await on.send_again([number], ttl=60)
        assert job == SentJob(number, 1, 100)
        await on.take([job], worker="a", ttl=60)
        await on.end([(job, JobEnd("done", 1))])
        assert [row.id for row in await on.take_ended()] == [number]
        assert await on.take_ended() == []
        row = await on.get(number)
        assert row is not None
        assert row.state == "reported"
        await on.remove([number])
        assert await on.counts() == {}


async def test_a_worker_is_alive_as_long_as_it_is_seen(store: Store) -> None:
    async with store.workers() as on:
        await on.see("a", concurrency=2, plans=False)
        await on.see("b", concurrency=3, plans=True)
        assert [(each.name, each.concurrency, each.plans) for each in await on.alive(60)] == [
            ("b", 3, True),
            ("a", 2, False),
        ]
        assert await on.alive(-1) == []
        await on.leave("b")
        await on.remove_unseen(-1)
        assert await on.alive(60) == []


async def test_a_later_planner_ends_the_right_of_every_earlier_one(store: Store) -> None:
    async with store.workers() as on:
        first = await on.begin_planning()
        assert await on.may_plan(first)
        second = await on.begin_planning()
        assert not await on.may_plan(first)
        assert await on.may_plan(second)


async def test_a_lock_that_is_kept_is_its_holders_alone(store: Store, url: str, tmp_path: Path) -> None:
    async with store.keep_lock("planner", ttl=10) as lock, Store.open(url, folder=tmp_path / "other") as other:
        await lock.keep()
        with pytest.raises(AlreadyRunning):
            async with other.keep_lock("planner", ttl=10):
                pass
    async with store.keep_lock("planner", ttl=10):
        pass
