"""Objects without a script at the command line: run by name, named in orgsync.toml, and in every list."""

from pathlib import Path

import pytest

from orgsync.demo_org import DemoOrg, key
from orgsync.settings import PROJECT_FILE

from .commandline import Command


@pytest.fixture
def invoices(acme: DemoOrg) -> DemoOrg:
    acme.add_object("Invoice__c", Key__c=key(), Total__c="currency")
    for number in range(3):
        acme.insert("Invoice__c", Name=f"I-{number}", Total__c=10.0 * number)
    return acme


def settings(folder: Path, text: str) -> None:
    (folder / PROJECT_FILE).write_text(text, encoding="utf-8")


def test_an_object_is_run_by_its_name_and_is_then_in_every_list(orgsync: Command, invoices: DemoOrg) -> None:
    dry = orgsync("run", "--object", "invoice__c", "--dry-run", "--limit", "2")
    assert dry.code == 0
    assert "Invoice__c on acme: would add" in dry.out
    run = orgsync("run", "--object", "invoice__c", "-c", "acme")
    assert (run.code, run.err) == (0, "")
    assert run.out.startswith("Invoice__c on acme: 3 added (")
    (again,) = orgsync("run", "--object", "Invoice__c", "--full", "--reconcile", "--json").objects()
    assert (again["sync"], again["status"], again["added"]) == ("Invoice__c", "done", 0)
    (status,) = orgsync("status", "--json").objects()
    assert (status["sync"], status["state"], status["rows"], status["due"]) == ("Invoice__c", "ok", 3, None)
    assert {each["sync"] for each in orgsync("runs", "--json").objects()} == {"Invoice__c"}
    for name in ("invoice", "Invoice__c", "Invoice"):
        assert [row["name"] for row in orgsync("records", name, "--json").objects()] == ["I-0", "I-1", "I-2"]
    assert len(orgsync("records", "Invoice__c", "--changes", "--json").objects()) == 3
    (reset,) = orgsync("reset", "Invoice__c", "--yes", "--json").objects()
    assert reset["rows"] == {"invoice": 3}


def test_an_object_that_is_not_there_is_named_with_the_nearest(orgsync: Command, invoices: DemoOrg) -> None:
    outcome = orgsync("run", "--object", "Invoise__c")
    assert outcome.code == 2
    cause, remedy = outcome.problem()
    assert "no object Invoise__c" in cause
    assert cause.endswith(" Did you mean Invoice__c?")
    assert remedy.startswith("Check the spelling")
    assert not orgsync("runs", "--json").objects()


def test_what_is_no_name_is_refused_before_anything_is_sent(orgsync: Command, acme: DemoOrg) -> None:
    acme.clear_requests()
    assert orgsync("run", "--object", "Case; DROP").problem()[0] == "'Case; DROP' is not the name of an object."
    assert not acme.requests


def test_a_new_script_of_an_object_that_was_copied_says_whose_its_table_is(orgsync: Command, acme: DemoOrg) -> None:
    assert orgsync("run", "--object", "Case").code == 0
    assert (
        "belongs to the sync Case so far; to hand it over: orgsync reset Case\n" in orgsync("new", "sync", "Case").out
    )
    assert orgsync("reset", "Case", "--yes").code == 0
    assert orgsync("run", "cases").code == 0
    assert "belongs" not in orgsync("new", "sync", "Case", "--force").out


def test_a_sync_that_is_not_there_and_looks_like_an_object_is_told_how(orgsync: Command, acme: DemoOrg) -> None:
    assert "orgsync run --object Invoice__c." in orgsync("run", "Invoice__c").problem()[1]


def test_neither_a_sync_nor_an_object_is_a_wrong_call(orgsync: Command, acme: DemoOrg) -> None:
    outcome = orgsync("run")
    assert outcome.code == 2
    assert "--object OBJECT" in outcome.problem()[0]


