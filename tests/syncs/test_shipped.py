"""What the shipped syncs promise beyond conformance: objects that an org lacks, histories, checkpoints, queries."""

from importlib.metadata import entry_points
from pathlib import Path

import pytest

import orgsync_syncs
from orgsync.demo_org import DemoOrg
from orgsync.errors import FieldNotFound, ObjectNotFound, QueryRefused
from orgsync.project import Project
from orgsync.scripts.outline import outlines_of
from orgsync_syncs.articles import articles
from orgsync_syncs.opportunities import opportunities
from orgsync_syncs.opportunity_field_history import opportunity_field_history
from orgsync_syncs.records_by_soql import records_by_soql
from orgsync_syncs.setup_audit_trail import setup_audit_trail
from tests.extract.extracting import copied, warnings
from tests.projects import SampleProject

SYNCS = Path(str(orgsync_syncs.__file__)).parent


def test_every_shipped_script_is_a_sync_that_can_be_run_by_its_name() -> None:
    provided = {point.name: point.value for point in entry_points(group="orgsync.syncs")}
    scripts = {path.stem for path in SYNCS.glob("*.py") if not path.name.startswith("_")}
    assert provided == {name: f"orgsync_syncs.{name}:{name}" for name in scripts}


@pytest.mark.parametrize("path", sorted(SYNCS.glob("[a-z]*.py")), ids=lambda path: path.stem)
def test_a_shipped_script_is_listed_without_being_imported(path: Path) -> None:
    [outline] = outlines_of(path) or []
    assert (outline.name, bool(outline.every), bool(outline.summary)) == (path.stem, True, True)


# Articles


async def test_an_org_without_knowledge_has_no_articles_and_a_run_says_so(project: SampleProject) -> None:
    with warnings() as warned:
        run = await project.run(articles)
    assert (run.status, run.added, run.api_calls) == ("done", 0, 1)
    assert warned == [
        "There is nothing to read for Article: the org has no Knowledge__kav, or the connection's user may not see it."
    ]


async def test_articles_come_when_knowledge_is_enabled_and_only_published_ones(
    project: SampleProject, org: DemoOrg
) -> None:
    await project.run(articles)
    published, other, draft, _ = org.enable_knowledge()
    await project.run(articles)
    assert (await project.live("article")).keys() == {published, other}
    org.advance(minutes=20)
    org.update("Knowledge__kav", published, PublishStatus="Archived")
    org.update("Knowledge__kav", draft, PublishStatus="Online")
    await project.run(articles)
    assert await copied(project, "article", "title") == {other: "Reading the meter", draft: "Returns"}


async def test_articles_that_are_no_longer_to_be_seen_are_an_error_and_stay(
    project: SampleProject, org: DemoOrg
) -> None:
    org.enable_knowledge()
    await project.run(articles)
    org.hide_object("Knowledge__kav")
    org.advance(days=2)
    with pytest.raises(ObjectNotFound):
        await project.run(articles)
    assert len(await project.live("article")) == 2


async def test_opportunities_without_products_have_no_line_items(project: SampleProject, org: DemoOrg) -> None:
    org.hide_object("OpportunityLineItem")
    with warnings() as warned:
        await project.run(opportunities)
    assert [each for each in warned if "no OpportunityLineItem" in each]
    assert await project.live("opportunity_contact_role")


# History and the setup's log


async def test_a_change_of_an_opportunity_is_a_row_of_its_own(project: SampleProject, org: DemoOrg) -> None:
    deal = org.insert("Opportunity", Name="Pumps", StageName="Prospecting", CloseDate="2026-06-30")
    await project.run(opportunity_field_history)
    for stage in ("Qualification", "Closed Won"):
        org.advance(minutes=30)
        org.update("Opportunity", deal, StageName=stage)
    org.advance(minutes=30)
    await project.run(opportunity_field_history)
    rows = [row for row in (await project.live("opportunity_field_history")).values() if row["opportunity_id"] == deal]
    assert [(row["field"], row["old_value"], row["new_value"]) for row in rows] == [
        ("created", None, None),
        ("StageName", "Prospecting", "Qualification"),
        ("StageName", "Qualification", "Closed Won"),
    ]


async def test_the_history_of_a_deal_that_is_deleted_for_good_or_undeleted_follows_at_the_daily_comparison(
    project: SampleProject, org: DemoOrg
) -> None:
    gone, back = (org.insert("Opportunity", Name=n, StageName="Prospecting", CloseDate="2026-06-30") for n in "ab")
    org.delete("Opportunity", back)
    await project.run(opportunity_field_history)
    org.hard_delete("Opportunity", gone)
    org.undelete("Opportunity", back)
    org.advance(days=1, minutes=1)
    await project.run(opportunity_field_history)
    owners = set((await copied(project, "opportunity_field_history", "opportunity_id")).values())
    assert owners & {gone, back} == {back}


