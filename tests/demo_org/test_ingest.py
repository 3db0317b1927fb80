"""Bulk API 2.0 ingest jobs: their life, what they write, and what they say of each row."""

import json

import pytest

from orgsync.demo_org import DemoOrg, Fault
from tests.demo_org.caller import BASE, Caller
from tests.demo_org.ingest import JOBS, closed, ended, ingested, opened, refusal, rows, state, upload
from tests.recordings import FOLDER, needs_recordings

RECORDED = FOLDER / "amp-labs+connectors" / "providers" / "salesforce" / "test" / "bulk"


@pytest.fixture
def keyed(org: DemoOrg) -> DemoOrg:
    org.add_field("Contact", "Key__c", external_id=True, unique=True)
    org.add_field("Account", "Code__c", external_id=True, unique=True)
    return org


def named(org: DemoOrg, *fields: str) -> set[tuple[object, ...]]:
    return {tuple(row[field] for field in fields) for row in org.rows("Contact")}


def test_a_job_goes_from_open_to_complete_and_says_what_became_of_each_row(api: Caller, org: DemoOrg) -> None:
    job = opened(api, "Contact", "insert")
    assert job["state"] == "Open"
    assert job["contentUrl"] == f"services/data/v66.0/jobs/ingest/{job['id']}/batches"
    path = closed(api, job, "LastName,Email\nNew,new@x.example\nBad,no address\n")
    assert [state(api, path) for _ in range(2)] == ["InProgress", "JobComplete"]
    results = ended(api, path)
    assert (results.job["numberRecordsProcessed"], results.job["numberRecordsFailed"]) == (2, 1)
    (written,) = results.successful
    assert (written["sf__Created"], written["LastName"]) == ("true", "New")
    assert org.rows("Contact")[-1]["Id"] == written["sf__Id"]
    (failed,) = results.failed
    assert failed == {
        "sf__Id": "",
        "sf__Error": "INVALID_EMAIL_ADDRESS:Email: invalid email address: no address:Email --",
        "LastName": "Bad",
        "Email": "no address",
    }
    assert results.unprocessed == []


def test_an_upsert_creates_and_updates_by_its_external_id(api: Caller, keyed: DemoOrg) -> None:
    known = keyed.insert("Contact", LastName="Old", Key__c="k1")
    text = "Key__c,LastName\nk1,Changed\nk2,Fresh\n,Without\nk3,Twin\nK3,Twin again\n"
    results = ingested(api, "Contact", "upsert", text, externalIdFieldName="key__c")
    assert {(row["Key__c"], row["sf__Created"]) for row in results.successful} == {("k1", "false"), ("k2", "true")}
    assert (known, "Changed") in named(keyed, "Id", "LastName")
    assert sorted(results.errors) == [
        "DUPLICATE_VALUE:Duplicate external id specified: K3:Key__c --",
        "DUPLICATE_VALUE:Duplicate external id specified: k3:Key__c --",
        "MISSING_ARGUMENT:Key__c not specified:--",
    ]


def test_an_update_ignores_empty_cells_and_clears_by_a_word(api: Caller, org: DemoOrg) -> None:
    ids = [org.insert("Contact", LastName=name, Title="CEO", Department="One") for name in "ab"]
    text = f"Id,Title,Department\n{ids[0]},,Two\n{ids[1][:15]},#N/A,\n,No id,\n003Dn0000000001AAA,x,\n"
    results = ingested(api, "Contact", "update", text)
    assert {*named(org, "Id", "Title", "Department")} >= {(ids[0], "CEO", "Two"), (ids[1], None, "One")}
    assert {row["sf__Id"] for row in results.successful} == {*ids}
    assert len(results.errors) == 2
    assert "MISSING_ARGUMENT:Id not specified in an update call:--" in results.errors


def test_deletes_take_ids_alone_and_hard_ones_a_permission(api: Caller, org: DemoOrg) -> None:
    gone, lost = (org.insert("Contact", LastName="x") for _ in range(2))
    assert len(ingested(api, "Contact", "delete", f"Id\n{gone}\n{gone}\n").failed) == 1
    assert gone in [row["Id"] for row in org.rows("Contact", deleted=True) if row["IsDeleted"]]
    asked = api.send("POST", JOBS, {"object": "Contact", "operation": "hardDelete"})
    assert refusal(asked)[1] == "FEATURENOTENABLED"
    org.hard_delete_allowed = True
    assert len(ingested(api, "Contact", "hardDelete", f"Id\n{lost}\n").successful) == 1
    assert lost not in [row["Id"] for row in org.rows("Contact", deleted=True)]
    failed = ingested(api, "Contact", "delete", f"Id,LastName\n{lost},x\n").job
    assert (failed["state"], failed["errorMessage"]) == (
        "Failed",
        "InvalidBatch : The 'delete' batch must contain only ids",
    )


