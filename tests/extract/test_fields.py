"""Fields that are added, removed, hidden and changed."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import structlog

from orgsync import Batches, Context, Record, Sync, field, sync
from orgsync.demo_org import DemoOrg, Fault
from orgsync.errors import FieldNotFound, ObjectNotFound
from tests.extract.extracting import copied
from tests.projects import project_at


def reading(model: type[Record], name: str = "reading", **options: Any) -> Sync[Record]:
    """Make a sync that reads a record class."""

    @sync(name=name)
    def read(ctx: Context) -> Batches[Record]:
        return ctx.changes(model, **options)

    return read


def plain() -> Sync[Record]:
    class Contact(Record, table=True):
        last_name: str | None

    return reading(Contact)


def with_email() -> Sync[Record]:
    class Contact(Record, table=True):
        last_name: str | None
        email: str | None

    return reading(Contact)


def with_level() -> Sync[Record]:
    class Contact(Record, table=True):
        last_name: str | None
        level: str | None = field("Level__c", optional=True)

    return reading(Contact)


async def test_a_field_that_the_class_gains_is_filled_for_every_row(tmp_path: Path, org: DemoOrg) -> None:
    async with project_at(tmp_path, org) as project:
        await project.run(plain())
        await project.run(with_email())
        emails = {key: row["email"] for key, row in (await project.live("contact")).items()}
        assert emails == {row["Id"]: row["Email"] for row in org.rows("Contact")}


async def test_a_field_that_the_class_loses_stays_in_the_table(tmp_path: Path, org: DemoOrg) -> None:
    async with project_at(tmp_path, org) as project:
        await project.run(with_email())
        assert (await project.run(plain())).updated == 0
        assert any(row["email"] for row in (await project.live("contact")).values())


async def test_a_missing_field_ends_the_run_and_is_named_with_the_permission(tmp_path: Path, org: DemoOrg) -> None:
    org.hide_field("Contact", "Email")
    async with project_at(tmp_path, org) as project:
        outcome = await project.outcome(with_email())
    assert isinstance(outcome.problem, FieldNotFound)
    assert "Contact has no field Email" in outcome.problem.cause
    assert "Contact.email needs it" in outcome.problem.cause
    assert "Read on Contact.Email" in outcome.problem.remedy
    assert outcome.run.status == "failed"
    assert outcome.run.error == str(outcome.problem)


async def test_a_field_that_goes_missing_later_is_named_too(tmp_path: Path, org: DemoOrg) -> None:
    async with project_at(tmp_path, org) as project:
        await project.run(with_email())
        org.hide_field("Contact", "Email")
        outcome = await project.outcome(with_email())
        assert isinstance(outcome.problem, FieldNotFound)
        assert "Contact.email needs it" in outcome.problem.cause
        org.show_everything()
        assert (await project.run(with_email())).status == "done"


async def test_a_hidden_parent_is_named(tmp_path: Path, org: DemoOrg) -> None:
    class Contact(Record, table=True):
        account_name: str | None = field("Account.Name")

    org.hide_field("Contact", "AccountId")
    async with project_at(tmp_path, org) as project:
        outcome = await project.outcome(reading(Contact))
    assert isinstance(outcome.problem, FieldNotFound)
    assert "Contact has no field Account" in outcome.problem.cause


async def test_an_object_that_is_hidden_is_named(tmp_path: Path, org: DemoOrg) -> None:
    async with project_at(tmp_path, org) as project:
        await project.run(plain())
        org.hide_object("Contact")
        outcome = await project.outcome(plain())
        assert isinstance(outcome.problem, ObjectNotFound)
        assert "no object Contact" in outcome.problem.cause


async def test_an_optional_field_that_is_missing_is_null_and_one_warning(tmp_path: Path, org: DemoOrg) -> None:
    async with project_at(tmp_path, org) as project:
        with structlog.testing.capture_logs() as logged:
            await project.run(with_level())
        rows = await project.live("contact")
        assert {row["level"] for row in rows.values()} == {None}
        (warning,) = [entry["event"] for entry in logged if entry["log_level"] == "warning"]
        assert "Contact has no visible field Level__c" in warning


async def test_an_optional_field_that_appears_is_found_within_a_day_and_filled(tmp_path: Path, org: DemoOrg) -> None:
    async with project_at(tmp_path, org) as project:
        await project.run(with_level())
        org.add_field("Contact", "Level__c", type="picklist", values=["Gold"])
        for row in org.rows("Contact")[:3]:
            org.update("Contact", str(row["Id"]), Level__c="Gold")
        org.advance(days=2)
        await project.run(with_level())
        levels = [row["level"] for row in (await project.live("contact")).values()]
        assert levels.count("Gold") == 3


async def test_an_optional_field_that_vanishes_does_not_stop_the_sync(tmp_path: Path, org: DemoOrg) -> None:
    org.add_field("Contact", "Level__c", type="picklist", values=["Gold"])
    async with project_at(tmp_path, org) as project:
        await project.run(with_level())
        org.hide_field("Contact", "Level__c")
        org.insert("Contact", LastName="Later")
        assert (await project.run(with_level())).added == 1


@pytest.mark.parametrize("api", ["rest", "bulk"])
async def test_a_field_spelled_in_another_case_is_read_all_the_same(tmp_path: Path, org: DemoOrg, api: str) -> None:
    class Contact(Record, table=True):
        mail: str | None = field("EMail")
        company: str | None = field("account.NAME")
        mailing: str | None = field("mailingaddress")

    async with project_at(tmp_path, org) as project:
        await project.run(reading(Contact, api=api))
        await project.run(reading(Contact, api=api))
        names = {row["Id"]: row["Name"] for row in org.rows("Account", deleted=True)}
        want = {str(row["Id"]): (row["Email"], names.get(row["AccountId"])) for row in org.rows("Contact")}
        assert await copied(project, "contact", "mail", "company") == want
        assert any(text for text in (await copied(project, "contact", "mailing")).values())


async def test_a_missing_value_of_a_field_declared_without_none_is_stored_and_reported(
    tmp_path: Path, org: DemoOrg
) -> None:
    class Contact(Record, table=True):
        email: str

    org.insert("Contact", LastName="No mail", Email=None)
    async with project_at(tmp_path, org) as project:
        with structlog.testing.capture_logs() as logged:
            await project.run(reading(Contact))
        assert len(await project.live("contact")) == 26
        assert [entry["event"] for entry in logged if "Contact.email is declared without" in entry["event"]]


class Opportunity(Record, table=True):
    """Money, dates and a path through two parents."""

    amount: Decimal | None
    owner_of_account: str | None = field("Account.Owner.Username")


async def test_money_is_exact_and_grandparents_are_read(tmp_path: Path, org: DemoOrg) -> None:
    async with project_at(tmp_path, org) as project:
        await project.run(reading(Opportunity))
        copied = await project.live("opportunity")
        want = {str(row["Id"]): row["Amount"] for row in org.rows("Opportunity")}
        assert {key: row["amount"] and Decimal(row["amount"]) for key, row in copied.items()} == {
            key: None if amount is None else Decimal(str(amount)) for key, amount in want.items()
        }
        await project.run(reading(Opportunity))
        assert project.calls == ["updated", "queryAll", "queryAll", "queryAll", "deleted"]
        assert "Account.Owner.SystemModstamp >=" in project.queries[2]


async def test_what_is_kept_of_a_pass_can_be_read_back(tmp_path: Path, org: DemoOrg) -> None:
    async with project_at(tmp_path, org) as project:
        await project.run(with_level())
        (kept,) = (await project.opened.store.runs.checkpoints("reading", "acme")).values()
    state: dict[str, Any] = kept.position
    assert state["paths"] == ["Id", "IsDeleted", "LastName"]
    assert state["facts"]["absent"] == ["Level__c"]
    assert state["unfinished"] is None


@pytest.mark.parametrize("path", ["Nothing.Name", "Account.Nothing.Name", "Account.Nothing"])
async def test_a_relationship_that_is_not_there_is_named(tmp_path: Path, org: DemoOrg, path: str) -> None:
    class Contact(Record, table=True):
        something: str | None = field(path)

    async with project_at(tmp_path, org) as project:
        outcome = await project.outcome(reading(Contact))
    assert isinstance(outcome.problem, FieldNotFound)
    assert "Nothing" in outcome.problem.cause


async def test_a_parent_whose_describe_is_refused_is_read_all_the_same(tmp_path: Path, org: DemoOrg) -> None:
    class Contact(Record, table=True):
        account_name: str | None = field("Account.Name")

    org.add_fault(Fault.json_error(404, "NOT_FOUND", "nothing"), match="Account/describe", times=None)
    async with project_at(tmp_path, org) as project:
        await project.run(reading(Contact))
        account = next(row["AccountId"] for row in org.rows("Contact") if row["AccountId"])
        org.advance(minutes=10)
        org.update("Account", str(account), Name="Renamed")
        assert (await project.run(reading(Contact))).updated > 0


async def test_an_object_without_a_field_to_read_changes_by_is_reported(tmp_path: Path, org: DemoOrg) -> None:
    class Contact(Record, table=True):
        last_name: str | None

    fields = [{"name": name, "type": "string"} for name in ("Id", "LastName")]
    body = json.dumps({"name": "Contact", "fields": fields})
    org.add_fault(Fault.status(200, body, content_type="application/json"), match="describe")
    async with project_at(tmp_path, org) as project:
        outcome = await project.outcome(reading(Contact))
    assert isinstance(outcome.problem, ObjectNotFound)
    assert "no field that its changes can be read by" in outcome.problem.cause
    assert "ctx.snapshot(Contact)" in outcome.problem.remedy


async def test_an_object_that_cannot_be_queried_is_reported(tmp_path: Path, org: DemoOrg) -> None:
    body = json.dumps({"name": "Contact", "queryable": False, "fields": []})
    org.add_fault(Fault.status(200, body, content_type="application/json"), match="describe")
    async with project_at(tmp_path, org) as project:
        outcome = await project.outcome(plain())
    assert isinstance(outcome.problem, ObjectNotFound)
    assert "cannot be queried" in outcome.problem.cause


async def test_unseen_changes_of_a_polymorphic_parent_are_reported(tmp_path: Path, org: DemoOrg) -> None:
    class Contact(Record, table=True):
        boss: str | None = field("Boss.Name")

    stamps = [{"name": name, "type": "datetime"} for name in ("Id", "SystemModstamp", "IsDeleted")]
    boss = {"name": "BossId", "type": "reference", "relationshipName": "Boss", "referenceTo": ["User", "Group"]}
    body = json.dumps({"name": "Contact", "fields": [*stamps, boss]})
    org.add_fault(Fault.status(200, body, content_type="application/json"), match="describe")
    async with project_at(tmp_path, org) as project:
        with structlog.testing.capture_logs() as logged:
            await project.outcome(reading(Contact))
    assert "reads fields of Boss, whose changes cannot be queried" in str(logged[0]["event"])


async def test_a_parent_that_the_class_gains_is_watched_from_then_on(tmp_path: Path, org: DemoOrg) -> None:
    class Contact(Record, table=True):
        last_name: str | None
        account_name: str | None = field("Account.Name")

    async with project_at(tmp_path, org) as project:
        await project.run(plain())
        await project.run(reading(Contact))
        account = next(row["AccountId"] for row in org.rows("Contact") if row["AccountId"])
        org.advance(minutes=10)
        org.update("Account", str(account), Name="Renamed")
        await project.run(reading(Contact))
        names = {row["account_name"] for row in (await project.live("contact")).values()}
        assert "Renamed" in names
        await project.run(plain())
        assert project.calls == ["describe", "updated", "queryAll", "deleted"]
        await project.run(plain())
        assert project.calls == ["updated", "queryAll", "deleted"]


async def test_a_parent_that_the_condition_gains_is_watched_from_then_on(tmp_path: Path, org: DemoOrg) -> None:
    class Contact(Record, table=True):
        last_name: str | None

    def narrowed(where: str) -> Sync[Contact]:
        @sync(name="narrowed")
        def read(ctx: Context) -> Batches[Contact]:
            return ctx.changes(Contact, where=where)

        return read

    account = str(next(row["AccountId"] for row in org.rows("Contact") if row["AccountId"]))
    org.update("Account", account, Industry="Energy", Name="Ours")
    async with project_at(tmp_path, org) as project:
        await project.run(narrowed("LastName != null"))
        await project.run(narrowed("Account.Name = 'Ours'"))
        assert await project.live("contact")
        org.advance(minutes=10)
        org.update("Account", account, Name="Theirs")
        await project.run(narrowed("Account.Name = 'Ours'"))
        assert not await project.live("contact")
