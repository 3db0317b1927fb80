"""The doctor names each problem with its cause and remedy."""

import re
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from orgsync.demo_org import DemoOrg, Fault

from .commandline import Command


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setenv("COLUMNS", "400")


def test_all_is_well(orgsync: Command, acme: DemoOrg) -> None:
    orgsync("init")
    assert orgsync("run", "contacts").code == 0
    healthy = orgsync("doctor")
    assert healthy.code == 0, healthy
    for reported in (
        "orgsync.toml",
        "acme: sign-in",
        acme.username,
        "acme: scopes",
        "62.0",
        "100,000",
        "10,000 Bulk query jobs left",
        "Contact, 19 fields, by REST or Bulk",
    ):
        assert reported in healthy.out
    assert "All is well." in healthy.out
    assert "acme: accounts" not in healthy.out
    assert "not checked, since they have not run here: accounts, articles, " in healthy.out
    assert "deals" in orgsync("doctor", "acme").out


def test_data_that_is_not_salesforces_is_not_looked_for_in_the_org(
    orgsync: Command, acme: DemoOrg, folder: Path
) -> None:
    (folder / "syncs").mkdir()
    (folder / "syncs" / "tickets.py").write_text(
        "from orgsync import Batch, Batches, Context, Record, sync\n\n"
        "class Ticket(Record, table=True):\n    __sobject__ = None\n    title: str\n\n"
        "@sync\nasync def tickets(ctx: Context) -> Batches[Ticket]:\n    yield Batch(Ticket, [])\n"
    )
    outcome = orgsync("doctor")
    assert outcome.code == 0, outcome
    assert "Ticket, 1 field, not Salesforce's" in outcome.out


def test_a_project_without_connections_learns_how_to_continue(orgsync: Command) -> None:
    outcome = orgsync("doctor")
    assert outcome.code == 2
    assert "orgsync connect NAME" in outcome.out


def test_a_connection_that_is_named_where_there_is_none_is_one_problem(orgsync: Command, acme: DemoOrg) -> None:
    orgsync("connections", "remove", "acme", "--yes")
    outcome = orgsync("doctor", "acne")
    assert "There is no connection 'acne'." in outcome.out
    assert outcome.out.count("problem  ") == 1
    assert "There is no connection yet" not in outcome.out


def test_a_connection_that_is_named_before_there_is_a_database_is_unknown(orgsync: Command) -> None:
    outcome = orgsync("doctor", "acne")
    assert "There is no connection 'acne'." in outcome.out
    assert outcome.out.count("problem  ") == 1


def test_scripts_that_import_a_broken_one_are_one_problem_with_it(orgsync: Command, folder: Path) -> None:
    scripts = folder / "syncs"
    scripts.mkdir()
    (scripts / "models.py").write_text("\nimport nothing_here\n")
    (scripts / "deals.py").write_text("from syncs.models import Deal\n")
    (scripts / "people.py").write_text("from .deals import Deal\n")
    (scripts / "other.py").write_text("import also_not_here\n")
    outcome = orgsync("doctor")
    assert outcome.out.count("problem  scripts") == 2
    assert outcome.out.count(f"{scripts / 'models.py'}, line 2: ModuleNotFoundError: No module named") == 1
    [places] = [line for line in outcome.out.splitlines() if str(scripts / "deals.py") in line]
    assert str(scripts / "people.py") in places
    assert f"{scripts / 'other.py'}, line 1" in outcome.out


def test_a_dead_refresh_token_is_reported(orgsync: Command, acme: DemoOrg) -> None:
    acme.revoke_refresh_tokens()
    outcome = orgsync("doctor")
    assert outcome.code == 3
    assert "1 problem." in outcome.out
    assert acme.refresh_token not in outcome.out


@pytest.mark.parametrize("command", [("doctor",), ("connections", "test", "acme")])
def test_a_demo_org_that_is_not_running_is_found_at_once(
    orgsync: Command, acme: DemoOrg, command: Sequence[str]
) -> None:
    acme.stop()
    outcome = orgsync(*command)
    assert outcome.code == 1
    assert "Nothing listens at 127.0.0.1:" in outcome.out + outcome.err
    assert "To give another login URL: orgsync connect acme --login-url URL." in outcome.out + outcome.err
    assert "retrying" not in outcome.err  # neither the call nor the renewal that looks for a moved org
    acme.start()


