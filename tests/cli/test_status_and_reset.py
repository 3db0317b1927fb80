"""`orgsync status` and `orgsync reset`: how syncs stand, and discarding what one has copied."""

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from anyio import to_thread

from orgsync.clock import utc_now
from orgsync.demo_org import DemoOrg, Fault
from orgsync.project import open_project
from orgsync.project.views import instant
from orgsync.settings import load_settings

from .commandline import Command

OWN = """\
from orgsync import Batches, Context, Record, sync


class Company(Record, table=True):
    __sobject__ = "Account"
    name: str


@sync(every="15m")
def companies(ctx: Context) -> Batches[Company]:
    return ctx.changes(Company)
"""


@pytest.fixture
def own(folder: Path) -> None:
    (folder / "syncs").mkdir()
    (folder / "syncs" / "companies.py").write_text(OWN, encoding="utf-8")


@pytest.mark.usefixtures("own")
def test_status_shows_what_never_ran_what_ran_and_what_fails(orgsync: Command, acme: DemoOrg) -> None:
    before = orgsync("status")
    assert before.code == 0
    assert "never run" in before.out
    orgsync("run", "companies")
    after = orgsync("status", "--json")
    shown = json.loads(after.out)
    assert (after.code, shown["state"], shown["rows"], shown["failures"]) == (0, "ok", len(acme.rows("Account")), 0)
    assert shown["watermark"]
    assert shown["due"] > shown["last_success"]
    acme.add_fault(Fault.json_error(400, "MALFORMED_QUERY", "no"), match="/queryAll", times=None)
    orgsync("run", "companies", "--full")
    failing = orgsync("status")
    assert failing.code == 1
    assert "failing" in failing.out
    assert "companies on acme has failed: Salesforce refuses" in failing.err
    whole = str(orgsync("runs", "--json").objects()[0]["error"])
    assert " ".join(whole.split()) in " ".join(failing.err.split()), "the remedy too"


@pytest.mark.usefixtures("own", "acme")
def test_status_shows_the_alerts_that_are_active(orgsync: Command, folder: Path) -> None:
    orgsync("run", "companies")
    with closing(sqlite3.connect(folder / ".orgsync" / "orgsync.db")) as raw, raw:
        for kind, subject in (("lag", "companies"), ("lag", "others"), ("api_limit", "")):
            raw.execute(
                "INSERT INTO orgsync_alert (kind, connection, subject, message, raised_at) VALUES (?, 'acme', ?, ?, ?)",
                (kind, subject, f"It is {kind}. See why: orgsync status", "2026-01-31T10:15:00.000Z"),
            )
    [shown] = orgsync("status", "--json").objects()
    assert shown["alerts"] == [
        {
            "kind": kind,
            "connection": "acme",
            "subject": subject,
            "message": f"It is {kind}. See why: orgsync status",
            "raised_at": "2026-01-31T10:15:00.000Z",
        }
        for kind, subject in (("api_limit", None), ("lag", "companies"))
    ]
    told = orgsync("status")
    assert told.code == 0
    assert [line.partition(": ")[2] for line in told.err.splitlines()] == ["It is api_limit.", *["It is lag."] * 2]
    assert told.err.startswith("Alert since ")
    execute(folder, "UPDATE orgsync_alert SET connection = 'other' WHERE subject = 'others'")
    of_one = orgsync("status", "-c", "acme").err.splitlines()
    assert [line.partition(": ")[2] for line in of_one] == ["It is api_limit.", "It is lag."]
    assert orgsync("status", "--sync", "companies").err.splitlines() == of_one