def test_results_come_in_another_order_than_the_rows_and_the_same_at_every_call(api: Caller, org: DemoOrg) -> None:
    names = [f"n{number:03}" for number in range(60)]
    text = "LastName\n" + "\n".join(names)
    path = closed(api, opened(api, "Contact", "insert"), text)
    results = ended(api, path)
    found = [row["LastName"] for row in results.successful]
    assert sorted(found) == names
    assert found != names
    assert rows(api.get(f"{path}/successfulResults")) == results.successful
    org.bulk_results_in_order = True
    assert [row["LastName"] for row in ended(api, path).successful] == names


def test_parents_are_named_by_their_external_ids(api: Caller, keyed: DemoOrg) -> None:
    account, contact = keyed.insert("Account", Name="Acme", Code__c="A-1"), keyed.insert("Contact", LastName="Boss")
    keyed.update("Contact", contact, Key__c="boss")
    text = "LastName,Account.Code__c,ReportsTo.Key__c\nin,A-1,boss\nout,A-2,\n"
    results = ingested(api, "Contact", "insert", text)
    assert ("in", account, contact) in named(keyed, "LastName", "AccountId", "ReportsToId")
    assert results.errors == [
        "INVALID_FIELD:Foreign key external ID: A-2 not found for field Code__c in entity Account:--"
    ]
    assert [*results.failed[0]][2:] == ["LastName", "Account.Code__c", "ReportsTo.Key__c"]
    task = ingested(api, "Task", "insert", "Subject,Contact:Who.Key__c\nCall,boss\n")
    assert keyed.rows("Task")[-1]["WhoId"] == contact, task.job


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("LastName,Nme\nx,y\n", "InvalidBatch : Field name not found : Nme"),
        ("\ufeffLastName\nx\n", "InvalidBatch : Field name not found : \ufeffLastName"),
        ('LastName,Title\n"x", "y"\n', "InvalidBatch : Failed to parse CSV. Found unescaped quote. A value with quote "
         "should be within a quote"),
        ("LastName\r\nx\r\n", "ClientInputError : LineEnding is invalid on user data. "
         "Current LineEnding setting is LF"),
        ("", "InvalidBatch : Unable to parse CSV header"),
    ],
)  # fmt: skip
def test_what_is_no_csv_of_the_object_fails_as_a_whole(api: Caller, org: DemoOrg, text: str, message: str) -> None:
    before = len(org.rows("Contact"))
    results = ingested(api, "Contact", "insert", text)
    assert (results.job["state"], results.job["errorMessage"]) == ("Failed", message)
    assert (results.job["numberRecordsProcessed"], len(org.rows("Contact"))) == (0, before)


def test_columns_that_match_no_field_can_be_left_out(api: Caller, org: DemoOrg) -> None:
    org.bulk_unknown_columns_ignored = True
    (row,) = ingested(api, "Contact", "insert", "LastName,Mine,Title\nx,1,CEO\n").successful
    assert [*row] == ["sf__Id", "sf__Created", "LastName", "Title"]


