"""A new sync, written from what an org tells of an object."""

import sqlite3
from contextlib import closing
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from orgsync.demo_org import DemoOrg
from orgsync.demo_org.objects import OBJECTS
from orgsync.records import schema_of
from orgsync.scripts.discovery import find_sync

from .commandline import Command, finished

OPPORTUNITIES = Path("syncs/opportunities.py")


def stored(value: Any) -> Any:
    """Write a value of the org as the copy holds it."""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return value.isoformat() if isinstance(value, date) else value


def rows_of(folder: Path, table: str) -> dict[str, dict[str, Any]]:
    with closing(sqlite3.connect(folder / ".orgsync" / "orgsync.db")) as database:
        database.row_factory = sqlite3.Row
        return {row["id"]: dict(row) for row in database.execute(f'SELECT * FROM "{table}" WHERE NOT is_deleted')}


@pytest.fixture
def untouched(folder: Path, acme: DemoOrg) -> Path:
    """A script that is there already."""
    OPPORTUNITIES.parent.mkdir()
    OPPORTUNITIES.write_text("# mine\n", encoding="utf-8")
    return OPPORTUNITIES


@pytest.mark.parametrize("sobject", [each.name for each in OBJECTS])
def test_a_new_sync_of_any_object_copies_all_its_rows(
    sobject: str, orgsync: Command, acme: DemoOrg, folder: Path
) -> None:
    for parent in ("Account", "Contact"):
        acme.update(parent, str(acme.rows(parent)[0]["Id"]), Phone="555-0100")  # so that there is a history
    written = orgsync("new", "sync", sobject, "-c", "acme")
    assert (written.code, written.err) == (0, "")
    (path,) = (folder / "syncs").glob("*.py")
    assert written.out.splitlines()[-1] == f"Next: orgsync run {path.stem} -c acme"
    run = orgsync("run", path.stem, "-c", "acme", "--json")
    assert run.code == 0
    assert run.err == "" or run.err.startswith(
        (f"warning: Salesforce does not replicate {sobject}: ", f"warning: {sobject} has no SystemModstamp")
    )
    rows = {str(row["Id"]): row for row in acme.rows(sobject)}
    assert run.objects()[0]["added"] == len(rows) > 0
    (model,) = (each for each in find_sync(path.stem, folder / "syncs").function.__globals__.values() if is_class(each))
    copied = rows_of(folder, schema_of(model).table)
    assert copied.keys() == rows.keys()
    columns = schema_of(model).fields
    assert columns
    for key, row in rows.items():
        assert {c.path: copied[key][c.name] for c in columns} == {c.path: stored(row[c.path]) for c in columns}


def is_class(value: object) -> bool:
    return isinstance(value, type) and "__orgsync_schema__" in value.__dict__


def test_what_was_written_and_what_was_left_out_is_reported(orgsync: Command, acme: DemoOrg) -> None:
    acme.add_field("Opportunity", "Scan__c", type="base64")
    first, *_, last = orgsync("new", "sync", "opportunity").out.splitlines()
    assert first == "wrote syncs/opportunities.py: 24 fields of Opportunity (1 binary field left out: Scan__c)"
    assert last == "Next: orgsync run opportunities -c acme"
    acme.add_field("Contact", "Scan__c", type="base64")
    reported = orgsync("new", "sync", "Contact").out
    assert "fields of Contact (2 compound and 1 binary field left out: Name, MailingAddress, Scan__c)\n" in reported
    assert "In this project it takes the place of the contacts that orgsync_syncs brings.\n" in reported
    assert "each run reads all of it" in orgsync("new", "sync", "UserPreference").out


def test_a_script_is_written_beside_others_and_all_are_found(orgsync: Command, acme: DemoOrg) -> None:
    orgsync("init")
    for sobject in ("Contact", "Account", "AccountHistory"):
        assert orgsync("new", "sync", sobject).code == 0
    found = orgsync("syncs", "--json").objects()
    listed = {each["sync"]: each for each in found if not each["where"].startswith("orgsync_syncs.")}
    assert listed.keys() == {"deals", "contacts", "accounts", "account_history"}
    assert all(each["problem"] is None for each in listed.values())
    ran = orgsync("run", *listed, "-c", "acme", "--json")
    assert [each["status"] for each in ran.objects()] == ["done"] * 4


def test_it_works_as_a_process_of_its_own(orgsync: Command, acme: DemoOrg, folder: Path) -> None:
    written = finished(folder, "new", "sync", "Opportunity", "-c", "acme")
    assert (written.code, written.err) == (0, "")
    assert orgsync("run", "opportunities").code == 0


def test_a_field_that_the_user_may_not_see_is_not_written(orgsync: Command, acme: DemoOrg) -> None:
    acme.hide_field("Opportunity", "Amount")
    orgsync("new", "sync", "Opportunity")
    assert "amount" not in OPPORTUNITIES.read_text(encoding="utf-8")


def test_an_object_of_hundreds_of_fields_is_copied(orgsync: Command, acme: DemoOrg, folder: Path) -> None:
    for number in range(520):
        acme.add_field("Account", f"Measure_{number}__c", type="double")
    key = str(acme.rows("Account")[0]["Id"])
    acme.update("Account", key, Measure_519__c=1.5)
    assert orgsync("new", "sync", "Account").code == 0
    assert orgsync("run", "accounts").code == 0
    assert rows_of(folder, "account")[key]["measure_519"] == 1.5


