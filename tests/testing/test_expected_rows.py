"""What conformance expects of a copy: the rows of the demo org, parents of several kinds included."""

from orgsync import Record, field
from orgsync.demo_org import DemoOrg
from orgsync.records import schema_of
from orgsync.testing.expected import rows_of


class ExpectedTask(Record, table=True):
    """A task and the name of what it is about."""

    __sobject__ = "Task"

    subject: str | None
    what_name: str | None = field("What.Name")


def test_a_parent_of_several_kinds_is_followed_to_the_object_of_its_id() -> None:
    with DemoOrg(contacts=1, accounts=1) as org:
        account = org.insert("Account", Name="Acme")
        deal = org.insert("Opportunity", Name="Big", StageName="Prospecting", CloseDate=org.now.date())
        case = org.insert("Case", Subject="c")
        ids = [org.insert("Task", Subject="s", WhatId=what) for what in (account, deal, case, None)]
        number = next(row["CaseNumber"] for row in org.rows("Case") if row["Id"] == case)
        rows = rows_of(org, schema_of(ExpectedTask), b"key")
    assert [rows[each]["what_name"] for each in ids] == ["Acme", "Big", number, None]
