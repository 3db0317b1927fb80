"""REST results are proved to be complete: pages are counted against the total, and ends are verified."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from orgsync import Batch, Batches, Context, Record, Sync, field, sync
from orgsync.demo_org import DemoOrg, Fault
from orgsync.errors import QueryIncomplete, ResponseUnreadable
from orgsync.extract import reader
from tests.extract.extracting import copied, reading, snapshotting
from tests.projects import SampleProject, project_at

UNTRUE = [Fault.done_too_early(), Fault.lost_locator(), Fault.no_records()]
NAMES = ["done too early", "no locator", "no records"]


class Contact(Record, table=True):
    """A contact."""

    last_name: str | None


everyone = reading(Contact)


@pytest.fixture
def frozen() -> Iterator[DemoOrg]:
    """An org of several pages whose clock only the test moves."""
    with DemoOrg(contacts=40, accounts=4, page_size=7, now=datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)) as org:
        yield org


async def is_equal(project: SampleProject) -> bool:
    want = {str(row["Id"]): row["LastName"] for row in project.org.rows("Contact")}
    return await copied(project, "contact", "last_name") == want


@pytest.mark.parametrize("fault", UNTRUE, ids=NAMES)
@pytest.mark.parametrize("every", [1, 3])
async def test_a_response_that_ends_too_early_ends_the_run_and_the_next_one_delivers_every_row(
    tmp_path: Path, frozen: DemoOrg, fault: Fault, every: int
) -> None:
    async with project_at(tmp_path, frozen) as project:
        frozen.add_fault(fault, match="/query", times=None, every=every)
        outcome = await project.outcome(everyone)
        if outcome.problem is None:
            assert await is_equal(project)
            assert every > 1
        else:
            assert isinstance(outcome.problem, QueryIncomplete | ResponseUnreadable)
            assert outcome.run.watermark is None
        frozen.clear_faults()
        await project.run(everyone)
        assert await is_equal(project)


async def test_rows_that_are_missing_from_the_middle_are_read_by_the_next_run(tmp_path: Path, frozen: DemoOrg) -> None:
    async with project_at(tmp_path, frozen) as project:
        for _ in range(6):  # each try of the last page, in both readings
            frozen.add_fault(Fault.done_too_early(), match=r"/query/.*-35$", times=1)
        outcome = await project.outcome(everyone)
        assert isinstance(outcome.problem, QueryIncomplete)
        assert len(await project.live("contact")) == 35
        assert "of the 40 rows" in outcome.problem.cause
        assert len(project.queries) == 2  # from the start again, since the missing rows may be anywhere
        frozen.clear_faults()
        await project.run(everyone)
        assert await is_equal(project)
        assert any("ORDER BY" in soql and "WHERE" not in soql for soql in project.queries)


@pytest.mark.parametrize("fault", [Fault.unknown_total(), Fault.changed_total(-3), Fault.changed_total(5)])
async def test_a_total_that_is_unknown_or_changes_is_no_reason_to_fail(
    tmp_path: Path, frozen: DemoOrg, fault: Fault
) -> None:
    async with project_at(tmp_path, frozen) as project:
        frozen.add_fault(fault, match="/query", times=None)
        await project.run(everyone)
        assert await is_equal(project)


async def test_an_id_missing_from_a_response_is_not_marked_deleted(tmp_path: Path, frozen: DemoOrg) -> None:
    async with project_at(tmp_path, frozen) as project:
        await project.run(everyone)
        frozen.advance(minutes=10)
        frozen.add_fault(Fault.done_too_early(), match="/query", times=None, every=2)
        for sync_ in (everyone, snapshotting(Contact)):
            await project.outcome(sync_, reconcile=True)
        frozen.clear_faults()
        assert await is_equal(project)


async def test_the_rows_of_a_child_query_are_complete(tmp_path: Path, frozen: DemoOrg) -> None:
    frozen.child_page_size = 2
    want = {
        str(row["Id"]): sum(contact["AccountId"] == row["Id"] for contact in frozen.rows("Contact"))
        for row in frozen.rows("Account")
    }

    class Account(Record, table=True):
        number: int = field(local=True)

    @sync
    async def counted(ctx: Context) -> Batches[Account]:
        rows = [
            {"id": row["Id"], "number": len(row["Contacts"]["records"]) if row["Contacts"] else 0}
            async for row in ctx.query("SELECT Id, (SELECT Id FROM Contacts) FROM Account")
        ]
        yield Batch(Account, rows, checkpoint={})

    async with project_at(tmp_path, frozen) as project:
        await project.run(counted)
        assert await copied(project, "account", "number") == want
        assert max(want.values()) > 2


@pytest.mark.parametrize("total", ["40", 40.0, True], ids=["text", "a fraction", "true"])
async def test_a_total_of_another_type_is_an_invalid_response(tmp_path: Path, frozen: DemoOrg, total: object) -> None:
    early = Fault.altering(lambda page, _: {**page, "records": rows_of(page)[:3], "done": True, "totalSize": total})
    async with project_at(tmp_path, frozen) as project:
        frozen.add_fault(early, match="/query", soql="LastName", times=None)
        outcome = await project.outcome(everyone)
        assert isinstance(outcome.problem, ResponseUnreadable)
        assert outcome.run.watermark is None


async def test_more_rows_than_the_total_are_an_invalid_response(tmp_path: Path, frozen: DemoOrg) -> None:
    fewer = Fault.altering(lambda page, _: {**page, "totalSize": 10})
    async with project_at(tmp_path, frozen) as project:
        frozen.add_fault(fewer, match="/query", times=None)
        outcome = await project.outcome(everyone)
        assert isinstance(outcome.problem, ResponseUnreadable)
        assert outcome.run.watermark is None


async def test_a_last_page_that_names_a_next_one_is_an_invalid_response(tmp_path: Path, frozen: DemoOrg) -> None:
    fault = Fault.altering(lambda page, _: {**page, "done": True, "totalSize": -1})
    async with project_at(tmp_path, frozen) as project:
        frozen.add_fault(fault, match="/query", soql="LastName", times=None)
        outcome = await project.outcome(everyone)
        assert isinstance(outcome.problem, ResponseUnreadable)
        assert outcome.run.watermark is None


@pytest.mark.parametrize("lasts", [1, None], ids=["once", "for good"])
async def test_a_page_that_is_sent_twice_is_read_again(tmp_path: Path, frozen: DemoOrg, lasts: int | None) -> None:
    second: dict[str, object] = {}

    def repeated(page: dict[str, object], path: str) -> dict[str, object] | None:
        if path.endswith("-7"):
            second.update(page)
        return {**page, "records": second["records"]} if path.endswith("-14") else None

    async with project_at(tmp_path, frozen) as project:
        frozen.add_fault(Fault.altering(repeated), match="/query", times=lasts)
        outcome = await project.outcome(everyone)
        if lasts is None:
            assert "lead back to an earlier one" in str(outcome.problem)
            assert outcome.run.watermark is None
            frozen.clear_faults()
            outcome = await project.outcome(everyone)
        assert outcome.problem is None
        assert await is_equal(project)


@pytest.mark.parametrize("kind", [reading, snapshotting])
@pytest.mark.parametrize("lasts", [1, None], ids=["once", "for good"])
async def test_pages_that_overlap_are_not_taken_for_all_rows(
    tmp_path: Path, frozen: DemoOrg, kind: Callable[..., Sync[Record]], lasts: int | None
) -> None:
    before: dict[str, list[dict[str, Any]]] = {}

    def overlapping(page: dict[str, object], path: str) -> dict[str, object] | None:
        before[path[-3:]] = rows_of(page)
        early = before.get("-14", [])[-3:]
        return {**page, "records": [*early, *rows_of(page)[:-3]]} if path.endswith("-21") else None

    everything = kind(Contact, api="rest")
    async with project_at(tmp_path, frozen) as project:
        frozen.add_fault(Fault.altering(overlapping), match="/query/.*(-14|-21)$", times=lasts and 2)
        outcome = await project.outcome(everything)
        if lasts is None:
            assert isinstance(outcome.problem, QueryIncomplete)
            assert "a row was returned twice" in outcome.problem.cause
            frozen.clear_faults()
            outcome = await project.outcome(everything)
        assert outcome.problem is None
        assert await is_equal(project)


async def test_a_page_that_goes_back_in_the_order_is_not_taken_for_the_next(tmp_path: Path, frozen: DemoOrg) -> None:
    def earlier(page: dict[str, object], _: str) -> dict[str, object]:
        return {**page, "records": [{**row, "Id": f"0030{at:014}"} for at, row in enumerate(rows_of(page))]}

    async with project_at(tmp_path, frozen) as project:
        frozen.add_fault(Fault.altering(earlier), match="/query/.*-14$", times=None)
        outcome = await project.outcome(snapshotting(Contact, api="rest"))
        assert isinstance(outcome.problem, QueryIncomplete)
        assert "are out of order" in outcome.problem.cause


@pytest.mark.parametrize("total", [0, 7])
async def test_a_page_that_takes_back_how_many_rows_there_are_is_not_the_end(
    tmp_path: Path, frozen: DemoOrg, total: int
) -> None:
    over: dict[str, object] = {"totalSize": total, "done": True, "nextRecordsUrl": None, "records": []}
    async with project_at(tmp_path, frozen) as project:
        frozen.add_fault(Fault.altering(lambda page, _: {**page, **over}), match="/query/.*-14$", times=None)
        outcome = await project.outcome(everyone)
        assert isinstance(outcome.problem, QueryIncomplete)
        assert outcome.run.watermark is None
        frozen.clear_faults()
        await project.run(everyone)
        assert await is_equal(project)


@pytest.mark.parametrize("row_id", [None, "", "0035", 7, "003 00000000001AA"])
@pytest.mark.parametrize("kind", [reading, snapshotting])
async def test_a_row_without_a_valid_id_is_reported_as_the_responses_fault(
    tmp_path: Path, frozen: DemoOrg, kind: Callable[..., Sync[Record]], row_id: object
) -> None:
    fault = Fault.altering(
        lambda page, _: {
            **page,
            "records": [{**row, "Id": row_id} for row in rows_of(page)[:1]],
            "totalSize": -1,
            "done": True,
            "nextRecordsUrl": None,
        }
    )
    async with project_at(tmp_path, frozen) as project:
        frozen.add_fault(fault, match="/query", soql="LastName", times=None)
        outcome = await project.outcome(kind(Contact, api="rest"))
        assert isinstance(outcome.problem, ResponseUnreadable)
        assert "without a valid Id" in outcome.problem.cause


async def test_an_id_of_15_characters_is_kept_with_18(tmp_path: Path, frozen: DemoOrg) -> None:
    short = Fault.altering(
        lambda page, _: {**page, "records": [{**row, "Id": row["Id"][:15]} for row in rows_of(page)]}
    )
    async with project_at(tmp_path, frozen) as project:
        frozen.add_fault(short, match="/query", soql="LastName", times=None)
        await project.run(everyone)
        assert await is_equal(project)


@pytest.mark.parametrize("kind", [reading, snapshotting])
async def test_rows_that_share_an_id_are_no_copy(
    tmp_path: Path, frozen: DemoOrg, kind: Callable[..., Sync[Record]]
) -> None:
    def shared(page: dict[str, object], _: str) -> dict[str, object]:
        return {**page, "records": [{**row, "Id": "000000000000000AAA"} for row in rows_of(page)]}

    async with project_at(tmp_path, frozen) as project:
        frozen.add_fault(Fault.altering(shared), match="/query", soql="LastName", times=None)
        outcome = await project.outcome(kind(Contact, api="rest"))
        assert "share an Id" in str(outcome.problem)


async def test_a_page_whose_rows_cannot_be_taken_is_read_by_the_next_run(
    tmp_path: Path, frozen: DemoOrg, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "_SECONDS_PER_BATCH", 3600)  # pages wait for each other, however slow the machine

    class Contact(Record, table=True):
        last_name: str | None
        title: int | None

    for row in frozen.rows("Contact"):
        frozen.update("Contact", str(row["Id"]), Title="1")
    frozen.advance(minutes=30)
    wrong = str(sorted(frozen.rows("Contact"), key=lambda row: (row["SystemModstamp"], row["Id"]))[20]["Id"])
    bad = Fault.altering(
        lambda page, _: {
            **page,
            "records": [{**row, "Title": "N/A"} if row["Id"] == wrong else row for row in rows_of(page)],
        }
    )
    async with project_at(tmp_path, frozen, batch_rows=10_000) as project:
        frozen.add_fault(bad, match="/query", times=None)
        outcome = await project.outcome(reading(Contact))
        assert outcome.problem is not None
        frozen.clear_faults()
        await project.run(reading(Contact))
        assert set(await project.live("contact")) == {str(row["Id"]) for row in frozen.rows("Contact")}


def rows_of(page: dict[str, object]) -> list[dict[str, Any]]:
    """Give the rows of a page."""
    return cast("list[dict[str, Any]]", page["records"])


@pytest.mark.parametrize("second", [45, 30, 20])  # after the query began, in its second, and before it
async def test_a_row_that_changes_while_pages_are_read_is_no_position_to_resume_from(
    tmp_path: Path, frozen: DemoOrg, second: int
) -> None:
    def changed(page: dict[str, Any], _: str) -> dict[str, Any]:
        *before, last = page["records"]
        return {**page, "records": [*before, {**last, "SystemModstamp": f"2026-03-01T12:00:{second}.000+0000"}]}

    frozen.advance(seconds=-30)
    with frozen.transaction() as transaction:  # open since before the query, so that the safe instant is its start
        transaction.update("Contact", str(frozen.rows("Contact")[0]["Id"]), Title="Late")
        frozen.advance(seconds=30)
        async with project_at(tmp_path, frozen) as project:
            frozen.add_fault(Fault.altering(changed), match="/query/.*-7$", times=None)
            frozen.add_fault(Fault.reset(), match="/query/.*-14$", times=None)
            stopped = await project.outcome(everyone)
            assert (stopped.run.status, stopped.run.added) == ("failed", 14)
            frozen.clear_faults()
            await project.run(everyone)
            assert set(await copied(project, "contact")) == {str(row["Id"]) for row in frozen.rows("Contact")}


def fewer(page: dict[str, Any], _: str) -> dict[str, Any]:
    """Leave rows out of a page."""
    return {**page, "records": page["records"][3:]}


@pytest.mark.parametrize("code", ["INVALID_QUERY_LOCATOR", "QUERY_TIMEOUT"])
async def test_rows_that_a_page_lacked_are_missed_where_the_rest_is_read_by_another_query(
    tmp_path: Path, frozen: DemoOrg, code: str
) -> None:
    async with project_at(tmp_path, frozen) as project:
        frozen.add_fault(Fault.altering(fewer), match="/query/.*-7$", times=1)
        frozen.add_fault(Fault.json_error(400, code, "x"), match="/query/.*-14$", times=1)
        await project.run(everyone)
        assert await is_equal(project)


@pytest.mark.parametrize("deleted", [0, 3])
async def test_rows_that_a_page_lacked_are_missed_where_the_rest_is_read_by_the_next_run(
    tmp_path: Path, frozen: DemoOrg, deleted: int
) -> None:
    async with project_at(tmp_path, frozen) as project:
        frozen.add_fault(Fault.altering(fewer), match="/query/.*-7$", times=1)
        frozen.add_fault(Fault.reset(), match="/query/.*-14$", times=None)
        stopped = await project.outcome(everyone)
        assert (stopped.run.status, stopped.run.added) == ("failed", 11)
        frozen.clear_faults()
        for row in frozen.rows("Contact")[: -1 - deleted : -1]:
            frozen.hard_delete("Contact", str(row["Id"]))
            frozen.empty_recycle_bin("Contact")
        run = await project.run(everyone)
        assert (run.added, run.unchanged) == (29 - deleted, 11)
        assert await is_equal(project)


async def test_what_the_first_run_read_is_not_read_again_where_rows_were_deleted_since(
    tmp_path: Path, frozen: DemoOrg
) -> None:
    async with project_at(tmp_path, frozen) as project:
        frozen.add_fault(Fault.reset(), match="/query/.*-14$", times=None)
        assert (await project.outcome(everyone)).run.added == 14
        frozen.clear_faults()
        frozen.hard_delete("Contact", str(frozen.rows("Contact")[-1]["Id"]))
        frozen.empty_recycle_bin("Contact")
        run = await project.run(everyone)
        assert (run.added, run.unchanged) == (25, 0)


async def test_rows_that_are_deleted_for_good_while_pages_expire_are_not_missed(
    tmp_path: Path, frozen: DemoOrg
) -> None:
    doomed = iter([str(row["Id"]) for row in frozen.rows("Contact")[:-9:-1]])

    def deleting(page: dict[str, Any], _: str) -> dict[str, Any]:
        frozen.hard_delete("Contact", next(doomed))
        frozen.empty_recycle_bin("Contact")
        return page

    async with project_at(tmp_path, frozen) as project:
        frozen.add_fault(Fault.altering(deleting), match="/query/.*-7$", times=None)
        frozen.add_fault(Fault.json_error(400, "INVALID_QUERY_LOCATOR", "x"), match="/query/.*-14$", times=None)
        run = await project.run(everyone)
        assert (run.status, run.unchanged) == ("done", 0)
        frozen.clear_faults()
        frozen.advance(minutes=10)
        await project.run(everyone)
        assert await is_equal(project)
