"""`orgsync write`: rows of a file arrive, the others are named, and what is wrong is found before anything is sent."""

import csv
import json
import signal
import subprocess
import time
from pathlib import Path

import pytest

from orgsync.demo_org import DemoOrg, Fault

from .commandline import Command, started

INSERT = ("--object", "Contact", "--operation", "insert")


def sent(org: DemoOrg) -> list[str]:
    return [each.path for each in org.requests if each.method != "GET" and "/services/data" in each.path]


def last_names(org: DemoOrg) -> set[str]:
    return {str(row["LastName"]) for row in org.rows("Contact")}


def test_rows_of_a_file_arrive_and_refused_ones_can_be_corrected_and_written(
    orgsync: Command, acme: DemoOrg, folder: Path
) -> None:
    before = len(acme.rows("Contact"))
    (folder / "people.csv").write_text(
        'LastName,FirstName,Title\nLovelace,Ada,"Countess, of"\n,Nobody,\nHopper,Grace,\n'
    )
    outcome = orgsync("write", "people.csv", *INSERT)
    assert outcome.code == 1
    assert outcome.out.splitlines() == [
        "people.csv to Contact on acme: 2 rows written (2 new), 1 refused",
        "  line 3: REQUIRED_FIELD_MISSING (LastName): Required fields are missing: [LastName]",
    ]
    assert "people.refused.csv; correct them" in outcome.err
    with (folder / "people.refused.csv").open() as file:
        [row] = list(csv.DictReader(file))
    assert (row["FirstName"], row["orgsync_line"], row["orgsync_status"]) == ("Nobody", "3", "refused")
    corrected = (folder / "people.refused.csv").read_text().replace("\n,Nobody", "\nSomebody,Nobody")
    (folder / "people.refused.csv").write_text(corrected)
    again = orgsync("write", "people.refused.csv", *INSERT)
    assert (again.code, again.out) == (0, "people.refused.csv to Contact on acme: 1 row written (1 new)\n")
    assert {"Lovelace", "Hopper", "Somebody"} <= last_names(acme)
    assert len(acme.rows("Contact")) == before + 3


def test_a_file_that_was_written_is_not_written_again_unasked(orgsync: Command, acme: DemoOrg, folder: Path) -> None:
    (folder / "people.csv").write_text("LastName\nLovelace\n")
    before = len(acme.rows("Contact"))
    assert orgsync("write", "people.csv", *INSERT).code == 0
    acme.clear_requests()
    twice = orgsync("write", "people.csv", *INSERT)
    assert twice.code == 0
    assert "was already written at" in twice.out
    assert not sent(acme)
    assert orgsync("write", "people.csv", *INSERT, "--again").code == 0
    assert len(acme.rows("Contact")) == before + 2


def test_json_lines_tell_null_from_absent(orgsync: Command, acme: DemoOrg, folder: Path) -> None:
    row_id = str(acme.rows("Contact")[0]["Id"])
    acme.update("Contact", row_id, Title="Countess", Department="Analysis")
    (folder / "people.jsonl").write_text(json.dumps({"Id": row_id, "Title": None}) + "\n")
    outcome = orgsync("write", "people.jsonl", "--object", "contact", "--operation", "update", "--json")
    assert outcome.code == 0, outcome
    [view] = outcome.objects()
    assert {name: view[name] for name in ("rows", "written", "created", "refused", "unprocessed", "unknown")} == {
        "rows": 1, "written": 1, "created": 0, "refused": 0, "unprocessed": 0, "unknown": 0,
    }  # fmt: skip
    [row] = [row for row in acme.rows("Contact") if row["Id"] == row_id]
    assert (row["Title"], row["Department"]) == (None, "Analysis")


def test_json_names_the_rows_that_failed(orgsync: Command, acme: DemoOrg, folder: Path) -> None:
    (folder / "people.csv").write_text("LastName,FirstName\nA,B\n,C\n")
    outcome = orgsync("write", "people.csv", *INSERT, "--json")
    assert outcome.code == 1
    [view] = outcome.objects()
    [failure] = view["failures"]
    assert (failure["line"], failure["code"], failure["fields"]) == (3, "REQUIRED_FIELD_MISSING", ["LastName"])
    assert view["refused_file"] == "people.refused.csv"


