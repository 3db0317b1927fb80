"""Fields that change without a stamp are read again on their own interval, alone, and only what differs is written."""

import itertools
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from orgsync import Batches, Context, Record, Sync, field, sync
from orgsync.demo_org import DemoOrg
from orgsync.engine import Committed
from orgsync.errors import RecordClassInvalid, ScriptNotLoaded
from tests.extract.extracting import copied, jobs_made, reading
from tests.projects import SampleProject, project_at

NOW = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)
REREAD = "SELECT Id, SystemModstamp, Account_Rating__c FROM Contact WHERE IsDeleted = false ORDER BY Id"


class Aged(Record, table=True):
    """A contact with a formula, and fields that would make a full read expensive."""

    __sobject__ = "Contact"
    last_name: str | None
    email: str | None
    mailing_street: str | None
    rating: str | None = field("Account_Rating__c")


class Sent(Record, table=True):
    """A contact with a field that a mass job changes."""

    __sobject__ = "Contact"
    last_name: str | None
    title: str | None = field(formula=True)


class Hidden(Record, table=True):
    """A contact whose formula is stored as a hash."""

    __sobject__ = "Contact"
    rating: str | None = field("Account_Rating__c", mask="hash")


class Kept(Record, table=True):
    """What a script makes of a contact."""

    __sobject__ = "Contact"
    rating: str | None = field(local=True)


daily = reading(Aged, reconcile="1d")
hourly = reading(Aged, formulas="6h")


@sync(name="mapping", formulas="6h")
async def mapping(ctx: Context) -> Batches[Kept]:
    """Keep contacts in another class's table."""
    async for batch in ctx.changes(Aged):
        yield batch.map(lambda each: {"id": each.id, "rating": (each.rating or "none").upper()}, model=Kept)


@pytest.fixture
def frozen() -> Any:
    """An org whose clock only the test moves."""
    with DemoOrg(contacts=30, accounts=4, page_size=7, now=NOW) as org:
        yield org


def an_account(org: DemoOrg) -> str:
    return next(str(row["AccountId"]) for row in org.rows("Contact") if row["AccountId"])


def rate(org: DemoOrg, rating: str) -> set[str]:
    """Rate an account, and return the contacts whose formula shows it."""
    account = an_account(org)
    org.update("Account", account, Rating=rating)
    return {str(row["Id"]) for row in org.rows("Contact") if row["AccountId"] == account}


def truth(org: DemoOrg) -> dict[str, Any]:
    return {str(row["Id"]): row["Account_Rating__c"] for row in org.rows("Contact")}


async def ratings(project: SampleProject) -> dict[str, Any]:
    return await copied(project, "aged", "rating")


async def test_a_reread_asks_for_the_formulas_alone_and_writes_what_differs(tmp_path: Path, frozen: DemoOrg) -> None:
    async with project_at(tmp_path, frozen) as project:
        await project.run(daily)
        last = await project.opened.store.rows.last_change()
        frozen.advance(days=1)
        changed = rate(frozen, "Hot")
        run = await project.run(daily)
        assert REREAD in project.queries
        assert (run.added, run.updated, run.deleted, run.unchanged) == (0, len(changed), 0, 0)
        assert await ratings(project) == truth(frozen)
        assert sorted(await project.feed("aged", last)) == sorted((each, "updated") for each in changed)
        whole = [query for query in project.queries if "MailingStreet" in query]
        assert all("SystemModstamp >=" in query or "Id IN (" in query for query in whole)
        assert sum("Id IN (" in query for query in whole) == 1


async def test_a_masked_formula_is_compared_by_its_hash(tmp_path: Path, frozen: DemoOrg) -> None:
    masked = reading(Hidden, formulas="6h")
    async with project_at(tmp_path, frozen) as project:
        await project.run(masked)
        frozen.advance(hours=7)
        run = await project.run(masked)
        assert (run.updated, run.unchanged) == (0, 0)
        frozen.advance(hours=7)
        changed = rate(frozen, "Hot")
        run = await project.run(masked)
        assert (run.updated, run.unchanged) == (len(changed), 0)


