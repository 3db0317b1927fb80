"""Fields that change their type, are hidden and shown again while a copy is kept."""

from pathlib import Path

from orgsync import Record, field
from orgsync.demo_org import DemoOrg, Fault
from orgsync.errors import FieldNotFound, RecordClassInvalid
from tests.extract.extracting import copied, reading, warnings
from tests.projects import project_at


class Contact(Record, table=True):
    """A contact and an optional level."""

    last_name: str | None
    level: str | None = field("Level__c", optional=True)


class Measured(Record, table=True):
    """A contact and a number that has to be whole."""

    __sobject__ = "Contact"
    size: int | None = field("Size__c")


class Weighed(Record, table=True):
    """A contact and a number that may be any."""

    __sobject__ = "Contact"
    size: float | None = field("Size__c")


def whole_or_not() -> type[Record]:
    """Give the class as its author corrects it: another name for the column of another type."""

    class Measured(Record, table=True):
        __sobject__ = "Contact"
        exact_size: float | None = field("Size__c")

    return Measured


async def test_after_a_day_the_describe_is_checked_for_changes(tmp_path: Path, org: DemoOrg) -> None:
    async with project_at(tmp_path, org) as project:
        await project.run(reading(Contact))
        org.advance(hours=20)
        await project.run(reading(Contact))
        assert "describe" not in project.calls
        org.advance(hours=5)
        await project.run(reading(Contact))
        assert [each.status for each in org.requests if each.path.endswith("describe")] == [304]
        await project.run(reading(Contact))
        assert "describe" not in project.calls


async def test_a_hidden_optional_field_is_reported_once_and_filled_when_it_is_shown(
    tmp_path: Path, org: DemoOrg
) -> None:
    org.add_field("Contact", "Level__c")
    first, second, *_ = (str(row["Id"]) for row in org.rows("Contact"))
    async with project_at(tmp_path, org) as project:
        await project.run(reading(Contact))
        org.hide_field("Contact", "Level__c")
        org.update("Contact", first, Level__c="Gold")
        with warnings() as logged:
            await project.run(reading(Contact))
            await project.run(reading(Contact))
        assert ["Level__c" in text for text in logged if text != "alert raised"] == [True]
        assert (await copied(project, "contact", "level"))[first] is None
        org.show_everything()
        org.update("Contact", second, Level__c="Silver")
        org.advance(days=2)
        await project.run(reading(Contact))
        levels = await copied(project, "contact", "level")
        assert (levels[first], levels[second]) == ("Gold", "Silver")


async def test_a_field_that_is_needed_and_hides_stops_the_run_and_loses_nothing(tmp_path: Path, org: DemoOrg) -> None:
    org.add_field("Contact", "Size__c", type="int")
    first, *_ = (str(row["Id"]) for row in org.rows("Contact"))
    async with project_at(tmp_path, org) as project:
        await project.run(reading(Measured))
        org.hide_field("Contact", "Size__c")
        org.update("Contact", first, Size__c=7)
        assert isinstance((await project.outcome(reading(Measured))).problem, FieldNotFound)
        assert len(await project.live("measured")) == 25
        org.show_everything()
        await project.run(reading(Measured))
        assert (await copied(project, "measured", "size"))[first] == 7


async def test_a_type_that_widens_is_taken(tmp_path: Path, org: DemoOrg) -> None:
    org.add_field("Contact", "Size__c", type="int")
    org.add_field("Contact", "Level__c", length=10)
    first, second, *_ = (str(row["Id"]) for row in org.rows("Contact"))
    org.update("Contact", first, Size__c=3)
    async with project_at(tmp_path, org) as project:
        await project.run(reading(Weighed))
        org.change_field_type("Contact", "Size__c", "double")
        org.update("Contact", second, Size__c=3.5)
        await project.run(reading(Weighed))
        sizes = await copied(project, "weighed", "size")
        assert (sizes[first], sizes[second]) == (3.0, 3.5)
        await project.run(reading(Contact))
        org.remove_field("Contact", "Level__c")
        org.add_field("Contact", "Level__c", length=255)
        org.update("Contact", first, Level__c="x" * 200)
        await project.run(reading(Contact))
        assert (await copied(project, "contact", "level"))[first] == "x" * 200


async def test_a_value_that_does_not_fit_is_named_and_the_corrected_class_continues(
    tmp_path: Path, org: DemoOrg
) -> None:
    org.add_field("Contact", "Size__c", type="int")
    first, *_ = (str(row["Id"]) for row in org.rows("Contact"))
    org.update("Contact", first, Size__c=3)
    async with project_at(tmp_path, org) as project:
        await project.run(reading(Measured))
        org.change_field_type("Contact", "Size__c", "double")
        org.update("Contact", first, Size__c=3.5)
        outcome = await project.outcome(reading(Measured))
        assert isinstance(outcome.problem, RecordClassInvalid)
        assert "Measured.size is declared int, but Contact.Size__c" in outcome.problem.cause
        assert (await copied(project, "measured", "size"))[first] == 3
        await project.run(reading(whole_or_not()))
        assert (await copied(project, "measured", "exact_size"))[first] == 3.5


class Housed(Record, table=True):
    """A contact, and what may be seen of its account."""

    __sobject__ = "Contact"
    last_name: str | None
    account_name: str | None = field("Account.Name", optional=True)


async def test_a_pass_that_stopped_at_a_parent_which_no_longer_exists_continues(tmp_path: Path, org: DemoOrg) -> None:
    async with project_at(tmp_path, org) as project:
        await project.run(reading(Housed))
        org.advance(minutes=10)
        org.page_size = 2
        for account in org.rows("Account"):
            org.update("Account", str(account["Id"]), Name="Renamed")
        assert await project.interrupted(reading(Housed), 2)
        kept = (await project.opened.store.runs.checkpoints("reading", "acme"))["housed"].position
        assert kept["unfinished"]["step"] == {"kind": "parent", "relationship": "Account"}
        org.hide_field("Contact", "AccountId")
        org.hide_object("Account")
        new = org.insert("Contact", LastName="New")
        with warnings():
            await project.run(reading(Housed))
        assert new in await project.live("housed")


async def test_a_parents_describe_that_is_refused_after_a_day_stops_no_run(tmp_path: Path, org: DemoOrg) -> None:
    async with project_at(tmp_path, org) as project:
        await project.run(reading(Housed))
        org.advance(days=2)
        org.add_fault(Fault.json_error(404, "NOT_FOUND", "nothing"), match="Account/describe", times=None)
        assert (await project.run(reading(Housed))).status == "done"


async def test_a_parent_that_is_hidden_after_a_day_is_reported_and_not_fatal(tmp_path: Path, org: DemoOrg) -> None:
    async with project_at(tmp_path, org) as project:
        await project.run(reading(Housed))
        org.hide_field("Contact", "AccountId")
        org.hide_object("Account")
        org.advance(days=2)
        with warnings() as logged:
            await project.run(reading(Housed))
        assert "Housed.account_name stays empty" in logged[0]