WRONG_FILES = {
    "delimiter": (b"LastName;FirstName\nA;B\n", "line 1, column 9: the columns are separated by a semicolon"),
    "delimiter of quoted names": (
        b'"LastName";"FirstName"\n"A";"B"\n',
        "line 1, column 11: the columns are separated by",
    ),
    "utf-16": ("LastName\nA\n".encode("utf-16"), "line 1, column 1: the file begins with the byte-order mark"),
    "latin-1": ("LastName,FirstName\nA,B\nM\xfcller,C\n".encode("latin-1"), "line 3, column 2: a byte there is not"),
    "open quote": (b'LastName,FirstName\nA,B\nC,"D\nE,F\n', "line 3, column 3: the quote that opens a value"),
    "text behind a quote": (b'LastName,FirstName\nA,"B"x\n', "line 2, column 6: text follows the closing quote"),
    "width": (b"LastName,FirstName\nA,B\nC\n", "line 3: the row has 1 columns, and the header 2"),
    "no name": (b"LastName,\nA,B\n", "line 1: column 2 has no name"),
    "blanks": (b"LastName, FirstName\nA,B\n", "line 1: column 2 has blanks around its name 'FirstName'"),
    "twice": (b"LastName,lastname\nA,B\n", "line 1: column 2 has the same name as another column, 'lastname'"),
    "empty": (b"", "is empty"),
    "old line ends": (b"LastName,FirstName\rA,B\rC,D\r", "carriage return"),
}


WRONG_JSON_LINES = {
    "utf-16": ('{"LastName": "A"}\n'.encode("utf-16"), "line 1, column 1: the file begins with the byte-order mark"),
    "latin-1": ("\ufeffÄÄ".encode() + b"\xff\n", "line 1, column 3: a byte there is not"),
    "ends early": (b'{"LastName": "A"}\n{"LastName"\n', "line 2, column 12: this is not JSON"),
    "not JSON": (b'{"LastName": "A"}\n{"LastName"}\n', "line 2, column 12: this is not JSON"),
    "number without end": (b'{"LastName": ' + b"1" * 5000 + b"}\n", "line 1: a number is too long"),
    "too deep": (b"[" * 200_000 + b"\n", "line 1: a number is too long, or values are nested"),
    "name twice": (b'{"LastName": "A", "LastName": "B"}\n', "line 1: the name 'LastName' is there twice"),
    "no object": (b"[1]\n", "line 1, column 1: a row is an object"),
}


@pytest.mark.parametrize(
    ("file", "name"),
    [*(("people.csv", name) for name in WRONG_FILES), *(("people.jsonl", name) for name in WRONG_JSON_LINES)],
)
def test_a_file_that_is_no_such_csv_or_json_is_named_by_line_and_column(
    orgsync: Command, acme: DemoOrg, folder: Path, file: str, name: str
) -> None:
    content, said = (WRONG_FILES if file == "people.csv" else WRONG_JSON_LINES)[name]
    (folder / file).write_bytes(content)
    outcome = orgsync("write", file, *INSERT)
    assert outcome.code == 2
    cause, _ = outcome.problem()
    assert said in cause
    assert not sent(acme)


def test_a_byte_order_mark_of_utf_8_and_another_delimiter_are_read(
    orgsync: Command, acme: DemoOrg, folder: Path
) -> None:
    (folder / "people.csv").write_bytes("LastName\tFirstName\r\nMüller\tÄnne\r\n".encode("utf-8-sig"))
    outcome = orgsync("write", "people.csv", *INSERT, "--delimiter", "tab")
    assert outcome.code == 0, outcome
    assert "Müller" in last_names(acme)