def test_hidden_fields_and_broken_scripts_are_reported_and_the_rest_continues(
    orgsync: Command, acme: DemoOrg, folder: Path
) -> None:
    (folder / "syncs").mkdir()
    (folder / "syncs" / "broken.py").write_text("import nowhere_to_be_found\n")
    (folder / "syncs" / "vague.py").write_text(
        "from orgsync import sync\n\n@sync\ndef vague(ctx):\n    return ctx.changes(None)\n"
    )
    assert orgsync("run", "contacts", "accounts").code == 0
    acme.hide_field("Contact", "Email")
    outcome = orgsync("doctor")
    assert outcome.code == 2
    assert "broken.py, line 1" in outcome.out
    assert outcome.out.count("broken.py") == 1
    assert "Contact.Email" in outcome.out
    assert "Account, 16 fields" in outcome.out
    assert "names no record class" in outcome.out
    assert "2 problems." in outcome.out


def test_a_spent_limit_is_reported(orgsync: Command, acme: DemoOrg) -> None:
    acme.api_used = int(acme.api_limit * 0.79)
    assert orgsync("doctor").code == 0
    acme.api_used = int(acme.api_limit * 0.9)
    assert orgsync("doctor").code == 4


def test_a_lost_key_and_an_unusable_database_are_reported(orgsync: Command, acme: DemoOrg, folder: Path) -> None:
    key = folder / ".orgsync" / "key"
    kept = key.read_bytes()
    key.unlink()
    lost = orgsync("doctor")
    assert lost.code == 2
    assert "cannot be decrypted" in lost.out
    key.write_bytes(kept)
    with closing(sqlite3.connect(folder / ".orgsync" / "orgsync.db", isolation_level=None)) as database:
        database.execute("UPDATE orgsync_connection SET api_version = '20.0', scope = 'id'")
    old = orgsync("doctor")
    assert "31.0 to" in old.out
    assert "api is not among them" in old.out
    (folder / ".orgsync" / "orgsync.db").write_bytes(b"garbage" * 2000)
    assert orgsync("doctor").code == 2


def test_two_syncs_of_one_name_are_reported(orgsync: Command, acme: DemoOrg, folder: Path) -> None:
    (folder / "syncs").mkdir()
    text = (
        "from orgsync import Batches, Context, Record, sync\n\n"
        "class CLASS(Record, table=True):\n    __sobject__ = 'Contact'\n    last_name: str\n\n"
        "@sync\ndef same(ctx: Context) -> Batches[CLASS]:\n    return ctx.changes(CLASS)\n"
    )
    for name in ("One", "Two"):
        (folder / "syncs" / f"{name.lower()}.py").write_text(text.replace("CLASS", name))
    outcome = orgsync("doctor")
    assert outcome.code == 2
    assert "Two syncs are called same" in outcome.out
    assert "Two syncs are called same" in orgsync("syncs").problem()[0]


def test_what_salesforce_does_not_report_is_no_problem(orgsync: Command, acme: DemoOrg, folder: Path) -> None:
    with closing(sqlite3.connect(folder / ".orgsync" / "orgsync.db", isolation_level=None)) as database:
        database.execute("UPDATE orgsync_connection SET scope = ''")
    acme.add_fault(Fault.status(200, "[]", content_type="application/json"), match="limits", times=None)
    acme.add_fault(Fault.status(404), match="/services/data$", times=None)
    outcome = orgsync("doctor")
    assert outcome.code == 0, outcome
    shown = " ".join(outcome.out.split())
    assert "Salesforce did not report them" in shown
    assert "which versions the org offers is unknown" in shown
    assert "the number of API requests left is unknown" in shown


def test_a_limit_that_the_user_may_not_see_is_a_problem_of_its_own(orgsync: Command, acme: DemoOrg) -> None:
    acme.add_fault(Fault.json_error(403, "INSUFFICIENT_ACCESS", "no"), match="limits", times=None)
    assert orgsync("run", "contacts").code == 0
    outcome = orgsync("doctor")
    assert outcome.code == 1
    assert "Contact, 19 fields" in outcome.out