@pytest.mark.usefixtures("own", "acme")
def test_a_narrow_status_keeps_what_matters_most_and_names_the_columns_it_leaves_out(
    orgsync: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    orgsync("run", "companies")
    wide = orgsync("status")
    assert wide.out.split("\n")[0].split("  ")[0] == "sync"
    assert "left out" not in wide.err
    monkeypatch.setenv("COLUMNS", "80")
    narrow = orgsync("status")
    assert re.sub(" +", " ", narrow.out.splitlines()[0].strip()) == "sync connection state lag rows failed due (UTC)"
    assert narrow.err == "1 column is left out, too wide: last success (UTC); --json shows all\n"
    monkeypatch.setenv("COLUMNS", "60")
    narrow = orgsync("status")
    assert re.sub(" +", " ", narrow.out.splitlines()[0].strip()) == "sync connection state lag rows due (UTC)"
    monkeypatch.setenv("COLUMNS", "48")
    narrow = orgsync("status")
    assert re.sub(" +", " ", narrow.out.splitlines()[0].strip()) == "sync connection state lag rows"
    assert "…" not in narrow.out


@pytest.mark.usefixtures("own")
def test_status_of_one_connection_or_one_sync_shows_and_counts_nothing_else(orgsync: Command, acme: DemoOrg) -> None:
    orgsync("run", "contacts")
    acme.add_fault(Fault.json_error(400, "MALFORMED_QUERY", "no"), match="/queryAll", times=None)
    orgsync("run", "companies")
    assert {each["sync"] for each in orgsync("status", "-c", "acme", "--json").objects()} == {"companies", "contacts"}
    one = orgsync("status", "-c", "acme", "--sync", "contacts", "--json")
    assert (one.code, [each["sync"] for each in one.objects()]) == (0, ["contacts"])
    assert orgsync("status", "--sync", "companies").code == 1
    unknown = orgsync("status", "-c", "acm")
    assert (unknown.code, unknown.out) == (2, "")
    assert "There is no connection 'acm'; did you mean 'acme'?" in unknown.err
    assert "There is no sync 'contact'; did you mean 'contacts'?" in orgsync("status", "--sync", "contact").err
    assert (
        "Nothing matches: no such sync has run or is scheduled there. orgsync status shows all syncs."
        in orgsync("status", "--sync", "accounts").err
    )


@pytest.mark.usefixtures("own", "acme")
def test_status_of_a_sync_that_may_be_in_a_script_that_does_not_load_is_not_well(
    orgsync: Command, folder: Path
) -> None:
    (folder / "syncs" / "broken.py").write_text("import nope\n", encoding="utf-8")
    found = orgsync("status", "--sync", "invoices", "--json")
    assert [each["sync"] for each in found.objects()] == ["broken"]
    assert found.code == 1
    assert "Nothing matches" in found.err


@pytest.mark.usefixtures("own", "acme")
def test_an_answer_from_a_pipe_that_is_neither_yes_nor_no_is_an_error(orgsync: Command) -> None:
    orgsync("run", "companies")
    found = orgsync("reset", "companies", answers="maybe\n")
    assert found.code == 2
    assert "'maybe' is not an answer to that question." in found.err
    assert "--yes" in found.err


@pytest.mark.usefixtures("own")
async def test_status_says_what_a_run_has_long_waited_for(orgsync: Command, acme: DemoOrg, folder: Path) -> None:
    async with (
        open_project(load_settings(folder)) as opened,
        opened.store.runs.begin("companies", "acme") as run,
    ):
        await opened.store.runs.note(run.id, "It waits to try again. The org is busy. Try later.")
        waiting = await to_thread.run_sync(lambda: orgsync("status"))
        [shown] = (await to_thread.run_sync(lambda: orgsync("status", "--json"))).objects()
    assert waiting.code == 1
    assert "companies on acme has been running for" in waiting.err
    assert "It waits to try again. The org is busy. Try later." in waiting.err
    assert (shown["state"], shown["waits_for"]) == ("running", "It waits to try again. The org is busy. Try later.")
    assert shown["running_for"] >= 0


def test_status_says_what_to_do_where_there_is_nothing(orgsync: Command, folder: Path) -> None:
    outcome = orgsync("status")
    assert outcome.code == 0
    assert "orgsync connect NAME" in outcome.err


@pytest.mark.usefixtures("own")
def test_reset_asks_gives_up_rows_and_position_and_the_next_run_copies_anew(orgsync: Command, acme: DemoOrg) -> None:
    orgsync("run", "companies")
    rows = len(acme.rows("Account"))
    kept = orgsync("reset", "companies", answers="n\n")
    assert (kept.code, kept.out) == (1, "Nothing was discarded.\n")
    assert f"Discard {rows} rows in company and 1 position?" in kept.err
    assert len(orgsync("records", "company", "--format", "json").out.splitlines()) == rows
    outcome = orgsync("reset", "companies", "--yes")
    assert outcome.code == 0
    assert "companies is reset" in outcome.out
    assert orgsync("records", "company").problem() == (
        "The sync companies was reset and has not run since, so there is no table company.",
        "Run it: orgsync run companies, which reads everything again.",
    )
    assert json.loads(orgsync("run", "companies", "--json").out)["added"] == rows


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize("reset_before", [False, True])
def test_a_table_that_the_runs_of_its_sync_have_not_made_is_not_said_to_be_reset(
    orgsync: Command, acme: DemoOrg, *, reset_before: bool
) -> None:
    if reset_before:
        orgsync("run", "companies")
        orgsync("reset", "companies", "--yes")
    acme.add_fault(Fault.json_error(400, "MALFORMED_QUERY", "no"), match="/services/data", times=None)
    assert orgsync("run", "companies", "--full").code != 0
    assert orgsync("records", "company").problem() == (
        "There is no table company: the sync companies has run, and has not written to it, or it was dropped since.",
        "See how its runs have ended: orgsync runs --sync companies. Run it: orgsync run companies",
    )


@pytest.mark.usefixtures("own", "acme")
def test_reset_of_what_never_ran_names_a_connection_that_there_is_not(orgsync: Command) -> None:
    assert "has not run yet" in orgsync("reset", "companies", "-c", "acme").problem()[0]
    assert "There is no connection 'acmee'" in orgsync("reset", "companies", "-c", "acmee").problem()[0]


@pytest.mark.usefixtures("own")
def test_reset_of_one_connection_keeps_the_table(orgsync: Command, acme: DemoOrg) -> None:
    orgsync("run", "companies")
    assert orgsync("reset", "companies", "-c", "acme", "--yes").code == 0
    assert orgsync("records", "company").code == 0
    assert "There is nothing to reset" in orgsync("reset", "companies", "-c", "acme", "--yes").out


@pytest.mark.usefixtures("own", "acme")
@pytest.mark.parametrize("of", [(), ("-c", "acme")])
def test_status_of_a_sync_that_was_reset_has_no_success_and_is_due_now(orgsync: Command, of: tuple[str, ...]) -> None:
    orgsync("run", "companies")
    orgsync("reset", "companies", *of, "--yes")
    (shown,) = orgsync("status", "--json").objects()
    assert (shown["state"], shown["rows"]) == ("reset", 0)
    assert (shown["last_success"], shown["watermark"], shown["lag"]) == (None, None, None)
    assert str(shown["due"]) <= str(instant(utc_now()))
    said = orgsync("status")
    assert said.code == 1
    assert said.err == (
        "companies on acme was reset and has not run since: its copy is empty. "
        "Run it: orgsync run companies -c acme; orgsync up does so at once\n"
    )
    orgsync("run", "companies")
    again = orgsync("status", "--json")
    assert (again.code, json.loads(again.out)["state"]) == (0, "ok")


@pytest.mark.usefixtures("acme")
def test_a_sync_that_is_run_by_hand_and_was_reset_needs_nobody(orgsync: Command) -> None:
    orgsync("run", "contacts")
    orgsync("reset", "contacts", "-c", "acme", "--yes")
    said = orgsync("status")
    assert (said.code, said.err) == (
        0,
        "contacts on acme was reset and has not run since: its copy is empty. Run it: orgsync run contacts -c acme\n",
    )


@pytest.mark.usefixtures("own")
def test_a_misspelt_sync_or_connection_is_not_reset(orgsync: Command, acme: DemoOrg) -> None:
    orgsync("run", "companies")
    outcome = orgsync("reset", "compnies", "--yes")
    assert (outcome.code, "companies" in outcome.err) == (2, True)
    assert orgsync("reset", "companies", "-c", "acmee", "--yes").code == 2


@pytest.mark.usefixtures("own")
def test_a_table_that_was_given_up_may_belong_to_another_sync(orgsync: Command, acme: DemoOrg, folder: Path) -> None:
    orgsync("run", "companies")
    (folder / "syncs" / "companies.py").write_text(OWN.replace("def companies", "def firms"), encoding="utf-8")
    refused = orgsync("run", "firms")
    assert refused.code == 2
    assert "orgsync reset companies" in refused.err
    orgsync("reset", "companies", "--yes")
    assert orgsync("run", "firms").code == 0


@pytest.mark.usefixtures("own")
def test_a_table_that_was_dropped_by_hand_can_be_reset_on_one_connection(
    orgsync: Command, acme: DemoOrg, folder: Path
) -> None:
    orgsync("run", "companies")
    drop(folder, "company")
    outcome = orgsync("reset", "companies", "-c", "acme", "--yes")
    assert (outcome.code, "is reset on acme" in outcome.out) == (0, True)
    orgsync("run", "companies")
    assert len(orgsync("records", "company", "--format", "json").objects()) == len(acme.rows("Account"))


@pytest.mark.usefixtures("own")
def test_status_fails_where_scripts_cannot_be_read(orgsync: Command, acme: DemoOrg, folder: Path) -> None:
    orgsync("run", "companies")
    script = folder / "syncs" / "companies.py"
    script.write_text(f"import nope\n{script.read_text(encoding='utf-8')}", encoding="utf-8")
    outcome = orgsync("status", "--json")
    assert (outcome.code, json.loads(outcome.out)["state"]) == (1, "failing")
    assert "nope" in json.loads(outcome.out)["script_error"]
    assert "companies on acme cannot run: " in orgsync("status").err


@pytest.mark.usefixtures("own", "acme")
def test_status_fails_for_a_script_that_has_never_loaded_with_its_own_problem(orgsync: Command, folder: Path) -> None:
    orgsync("run", "companies")
    (folder / "syncs" / "broken.py").write_text("def x(:\n", encoding="utf-8")
    (folder / "syncs" / "other.py").write_text("import nope\n", encoding="utf-8")
    outcome = orgsync("status", "--json")
    shown = {str(each["sync"]): each for each in outcome.objects()}
    assert outcome.code == 1
    assert {name: each["state"] for name, each in shown.items()} == {
        "broken": "failing",
        "companies": "ok",
        "other": "failing",
    }
    assert "invalid syntax. Correct the line." in str(shown["broken"]["script_error"])
    assert "nope" in str(shown["other"]["script_error"])


@pytest.mark.usefixtures("own")
def test_status_tells_a_failed_run_from_a_script_that_does_not_load(
    orgsync: Command, acme: DemoOrg, folder: Path
) -> None:
    acme.add_fault(Fault.json_error(400, "MALFORMED_QUERY", "no"), match="/queryAll", times=None)
    orgsync("run", "companies")
    (folder / "syncs" / "companies.py").write_text("import nope\n", encoding="utf-8")
    shown = json.loads(orgsync("status", "--json").out)
    assert (shown["failures"], shown["error_code"], shown["script_error_code"]) == (
        1,
        "query_refused",
        "script_not_loaded",
    )
    said = orgsync("status").err
    assert "companies on acme cannot run: " in said
    assert "companies on acme has failed: Salesforce refuses" in said


@pytest.mark.usefixtures("own", "acme")
def test_a_sync_whose_script_was_deleted_is_not_failing_and_is_left_out_once_it_is_reset(
    orgsync: Command, acme: DemoOrg, folder: Path
) -> None:
    orgsync("run", "companies")
    acme.add_fault(Fault.json_error(400, "MALFORMED_QUERY", "no"), match="/queryAll", times=None)
    orgsync("run", "companies", "--full")
    (folder / "syncs" / "companies.py").unlink()
    outcome = orgsync("status")
    assert (outcome.code, "no script" in outcome.out) == (0, True)
    assert outcome.err == ("No script of this project has companies. To give up its copy: orgsync reset companies\n")
    orgsync("reset", "companies", "--yes")
    assert orgsync("status", "--json").out == ""


@pytest.mark.usefixtures("own")
def test_a_run_that_died_is_not_running(orgsync: Command, acme: DemoOrg, folder: Path) -> None:
    orgsync("run", "companies")
    execute(folder, "UPDATE orgsync_run SET status = 'running', finished_at = NULL")
    shown = json.loads(orgsync("status", "--json").out)
    assert (shown["state"], shown["error"]) == (
        "failing",
        "The run's end was not noted: its process ended before, or could not write to the database. "
        "What it had committed is kept, and the next run resumes there.",
    )
    for listed in (orgsync("runs", "--json").objects(), orgsync("runs", "1", "--json").objects()):
        assert [(each["status"], each["error_code"]) for each in listed] == [("failed", "process_died")]


@pytest.mark.usefixtures("own")
def test_a_sync_of_a_package_is_never_due_for_nobody_runs_it_unasked(orgsync: Command, acme: DemoOrg) -> None:
    orgsync("run", "contacts")
    shown = [each for each in orgsync("status", "--json").objects() if each["sync"] == "contacts"]
    assert [each["due"] for each in shown] == [None]


def test_the_lag_is_of_what_the_sync_reads_now(orgsync: Command, acme: DemoOrg, folder: Path) -> None:
    both = OWN + "\n\nclass Person(Record, table=True):\n    __sobject__ = 'Contact'\n    last_name: str | None\n"
    both = both.replace("def companies", "async def companies").replace("Batches[Company]", "Batches[Record]")
    both = both.replace(
        "    return ctx.changes(Company)\n",
        "    for model in (Company, Person):\n"
        "        async for batch in ctx.changes(model):\n            yield batch\n",
    )
    (folder / "syncs").mkdir()
    (folder / "syncs" / "companies.py").write_text(both, encoding="utf-8")
    assert orgsync("run", "companies").code == 0
    (folder / "syncs" / "companies.py").write_text(OWN, encoding="utf-8")
    execute(folder, "UPDATE orgsync_checkpoint SET watermark = '2020-01-01T00:00:00.000Z' WHERE stream = 'person'")
    acme.advance(minutes=20)
    run = json.loads(orgsync("run", "companies", "--json").out)
    assert run["watermark"] > "2020-01-02"
    assert json.loads(orgsync("status", "--json").out)["watermark"] == run["watermark"]


def drop(folder: Path, table: str) -> None:
    execute(folder, f"DROP TABLE {table}")


def execute(folder: Path, statement: str) -> None:
    """Run a statement on the project's database, as a person would."""
    with closing(sqlite3.connect(folder / ".orgsync" / "orgsync.db")) as database:
        database.execute(statement)
        database.commit()


@pytest.mark.usefixtures("own")
def test_status_of_a_failure_whose_reason_is_not_kept_ends_with_a_full_stop(
    orgsync: Command, acme: DemoOrg, folder: Path
) -> None:
    """As after an upgrade, where the run that failed was deleted before, and one was stopped since."""
    acme.add_fault(Fault.json_error(400, "MALFORMED_QUERY", "no"), match="/queryAll", times=None)
    orgsync("run", "companies")
    execute(folder, "UPDATE orgsync_run SET status = 'stopped'")
    execute(folder, "UPDATE orgsync_standing SET failure_error = NULL, failure_error_code = NULL")
    assert "companies on acme has failed.\n" in orgsync("status").err