def test_only_some_fields_may_be_asked_for(orgsync: Command, acme: DemoOrg) -> None:
    reported = orgsync("new", "sync", "Opportunity", "--field", "name", "--field", "Amount").out
    assert reported.splitlines()[0] == "wrote syncs/opportunities.py: 2 fields of Opportunity"
    text = OPPORTUNITIES.read_text(encoding="utf-8")
    assert "    name: str\n    amount: float | None\n\n" in text
    refused = orgsync("new", "sync", "Contact", "--field", "Emial")
    assert refused.code == 2
    assert refused.problem()[1] == "Did you mean Email?"


def test_a_script_may_be_written_elsewhere(orgsync: Command, acme: DemoOrg, untouched: Path) -> None:
    reported = orgsync("new", "sync", "Opportunity", "--output", "drafts/sales.py").out.splitlines()
    assert reported[0].startswith("wrote drafts/sales.py: ")
    assert reported[-1] == "Next: move it to syncs, where syncs are found"
    reported = orgsync("new", "sync", "Account", "--output", "syncs/customers.py").out.splitlines()
    assert reported[-1] == "Next: orgsync run accounts -c acme"


def test_a_file_that_exists_is_left_alone_unless_it_is_forced(orgsync: Command, acme: DemoOrg, untouched: Path) -> None:
    refused = orgsync("new", "sync", "Opportunity")
    assert refused.code == 2
    assert "opportunities.py exists already; nothing was written" in refused.problem()[0]
    assert untouched.read_text(encoding="utf-8") == "# mine\n"
    assert orgsync("new", "sync", "Opportunity", "--force").code == 0
    assert orgsync("new", "sync", "Opportunity", "--force").code == 0
    assert "class Opportunity" in untouched.read_text(encoding="utf-8")


def test_what_is_elsewhere_in_the_project_is_not_written_twice(orgsync: Command, acme: DemoOrg, folder: Path) -> None:
    assert orgsync("new", "sync", "Opportunity", "--output", "syncs/sales.py").code == 0
    refused = orgsync("new", "sync", "Opportunity")
    assert refused.code == 2
    assert "sales.py has a sync called opportunities already" in refused.problem()[0]
    sales = folder / "syncs" / "sales.py"
    sales.write_text(sales.read_text(encoding="utf-8").replace("def opportunities", "def sales"), encoding="utf-8")
    refused = orgsync("new", "sync", "Opportunity", "--force")
    assert refused.code == 2
    assert "sales.py has a record class for the table opportunity already" in refused.problem()[0]
    assert [path.name for path in (folder / "syncs").glob("*.py")] == ["sales.py"]


def test_an_unknown_object_is_reported_with_the_nearest(orgsync: Command, acme: DemoOrg, folder: Path) -> None:
    refused = orgsync("new", "sync", "Opportunty", "-c", "acme")
    assert refused.code == 2
    assert refused.problem() == (
        "The org has no object Opportunty, or the connection's user may not see it. Did you mean Opportunity?",
        "Check the spelling (custom objects end in __c), and that a permission set of the user gives Read on it.",
    )
    assert not (folder / "syncs").exists()


def test_the_connection_has_to_be_clear(orgsync: Command, folder: Path) -> None:
    refused = orgsync("new", "sync", "Account")
    assert refused.code == 2
    assert "no connection yet" in refused.problem()[0]


def test_an_unknown_connection_is_reported(orgsync: Command, acme: DemoOrg) -> None:
    refused = orgsync("new", "sync", "Account", "-c", "acne")
    assert refused.code == 2
    assert "acme" in " ".join(refused.problem())


def test_a_connection_that_needs_sign_in_is_reported(orgsync: Command, acme: DemoOrg, folder: Path) -> None:
    acme.revoke_refresh_tokens()
    acme.expire_tokens()
    refused = orgsync("new", "sync", "Account")
    assert refused.code == 3
    assert "orgsync connect" in refused.problem()[1]
    assert not (folder / "syncs").exists()


def test_help_names_the_command_with_examples(orgsync: Command) -> None:
    assert "  sync    Write a sync of an object.\n  action  Write an action.\n" in orgsync("new", "--help").out
    reported = orgsync("new", "sync", "--help").out
    assert "\n    orgsync new sync Opportunity -c acme " in reported[reported.index("EXAMPLES") :]


def test_an_object_that_demands_a_filter_gets_one(orgsync: Command, acme: DemoOrg, folder: Path) -> None:
    document = acme.insert("ContentDocument", Title="Plan")
    acme.insert("ContentDocumentLink", ContentDocumentId=document, LinkedEntityId=acme.rows("Account")[0]["Id"])
    assert orgsync("new", "sync", "ContentDocumentLink").code == 0
    [script] = Path("syncs").glob("*.py")
    assert 'where="ContentDocumentId IN (SELECT Id FROM ContentDocument)"' in script.read_text(encoding="utf-8")
    assert orgsync("run", script.stem).code == 0
    assert len(rows_of(folder, "content_document_link")) == len(acme.rows("ContentDocumentLink"))


def test_a_big_object_is_refused_and_the_way_to_read_it_named(orgsync: Command, acme: DemoOrg) -> None:
    acme.add_object("Reading__b", fields={"Value__c": "double"}, changes=False)
    outcome = orgsync("new", "sync", "Reading__b")
    assert outcome.code == 2
    assert "ctx.query(" in outcome.err
