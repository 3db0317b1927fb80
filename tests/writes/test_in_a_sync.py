"""A sync that writes to its org: what a run has begun is resumed by the next, and a dry run's writes are real ones."""

from collections.abc import AsyncIterator
from pathlib import Path

from orgsync import Batch, Context, Record, sync
from orgsync.demo_org import DemoOrg
from orgsync.engine import Job
from orgsync.project.dry_run import open_dry_run
from tests.projects import project_at


class Answer(Record, table=True):
    """A row of the sync's own."""

    __sobject__ = None

    written: int


@sync
async def push(ctx: Context) -> AsyncIterator[Batch[Answer]]:
    """Insert five leads, under one name in every run."""
    rows = ({"LastName": f"Pushed {number}", "Company": "Acme"} for number in range(5))
    result = await ctx.write("Lead", rows, operation="insert", resume_as="push")
    yield Batch(Answer, [Answer(id="a", written=result.written)])


def pushed(org: DemoOrg) -> int:
    return sum(str(row["LastName"]).startswith("Pushed") for row in org.rows("Lead"))


async def test_rows_under_a_name_are_written_once_by_all_runs(tmp_path: Path, org: DemoOrg) -> None:
    async with project_at(tmp_path, org) as project:
        await project.run(push)
        await project.run(push)
        assert [row["written"] for row in (await project.live("answer")).values()] == [5]
        assert pushed(org) == 5


async def test_rows_that_a_dry_run_has_written_are_not_written_again(tmp_path: Path, org: DemoOrg) -> None:
    async with project_at(tmp_path, org) as project:
        ready = project.opened.with_syncs(push)
        async with open_dry_run(ready, Job("sync", "push", "acme")) as dry_run:
            assert dry_run.outcome.run.status == "done"
        assert await project.opened.store.rows.tables() == []
        await project.run(push)
        assert pushed(org) == 5