async def test_a_reread_without_a_change_costs_the_pages_of_the_formulas_and_writes_nothing(
    tmp_path: Path, frozen: DemoOrg
) -> None:
    async with project_at(tmp_path, frozen) as project:
        await project.run(hourly)
        frozen.advance(hours=5)
        await project.run(hourly)
        usual = len(project.calls)
        frozen.advance(hours=6)
        run = await project.run(hourly)
        assert len(project.calls) == usual + 5  # five pages of seven rows
        assert (run.added, run.updated, run.deleted, run.unchanged) == (0, 0, 0, 0)


async def test_formulas_have_an_interval_of_their_own_and_no_ids_are_compared_with_it(
    tmp_path: Path, frozen: DemoOrg
) -> None:
    both = reading(Aged, reconcile="2d", formulas="6h")
    async with project_at(tmp_path, frozen) as project:
        await project.run(both)
        rate(frozen, "Hot")
        hidden = next(iter(truth(frozen)))
        frozen.restrict_rows("Contact", [hidden])
        frozen.advance(hours=5)
        await project.run(both)
        assert REREAD not in project.queries
        frozen.advance(hours=1)
        run = await project.run(both)
        assert REREAD in project.queries
        assert run.deleted == 0
        assert {**await ratings(project), hidden: None} == {**truth(frozen), hidden: None}
        frozen.advance(hours=5)
        await project.run(both)
        assert REREAD not in project.queries
        frozen.advance(days=2)
        assert (await project.run(both)).deleted == 1
        assert project.queries.count(REREAD) == 1


async def test_many_rows_are_read_again_by_a_bulk_job(tmp_path: Path, frozen: DemoOrg) -> None:
    async with project_at(tmp_path, frozen, bulk_from=20) as project:
        await project.run(daily)
        frozen.advance(days=1)
        changed = rate(frozen, "Hot")
        run = await project.run(daily)
        assert jobs_made(frozen) == 1
        job = next(each for each in frozen.requests if each.method == "POST" and each.path.endswith("/jobs/query"))
        assert b"SELECT Id, SystemModstamp, Account_Rating__c FROM Contact" in job.body
        assert run.updated == len(changed)
        assert await ratings(project) == truth(frozen)


async def test_a_field_that_is_declared_to_change_without_a_stamp_is_read_again(
    tmp_path: Path, frozen: DemoOrg
) -> None:
    first, *_ = (str(row["Id"]) for row in frozen.rows("Contact"))
    sent = reading(Sent, formulas="6h")
    async with project_at(tmp_path, frozen) as project:
        await project.run(sent)
        frozen.update_without_stamp("Contact", first, Title="Changed by a mass job")
        frozen.advance(hours=6)
        run = await project.run(sent)
        assert run.updated == 1
        assert (await copied(project, "sent", "title"))[first] == "Changed by a mass job"
        assert "SELECT Id, SystemModstamp, Title FROM Contact WHERE IsDeleted = false ORDER BY Id" in project.queries


async def test_a_field_becomes_one_when_the_class_says_so(tmp_path: Path, frozen: DemoOrg) -> None:
    def classes() -> tuple[type[Record], type[Record]]:
        class Plain(Record, table=True):
            __sobject__ = "Contact"
            __tablename__ = "sent"
            title: str | None

        class Declared(Record, table=True):
            __sobject__ = "Contact"
            __tablename__ = "sent"
            title: str | None = field(formula=True)

        return Plain, Declared

    plain, declared = classes()
    first, *_ = (str(row["Id"]) for row in frozen.rows("Contact"))
    async with project_at(tmp_path, frozen) as project:
        await project.run(reading(plain, formulas="6h"))
        frozen.update_without_stamp("Contact", first, Title="Changed")
        frozen.advance(hours=6)
        await project.run(reading(declared, formulas="6h"))
        assert (await copied(project, "sent", "title"))[first] == "Changed"