WRONG_CALLS = {
    "object": (("--object", "Contcat", "--operation", "insert"), "no object Contcat", "Contact"),
    "operation": (("--object", "Contact", "--operation", "instert"), "no operation 'instert'", "insert"),
    "spelling": (("--object", "Contact", "--operation", "hard-delete"), "no operation 'hard-delete'", "hard_delete"),
    "external id": (
        ("--object", "Contact", "--operation", "upsert", "--external-id", "Kye__c"),
        "no field Kye__c",
        "Key__c",
    ),
    "no external id": (
        ("--object", "Contact", "--operation", "upsert", "--external-id", "Title"),
        "Title is neither an external id nor a standard field that finds rows",
        "Key__c",
    ),
    "upsert without": (("--object", "Contact", "--operation", "upsert"), "none is given", "--external-id Key__c"),
    "external id for insert": (
        ("--object", "Contact", "--operation", "insert", "--external-id", "Key__c"),
        "insert does not use an external id",
        "(--external-id)",
    ),
    "an object without external ids": (
        ("--object", "Account", "--operation", "upsert", "--external-id", "Name"),
        "Account.Name is neither an external id",
        "Account has no such field: mark a custom field as an external id in Setup, or use update",
    ),
    "key column": (("--object", "Contact", "--operation", "update"), "no column Id", "Add the column Id"),
}


@pytest.mark.parametrize("name", WRONG_CALLS)
def test_a_wrong_call_names_the_nearest_right_one_before_anything_is_sent(
    orgsync: Command, acme: DemoOrg, folder: Path, name: str
) -> None:
    acme.add_field("Contact", "Key__c", external_id=True)
    arguments, cause_has, remedy_has = WRONG_CALLS[name]
    (folder / "people.csv").write_text("LastName\nA\n")
    outcome = orgsync("write", "people.csv", *arguments)
    assert outcome.code != 0
    cause, remedy = outcome.problem()
    assert cause_has in cause
    assert remedy_has in f"{cause} {remedy}"
    assert not sent(acme)


@pytest.mark.parametrize("rows", ["A,\nB,C\n", ""])
def test_a_wrong_field_is_named_with_its_column_and_the_nearest(
    orgsync: Command, acme: DemoOrg, folder: Path, rows: str
) -> None:
    (folder / "people.csv").write_text(f"LastName,FristName\n{rows}")
    cause, _ = orgsync("write", "people.csv", *INSERT).problem()
    assert cause == (
        "Contact has no field FristName, or the connection's user may not see it. Did you mean FirstName? "
        "(line 1, column 2)"
    )
    assert not sent(acme)


@pytest.mark.parametrize(
    ("name", "content", "there"),
    [
        ("old.csv", "LastName,Title\nA,B\n", "the columns are: LastName"),
        ("old.jsonl", '{"LastName": "A"}\n', "the columns are: LastName"),
        ("old.jsonl", "{}\n", "it has none."),
    ],
)
def test_rows_to_delete_that_have_no_id_are_refused_with_the_columns_that_they_have(
    orgsync: Command, acme: DemoOrg, folder: Path, name: str, content: str, there: str
) -> None:
    (folder / name).write_text(content)
    cause, remedy = orgsync("write", name, "--object", "Contact", "--operation", "delete").problem()
    assert cause == "A row has no column Id, and delete needs the Id of each row. (line 1)"
    assert remedy.startswith(f"Add the column Id; {there}")


def test_a_file_that_is_not_there_is_reported_with_one_whose_name_is_like_it(
    orgsync: Command, acme: DemoOrg, folder: Path
) -> None:
    (folder / "people.csv").write_text("LastName\nA\n")
    assert orgsync("write", "poeple.csv", *INSERT).problem() == (
        "poeple.csv does not exist.",
        "Did you mean people.csv?",
    )
    assert orgsync("write", "contacts.csv", *INSERT).problem()[1] == "Check the path."


def test_a_field_that_cannot_be_written_is_named(orgsync: Command, acme: DemoOrg, folder: Path) -> None:
    (folder / "people.csv").write_text("LastName,CreatedDate\nA,2026-01-01T00:00:00Z\n")
    cause, _ = orgsync("write", "people.csv", *INSERT).problem()
    assert "Contact.CreatedDate cannot be written by insert" in cause