def test_the_table_of_a_script_or_of_another_sync_is_not_taken(
    orgsync: Command, invoices: DemoOrg, folder: Path
) -> None:
    orgsync("init")
    assert orgsync("run", "--object", "Opportunity", "--dry-run").code == 0
    assert orgsync("new", "sync", "Opportunity").code == 0
    outcome = orgsync("run", "--object", "Opportunity")
    assert outcome.code == 2
    cause, remedy = outcome.problem()
    assert "opportunities.py) writes the table opportunity already" in cause
    assert remedy.startswith("Run it: orgsync run opportunities.")
    assert orgsync("run", "accounts").code == 0
    cause, remedy = orgsync("run", "--object", "Account").problem()
    assert cause.endswith("belongs to the sync accounts.")
    assert remedy.startswith("Run it: orgsync run accounts.")
    settings(folder, 'objects = ["Opportunity"]')
    outcome = orgsync("run", "Opportunity")
    assert outcome.code == 2
    assert "opportunities.py) writes the table opportunity already" in outcome.problem()[0]
    settings(folder, 'objects = [{name = "Account", table = "all_accounts"}]')
    assert orgsync("run", "Account").code == 0
    assert len(orgsync("records", "all_accounts", "--json").objects()) == 5


def test_objects_of_the_settings_are_syncs_like_any_other(orgsync: Command, invoices: DemoOrg, folder: Path) -> None:
    settings(
        folder,
        '[[objects]]\nname = "Invoice__c"\nevery = "15m"\nreconcile = "1d"\nformulas = "6h"\n'
        'fields = ["Name", "Total__c"]\nwhere = "Total__c > 5"\n\n[[objects]]\nname = "Case"\n',
    )
    listed = {each["sync"]: each for each in orgsync("syncs", "--json").objects()}
    about = listed["Invoice__c"]
    assert (about["every"], about["reconcile"], about["formulas"], about["tables"], about["where"]) == (
        "15m",
        "1d",
        "6h",
        ["invoice"],
        PROJECT_FILE,
    )
    assert about["summary"] == "2 fields of Invoice__c, where Total__c > 5"
    states = {each["sync"]: each for each in orgsync("status", "--json").objects()}
    assert states["Invoice__c"]["due"] is not None
    assert (states["Case"]["state"], states["Case"]["due"]) == ("never run", None)
    assert orgsync("up", "--once").code == 0
    assert [row["name"] for row in orgsync("records", "invoice", "--json").objects()] == ["I-1", "I-2"]
    assert orgsync("run", "Invoice__c", "Case").code == 0
    (again,) = orgsync("run", "--object", "INVOICE__C", "--json").objects()
    assert (again["sync"], again["deleted"]) == ("Invoice__c", 0)


def test_lists_need_no_org(orgsync: Command, invoices: DemoOrg, folder: Path) -> None:
    settings(folder, 'objects = ["Invoice__c"]')
    invoices.stop()
    assert "Invoice__c" in orgsync("syncs").out
    assert "never run" in orgsync("status").out


def test_doctor_checks_objects(orgsync: Command, invoices: DemoOrg, folder: Path) -> None:
    settings(
        folder,
        '[[objects]]\nname = "Invoice__c"\n[[objects]]\nname = "Case"\nfields = ["Sttus"]\n'
        '[[objects]]\nname = "Lead"\nwhere = "Compny = \'A\'"\n[[objects]]\nname = "Nope__c"\n',
    )
    outcome = orgsync("doctor", "--json")
    assert outcome.code != 0
    found = {each["about"]: each for each in outcome.objects()}
    assert found["acme: Invoice__c"]["state"] == "ok"
    assert found["acme: Invoice__c"]["found"] == "Invoice__c, 8 fields, by REST or Bulk"
    assert found["acme: Case"]["error"]["remedy"] == "Did you mean Status?"
    assert found["acme: Lead"]["error"]["remedy"] == "Did you mean Company?"
    assert "no object Nope__c" in found["acme: Nope__c"]["error"]["cause"]
    assert not orgsync("runs", "--json").objects()


