"""Conditions that depend on more than a row's own stamp, and objects that allow only certain queries."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orgsync import Record, Sync, field
from orgsync.demo_org import DemoOrg, Fault
from orgsync.errors import FilterRequired, ObjectNotFound
from tests.extract.extracting import copied, reading, snapshotting, warnings
from tests.projects import project_at

OF_ENERGY = "AccountId IN (SELECT Id FROM Account WHERE Industry = 'Energy')"


class Contact(Record, table=True):
    """A contact."""

    last_name: str | None


@pytest.fixture
def frozen() -> Iterator[DemoOrg]:
    """An org whose clock only the test moves."""
    with DemoOrg(contacts=30, accounts=6, page_size=7, now=datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)) as org:
        yield org


def of_industry(org: DemoOrg, industry: str, *, not_in: bool = False) -> set[str]:
    accounts = {str(row["Id"]) for row in org.rows("Account") if row["Industry"] == industry}
    return {str(row["Id"]) for row in org.rows("Contact") if (str(row["AccountId"]) in accounts) is not not_in}


@pytest.mark.parametrize("not_in", [False, True], ids=["IN", "NOT IN"])
async def test_a_semi_join_on_a_lookup_is_followed(tmp_path: Path, frozen: DemoOrg, not_in: bool) -> None:
    where = OF_ENERGY.replace(" IN ", " NOT IN ") if not_in else OF_ENERGY
    accounts = [str(row["Id"]) for row in frozen.rows("Account")]
    for number, account in enumerate(accounts):
        frozen.update("Account", account, Industry="Energy" if number % 2 else "Banking")
    async with project_at(tmp_path, frozen) as project:
        with warnings() as logged:
            await project.run(reading(Contact, where=where))
        assert logged == []
        frozen.advance(minutes=10)
        frozen.update("Account", accounts[0], Industry="Energy")
        frozen.update("Account", accounts[1], Industry="Banking")
        frozen.advance(minutes=10)
        await project.run(reading(Contact, where=where))
        assert set(await project.live("contact")) == of_industry(frozen, "Energy", not_in=not_in)


async def test_a_semi_join_that_is_not_followed_is_reported_and_its_rows_are_found_by_comparing_ids(
    tmp_path: Path, frozen: DemoOrg
) -> None:
    class Account(Record, table=True):
        name: str | None

    sought = reading(Account, where="Id IN (SELECT AccountId FROM Contact WHERE LastName = 'Sought')")
    first, second, *_ = frozen.rows("Contact")
    frozen.update("Contact", str(first["Id"]), LastName="Sought")
    async with project_at(tmp_path, frozen) as project:
        with warnings() as logged:
            await project.run(sought)
        assert "depends on Contact" in logged[0]
        assert "--reconcile" in logged[0]
        frozen.advance(minutes=10)
        frozen.update("Contact", str(first["Id"]), LastName="Found")
        frozen.update("Contact", str(second["Id"]), LastName="Sought")
        frozen.advance(minutes=10)
        await project.run(sought, reconcile=True)
        assert set(await project.live("account")) == {str(second["AccountId"])}


@pytest.mark.parametrize("where", ["CreatedDate = LAST_N_DAYS:30", "Age__c > 30", "LastActivityDate < TODAY"])
async def test_a_condition_that_drifts_is_reported(tmp_path: Path, frozen: DemoOrg, where: str) -> None:
    async with project_at(tmp_path, frozen) as project:
        with warnings() as logged:
            await project.outcome(reading(Contact, where=where))
        assert "changes without showing" in logged[0]


class Link(Record, table=True):
    """A row of an object that demands a filter."""

    __sobject__ = "Link__c"

    state: str | None = field("State__c")
    parent: str | None = field("Parent__c")


async def test_unmatched_rows_of_an_object_that_demands_a_filter_are_found_by_comparing_ids(
    tmp_path: Path, frozen: DemoOrg
) -> None:
    frozen.add_object("Link__c", fields={"State__c": "string"})
    frozen.add_lookup("Link__c", "Parent__c", "Account")
    one, other, *_ = (str(row["Id"]) for row in frozen.rows("Account"))
    links = [frozen.insert("Link__c", State__c="open", Parent__c=one) for _ in range(20)]
    frozen.insert("Link__c", State__c="open", Parent__c=other)
    frozen.set_object_rules("Link__c", requires_filter=["Parent__c"])
    of_one = reading(Link, where="Parent__c = :parent AND State__c = 'open'", parent=one)
    async with project_at(tmp_path, frozen) as project:
        await project.run(of_one)
        frozen.advance(minutes=10)
        frozen.update("Link__c", links[0], State__c="closed")
        frozen.update("Link__c", links[1], Parent__c=other)
        frozen.hard_delete("Link__c", links[2])
        new = frozen.insert("Link__c", State__c="open", Parent__c=one)
        frozen.advance(minutes=10)
        with warnings() as logged:
            await project.run(of_one)
        assert "found by comparing Ids" in logged[0]
        assert set(await project.live("link")) == {*links[3:], new}
        frozen.update("Link__c", links[3], State__c="closed")
        frozen.advance(minutes=10)
        with warnings() as logged:
            await project.run(of_one)
        assert logged == []
        assert not any("State__c" not in soql for soql in project.queries)  # the refused query is not repeated
        assert set(await project.live("link")) == {*links[4:], new}


@pytest.mark.parametrize("read", [reading, snapshotting], ids=["changes", "snapshot"])
async def test_an_object_that_demands_a_filter_is_read_with_one_and_the_message_names_it(
    tmp_path: Path, frozen: DemoOrg, read: Callable[[type[Record]], Sync[Record]]
) -> None:
    class ContentDocumentLink(Record, table=True):
        linked_entity_id: str | None

    async with project_at(tmp_path, frozen) as project:
        with warnings() as logged:
            outcome = await project.outcome(read(ContentDocumentLink))
        assert "give it with where=" in logged[0]
        assert isinstance(outcome.problem, FilterRequired)
        assert "ctx.snapshot(ContentDocumentLink, where=...)" in outcome.problem.remedy
        assert "requires a filter by a single Id on ContentDocumentId" in outcome.problem.cause


async def test_a_parent_whose_changes_may_not_be_queried_does_not_stop_delivery(
    tmp_path: Path, frozen: DemoOrg
) -> None:
    class Named(Record, table=True):
        __sobject__ = "Contact"
        last_name: str | None
        account_name: str | None = field("Account.Name")

    async with project_at(tmp_path, frozen) as project:
        await project.run(reading(Named))
        frozen.advance(minutes=10)
        first = str(frozen.rows("Contact")[0]["Id"])
        frozen.update("Contact", first, LastName="New")
        frozen.advance(minutes=10)
        refusal = Fault.json_error(400, "OPERATION_TOO_LARGE", "too many rows")
        frozen.add_fault(refusal, match="/queryAll", every=2)
        with warnings() as logged:
            await project.run(reading(Named))
        assert "changes of Account arrive when the Contact row itself changes" in logged[0]
        assert (await copied(project, "named", "last_name"))[first] == "New"


async def test_a_stamp_that_cannot_be_filtered_is_passed_over(tmp_path: Path, frozen: DemoOrg) -> None:
    frozen.set_field_flags("Contact", "SystemModstamp", filterable=False)
    async with project_at(tmp_path, frozen) as project:
        await project.run(reading(Contact))
        frozen.advance(minutes=20)
        first = str(frozen.rows("Contact")[0]["Id"])
        frozen.update("Contact", first, LastName="New")
        frozen.advance(minutes=20)
        run = await project.run(reading(Contact))
        assert run.updated == 1
        assert any("LastModifiedDate >=" in soql for soql in project.queries)


async def test_without_a_stamp_that_can_be_filtered_and_sorted_a_snapshot_is_recommended(
    tmp_path: Path, frozen: DemoOrg
) -> None:
    for name in ("SystemModstamp", "LastModifiedDate", "CreatedDate"):
        frozen.set_field_flags("Contact", name, sortable=False)
    async with project_at(tmp_path, frozen) as project:
        outcome = await project.outcome(reading(Contact))
        assert isinstance(outcome.problem, ObjectNotFound)
        assert "ctx.snapshot(Contact)" in outcome.problem.remedy
        await project.run(snapshotting(Contact))
        assert len(await project.live("contact")) == 30


async def test_a_query_resumes_without_or_if_the_object_does_not_accept_it(tmp_path: Path, frozen: DemoOrg) -> None:
    frozen.set_object_rules("Contact", disjunctions=False)
    async with project_at(tmp_path, frozen) as project:
        assert await project.interrupted(reading(Contact), 2)
        run = await project.run(reading(Contact))
        assert run.status == "done"
        want = {str(row["Id"]): row["LastName"] for row in frozen.rows("Contact")}
        assert await copied(project, "contact", "last_name") == want


@pytest.mark.parametrize(
    "where",
    [
        "Account.Parent.Industry = 'Energy'",
        "AccountId IN (SELECT Id FROM Account WHERE Parent.Industry = 'Energy')",
        "AccountId IN (SELECT Id FROM Account a WHERE a.Parent.Industry = 'Energy')",
    ],
)
async def test_a_parent_that_moves_to_another_grandparent_moves_its_rows(
    tmp_path: Path, frozen: DemoOrg, where: str
) -> None:
    energy = frozen.insert("Account", Name="E", Industry="Energy")
    banking = frozen.insert("Account", Name="B", Industry="Banking")
    leaving = frozen.insert("Account", Name="leaving", ParentId=energy)
    coming = frozen.insert("Account", Name="coming", ParentId=banking)
    leaves = frozen.insert("Contact", LastName="leaves", AccountId=leaving)
    comes = frozen.insert("Contact", LastName="comes", AccountId=coming)
    frozen.advance(minutes=20)
    async with project_at(tmp_path, frozen) as project:
        await project.run(reading(Contact, where=where))
        assert set(await project.live("contact")) == {leaves}
        frozen.advance(hours=1)
        frozen.update("Account", leaving, ParentId=banking)
        frozen.update("Account", coming, ParentId=energy)
        frozen.advance(hours=1)
        await project.run(reading(Contact, where=where))
        assert set(await project.live("contact")) == {comes}


@pytest.mark.parametrize(
    "where",
    [
        "AccountId IN (SELECT Id FROM Account WHERE Mood__c = 'Good')",
        "AccountId IN (SELECT Id FROM Account WHERE Parent.Mood__c = 'Good')",
    ],
)
async def test_a_formula_inside_a_semi_join_is_named(tmp_path: Path, frozen: DemoOrg, where: str) -> None:
    frozen.add_field("Account", "Mood__c", formula=lambda row, scope: "Good")
    async with project_at(tmp_path, frozen) as project:
        with warnings() as logged:
            await project.run(reading(Contact, where=where))
    assert any("Mood__c, which changes without showing on Contact" in each for each in logged)


async def test_a_semi_join_that_cannot_be_read_is_named(tmp_path: Path, frozen: DemoOrg) -> None:
    where = "AccountId IN (SELECT Id FROM Account USING SCOPE everything WHERE Industry = 'Energy')"
    async with project_at(tmp_path, frozen) as project:
        with warnings() as logged:
            await project.outcome(reading(Contact, where=where))
    assert any("depends on another query (AccountId IN ...)" in each for each in logged)


@pytest.mark.parametrize("code", ["INVALID_FIELD", "INVALID_TYPE", "INSUFFICIENT_ACCESS", "MALFORMED_QUERY"])
@pytest.mark.parametrize("where", [None, "Account.Name != 'x'"])
async def test_a_refused_query_for_a_parents_changes_does_not_stop_delivery(
    tmp_path: Path, frozen: DemoOrg, code: str, where: str | None
) -> None:
    class Contact(Record, table=True):
        last_name: str | None
        account_name: str | None = field("Account.Name")

    message = "No such column 'SystemModstamp' on entity 'Account'." if code == "INVALID_FIELD" else "no"
    refused = Fault.json_error(403 if code == "INSUFFICIENT_ACCESS" else 400, code, message)
    async with project_at(tmp_path, frozen) as project:
        await project.run(reading(Contact, where=where))
        changed = str(frozen.rows("Contact")[0]["Id"])
        for name in ("Once", "Twice"):
            frozen.advance(minutes=10)
            frozen.update("Contact", changed, LastName=name)
            frozen.advance(minutes=10)
            frozen.add_fault(refused, soql="Account.SystemModstamp >=", times=None)
            await project.run(reading(Contact, where=where))
            assert (await copied(project, "contact", "last_name"))[changed] == name


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("  ", "is empty"),
        ("Email != null LIMIT 3", "holds LIMIT 3, which does not belong in a condition"),
        ("Email != null ORDER BY LastName", "holds ORDER BY"),
        ("Email != null) OR (LastName != null", "parentheses"),
        ("(Email != null", "parentheses"),
    ],
)
@pytest.mark.parametrize("kind", [reading, snapshotting])
async def test_what_is_no_condition_is_refused_before_anything_is_read(
    tmp_path: Path, frozen: DemoOrg, where: str, message: str, kind: Callable[..., Sync[Record]]
) -> None:
    async with project_at(tmp_path, frozen) as project:
        outcome = await project.outcome(kind(Contact, where=where, api="bulk"))
        assert message in str(outcome.problem)
        assert outcome.run.added == 0


async def test_a_text_that_looks_like_the_end_of_a_condition_is_a_text(tmp_path: Path, frozen: DemoOrg) -> None:
    odd = frozen.insert("Contact", LastName="x) LIMIT 3 (ORDER BY")
    async with project_at(tmp_path, frozen) as project:
        await project.run(reading(Contact, where="LastName = 'x) LIMIT 3 (ORDER BY'"))
        assert set(await project.live("contact")) == {odd}


@pytest.mark.parametrize("make", [reading, snapshotting])
async def test_a_condition_that_salesforce_refuses_is_the_authors_to_change_and_the_rest_is_not(
    tmp_path: Path, frozen: DemoOrg, make: Callable[..., Sync[Record]]
) -> None:
    refused = Fault.json_error(400, "MALFORMED_QUERY", "SELECT x\n^\nERROR at Row:1:Column:332\nunexpected token: '='")
    frozen.add_fault(refused, match="/query", times=None)
    async with project_at(tmp_path, frozen) as project:
        problems = [(await project.outcome(make(Contact, where=where))).problem for where in ("LastName != 'A'", None)]
    remedies = [problem.remedy for problem in problems if problem]
    assert remedies[0] == "Check the where= that is given with Contact; orgsync wrote the rest of the query."
    assert remedies[1].startswith("orgsync wrote this request")
    assert all("unexpected token: '=' at column 332" in str(problem) for problem in problems)