def test_a_dry_run_names_the_rows_that_would_be_refused_and_sends_nothing(
    orgsync: Command, acme: DemoOrg, folder: Path
) -> None:
    acme.add_field("Contact", "Age__c", type="double")
    (folder / "people.csv").write_text("LastName,Birthdate,Age__c\nA,1815-12-10,3\nB,soon,\n,,\nC,,old\n")
    outcome = orgsync("write", "people.csv", *INSERT, "--dry-run")
    assert outcome.code == 1
    assert outcome.out.splitlines() == [
        "people.csv to Contact on acme: 4 rows would be sent by 1 collection call; nothing was.",
        "  line 3: Birthdate is not a date as 2026-01-31 is one",
        "  line 4: LastName is required and empty",
        "  line 5: Age__c is not a number",
        "3 rows would be refused.",
    ]
    assert not sent(acme)


def test_an_upsert_by_a_standard_field_that_finds_rows_does_what_the_dry_run_says(
    orgsync: Command, acme: DemoOrg, folder: Path
) -> None:
    known = str(acme.insert("Contact", LastName="Lovelace", Email="ada@example.com"))
    (folder / "people.csv").write_text("Email,LastName\nADA@example.com,King\ngrace@example.com,Hopper\n")
    upsert = ("--object", "Contact", "--operation", "upsert", "--external-id", "Email")
    dry = orgsync("write", "people.csv", *upsert, "--dry-run")
    assert (dry.code, dry.out) == (
        0,
        "people.csv to Contact on acme: 2 rows would be sent by 1 collection call; nothing was.\n",
    )
    outcome = orgsync("write", "people.csv", *upsert)
    assert (outcome.code, outcome.out) == (0, "people.csv to Contact on acme: 2 rows written (1 new)\n")
    assert [row["LastName"] for row in acme.rows("Contact") if row["Id"] == known] == ["King"]


def test_a_lookup_by_a_parents_external_id_is_written(orgsync: Command, acme: DemoOrg, folder: Path) -> None:
    acme.add_field("Account", "Key__c", external_id=True)
    account = str(acme.rows("Account")[0]["Id"])
    acme.update("Account", account, Key__c="a1")
    (folder / "people.csv").write_text("LastName,account.key__c\nLovelace,a1\n")
    assert orgsync("write", "people.csv", *INSERT).code == 0
    [row] = [row for row in acme.rows("Contact") if row["LastName"] == "Lovelace"]
    assert row["AccountId"] == account


def test_a_spent_limit_ends_the_write_and_the_same_command_goes_on(
    orgsync: Command, acme: DemoOrg, folder: Path
) -> None:
    before = len(acme.rows("Contact"))
    (folder / "people.csv").write_text("LastName\n" + "".join(f"Name {number}\n" for number in range(500)))
    acme.api_limit = acme.api_used + 4
    stopped = orgsync("write", "people.csv", *INSERT)
    assert stopped.code == 4
    assert "Later, the same command resumes the write, and writes no row twice." in " ".join(stopped.err.split())
    assert "correct them" not in stopped.err
    assert "people.refused.csv; complete this write first" in stopped.err
    assert 0 < len(acme.rows("Contact")) - before < 500
    acme.api_limit = 100_000
    assert (folder / "people.refused.csv").exists()
    went_on = orgsync("write", "people.csv", *INSERT)
    assert (went_on.code, went_on.out) == (0, "people.csv to Contact on acme: 500 rows written (500 new)\n")
    assert len(acme.rows("Contact")) == before + 500
    assert not (folder / "people.refused.csv").exists()