async def test_each_entry_of_the_setups_log_arrives_once_and_stays_when_salesforce_forgets_it(
    project: SampleProject, org: DemoOrg
) -> None:
    before = (await project.run(setup_audit_trail)).added
    org.advance(minutes=30)
    made = org.log_setup("changedPassword", "Manage Users", "Changed password")
    second = await project.run(setup_audit_trail)
    assert (before, second.added, second.api_calls) == (3, 1, 1)
    assert made in await project.live("setup_audit_trail")
    assert (await project.run(setup_audit_trail)).added == 0


async def test_an_entry_that_appears_late_behind_others_is_not_missed(project: SampleProject, org: DemoOrg) -> None:
    org.log_setup("first", "Manage Users", "x")
    org.advance(minutes=9)
    org.log_setup("third", "Manage Users", "x")
    await project.run(setup_audit_trail)
    org.advance(minutes=-5)
    late = org.log_setup("second", "Manage Users", "committed late")
    org.advance(minutes=30)
    await project.run(setup_audit_trail)
    assert late in await project.live("setup_audit_trail")


# The query in a connection's metadata


async def give(project: Project, soql: str | None) -> None:
    await project.connections.update("acme", metadata={} if soql is None else {"soql": soql})


async def test_the_rows_of_a_query_follow_it_with_their_fields_typed(project: SampleProject, org: DemoOrg) -> None:
    deal = org.insert("Opportunity", Name="Pumps", StageName="Closed Won", CloseDate="2026-06-30", Amount=12.5)
    await give(project.opened, "select Name, Amount, IsWon, CloseDate, Account.Name from Opportunity where Amount < 13")
    await project.run(records_by_soql)
    row = (await project.live("soql_record"))[deal]
    assert (row["sobject"], row["fields"]) == (
        "Opportunity",
        {"Name": "Pumps", "Amount": 12.5, "IsWon": True, "CloseDate": "2026-06-30", "Account.Name": None},
    )
    org.advance(minutes=20)
    org.update("Opportunity", deal, Amount=99)
    run = await project.run(records_by_soql)
    assert (run.added, run.updated, run.deleted) == (0, 0, 1)


async def test_another_query_replaces_the_rows_of_the_one_before(project: SampleProject, org: DemoOrg) -> None:
    await give(project.opened, "SELECT Name FROM Account")
    await project.run(records_by_soql)
    await give(project.opened, "SELECT Name, Type FROM Account WHERE Type = 'Other'")
    await project.run(records_by_soql)
    rows = (await project.live("soql_record")).values()
    assert rows
    assert {row["fields"]["Type"] for row in rows} == {"Other"}
    await give(project.opened, "SELECT LastName FROM Contact")
    await project.run(records_by_soql)
    rows = (await project.live("soql_record")).values()
    assert {row["sobject"] for row in rows} == {"Contact"}
    assert len(rows) == len(org.rows("Contact"))


async def test_a_connection_without_a_query_has_nothing_to_read(project: SampleProject) -> None:
    with warnings() as warned:
        assert (await project.run(records_by_soql)).api_calls == 0
    assert warned == ["nothing to read: the connection's metadata has no query; give it one under the name soql"]


@pytest.mark.parametrize(
    ("soql", "said"),
    [
        ("DELETE FROM Account", "not of the form SELECT fields FROM object"),
        ("SELECT Name FROM Account ORDER BY Name", "has ORDER BY, but a sync follows every row"),
        ("SELECT Name FROM Account WHERE Name != 'x' limit 5", "has LIMIT"),
        ("SELECT Name FROM Account WHERE (Name = 'a)') ORDER BY Name", "has ORDER BY"),
        ("SELECT count(Id) FROM Account", "a function, a sub-query or TYPEOF"),
        ("SELECT Name, (SELECT Id FROM Contacts) FROM Account", "a function, a sub-query or TYPEOF"),
        ("SELECT a.Name FROM Account a", "has an alias"),
        ("SELECT Name,, Type FROM Account", "selects 'nothing'"),
        ("SELECT Name FROM Account WHERE Type = :type", "has :type"),
        ("SELECT Name FROM Account WHERE Name = 'it", "quote in the query is not closed"),
    ],
)
async def test_what_cannot_be_followed_is_refused_before_anything_is_sent(
    project: SampleProject, soql: str, said: str
) -> None:
    await give(project.opened, soql)
    outcome = await project.outcome(records_by_soql)
    assert isinstance(outcome.problem, QueryRefused)
    with pytest.raises(QueryRefused, match=said):
        raise outcome.problem
    assert project.calls == []


async def test_a_query_for_what_the_org_does_not_have_names_what_was_meant(project: SampleProject) -> None:
    await give(project.opened, "SELECT Nmae FROM Account")
    with pytest.raises(FieldNotFound, match=r"no field Nmae.*Did you mean Name"):
        await project.run(records_by_soql)
    await give(project.opened, "SELECT Acount.Name FROM Contact")
    with pytest.raises(FieldNotFound, match=r"no field Acount.*Did you mean Account"):
        await project.run(records_by_soql)
    await give(project.opened, "SELECT Name FROM Acount")
    with pytest.raises(ObjectNotFound):
        await project.run(records_by_soql)