async def test_a_change_in_the_middle_of_a_reread_is_never_overwritten_by_what_was_read_before(
    tmp_path: Path, frozen: DemoOrg
) -> None:
    numbers = itertools.count()
    first = next(str(row["Id"]) for row in frozen.rows("Contact") if row["AccountId"] == an_account(frozen))

    def meanwhile(event: Committed) -> None:
        number = next(numbers)
        rate(frozen, f"Rating {number}")
        frozen.update("Contact", first, LastName=f"Name {number:02}")
        frozen.advance(seconds=1)

    for bulk_from in (50_000, 20):
        folder = tmp_path / str(bulk_from)
        folder.mkdir()
        async with project_at(folder, frozen, bulk_from=bulk_from) as project:
            await project.run(daily)
            frozen.advance(days=1)
            last = await project.opened.store.rows.last_change()
            outcome = await project.outcome(daily, on_commit=meanwhile)
            assert outcome.problem is None
            frozen.advance(days=1)
            await project.run(daily)
            assert await ratings(project) == truth(frozen)
            assert await copied(project, "aged", "last_name") == {
                str(row["Id"]): row["LastName"] for row in frozen.rows("Contact")
            }
            assert (first, "updated") in await project.feed("aged", last)


async def test_a_reread_that_is_broken_off_is_resumed_and_goes_back_to_no_older_value(
    tmp_path: Path, frozen: DemoOrg
) -> None:
    async with project_at(tmp_path, frozen, bulk_from=20) as project:
        await project.run(daily)
        frozen.advance(days=1)
        changed = rate(frozen, "Hot")
        broken = 0
        for commits in range(1, 9):
            if not await project.interrupted(daily, commits):
                break
            broken += 1
            first = next(iter(changed))
            frozen.update("Contact", first, LastName=f"After break {commits}")
            rate(frozen, f"Hot {commits}")
            frozen.advance(minutes=10)
        assert broken >= 3
        frozen.advance(days=1)
        await project.run(daily)
        assert await ratings(project) == truth(frozen)
        names = await copied(project, "aged", "last_name")
        assert names == {str(row["Id"]): row["LastName"] for row in frozen.rows("Contact")}


async def test_rows_that_are_kept_as_another_class_has_them_are_read_again_whole(
    tmp_path: Path, frozen: DemoOrg
) -> None:
    async with project_at(tmp_path, frozen) as project:
        await project.run(mapping)
        frozen.advance(hours=6)
        changed = rate(frozen, "Hot")
        run = await project.run(mapping)
        assert REREAD not in project.queries
        assert run.updated == len(changed)
        kept = await copied(project, "kept", "rating")
        assert kept == {key: (value or "none").upper() for key, value in truth(frozen).items()}


async def test_when_nearly_all_rows_differ_everything_is_read_again(
    tmp_path: Path, frozen: DemoOrg, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orgsync.extract.changes_pass._MISSING_AT_MOST", 3)
    async with project_at(tmp_path, frozen) as project:
        await project.run(daily)
        frozen.advance(days=1)
        for account in frozen.rows("Account"):
            frozen.update("Account", str(account["Id"]), Rating="All of them")
        run = await project.run(daily)
        assert run.deleted == 0
        assert await ratings(project) == truth(frozen)
        frozen.advance(hours=1)
        await project.run(daily)
        assert REREAD not in project.queries


def test_a_local_column_is_no_formula_and_an_interval_needs_a_unit() -> None:
    def declare() -> type[Record]:
        class Wrong(Record, table=True):
            """A column of the script's own."""

            score: int | None = field(local=True, formula=True)

        return Wrong

    with pytest.raises(RecordClassInvalid, match="local"):
        declare()
    with pytest.raises(ScriptNotLoaded, match="formulas='often' is not an interval"):
        sync(formulas="often")


def test_a_sync_has_its_interval() -> None:
    found: Sync[Record] = hourly
    assert (str(found.formulas), found.reconcile) == ("6h", None)