def test_rows_of_a_call_that_is_refused_as_a_whole_are_refused_with_one_remedy(
    orgsync: Command, acme: DemoOrg, folder: Path
) -> None:
    (folder / "people.csv").write_text("LastName\n" + "".join(f"Name {number}\n" for number in range(300)))
    acme.add_fault(Fault.json_error(403, "INSUFFICIENT_ACCESS", "no Create"), match="composite/sobjects", times=2)
    view = orgsync("write", "people.csv", *INSERT, "--json").objects()[0]
    assert (view["refused"], view["unprocessed"]) == (200, 100)
    assert view["failures"][0] | {"line": 0} == {
        "line": 0,
        "status": "refused",
        "code": "INSUFFICIENT_ACCESS",
        "fields": [],
        "message": "The whole call was refused: no Create",
    }
    assert view["remedy"].endswith("Then the same command resumes the write, and writes no row twice.")
    outcome = orgsync("write", "people.csv", *INSERT)
    assert outcome.code == 1
    assert outcome.out.splitlines()[:2] == [
        "people.csv to Contact on acme: 0 rows written, 200 refused, 100 not processed",
        "  line 2: INSUFFICIENT_ACCESS: The whole call was refused: no Create",
    ]
    assert "correct them" not in outcome.err
    assert outcome.err.splitlines() == [
        "Rows that are not known to be in the org: people.refused.csv; complete this write first.",
        f"error: {view['error']}",
        f"       {view['remedy']}",
    ]
    with (folder / "people.refused.csv").open() as file:
        errors = [(row["orgsync_status"], row["orgsync_error"]) for row in csv.DictReader(file)]
    assert errors[0] == ("refused", "INSUFFICIENT_ACCESS: The whole call was refused: no Create")
    assert errors[-1] == ("unprocessed", "The write ended before the row was sent.")
    went_on = orgsync("write", "people.csv", *INSERT)
    assert (went_on.code, went_on.out) == (0, "people.csv to Contact on acme: 300 rows written (300 new)\n")
    assert not (folder / "people.refused.csv").exists()


def test_ctrl_c_says_what_is_known_and_the_same_command_goes_on(orgsync: Command, acme: DemoOrg, folder: Path) -> None:
    before = len(acme.rows("Contact"))
    (folder / "people.csv").write_text("LastName\n" + "".join(f"Name {number}\n" for number in range(2_500)))
    acme.bulk_polls = None  # the job never ends
    with started(folder, "write", "people.csv", *INSERT) as process:
        while process.poll() is None and not any(
            each.method == "GET" and "/jobs/ingest/" in each.path for each in acme.requests
        ):
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert out == "people.csv to Contact on acme: 0 rows written, 2,500 unknown\n"
    assert "the same command resumes the write" in err
    acme.bulk_polls = 1
    went_on = orgsync("write", "people.csv", *INSERT)
    assert (went_on.code, went_on.out) == (0, "people.csv to Contact on acme: 2,500 rows written (2,500 new)\n")
    assert len(acme.rows("Contact")) == before + 2_500


def test_ctrl_c_while_a_file_is_checked_says_that_nothing_was_sent(
    orgsync: Command, acme: DemoOrg, folder: Path
) -> None:
    (folder / "people.csv").write_text("LastName\nLovelace\n")
    acme.add_fault(Fault.hang(), match="describe")
    with started(folder, "write", "people.csv", *INSERT) as process:
        while process.poll() is None and not any("describe" in each.path for each in acme.requests):
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert "Interrupted; nothing was sent now" in err
    assert not sent(acme)


@pytest.mark.parametrize(
    ("written", "encoding"),
    [("\ufeffLastName\n".encode("utf-16-le"), "UTF-16"), (b"LastName\nM\xfcller\n", "WINDOWS-1252")],
)
def test_the_command_that_converts_a_file_of_another_encoding_works_as_it_is_printed(
    orgsync: Command, acme: DemoOrg, folder: Path, written: bytes, encoding: str
) -> None:
    (folder / "my people.csv").write_bytes(written)
    _, remedy = orgsync("write", "my people.csv", *INSERT).problem()
    printed = f"iconv -f {encoding} -t UTF-8 'my people.csv' > 'my people.utf8.csv'"
    assert remedy.endswith(printed)
    subprocess.run(["/bin/sh", "-c", printed], cwd=folder, check=True)
    assert (folder / "my people.utf8.csv").read_text().startswith("LastName\n")
