"""Bulk API 2.0 query jobs: their life, their results as CSV, what they refuse, and how they go wrong on request."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import httpx
import pytest

from orgsync.demo_org import DemoOrg, Fault, api_bulk
from tests.demo_org.caller import BASE, Caller
from tests.demo_org.conftest import NOW
from tests.recordings import FOLDER, needs_recordings, reported

JOBS = "/jobs/query"


def created(api: Caller, soql: str, operation: str = "query", **more: str) -> dict[str, Any]:
    answer = api.send("POST", JOBS, {"operation": operation, "query": soql, **more})
    assert answer.status_code == 200, answer.text
    job: dict[str, Any] = answer.json()
    return job


def completed(api: Caller, soql: str, operation: str = "query", **more: str) -> str:
    """Create a job, poll until it is complete, and return its id."""
    job_id = str(created(api, soql, operation, **more)["id"])
    while api.get(f"{JOBS}/{job_id}").json()["state"] != "JobComplete":
        pass
    return job_id


def page(api: Caller, job_id: str, **params: str) -> httpx.Response:
    answer = api.fetch(f"{JOBS}/{job_id}/results", params)
    assert answer.status_code == 200, answer.text
    return answer


def rows(answer: httpx.Response) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


def pages(api: Caller, job_id: str, **params: str) -> Iterator[httpx.Response]:
    while True:
        answer = page(api, job_id, **params)
        yield answer
        params["locator"] = answer.headers["sforce-locator"]
        if params["locator"] == "null":
            return


def copied(api: Caller, soql: str, operation: str = "query") -> list[dict[str, str]]:
    return [row for answer in pages(api, completed(api, soql, operation)) for row in rows(answer)]


def refusal(api: Caller, soql: str, **more: str) -> tuple[str, str]:
    answer = api.send("POST", JOBS, {"operation": "query", "query": soql, **more})
    assert answer.status_code == 400, answer.text
    (error,) = answer.json()
    return error["errorCode"], error["message"].rpartition("\n")[2]


@needs_recordings
def test_a_new_job_has_the_keys_order_and_types_of_a_recorded_one(api: Caller) -> None:
    folder = FOLDER / "amp-labs+connectors" / "providers" / "salesforce" / "test" / "bulk"
    real = json.loads((folder / "read-launch-job-account.json").read_text("utf-8"))
    ours = created(api, "SELECT Id FROM Account")
    assert list(ours) == list(real)
    assert [type(value) for value in ours.values()] == [type(value) for value in real.values()]
    own = {"id", "createdById", "createdDate", "systemModstamp", "apiVersion"}
    assert {key: ours[key] for key in ours if key not in own} == {key: real[key] for key in real if key not in own}
    assert (ours["id"][:3], len(ours["id"]), ours["apiVersion"]) == ("750", 18, 66.0)
    assert ours["createdDate"] == ours["systemModstamp"] == "2026-03-14T12:30:20.000+0000"


@needs_recordings
def test_a_complete_job_has_the_documented_keys_and_the_counters_are_absent_before(api: Caller) -> None:
    real = reported()["bulk2_query_job_complete"]["body"]
    job_id = created(api, "SELECT Id FROM Contact")["id"]
    first, second = (api.get(f"{JOBS}/{job_id}").json() for _ in range(2))
    assert set(second) == set(real)
    assert {key: type(value) for key, value in second.items()} == {key: type(real[key]) for key in second}
    assert (first["state"], second["state"], second["jobType"]) == ("InProgress", "JobComplete", "V2Query")
    assert (first["numberRecordsProcessed"], second["numberRecordsProcessed"]) == (12, 25)


def test_a_poll_moves_the_job_on_and_the_end_stays(api: Caller, org: DemoOrg) -> None:
    org.bulk_polls = 3
    job_id = created(api, "SELECT Id FROM Contact")["id"]
    states = [api.get(f"{JOBS}/{job_id}").json()["state"] for _ in range(4)]
    assert states == ["InProgress", "InProgress", "JobComplete", "JobComplete"]
    assert api.get(f"{JOBS}/{job_id[:15]}").json()["id"] == job_id


def test_a_job_may_never_end_until_it_may(api: Caller, org: DemoOrg) -> None:
    org.bulk_polls = None
    job_id = created(api, "SELECT Id FROM Contact")["id"]
    for _ in range(5):
        job = api.get(f"{JOBS}/{job_id}").json()
        assert (job["state"], job["numberRecordsProcessed"]) == ("InProgress", 0)
    org.bulk_polls = 1
    assert api.get(f"{JOBS}/{job_id}").json()["state"] == "JobComplete"


def test_jobs_are_listed(api: Caller) -> None:
    assert api.get(JOBS).json() == {"done": True, "records": [], "nextRecordsUrl": None}
    ids = [created(api, f"SELECT Id FROM {name}")["id"] for name in ("Contact", "Account")]
    listed = api.get(f"{JOBS}/").json()
    assert [job["id"] for job in listed["records"]] == ids
    assert "numberRecordsProcessed" not in listed["records"][0]
    assert listed["records"][0]["jobType"] == "V2Query"


def test_a_long_list_of_jobs_comes_in_pages(api: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_bulk, "LISTED", 2)  # a thousand
    for _ in range(3):
        created(api, "SELECT Id FROM User")
    first = api.get(JOBS).json()
    assert (len(first["records"]), first["done"]) == (2, False)
    second = api.get(first["nextRecordsUrl"]).json()
    assert (len(second["records"]), second["done"]) == (1, True)


def test_results_equal_the_truth_with_values_as_bulk_writes_them(api: Caller, org: DemoOrg) -> None:
    fields = "Id, LastName, Description, HasOptedOutOfEmail, Birthdate, SystemModstamp, Account.Name, account.owner.id"
    found = copied(api, f"SELECT {fields} FROM Contact")
    accounts = {row["Id"]: row for row in org.rows("Account")}
    names = ["Id", "LastName", "Description", "HasOptedOutOfEmail", "Birthdate", "SystemModstamp", "Account.Name"]
    assert list(found[0]) == [*names, "Account.Owner.Id"]
    for row, truth in zip(found, org.rows("Contact"), strict=True):
        parent, stamp = accounts.get(truth["AccountId"], {}), truth["SystemModstamp"]
        assert isinstance(stamp, datetime)
        assert row == {
            "Id": truth["Id"],
            "LastName": truth["LastName"],
            "Description": truth["Description"] or "",
            "HasOptedOutOfEmail": "true" if truth["HasOptedOutOfEmail"] else "false",
            "Birthdate": str(truth["Birthdate"] or ""),
            "SystemModstamp": f"{stamp:%Y-%m-%dT%H:%M:%S}.000Z",
            "Account.Name": parent.get("Name") or "",
            "Account.Owner.Id": parent.get("OwnerId") or "",
        }


def test_every_field_is_quoted_and_line_ends_and_quotes_stay_inside(api: Caller, org: DemoOrg) -> None:
    text = 'He said "one,\ntwo" 🎪'
    contact = org.insert("Contact", LastName="x", Description=text)
    answer = page(api, completed(api, f"SELECT Id, Description, Title FROM Contact WHERE Id = '{contact}'"))
    inner = text.replace('"', '""')
    assert answer.content.decode() == f'"Id","Description","Title"\n"{contact}","{inner}",""\n'
    assert answer.headers["content-type"] == "text/csv"


def test_numbers_are_written_as_java_writes_them(api: Caller, org: DemoOrg) -> None:
    for number in (0, 3, -1.5, 9999999, 10000000, 1234567890, 0.0005):
        org.insert("Opportunity", Name="x", StageName="Open", CloseDate="2026-01-31", Amount=number)
    org.insert("Account", Name="x", NumberOfEmployees=12000000)
    amounts = [row["Amount"] for row in copied(api, "SELECT Amount FROM Opportunity WHERE Name = 'x' ORDER BY Id")]
    assert amounts == ["0.0", "3.0", "-1.5", "9999999.0", "1.0E7", "1.23456789E9", "5.0E-4"]
    employees = copied(api, "SELECT NumberOfEmployees FROM Account WHERE Name = 'x'")
    assert employees == [{"NumberOfEmployees": "12000000"}]


@pytest.mark.parametrize(
    ("name", "ending", "line"),
    [("PIPE", "LF", '"Id"|"Name"\n'), ("TAB", "CRLF", '"Id"\t"Name"\r\n'), ("CARET", "CRLF", '"Id"^"Name"\r\n')],
)
def test_the_delimiter_and_the_line_end_are_those_asked_for(api: Caller, name: str, ending: str, line: str) -> None:
    soql = "SELECT Id, Name FROM Account"
    job_id = completed(api, soql, columnDelimiter=name, lineEnding=ending)
    assert page(api, job_id).text.startswith(line)
    job = api.get(f"{JOBS}/{job_id}").json()
    assert (job["columnDelimiter"], job["lineEnding"]) == (name, ending)


def test_pages_have_a_header_each_and_locators_that_can_be_read_again(api: Caller, org: DemoOrg) -> None:
    org.bulk_page_size = 10
    job_id = completed(api, "SELECT Id FROM Contact")
    answers = list(pages(api, job_id))
    assert [answer.headers["sforce-numberofrecords"] for answer in answers] == ["10", "10", "5"]
    assert [answer.headers["sforce-locator"] == "null" for answer in answers] == [False, False, True]
    assert all(answer.text.startswith('"Id"\n') for answer in answers)
    found = [row["Id"] for answer in answers for row in rows(answer)]
    assert found == [row["Id"] for row in org.rows("Contact")]
    second = answers[0].headers["sforce-locator"]
    assert page(api, job_id, locator=second).content == page(api, job_id, locator=second).content == answers[1].content


@pytest.mark.parametrize(("size", "sizes"), [(5, [5] * 5), (25, [25])])
def test_a_last_page_that_is_full_is_still_the_last(api: Caller, org: DemoOrg, size: int, sizes: list[int]) -> None:
    org.bulk_page_size = size
    job_id = completed(api, "SELECT Id FROM Contact")
    assert [len(rows(answer)) for answer in pages(api, job_id)] == sizes
    assert len(api.get(f"{JOBS}/{job_id}/resultPages").json()["resultPages"]) == len(sizes)


def test_max_records_is_a_ceiling_and_so_is_the_orgs_own(api: Caller, org: DemoOrg) -> None:
    org.bulk_page_size = 10
    job_id = completed(api, "SELECT Id FROM Contact")
    for asked, given in (("4", 4), ("10", 10), ("1000", 10)):
        assert len(rows(page(api, job_id, maxRecords=asked))) == given
    for wrong in ("0", "-1", "many"):
        assert api.get(f"{JOBS}/{job_id}/results", maxRecords=wrong).json()[0]["errorCode"] == "API_ERROR"


def test_an_unknown_locator_or_that_of_another_job_is_refused(api: Caller, org: DemoOrg) -> None:
    org.bulk_page_size = 10
    one, other = (completed(api, "SELECT Id FROM Contact") for _ in range(2))
    own, others = (page(api, job_id).headers["sforce-locator"] for job_id in (one, other))
    for locator in ("MTAwMDA", "nonsense", "é", others, own[:4] + "!!!!" + own[4:]):
        answer = api.get(f"{JOBS}/{one}/results", locator=locator)
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_QUERY_LOCATOR")


def test_a_job_without_rows_has_a_header_only(api: Caller) -> None:
    answer = page(api, completed(api, "SELECT Id, Email FROM Contact WHERE LastName = 'nobody'"))
    assert answer.text == '"Id","Email"\n'
    assert (answer.headers["sforce-numberofrecords"], answer.headers["sforce-locator"]) == ("0", "null")


def test_result_pages_are_five_links_at_a_time_that_hold_everything_once(api: Caller, org: DemoOrg) -> None:
    org.bulk_page_size = 4
    job_id = completed(api, "SELECT Id FROM Contact")
    first = api.get(f"{JOBS}/{job_id}/resultPages").json()
    assert (len(first["resultPages"]), first["done"]) == (5, False)
    assert first["nextRecordsUrl"].startswith(f"{BASE}/jobs/query/{job_id}/")
    second = api.get(first["nextRecordsUrl"]).json()
    assert (len(second["resultPages"]), second["done"], "nextRecordsUrl" in second) == (2, True, False)
    links = [link["resultUrl"] for link in first["resultPages"] + second["resultPages"]]
    found = [row["Id"] for link in reversed(links) for row in rows(api.get(link))]
    assert sorted(found) == [row["Id"] for row in org.rows("Contact")]
    assert api.get(f"/services/data/v57.0{JOBS}/{job_id}/resultPages").status_code == 404


def test_a_job_reads_what_was_there_when_it_was_created(api: Caller, org: DemoOrg) -> None:
    account = org.insert("Account", Name="Before")
    contact = org.insert("Contact", LastName="Before", AccountId=account)
    job_id = created(api, "SELECT LastName, Account.Name FROM Contact WHERE LastName = 'Before'")["id"]
    org.update("Contact", contact, LastName="After")
    org.update("Account", account, Name="After")
    for _ in range(2):
        api.get(f"{JOBS}/{job_id}")
    assert rows(page(api, job_id)) == [{"LastName": "Before", "Account.Name": "Before"}]


def test_query_all_gives_deleted_rows_too(api: Caller, org: DemoOrg) -> None:
    gone = org.insert("Contact", LastName="Gone")
    org.delete("Contact", gone)
    soql = "SELECT Id, IsDeleted FROM Contact WHERE LastName = 'Gone'"
    assert copied(api, soql) == []
    assert copied(api, soql, "queryAll") == [{"Id": gone, "IsDeleted": "true"}]


def test_limit_and_order_are_kept_and_end_chunking(api: Caller) -> None:
    found = copied(api, "SELECT Id FROM Contact ORDER BY Id DESC LIMIT 3")
    assert [row["Id"] for row in found] == api.column("SELECT Id FROM Contact ORDER BY Id DESC LIMIT 3")
    for soql, chunked in (("SELECT Id FROM Contact", True), ("SELECT Id FROM Contact LIMIT 3", False)):
        assert api.get(f"{JOBS}/{completed(api, soql)}").json()["isPkChunkingSupported"] is chunked


def test_fields_of_a_group_can_be_read_where_none_is_compound(api: Caller, org: DemoOrg) -> None:
    org.add_field("User", "Level__c")
    found = copied(api, "SELECT FIELDS(ALL) FROM User LIMIT 200")
    assert list(found[0]) == list(api.query("SELECT FIELDS(ALL) FROM User LIMIT 200")[0])[1:]


@pytest.mark.parametrize(
    ("soql", "code", "message"),
    [
        ("SELECT COUNT() FROM Contact", "API_ERROR", "Aggregate functions"),
        ("SELECT COUNT(Id) FROM Contact", "API_ERROR", "Aggregate functions"),
        ("SELECT AccountId FROM Contact GROUP BY AccountId", "API_ERROR", "Aggregate functions"),
        ("SELECT Id, (SELECT Id FROM Contacts) FROM Account", "API_ERROR", "Aggregate Relationships not supported"),
        ("SELECT Id FROM Contact OFFSET 5", "API_ERROR", "OFFSET not supported"),
        ("SELECT TYPEOF Owner WHEN User THEN Id END FROM Contact", "API_ERROR", "TYPEOF not supported"),
        ("SELECT MailingAddress FROM Contact", "API_ERROR", "Selecting compound data not supported in Bulk Query"),
        ("SELECT Account.BillingAddress FROM Contact", "API_ERROR", "Selecting compound data not supported"),
        ("SELECT FROM Contact", "MALFORMED_QUERY", "unexpected token: 'FROM'"),
        ("", "MALFORMED_QUERY", "unexpected token: '<EOF>'"),
        ("SELECT Nme FROM Contact", "INVALID_FIELD", "No such column 'Nme' on entity 'Contact'"),
        ("SELECT Id FROM Contct", "INVALID_TYPE", "sObject type 'Contct' is not supported"),
    ],
)
def test_what_bulk_cannot_do_is_refused_when_the_job_is_made(
    api: Caller, org: DemoOrg, soql: str, code: str, message: str
) -> None:
    said = refusal(api, soql)
    assert said[0] == code
    assert said[1].startswith(message)
    assert org.bulk_jobs_used == 0


def test_an_object_that_bulk_does_not_know_is_still_queried_by_rest(api: Caller, org: DemoOrg) -> None:
    org.not_in_bulk.add("Contact")
    assert refusal(api, "SELECT Id FROM Contact") == ("INVALIDENTITY", "Contact is not supported by the Bulk API")
    assert len(api.query("SELECT Id FROM Contact")) == 25
    assert len(copied(api, "SELECT Id FROM Account")) == 5


@pytest.mark.parametrize(
    "job",
    [
        {"operation": "insert", "query": "SELECT Id FROM Contact"},
        {"operation": "query", "query": "SELECT Id FROM Contact", "columnDelimiter": "SPACE"},
        {"operation": "query", "query": "SELECT Id FROM Contact", "lineEnding": "CR"},
        ["query"],
    ],
)
def test_a_job_that_makes_no_sense_is_an_api_error(api: Caller, job: object) -> None:
    answer = api.send("POST", JOBS, job)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "API_ERROR")


def test_a_body_that_is_no_json_is_an_api_error(api: Caller) -> None:
    answer = api.http.post(f"{BASE}{JOBS}", content=b'{"operation": ')
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "API_ERROR")
    assert answer.json()[0]["message"].startswith("Value does not match expected type at [line:1, column:")


def test_results_are_refused_before_the_job_is_complete_and_after_it_failed(api: Caller, org: DemoOrg) -> None:
    org.fail_bulk_jobs("InternalServerError : Retried more than fifteen times")
    failing, aborted, waiting = (created(api, "SELECT Id FROM Contact")["id"] for _ in range(3))
    api.send("PATCH", f"{JOBS}/{aborted}", {"state": "Aborted"})
    api.get(f"{JOBS}/{failing}")
    failed = api.get(f"{JOBS}/{failing}").json()
    assert (failed["state"], failed["numberRecordsProcessed"]) == ("Failed", 0)
    assert failed["errorMessage"] == "InternalServerError : Retried more than fifteen times"
    for job_id in (failing, aborted, waiting):
        for resource in ("results", "resultPages"):
            answer = api.get(f"{JOBS}/{job_id}/{resource}")
            assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALIDJOBSTATE")


def test_one_job_fails_and_the_next_does_not(api: Caller, org: DemoOrg) -> None:
    org.fail_bulk_jobs("broken")
    failing, fine = (created(api, "SELECT Id FROM Contact")["id"] for _ in range(2))
    assert {api.get(f"{JOBS}/{failing}").json()["state"] for _ in range(3)} == {"InProgress", "Failed"}
    assert "errorMessage" not in api.get(f"{JOBS}/{fine}").json()
    assert api.get(f"{JOBS}/{fine}").json()["state"] == "JobComplete"


def test_a_running_job_is_aborted_and_then_deleted_and_then_unknown(api: Caller) -> None:
    job_id = created(api, "SELECT Id FROM Contact")["id"]
    running = api.send("DELETE", f"{JOBS}/{job_id}")
    assert running.status_code == 400
    assert running.json() == [
        {
            "message": "Error encountered when deleting the job because the job is not terminated",
            "errorCode": "API_ERROR",
        }
    ]
    aborted = api.send("PATCH", f"{JOBS}/{job_id}", {"state": "Aborted"})
    assert (aborted.status_code, aborted.json()["state"]) == (200, "Aborted")
    assert {"lineEnding", "columnDelimiter"}.isdisjoint(aborted.json())
    assert api.get(f"{JOBS}/{job_id}").json()["state"] == "Aborted"
    again = api.send("PATCH", f"{JOBS}/{job_id}", {"state": "Aborted"})
    assert (again.status_code, again.json()[0]["errorCode"]) == (400, "INVALIDJOBSTATE")
    deleted = api.send("DELETE", f"{JOBS}/{job_id}")
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert api.get(f"{JOBS}/{job_id}").status_code == 404


def test_a_complete_job_cannot_be_aborted_and_no_job_can_be_set_to_anything_else(api: Caller) -> None:
    job_id = completed(api, "SELECT Id FROM Contact")
    too_late = api.send("PATCH", f"{JOBS}/{job_id}", {"state": "Aborted"}).json()[0]
    assert (too_late["errorCode"], too_late["message"]) == (
        "INVALIDJOBSTATE",
        "Aborting already Completed Job not allowed",
    )
    assert api.send("PATCH", f"{JOBS}/{job_id}", {"state": "Open"}).json()[0]["errorCode"] == "API_ERROR"


@needs_recordings
def test_a_job_that_the_org_lost_reads_as_documented(api: Caller, org: DemoOrg) -> None:
    real = reported()["bulk2_query_job_deleted"]
    job_id = completed(api, "SELECT Id FROM Contact")
    org.forget_bulk_jobs()
    for path in ("", "/results", "/resultPages"):
        answer = api.get(f"{JOBS}/{job_id}{path}")
        assert (answer.status_code, answer.json()) == (404, real["body"])


def test_a_job_lives_for_seven_days(api: Caller, org: DemoOrg) -> None:
    job_id = completed(api, "SELECT Id FROM Contact")
    org.advance(days=6, hours=23)
    assert api.get(f"{JOBS}/{job_id}/results").status_code == 401
    api.sign_in()
    page(api, job_id)
    org.advance(hours=1)
    assert api.get(f"{JOBS}/{job_id}/results").status_code == 404
    assert api.get(JOBS).json()["records"] == []


def test_results_are_given_in_the_api_version_of_the_job_only(api: Caller) -> None:
    job_id = completed(api, "SELECT Id FROM Contact")
    for resource in ("results", "resultPages"):
        answer = api.get(f"/services/data/v65.0{JOBS}/{job_id}/{resource}")
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (409, "CONFLICT")
    assert api.get(f"/services/data/v65.0{JOBS}/{job_id}").status_code == 200
    assert api.get(f"/services/data/v46.0{JOBS}").status_code == 404


def test_the_days_jobs_are_limited_and_the_limit_is_shown(api: Caller, org: DemoOrg) -> None:
    org.bulk_jobs_limit = 2
    completed(api, "SELECT Id FROM Contact")
    assert api.get("/limits").json()["DailyBulkV2QueryJobs"] == {"Max": 2, "Remaining": 1}
    completed(api, "SELECT Id FROM Contact")
    text = "Max bulk v2 query jobs (2) per 24 hrs has been reached"
    assert refusal(api, "SELECT Id FROM Contact") == ("LIMIT_EXCEEDED", text)
    assert api.get("/limits").json()["DailyBulkV2QueryJobs"] == {"Max": 2, "Remaining": 0}


def test_the_days_results_are_limited_and_the_limit_is_shown(api: Caller, org: DemoOrg) -> None:
    assert api.get("/limits").json()["DailyBulkV2QueryFileStorageMB"] == {"Max": 976_562, "Remaining": 976_562}
    answer = page(api, completed(api, "SELECT Id, LastName FROM Contact"))
    body = len(answer.content) - len('"Id","LastName"\n')
    assert org.bulk_storage_used_kb == pytest.approx(body / 1024)
    org.bulk_storage_used_kb = org.bulk_storage_limit_kb
    assert api.get("/limits").json()["DailyBulkV2QueryFileStorageMB"]["Remaining"] == 0
    text = "Max bulk v2 query result size stored (1000000000) kb per 24 hrs has been exceeded"
    assert refusal(api, "SELECT Id FROM Contact") == ("LIMIT_EXCEEDED", text)


def test_every_bulk_request_is_an_api_call(api: Caller, org: DemoOrg) -> None:
    answer = page(api, completed(api, "SELECT Id FROM Contact"))
    assert org.api_used == len(org.requests) == 4
    assert answer.headers["sforce-limit-info"] == "api-usage=4/100000"


def test_a_short_page_ends_cleanly_and_only_its_count_tells(api: Caller, org: DemoOrg) -> None:
    job_id = completed(api, "SELECT Id FROM Contact")
    org.shorten_bulk_pages()
    short, whole = page(api, job_id), page(api, job_id)
    assert short.headers["sforce-numberofrecords"] == whole.headers["sforce-numberofrecords"] == "25"
    assert (len(rows(short)), len(rows(whole))) == (12, 25)


def test_a_jobs_count_may_disagree_with_its_results(api: Caller, org: DemoOrg) -> None:
    org.bulk_count_off = 3
    job_id = completed(api, "SELECT Id FROM Contact")
    assert api.get(f"{JOBS}/{job_id}").json()["numberRecordsProcessed"] == 28
    assert page(api, job_id).headers["sforce-numberofrecords"] == "25"


def test_faults_strike_bulk_requests_too(api: Caller, org: DemoOrg) -> None:
    job_id = completed(api, "SELECT Id FROM Contact")
    org.add_fault(Fault.truncate(), match=r"/jobs/query/\w+/results")
    org.add_fault(Fault.maintenance(), match=r"/jobs/query/\w+$")
    with pytest.raises(httpx.RemoteProtocolError):
        api.get(f"{JOBS}/{job_id}/results")
    assert api.get(f"{JOBS}/{job_id}").status_code == 503
    assert len(rows(page(api, job_id))) == 25


def test_results_are_compressed_for_who_asks(api: Caller) -> None:
    answer = page(api, completed(api, "SELECT Id, LastName, Email FROM Contact"))
    assert answer.headers["content-encoding"] == "gzip"
    assert len(rows(answer)) == 25


def test_a_job_is_remembered_while_the_org_restarts() -> None:
    with DemoOrg(contacts=3, accounts=1, now=NOW) as org:
        with Caller(org) as api:
            job_id = completed(api, "SELECT Id FROM Contact")
        org.stop()
        org.start()
        with Caller(org) as api:
            assert len(rows(page(api, job_id))) == 3