def test_every_record_class_that_an_annotation_names_is_looked_at(
    orgsync: Command, acme: DemoOrg, folder: Path
) -> None:
    (folder / "syncs").mkdir()
    (folder / "syncs" / "both.py").write_text(
        "from orgsync import Batches, Context, Record, field, sync\n\n"
        "class Person(Record, table=True):\n    __sobject__ = 'Contact'\n    last_name: str\n"
        "    level: str | None = field('Level__c', optional=True)\n\n"
        "class Firm(Record, table=True):\n    __sobject__ = 'Account'\n    name: str\n\n"
        "@sync\nasync def both(ctx: Context) -> Batches[Person | Firm]:\n"
        "    async for batch in ctx.changes(Person):\n        yield batch\n"
    )
    (folder / "syncs" / "unknown.py").write_text(
        "from __future__ import annotations\nfrom orgsync import sync\n\n"
        "@sync\ndef unknown(ctx: Context) -> Batches[Nobody]:\n    return ctx.changes(None)\n"
    )
    outcome = orgsync("doctor")
    assert outcome.code == 0, outcome
    assert "Contact, 2 fields" in outcome.out
    assert "Account, 1 field" in outcome.out
    assert "Person.level stays empty" in outcome.out
    assert "names no record class" in outcome.out


_WITH_A_FORMULA = "__sobject__ = 'Contact'\n    age: float | None = field('Age__c')"


@pytest.mark.parametrize(
    ("options", "fields", "reported"),
    [
        ("", _WITH_A_FORMULA, "reads formulas, and parents of several kinds, again only with reconcile="),
        ("reconcile='1d'", _WITH_A_FORMULA, ""),
        ("", "__sobject__ = 'AccountShare'\n    account_id: str", "deleted for good only with reconcile="),
        ("", "__sobject__ = 'UserPreference'\n    value: str | None", "Read all of it: ctx.snapshot("),
        ("", "__sobject__ = 'Contact'\n    photo: str | None = field('Photo__c')", "Photo__c cannot be read by it"),
    ],
    ids=["a formula", "a formula that is read again", "no log of deletions", "no cursor", "not by Bulk"],
)
def test_what_a_copy_would_lack_is_remarked_on(
    orgsync: Command, acme: DemoOrg, folder: Path, options: str, fields: str, reported: str
) -> None:
    acme.add_field("Contact", "Age__c", type="double", formula=lambda _row, _scope: 1)
    acme.add_field("Contact", "Photo__c", type="base64")
    (folder / "syncs").mkdir()
    (folder / "syncs" / "own.py").write_text(
        "from orgsync import Batches, Context, Record, field, sync\n\n"
        f"class Own(Record, table=True):\n    {fields}\n\n"
        f"@sync({options})\ndef own(ctx: Context) -> Batches[Own]:\n    return ctx.changes(Own)\n"
    )
    outcome = orgsync("doctor")
    assert outcome.code == 0, outcome
    if reported:
        assert reported in outcome.out
    else:
        assert "only with" not in outcome.out


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("Id IN (SELECT AccountId FROM Contact WHERE LastName = :name)", "The condition depends on Contact"),
        ("CreatedDate = LAST_N_DAYS:30", "The condition depends on LAST_N_DAYS:30"),
        ("OwnerId IN (SELECT Id FROM User WHERE IsActive = true)", ""),
    ],
)
def test_a_condition_that_is_not_followed_is_remarked_on(
    orgsync: Command, acme: DemoOrg, folder: Path, where: str, said: str
) -> None:
    (folder / "syncs").mkdir()
    (folder / "syncs" / "own.py").write_text(
        "from orgsync import Batches, Context, Record, sync\n\n"
        "class Own(Record, table=True):\n    __sobject__ = 'Account'\n    name: str | None\n\n"
        f"@sync\ndef own(ctx: Context) -> Batches[Own]:\n    return ctx.changes(Own, where={where!r}, name='x')\n"
    )
    out = orgsync("doctor").out
    assert said in out
    assert ("The condition depends" in out) is bool(said)