@pytest.mark.parametrize("delimiter", ["BACKQUOTE", "CARET", "COMMA", "PIPE", "SEMICOLON", "TAB"])
def test_a_job_has_the_delimiter_and_the_line_ending_that_it_names(api: Caller, org: DemoOrg, delimiter: str) -> None:
    sign = {"BACKQUOTE": "`", "CARET": "^", "COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "TAB": "\t"}[delimiter]
    text = f'LastName{sign}Description\r\n"a{sign} ""b"""{sign}"two\nlines"\r\n'
    job = opened(api, "Contact", "insert", columnDelimiter=delimiter, lineEnding="CRLF")
    path = closed(api, job, text)
    ended(api, path)
    assert (f'a{sign} "b"', "two\nlines") in named(org, "LastName", "Description")
    head = api.get(f"{path}/successfulResults").text.splitlines()[0]
    assert head == f'"sf__Id"{sign}"sf__Created"{sign}LastName{sign}Description'


def test_values_are_checked_as_their_types_are(api: Caller, org: DemoOrg) -> None:
    text = "Name,StageName,CloseDate,Amount\nx,Prospecting,2003-04-9876,1\nx,Prospecting,2003-04-09,much\n,,,\n"
    org.bulk_results_in_order = True
    results = ingested(api, "Opportunity", "insert", text)
    assert results.errors == [
        "INVALID_FIELD:Failed to deserialize field at col 2. Due to, '2003-04-9876' is not a valid value for the type "
        "xsd:date:CloseDate --",
        "INVALID_FIELD:Failed to deserialize field at col 3. Due to, 'much' is not a valid value for the type "
        "xsd:double:Amount --",
        "REQUIRED_FIELD_MISSING:Required fields are missing: [Name, StageName, CloseDate]:"
        "Name, StageName, CloseDate --",
    ]
    (row,) = ingested(api, "Contact", "insert", "LastName,HasOptedOutOfEmail\nYes,YES\n").successful
    assert (row["sf__Id"], True) in named(org, "Id", "HasOptedOutOfEmail")


def test_a_job_takes_one_upload_and_that_within_its_size(api: Caller, org: DemoOrg) -> None:
    job = opened(api, "Contact", "insert")
    org.bulk_upload_limit = 40
    assert upload(api, job, "LastName\n" + "x" * 40).status_code == 413
    org.bulk_upload_limit = 4000
    assert upload(api, job, "LastName\nx\n").status_code == 201
    status, code, message = refusal(upload(api, job, "LastName\ny\n"))
    assert (status, code) == (400, "INVALIDJOB")
    assert "only do 'PUT' once on a given Job" in message
    assert api.http.put(f"/{job['contentUrl']}", content="x").status_code == 400
    path = f"{JOBS}/{job['id']}"
    assert refusal(api.get(f"{path}/failedResults"))[1] == "INVALIDJOBSTATE"
    assert refusal(api.send("DELETE", path))[1] == "API_ERROR"


def test_an_aborted_job_gives_back_the_rows_that_it_has_not_come_to(api: Caller, org: DemoOrg) -> None:
    text = "LastName\n" + "".join(f"n{number}\n" for number in range(1000))
    path = closed(api, opened(api, "Contact", "insert"), text)
    assert state(api, path) == "InProgress"
    assert api.send("PATCH", path, {"state": "Aborted"}).json()["state"] == "Aborted"
    results = ended(api, path)
    assert (len(results.successful), len(results.unprocessed)) == (400, 600)
    assert [*results.unprocessed[0]] == ["LastName"]
    assert refusal(api.send("PATCH", path, {"state": "Aborted"}))[1] == "INVALIDJOBSTATE"
    assert api.send("DELETE", path).status_code == 204
    assert api.get(path).status_code == 404
    at_once = f"{JOBS}/{opened(api, 'Contact', 'insert')['id']}"
    api.send("PATCH", at_once, {"state": "Aborted"})
    assert ended(api, at_once).unprocessed == []


def test_a_failed_job_keeps_what_it_has_written(api: Caller, org: DemoOrg) -> None:
    text = "LastName\n" + "".join(f"n{number}\n" for number in range(1000))
    org.fail_bulk_jobs("InternalServerError : tried 20 times")
    path = closed(api, opened(api, "Contact", "insert"), text)
    assert [state(api, path) for _ in range(2)] == ["InProgress", "Failed"]
    results = ended(api, path)
    assert results.job["errorMessage"] == "InternalServerError : tried 20 times"
    assert (len(results.successful), len(results.unprocessed)) == (400, 600)


@pytest.mark.parametrize("written", [False, True])
def test_rows_can_be_in_no_file_at_all(api: Caller, org: DemoOrg, written: bool) -> None:
    org.bulk_batch_size = 300
    org.lose_bulk_batches(written=written)
    before = len(org.rows("Contact"))
    text = "LastName\n" + "".join(f"n{number}\n" for number in range(1000))
    results = ingested(api, "Contact", "insert", text)
    assert (results.job["state"], len(results.successful), results.failed, results.unprocessed) == (
        "JobComplete", 700, [], [],
    )  # fmt: skip
    assert len(org.rows("Contact")) - before == (1000 if written else 700)


def test_batches_past_the_daily_allocation_are_in_no_file(api: Caller, org: DemoOrg) -> None:
    org.bulk_batch_size, org.bulk_batches_limit = 100, 2
    text = "LastName\n" + "".join(f"n{number}\n" for number in range(500))
    results = ingested(api, "Contact", "insert", text)
    assert (results.job["numberRecordsProcessed"], len(results.successful)) == (200, 200)
    assert api.get("/limits").json()["DailyBulkApiBatches"] == {"Max": 2, "Remaining": 0}


def test_a_locked_row_is_refused_and_passes_when_it_comes_again(api: Caller, org: DemoOrg) -> None:
    org.lock_rows("Contact", where=lambda row: row["LastName"] == "b")
    text = "LastName\na\nb\nc\n"
    results = ingested(api, "Contact", "insert", text)
    assert results.errors == ["UNABLE_TO_LOCK_ROW:unable to obtain exclusive access to this record or 1 records:--"]
    assert len(results.successful) == 2
    assert len(ingested(api, "Contact", "insert", "LastName\nb\n").successful) == 1


def test_a_rule_of_the_org_refuses_rows_until_it_is_lifted(api: Caller, org: DemoOrg) -> None:
    org.refuse_writes(
        "Lead", "FIELD_CUSTOM_VALIDATION_EXCEPTION", "No.", fields=["Email"], where=lambda r: "Email" in r
    )
    text = "LastName,Company,Email\na,A,\nb,B,b@b.example\n"
    assert ingested(api, "Lead", "insert", text).errors == ["FIELD_CUSTOM_VALIDATION_EXCEPTION:No.:Email --"]
    org.allow_writes()
    assert ingested(api, "Lead", "insert", text).errors == []


@pytest.mark.parametrize(
    ("asked", "code", "message"),
    [
        ({"object": "Contct", "operation": "insert"}, "INVALIDJOB", "InvalidJob : Unable to find object: Contct"),
        ({"object": "Contact", "operation": "upsert"}, "INVALIDJOB", "InvalidJob : External ID was blank"),
        (
            {"object": "Contact", "operation": "upsert", "externalIdFieldName": "Title"},
            "INVALIDJOB",
            "InvalidJob : Field name provided, Title does not match an External ID, Salesforce Id, or indexed field",
        ),
        ({"object": "Contact", "operation": "merge"}, "API_ERROR", "Value does not match expected type"),
        ({"object": "Contact", "operation": "insert", "lineEnding": "CR"}, "API_ERROR", "Value does not match"),
        ({"object": "Contact", "operation": "insert", "bogus": 1}, "API_ERROR", "Unrecognized field: bogus"),
        ({"object": "Case", "operation": "insert"}, "INVALIDENTITY", "InvalidEntity : Case is not supported"),
    ],
)
def test_a_job_that_cannot_be_is_refused(
    api: Caller, org: DemoOrg, asked: dict[str, str], code: str, message: str
) -> None:
    org.not_in_bulk = {"Case"}
    status, found, text = refusal(api.send("POST", JOBS, asked))
    assert (status, found) == (400, code)
    assert text.startswith(message)


def test_update_only_is_no_property_of_a_job(api: Caller) -> None:
    asked = {"object": "Contact", "operation": "upsert", "externalIdFieldName": "Id", "updateOnly": True}
    assert refusal(api.send("POST", JOBS, asked))[:2] == (501, "NOT_IMPLEMENTED")


def test_a_small_job_brings_its_rows_along(api: Caller, org: DemoOrg) -> None:
    parts = {
        "job": (None, json.dumps({"object": "Contact", "operation": "insert"}), "application/json"),
        "content": ("content", "LastName\nMultipart\n", "text/csv"),
    }
    job = api.http.post(f"{BASE}{JOBS}", files=parts).json()
    assert job["state"] == "UploadComplete"
    ended(api, f"{JOBS}/{job['id']}")
    assert ("Multipart",) in named(org, "LastName")


def test_jobs_are_listed_and_forgotten(api: Caller, org: DemoOrg) -> None:
    ids = [opened(api, "Contact", "insert")["id"] for _ in range(2)]
    listed = api.get(JOBS).json()
    assert ([job["id"] for job in listed["records"]], listed["done"]) == (ids, True)
    assert {job["jobType"] for job in listed["records"]} == {"V2Ingest"}
    org.forget_bulk_jobs()
    assert api.get(f"{JOBS}/{ids[0]}").status_code == 404


def test_an_upload_whose_answer_is_lost_was_taken_in_all_the_same(api: Caller, org: DemoOrg) -> None:
    job = opened(api, "Contact", "insert")
    org.add_fault(Fault.status(503), match="/batches")
    assert upload(api, job, "LastName\nx\n").status_code == 503
    assert len(ended(api, closed(api, job, "LastName\nx\n")).successful) == 1


@needs_recordings
@pytest.mark.parametrize("file", ["info/success", "info/partial-failure", "info/complete-failure", "info/in-progress"])
def test_a_jobs_information_has_the_keys_of_a_real_one(api: Caller, keyed: DemoOrg, file: str) -> None:
    recorded = json.loads((RECORDED / f"{file}.json").read_text("utf-8"))
    header = "Nme" if recorded["state"] == "Failed" else "LastName"
    text = f"Key__c,{header}\nk,x\n"
    path = closed(api, opened(api, "Contact", "upsert", externalIdFieldName="Key__c"), text)
    while (job := api.get(path).json())["state"] != recorded["state"]:
        pass
    assert [*job] == [*recorded]
    assert [type(value) for value in job.values()] == [type(value) for value in recorded.values()]
    head = (RECORDED / "info" / "partial-failure.csv").read_text("utf-8").splitlines()[0]
    if job["state"] != "InProgress":
        assert head.startswith('"sf__Id","sf__Error",')
        assert api.get(f"{path}/failedResults").text.startswith('"sf__Id","sf__Error"')