@pytest.mark.parametrize(
    ("text", "cause", "remedy"),
    [
        ('[[objects]]\nname = "Case"\nevry = "15m"', "object Case has the key evry", "Did you mean every?"),
        ('[[objects]]\nname = "Case"\nlag = 5', "object Case has the key lag", "above the first [[objects]]"),
        ('[[objects]]\nname = "Case"\nevery = 15', "every is not a text", 'every = "15m"'),
        ('[[objects]]\nname = "Case"\nevery = "15"', "every = '15' is not an interval", "30s"),
        (
            '[[objects]]\nname = "Case"\nreconcile = "0 6 * * *"',
            "reconcile = '0 6 * * *' is not",
            "a number and a unit",
        ),
        ('[[objects]]\nname = "Case"\nformulas = "often"', "Case: formulas = 'often' is not", "a number and a unit"),
        ('[[objects]]\nname = "Case"\nfields = "Name"', "fields is not a list", 'fields = ["Name"'),
        ('[[objects]]\nevery = "15m"', "Entry 1 of objects has no name", "[[objects]]"),
        ('[[objects]]\nname = "Ca se"', "'Ca se' is not a valid name", "API name"),
        ('[objects]\nname = "Case"', "objects is not a list", "[[objects]]"),
        ("objects = [5]", "Entry 1 of objects is not a table", "[[objects]]"),
        ('objects = ["Case", "case"]', "names the object case twice", "Remove one"),
        ('objects = ["Line__c", "ns__Line__c"]', "Line__c and ns__Line__c would be kept in", 'table = "..."'),
    ],
)
def test_what_is_wrong_in_the_settings_is_named(
    text: str, cause: str, remedy: str, orgsync: Command, acme: DemoOrg, folder: Path
) -> None:
    settings(folder, text)
    for command in (["status"], ["run", "--object", "Lead"], ["up", "--once"]):
        outcome = orgsync(*command)
        assert outcome.code == 2
        assert cause in outcome.problem()[0]
        assert remedy in outcome.problem()[1]


def test_objects_can_be_set_by_a_variable(orgsync: Command, acme: DemoOrg, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORGSYNC_OBJECTS", '["Case", {"name": "Lead", "every": "1h"}]')
    listed = {each["sync"]: each["every"] for each in orgsync("syncs", "--json").objects()}
    assert (listed["Case"], listed["Lead"]) == (None, "1h")


def test_a_broken_script_is_not_blamed_for_an_object(orgsync: Command, acme: DemoOrg, folder: Path) -> None:
    assert orgsync("run", "--object", "Case").code == 0
    settings(folder, 'objects = ["Lead"]')
    (folder / "syncs").mkdir()
    (folder / "syncs" / "broken.py").write_text("def f(:\n")
    states = {each["sync"]: each["state"] for each in orgsync("status", "--json").objects()}
    assert states == {"Case": "ok", "Lead": "never run", "broken": "failing"}


def test_an_object_has_nothing_to_record(orgsync: Command, acme: DemoOrg, folder: Path) -> None:
    settings(folder, 'objects = ["Case"]')
    assert "orgsync new sync Case" in orgsync("record", "Case", "-c", "acme").problem()[1]


def test_a_sync_of_the_same_name_is_refused(orgsync: Command, acme: DemoOrg, folder: Path) -> None:
    settings(folder, 'objects = ["Case"]')
    (folder / "syncs").mkdir()
    (folder / "syncs" / "mine.py").write_text(
        "from orgsync import Batches, Context, sync\nfrom orgsync_syncs.contacts import Contact\n\n"
        '@sync(name="Case")\ndef mine(ctx: Context) -> Batches[Contact]:\n    return ctx.changes(Contact)\n'
    )
    for command in (["run", "Case"], ["syncs"], ["status"]):
        outcome = orgsync(*command)
        assert outcome.code != 0
        assert "Two syncs are called Case: in orgsync.toml, and in" in outcome.problem()[0]
    settings(folder, "")
    assert orgsync("run", "Case").code == 0
    assert "mine.py" in orgsync("run", "--object", "Case").problem()[0]
    assert "Did you mean Contact?" in orgsync("run", "--object", "contacts").problem()[0]
    assert [each["sync"] for each in orgsync("runs", "--json").objects()] == ["Case"]


def test_the_shell_offers_objects(orgsync: Command, acme: DemoOrg, folder: Path) -> None:
    from orgsync_cli.completion import object_names, sync_names

    settings(folder, 'objects = ["Case"]')
    assert orgsync("run", "--object", "Campaign").code == 0
    assert object_names("Ca") == ["Campaign", "Case"]
    assert "Case" in sync_names("")