def test_a_type_that_does_not_fit_is_a_problem_with_the_type_to_write(
    orgsync: Command, acme: DemoOrg, folder: Path
) -> None:
    (folder / "syncs").mkdir(exist_ok=True)
    (folder / "syncs" / "own.py").write_text(
        "from orgsync import Batches, Context, Record, field, sync\n\n"
        "class Own(Record, table=True):\n    __sobject__ = 'Contact'\n    last_name: int\n"
        "    account_name: bool | None = field('Account.Name')\n    birthdate: str | None\n\n"
        "@sync\ndef own(ctx: Context) -> Batches[Own]:\n    return ctx.changes(Own)\n"
    )
    outcome = orgsync("doctor")
    assert outcome.code == 2, outcome
    assert "Own.last_name is declared int, but Contact.LastName is of Salesforce's type string." in outcome.out
    assert "Write last_name: str." in outcome.out
    assert "Write account_name: str | None." in outcome.out
    assert "2 problems." in outcome.out


def test_a_sync_whose_last_run_failed_by_its_script_is_a_problem_until_one_does_not(
    orgsync: Command, acme: DemoOrg, folder: Path
) -> None:
    (folder / "syncs").mkdir()
    text = (
        "from orgsync import Batches, Context, Record, sync\n\n"
        "class Own(Record, table=True):\n    __sobject__ = 'Contact'\n    last_name: str\n\n"
        "@sync\nasync def own(ctx: Context) -> Batches[Own]:\n"
        "    async for batch in ctx.changes(Own):\n        yield batch\n"
    )
    (folder / "syncs" / "own.py").write_text(text.replace("        yield", "        1 / 0\n        yield"))
    assert orgsync("run", "own").code == 1
    outcome = orgsync("doctor")
    assert outcome.code == 1, outcome
    assert "The last run, 1, failed: " in outcome.out
    assert "ZeroDivisionError" in outcome.out
    assert "Once that is mended, run it again: orgsync run own -c acme." in outcome.out
    (folder / "syncs" / "own.py").write_text(text)
    assert orgsync("run", "own").code == 0
    assert "All is well." in orgsync("doctor").out


def test_a_run_that_failed_for_a_time_is_no_problem_once_the_org_answers(orgsync: Command, acme: DemoOrg) -> None:
    assert orgsync("run", "contacts").code == 0
    acme.add_fault(Fault.status(503), match="/query", times=None)
    assert orgsync("run", "contacts").code == 1
    acme.clear_faults()
    outcome = orgsync("doctor")
    assert "All is well." in outcome.out, outcome


def test_syncs_that_write_one_table_and_a_table_that_is_read_twice_are_problems(
    orgsync: Command, acme: DemoOrg, folder: Path
) -> None:
    (folder / "syncs").mkdir(exist_ok=True)
    (folder / "syncs" / "people.py").write_text(
        "from orgsync import Batches, Context, sync\nfrom orgsync_syncs.contacts import Contact\n\n"
        "@sync\ndef people(ctx: Context) -> Batches[Contact]:\n    return ctx.changes(Contact)\n\n"
        "@sync\nasync def twice(ctx: Context) -> Batches[Contact]:\n"
        "    for kind in 'ab':\n        async for batch in ctx.changes(Contact, where=kind):\n            yield batch\n"
    )
    unowned = orgsync("doctor")
    assert unowned.code == 2, unowned
    assert "The syncs people and twice both write to the table contact" in unowned.out
    assert len(re.findall("The syncs (?:people and twice|twice and people) both write", unowned.out)) == 1
    assert "The table contact is read twice in one run." in unowned.out
    assert orgsync("run", "contacts").code == 0
    assert "The table contact belongs to the sync contacts, so people may not write to it." in orgsync("doctor").out


OWN = (
    "from orgsync import Batches, Context, Record, sync\n\n"
    "class Own(Record, table=True):\n    __sobject__ = 'Account'\n    FIELDS\n\n"
    "@sync\ndef own(ctx: Context) -> Batches[Own]:\n    return ctx.changes(Own, WHERE)\n"
)


def test_findings_are_one_json_object_each_and_nothing_else(orgsync: Command, acme: DemoOrg, folder: Path) -> None:
    healthy = orgsync("doctor", "--json")
    assert healthy.code == 0, healthy
    assert {each["state"] for each in healthy.objects()} == {"ok"}
    assert "acme: sign-in" in {each["about"] for each in healthy.objects()}
    assert healthy.err == ""
    acme.revoke_refresh_tokens()
    ill = orgsync("doctor", "acme", "--json")
    [found] = [each for each in ill.objects() if each["state"] == "problem"]
    assert ill.code == found["error"]["exit_code"] == 3
    assert (found["about"], found["error"]["code"]) == ("acme: sign-in", "sign_in_needed")
    assert found["error"]["cause"]
    assert found["error"]["remedy"]


