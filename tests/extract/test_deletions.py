"""Rows that are deleted: into the recycle bin, for good, into another by a merge, late, or long ago."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from orgsync import Record, Sync
from orgsync.demo_org import DemoOrg, Fault
from tests.extract.extracting import copied, reading, warnings
from tests.projects import SampleProject, project_at

NOW = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)


class Contact(Record, table=True):
    """A contact."""

    last_name: str | None
    email: str | None


everyone = reading(Contact)
with_mail = reading(Contact, where="Email != null")


@pytest.fixture
def frozen() -> Iterator[DemoOrg]:
    """An org whose clock only the test moves."""
    with DemoOrg(contacts=20, accounts=4, page_size=7, now=NOW) as org:
        yield org


def truth(org: DemoOrg, sync: Sync[Record] = everyone) -> dict[str, Any]:
    rows = org.rows("Contact")
    return {str(row["Id"]): row["LastName"] for row in rows if sync is everyone or row["Email"] is not None}


async def names(project: SampleProject) -> dict[str, Any]:
    return await copied(project, "contact", "last_name")


@pytest.mark.parametrize("sync", [everyone, with_mail], ids=["all", "some"])
async def test_a_row_deleted_for_good_is_found_in_the_log(tmp_path: Path, frozen: DemoOrg, sync: Sync[Record]) -> None:
    async with project_at(tmp_path, frozen) as project:
        await project.run(sync)
        frozen.advance(minutes=10)
        first, second, *_ = truth(frozen, with_mail)
        frozen.hard_delete("Contact", first)
        frozen.delete("Contact", second)
        frozen.empty_recycle_bin("Contact")
        frozen.advance(minutes=10)
        assert (await project.run(sync)).deleted == 2
        assert await names(project) == truth(frozen, sync)


async def test_the_log_is_read_again_from_where_it_was_not_sure(tmp_path: Path, frozen: DemoOrg) -> None:
    async with project_at(tmp_path, frozen) as project:
        await project.run(everyone)
        covered = f"{NOW:%Y-%m-%dT%H:%M:%S.000+0000}"
        frozen.advance(minutes=10)
        frozen.hard_delete("Contact", next(iter(truth(frozen))))
        frozen.empty_recycle_bin("Contact")
        frozen.advance(minutes=10)
        log: dict[str, object] = {
            "deletedRecords": [],
            "earliestDateAvailable": "2026-01-01T00:00:00.000Z",
            "latestDateCovered": covered,
        }
        frozen.add_fault(Fault.status(200, json.dumps(log), content_type="application/json"), match="/deleted")
        assert (await project.run(everyone)).deleted == 0
        assert (await project.run(everyone)).deleted == 1


async def test_a_row_that_was_undeleted_before_the_run_stays(tmp_path: Path, frozen: DemoOrg) -> None:
    async with project_at(tmp_path, frozen) as project:
        await project.run(everyone)
        frozen.advance(minutes=10)
        first, *_ = truth(frozen)
        frozen.delete("Contact", first)
        frozen.advance(minutes=5)
        frozen.undelete("Contact", first)
        frozen.advance(minutes=5)
        assert (await project.run(everyone)).deleted == 0
        assert await names(project) == truth(frozen)


async def test_a_deletion_that_commits_late_is_found(tmp_path: Path, frozen: DemoOrg) -> None:
    async with project_at(tmp_path, frozen) as project:
        await project.run(everyone)
        frozen.advance(minutes=10)
        first, *_ = truth(frozen)
        with frozen.transaction() as late:
            late.hard_delete("Contact", first)
            for _ in range(3):
                frozen.advance(minutes=20)
                await project.run(everyone)
        frozen.advance(minutes=1)
        assert (await project.run(everyone)).deleted == 1
        assert await names(project) == truth(frozen)


@pytest.mark.parametrize("long_ago", [False, True], ids=["purged", "after 20 days"])
async def test_ids_are_compared_if_the_log_does_not_reach_back(tmp_path: Path, frozen: DemoOrg, long_ago: bool) -> None:
    async with project_at(tmp_path, frozen) as project:
        await project.run(everyone)
        first, second, *_ = truth(frozen)
        frozen.advance(minutes=10)
        frozen.hard_delete("Contact", first)
        frozen.advance(days=20 if long_ago else 0, minutes=10)
        frozen.purge_delete_log()
        with warnings() as logged:
            assert (await project.run(everyone)).deleted == 1
        assert "does not reach back" in logged[0]
        frozen.hard_delete("Contact", second)
        frozen.advance(minutes=10)
        with warnings() as logged:
            assert (await project.run(everyone)).deleted == 1
        assert logged == []
        assert await names(project) == truth(frozen)


async def test_a_refused_log_is_tried_again_a_day_later_and_nothing_is_read_twice(
    tmp_path: Path, frozen: DemoOrg
) -> None:
    async with project_at(tmp_path, frozen) as project:
        await project.run(everyone)
        first, *_ = truth(frozen)
        frozen.advance(minutes=10)
        frozen.hard_delete("Contact", first)
        refusal = Fault.json_error(400, "INVALID_TYPE", "sObject type Contact is not replicable")
        frozen.add_fault(refusal, match="/deleted", times=None)
        with warnings() as logged:
            await project.run(everyone)
        assert "Rows of Contact that are deleted for good are found by comparing Ids" in logged[0]
        assert project.calls == ["updated", "queryAll", "deleted"]
        await project.run(everyone)
        assert project.calls == ["updated", "queryAll"]
        frozen.clear_faults()
        frozen.advance(days=2)
        assert (await project.run(everyone)).deleted == 1
        assert await names(project) == truth(frozen)


async def test_the_losers_of_a_merge_go_and_the_winner_stays(tmp_path: Path, frozen: DemoOrg) -> None:
    async with project_at(tmp_path, frozen) as project:
        await project.run(everyone)
        frozen.advance(minutes=10)
        winner, loser, other, *_ = truth(frozen)
        frozen.merge("Contact", winner, [loser, other])
        frozen.advance(minutes=10)
        assert (await project.run(everyone)).deleted == 2
        assert await names(project) == truth(frozen)
        assert winner in await names(project)


class Account(Record, table=True):
    """An account that knows which it was merged into."""

    master_record_id: str | None


async def test_a_merged_row_keeps_what_it_was_merged_into(tmp_path: Path, frozen: DemoOrg) -> None:
    async with project_at(tmp_path, frozen) as project:
        await project.run(reading(Account))
        winner, loser = (str(row["Id"]) for row in frozen.rows("Account")[:2])
        frozen.advance(minutes=10)
        frozen.merge("Account", winner, [loser])
        await project.run(reading(Account))
        rows = {row["id"]: row async for row in project.opened.store.rows.read("account", changes=True)}
        assert (rows[loser]["sync_change"], rows[loser]["master_record_id"]) == ("deleted", winner)
