"""Rows that appear or vanish without a change are found by comparing Ids, on a schedule or on request."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from orgsync import Record, field
from orgsync.demo_org import DemoOrg, Fault
from orgsync.engine import Committed
from tests.extract.extracting import copied, reading, snapshotting, warnings
from tests.projects import SampleProject, project_at

NOW = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)


class Contact(Record, table=True):
    """A contact."""

    last_name: str | None


class Aged(Record, table=True):
    """A contact with a formula."""

    __sobject__ = "Contact"
    last_name: str | None
    rating: str | None = field("Account_Rating__c")


plain = reading(Contact)
daily = reading(Contact, reconcile="1d")


@pytest.fixture
def frozen() -> Any:
    """An org whose clock only the test moves."""
    with DemoOrg(contacts=30, accounts=4, page_size=7, now=NOW) as org:
        yield org


def truth(org: DemoOrg, hidden: set[str] | None = None) -> dict[str, Any]:
    return {str(row["Id"]): row["LastName"] for row in org.rows("Contact") if row["Id"] not in (hidden or set())}


async def names(project: SampleProject) -> dict[str, Any]:
    return await copied(project, "contact", "last_name")


async def test_rows_that_sharing_hides_are_deleted_and_those_it_shows_are_added(
    tmp_path: Path, frozen: DemoOrg
) -> None:
    first, second, *_ = truth(frozen)
    frozen.restrict_rows("Contact", [first])
    async with project_at(tmp_path, frozen) as project:
        await project.run(plain)
        assert await names(project) == truth(frozen, {first})
        frozen.advance(minutes=10)
        frozen.restrict_rows("Contact", [second])
        run = await project.run(plain)
        assert (run.added, run.deleted) == (0, 0)
        run = await project.run(plain, reconcile=True)
        assert (run.added, run.deleted) == (1, 1)
        assert await names(project) == truth(frozen, {second})


async def test_ids_are_compared_when_it_is_time_by_the_orgs_clock_and_not_before(
    tmp_path: Path, frozen: DemoOrg
) -> None:
    first, *_ = truth(frozen)
    async with project_at(tmp_path, frozen) as project:
        await project.run(daily)
        frozen.restrict_rows("Contact", [first])
        frozen.advance(hours=23)
        assert (await project.run(daily)).deleted == 0
        frozen.advance(hours=1)
        assert (await project.run(daily, clock=lambda: NOW)).deleted == 1
        frozen.advance(hours=23)
        frozen.show_everything()
        assert (await project.run(daily)).added == 0
        frozen.advance(hours=2)
        assert (await project.run(daily)).added == 1


async def test_too_many_rows_missing_in_the_copy_are_read_with_everything(
    tmp_path: Path, frozen: DemoOrg, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orgsync.extract.changes_pass._MISSING_AT_MOST", 3)
    frozen.restrict_rows("Contact", list(truth(frozen))[:10])
    async with project_at(tmp_path, frozen) as project:
        await project.run(plain)
        frozen.show_everything()
        frozen.advance(minutes=10)
        run = await project.run(plain, reconcile=True)
        assert (run.added, run.unchanged) == (10, 20)
        assert await names(project) == truth(frozen)
        await project.run(plain)
        assert "recordCount" not in project.calls


@pytest.mark.parametrize("purged", [False, True], ids=["asked", "the log is purged"])
async def test_a_comparison_that_is_interrupted_anywhere_ends_correctly(
    tmp_path: Path, frozen: DemoOrg, purged: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orgsync.extract.reconcile._PAGE", 2)
    gone, hidden, comes = list(truth(frozen))[:5], set(list(truth(frozen))[5:9]), list(truth(frozen))[9:14]
    commits, broken = -2, True
    while broken:
        commits += 3
        frozen.show_everything()
        frozen.restrict_rows("Contact", comes)
        async with project_at(tmp_path / str(commits), frozen) as project:
            await project.run(plain)
            frozen.advance(minutes=10)
            frozen.restrict_rows("Contact", [*hidden, *gone])
            if purged:
                frozen.purge_delete_log()
            frozen.update("Contact", comes[0], Title=f"T{commits}")
            broken = await project.interrupted(plain, commits, reconcile=not purged)
            await project.run(plain)
            assert await names(project) == truth(frozen, {*hidden, *gone})
    assert commits > 5


async def test_a_row_that_another_run_adds_in_the_meantime_is_not_marked_deleted(
    tmp_path: Path, frozen: DemoOrg
) -> None:
    new: list[str] = []
    seen = 0

    def meanwhile(_: Committed) -> None:
        nonlocal seen
        seen += 1
        if seen == 4:
            new.append(frozen.insert("Contact", LastName="Meanwhile"))

    async with project_at(tmp_path, frozen) as project:
        await project.run(plain)
        outcome = await project.outcome(plain, reconcile=True, on_commit=meanwhile)
        assert outcome.problem is None
        assert outcome.run.deleted == 0
        await project.run(plain)
        assert await names(project) == truth(frozen)
    assert new


async def test_a_row_that_is_shown_again_in_the_meantime_is_not_marked_deleted(tmp_path: Path, frozen: DemoOrg) -> None:
    first, *_ = truth(frozen)

    def show(_: Committed) -> None:
        commits.append(1)
        if len(commits) == 5:  # all Ids are read
            frozen.show_everything()

    commits: list[int] = []
    async with project_at(tmp_path, frozen) as project:
        await project.run(plain)
        frozen.restrict_rows("Contact", [first])
        outcome = await project.outcome(plain, reconcile=True, on_commit=show)
        assert outcome.problem is None
        assert outcome.run.deleted == 0
        assert await names(project) == truth(frozen)


async def test_values_of_formulas_are_read_again_on_the_schedule(tmp_path: Path, frozen: DemoOrg) -> None:
    async with project_at(tmp_path, frozen) as project:
        with warnings():
            await project.run(reading(Aged, reconcile="1d"))
        account = next(str(row["AccountId"]) for row in frozen.rows("Contact") if row["AccountId"])
        frozen.advance(hours=1)
        frozen.update("Account", account, Rating="Hot")
        want = {str(row["Id"]): row["Account_Rating__c"] for row in frozen.rows("Contact")}
        await project.run(reading(Aged, reconcile="1d"))
        assert await copied(project, "aged", "rating") != want
        frozen.advance(days=1)
        await project.run(reading(Aged, reconcile="1d"))
        assert await copied(project, "aged", "rating") == want


async def test_a_purged_log_does_not_put_off_the_reading_of_formulas(tmp_path: Path, frozen: DemoOrg) -> None:
    aged = reading(Aged, reconcile="1d")
    async with project_at(tmp_path, frozen) as project:
        await project.run(aged)
        account = next(str(row["AccountId"]) for row in frozen.rows("Contact") if row["AccountId"])
        frozen.update("Account", account, Rating="Hot")
        frozen.advance(hours=20)
        frozen.purge_delete_log()
        await project.run(aged)
        frozen.advance(hours=5)
        await project.run(aged)
        want = {str(row["Id"]): row["Account_Rating__c"] for row in frozen.rows("Contact")}
        assert await copied(project, "aged", "rating") == want


async def test_a_class_without_formulas_is_not_read_again(tmp_path: Path, frozen: DemoOrg) -> None:
    async with project_at(tmp_path, frozen) as project:
        await project.run(daily)
        frozen.advance(days=2)
        run = await project.run(daily)
        assert run.unchanged == 0
        assert any(query == "SELECT Id FROM Contact WHERE IsDeleted = false ORDER BY Id" for query in project.queries)


async def test_a_request_to_compare_stands_when_a_broken_off_first_pass_is_finished_first(
    tmp_path: Path, frozen: DemoOrg
) -> None:
    async with project_at(tmp_path, frozen) as project:
        assert await project.interrupted(plain, 2)
        copied_first = next(iter(await names(project)))
        frozen.hard_delete("Contact", copied_first)
        frozen.advance(minutes=10)
        refusal = Fault.json_error(400, "INVALID_TYPE", "sObject type Contact is not replicable")
        frozen.add_fault(refusal, match="/deleted", times=None)
        run = await project.run(plain, reconcile=True)
        assert run.deleted == 1
        assert await names(project) == truth(frozen)


async def test_a_request_to_compare_reads_an_interrupted_snapshot_again(tmp_path: Path, frozen: DemoOrg) -> None:
    async with project_at(tmp_path, frozen) as project:
        assert await project.interrupted(snapshotting(Contact), 2)
        frozen.hard_delete("Contact", next(iter(await names(project))))
        await project.run(snapshotting(Contact), reconcile=True)
        assert await names(project) == truth(frozen)