@pytest.mark.parametrize(
    ("where", "code", "said"),
    [
        ("where='Name = 1'", 1, "Check the where= that is given with Own"),
        ("where='Nonsense__c = 1'", 1, "Nonsense__c"),
        ("where='Name ='", 1, "unexpected token"),
        ("where='Name != null ORDER BY Name'", 1, "which does not belong in a condition"),
        ("where='Name = :name', name='Acme'", 0, "The condition is not tried: the script gives :name when it runs."),
        ("where=\"Name = ':name'\"", 0, "Account, 1 field"),
    ],
)
def test_a_condition_that_is_written_out_is_tried_on_the_org(
    orgsync: Command, acme: DemoOrg, folder: Path, where: str, code: int, said: str
) -> None:
    (folder / "syncs").mkdir()
    (folder / "syncs" / "own.py").write_text(OWN.replace("FIELDS", "name: str | None").replace("WHERE", where))
    outcome = orgsync("doctor")
    assert (outcome.code, said in outcome.out) == (code, True), outcome
    assert "not tried" not in outcome.out or ":name" in where


def test_a_column_of_another_type_than_the_class_says_is_a_problem(
    orgsync: Command, acme: DemoOrg, folder: Path
) -> None:
    (folder / "syncs").mkdir()
    script = folder / "syncs" / "own.py"
    script.write_text(OWN.replace("FIELDS", "name: str | None\n    annual_revenue: float | None").replace("WHERE", ""))
    assert orgsync("run", "own").code == 0
    assert orgsync("doctor").code == 0
    script.write_text(OWN.replace("FIELDS", "name: str | None\n    annual_revenue: str | None").replace("WHERE", ""))
    changed = orgsync("doctor")
    assert changed.code == 2
    assert "Own.annual_revenue is VARCHAR in the class, but FLOAT in the table own." in changed.out
    assert "orgsync reset" in changed.out
    assert "1 problem." in changed.out


def test_a_class_that_is_read_and_made_into_another_is_looked_at_as_well(
    orgsync: Command, acme: DemoOrg, folder: Path
) -> None:
    (folder / "syncs").mkdir()
    (folder / "syncs" / "cards.py").write_text(
        "from orgsync import Batches, Context, Record, field, sync\n\n"
        "class Source(Record, table=True):\n    __sobject__ = 'Contact'\n    nam: str | None = field('Account.Nam')\n\n"
        "class Card(Record, table=True):\n    __sobject__ = None\n    name: str | None\n\n"
        "@sync\nasync def cards(ctx: Context) -> Batches[Card]:\n"
        "    async for batch in ctx.changes(Source):\n"
        "        yield batch.map(lambda row: {'id': row.id}, model=Card)\n"
    )
    outcome = orgsync("doctor")
    assert outcome.code != 0
    assert "Account has no field Nam" in outcome.out


def test_a_syncs_name_in_place_of_a_connections_is_said_to_be_that(orgsync: Command, acme: DemoOrg) -> None:
    refused = orgsync("doctor", "contacts")
    assert refused.code == 2
    assert refused.problem()[0] == "contacts is a sync; orgsync doctor takes a connection."


@pytest.mark.parametrize("width", [50, 90, 400])
def test_a_command_stays_in_one_piece_in_a_narrow_terminal(
    orgsync: Command, acme: DemoOrg, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    acme.stop()
    monkeypatch.setenv("COLUMNS", str(width))
    assert "orgsync connect acme --login-url URL" in orgsync("doctor").out


@pytest.mark.parametrize("width", [50, 80, 400])
def test_paths_stay_in_one_piece_in_a_narrow_terminal(
    orgsync: Command, acme: DemoOrg, folder: Path, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    shown = orgsync("doctor").out
    assert str(folder / "orgsync.toml") in shown
    assert f"sqlite:///{folder / '.orgsync' / 'orgsync.db'}" in shown
    lines = shown.splitlines()
    assert [line for line in lines if len(line) > width and len(line.split()) > 1] == []
    assert all(line == line.rstrip() for line in lines)
    assert re.search(r"^ok {7}acme: key {13}the credentials", shown, re.MULTILINE)
