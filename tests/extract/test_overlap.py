"""The overlap: each pass reads again what changed shortly before the watermark."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from orgsync import Record
from orgsync.demo_org import DemoOrg, Fault
from tests.extract.extracting import copied, reading
from tests.projects import project_at

NOW = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)


class Contact(Record, table=True):
    """A contact."""

    last_name: str | None


@pytest.mark.parametrize(("overlap", "read_again"), [(0, 0), (300, 1), (3600, 2)])
async def test_a_pass_reads_again_what_is_younger_than_the_overlap_with_no_more_calls(
    tmp_path: Path, overlap: float, read_again: int
) -> None:
    with DemoOrg(contacts=10, accounts=2, now=NOW) as org:
        org.advance(hours=5)
        first, second, *_ = (str(row["Id"]) for row in org.rows("Contact"))
        async with project_at(tmp_path, org, overlap=overlap) as project:
            await project.run(reading(Contact))
            org.update("Contact", first, LastName="First")
            org.advance(minutes=30)
            org.update("Contact", second, LastName="Second")
            org.advance(minutes=1)
            await project.run(reading(Contact))
            org.advance(minutes=1)
            run = await project.run(reading(Contact))
            assert (run.added, run.updated, run.unchanged) == (0, 0, read_again)
            assert project.calls == ["updated", "queryAll", "deleted"]


async def test_a_row_that_the_safe_instant_passed_over_by_less_than_the_overlap_is_not_lost(tmp_path: Path) -> None:
    with DemoOrg(contacts=10, accounts=2, now=NOW) as org:
        org.advance(hours=5)
        first = str(org.rows("Contact")[0]["Id"])
        async with project_at(tmp_path, org, overlap=300) as project:
            await project.run(reading(Contact))
            with org.transaction() as late:
                late.update("Contact", first, LastName="Late")
                org.advance(minutes=3)
                promise = f'{{"ids":[],"latestDateCovered":"{org.now:%Y-%m-%dT%H:%M}:00.000+0000"}}'
                org.add_fault(Fault.status(200, promise, content_type="application/json"), match="/updated")
                await project.run(reading(Contact))
            org.advance(minutes=1)
            await project.run(reading(Contact))
            want = {str(row["Id"]): row["LastName"] for row in org.rows("Contact")}
            assert await copied(project, "contact", "last_name") == want
