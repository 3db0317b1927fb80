"""Archived tasks and events: live rows that only queryAll returns, both when reading and when comparing."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orgsync import Record
from orgsync.demo_org import DemoOrg
from tests.extract.extracting import copied, jobs_made, reading, snapshotting
from tests.projects import SampleProject, project_at


class Task(Record, table=True):
    """A task."""

    subject: str | None
    is_archived: bool | None


@pytest.fixture
def frozen() -> Iterator[DemoOrg]:
    """An org with some archived tasks, whose clock only the test moves."""
    with DemoOrg(contacts=5, accounts=2, page_size=7, now=datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)) as org:
        for number in range(9):
            task = org.insert("Task", Subject=f"Task {number}")
            if number % 2:
                org.archive("Task", task)
        yield org


async def is_equal(project: SampleProject) -> bool:
    want = {str(row["Id"]): row["Subject"] for row in project.org.rows("Task")}
    return await copied(project, "task", "subject") == want


@pytest.mark.parametrize("api", ["rest", "bulk"])
async def test_comparing_ids_leaves_archived_rows_alone(tmp_path: Path, frozen: DemoOrg, api: str) -> None:
    async with project_at(tmp_path, frozen, bulk_from=1 if api == "bulk" else 50_000) as project:
        await project.run(reading(Task))
        assert await is_equal(project)
        frozen.advance(minutes=10)
        run = await project.run(reading(Task), reconcile=True)
        assert (run.deleted, run.added) == (0, 0)
        assert await is_equal(project)
        assert (jobs_made(frozen) > 0) is (api == "bulk")


async def test_a_purged_delete_log_leaves_archived_rows_alone(tmp_path: Path, frozen: DemoOrg) -> None:
    async with project_at(tmp_path, frozen) as project:
        await project.run(reading(Task))
        frozen.advance(days=20)
        gone = next(str(row["Id"]) for row in frozen.rows("Task") if row["IsArchived"])
        frozen.hard_delete("Task", gone)
        frozen.purge_delete_log()
        frozen.advance(minutes=2)
        assert (await project.run(reading(Task))).deleted == 1
        assert await is_equal(project)


async def test_a_condition_keeps_archived_rows_that_meet_it(tmp_path: Path, frozen: DemoOrg) -> None:
    async with project_at(tmp_path, frozen) as project:
        some = reading(Task, where="Subject != 'Task 3'")
        await project.run(some)
        for row in frozen.rows("Task"):
            frozen.update("Task", str(row["Id"]), Subject=row["Subject"])
        frozen.advance(minutes=2)
        assert (await project.run(some)).deleted == 0


async def test_a_snapshot_holds_archived_rows_and_none_of_the_recycle_bin(tmp_path: Path, frozen: DemoOrg) -> None:
    async with project_at(tmp_path, frozen) as project:
        frozen.delete("Task", str(frozen.rows("Task")[0]["Id"]))
        await project.run(snapshotting(Task))
        assert await is_equal(project)
        await project.run(snapshotting(Task))
        assert await is_equal(project)
