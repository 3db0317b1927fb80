"""The demo org beside answers that real orgs gave: the same names, spellings, types and shapes."""

import json
import re
import socket
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from orgsync.demo_org import DemoOrg, Fault
from tests import plain_http
from tests.demo_org.caller import BASE, Caller
from tests.demo_org.conftest import NOW
from tests.recordings import FOLDER, Exchange, exchanges, needs_recordings, reported

pytestmark = needs_recordings
DATETIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000\+0000")
TRANSPORT = {"Content-Encoding", "Content-Security-Policy", "Transfer-Encoding", "Set-Cookie", "queryId"}


@pytest.fixture(scope="module")
def org() -> Iterator[DemoOrg]:
    with DemoOrg(contacts=60, accounts=20, now=NOW, page_size=25) as org:
        yield org


def recorded(file: str, source: str = "MyOutDesk") -> Exchange:
    return exchanges(source, file)[0]


def spelling(raw: bytes) -> dict[str, str]:
    head = raw.partition(b"\r\n\r\n")[0].decode()
    return dict(line.split(": ", 1) for line in head.split("\r\n")[1:])


def over_the_wire(org: DemoOrg, method: str, path: str, body: str = "") -> dict[str, str]:
    """Return an answer's headers as they are spelled on the wire."""
    host, port = org.url.removeprefix("http://").split(":")
    head = f"{method} {path} HTTP/1.1\r\nHost: demo\r\nAuthorization: Bearer {org.access_token()}\r\n"
    with socket.create_connection((host, int(port))) as connection, connection.makefile("rb") as answer:
        connection.sendall(f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode())
        return spelling(answer.read())


@pytest.mark.parametrize(
    ("file", "method", "path", "body"),
    [
        ("organization/limits", "GET", "/limits", ""),
        ("organization/api_versions", "GET", "/", ""),
        ("sobject/describe_object", "GET", "/sobjects/Account/describe", ""),
        ("sobject/list_objects", "GET", "/sobjects", ""),
        ("sobject/not_found", "GET", "/sobjects/Account/TestNotExisting/1", ""),
        ("standard/create_record", "POST", "/sobjects/Account", '{"Name":"x"}'),
        ("search/find_record_empty", "GET", "/query?q=SELECT+Id+FROM+Account+LIMIT+0", ""),
    ],
)
def test_headers_have_the_names_spelling_and_values_of_real_ones(
    org: DemoOrg, file: str, method: str, path: str, body: str
) -> None:
    real = dict(recorded(file).headers)
    ours = over_the_wire(org, method, BASE + path, body)
    missing = set(real) - set(ours) - TRANSPORT
    # Real orgs say Vary on most compressible answers and leave out an edge header now and then.
    assert missing <= {"Vary"}
    assert set(ours) - set(real) <= {"Vary", "Set-Cookie", "Transfer-Encoding", "X-SFDC-Edge-Cache"}
    for name in ("Content-Type", "Server", "Cache-Control", "X-Robots-Tag", "X-Content-Type-Options"):
        assert ours[name] == real[name]
    for name, pattern in (
        ("Sforce-Limit-Info", r"api-usage=\d+/\d+"),
        ("Date", r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT"),
        ("ETag", r'"[0-9a-f]{5,8}"'),
        ("Location", r"/services/data/v\d\d\.0/sobjects/Account/001\w{15}"),
    ):
        if name in real:
            assert re.fullmatch(pattern, real[name])
            assert re.fullmatch(pattern, ours[name])


def test_cookies_are_three_of_real_names(org: DemoOrg) -> None:
    real = [value.split("=")[0] for name, value in recorded("organization/limits").headers if name == "Set-Cookie"]
    ours = plain_http.get(f"{org.url}{BASE}/limits").headers.get_list("set-cookie")
    assert [value.split("=")[0] for value in ours] == real


def test_an_empty_answer_has_no_content_type(org: DemoOrg) -> None:
    account = org.insert("Account", Name="x")
    real = dict(recorded("standard/delete_record").headers)
    ours = over_the_wire(org, "DELETE", f"{BASE}/sobjects/Account/{account}")
    assert {"Content-Type", "Transfer-Encoding", "Content-Length"}.isdisjoint(real)
    assert {"Content-Type", "Transfer-Encoding", "Content-Length"}.isdisjoint(ours)


@pytest.mark.parametrize("index", [0, 1])
def test_an_expired_session_and_a_refused_refresh_read_the_same(org: DemoOrg, index: int) -> None:
    real = exchanges("JupiterOne", "client-auth-error")[index]
    if index == 0:
        ours = plain_http.get(f"{org.url}{BASE}/sobjects/User/describe", headers={"Authorization": "Bearer dead"})
    else:
        form = dict.fromkeys(("refresh_token", "client_id", "client_secret"), "INVALID")
        ours = plain_http.post(f"{org.url}/services/oauth2/token", data={"grant_type": "refresh_token", **form})
    assert (ours.status_code, ours.text) == (real.status, real.body)
    theirs = dict(real.headers)
    for name in ("content-type", "cache-control", "www-authenticate", "expires"):
        assert ours.headers.get(name) == theirs.get(name)


def test_a_refresh_answers_with_the_same_keys(org: DemoOrg) -> None:
    (real, *_) = [each for each in exchanges("JupiterOne") if each.method == "POST" and each.status == 200]
    client = {"client_id": org.client_id, "client_secret": org.client_secret, "refresh_token": org.refresh_token}
    ours = plain_http.post(f"{org.url}/services/oauth2/token", data={"grant_type": "refresh_token", **client})
    assert list(ours.json()) == list(json.loads(real.body))
    assert {key: type(value) for key, value in ours.json().items()} == dict.fromkeys(ours.json(), str)
    assert ours.headers["expires"] == dict(real.headers)["expires"]
    assert "sforce-limit-info" not in ours.headers


def described(name: str) -> dict[str, Any]:
    folder = FOLDER / "SFDO-Tooling+CumulusCI" / "cumulusci" / "tests" / "shared_cassettes"
    cassette = yaml.safe_load((folder / f"GET_sobjects_{name}_describe.yaml").read_text(encoding="utf-8"))
    content: dict[str, Any] = json.loads(cassette["response"]["body"]["string"])
    return content


@pytest.mark.parametrize("name", ["Account", "Contact", "Opportunity"])
def test_describe_has_the_keys_order_and_types_of_real_describes(org: DemoOrg, name: str) -> None:
    real = described(name)
    with Caller(org) as api:
        ours = api.get(f"/sobjects/{name}/describe").json()
    newer = {"associateEntityType", "associateParentEntity", "sobjectDescribeOption"}
    assert [key for key in ours if key not in newer] == [key for key in real if key not in newer]
    for key, value in real.items():
        assert type(ours[key]) is type(value) or value is None
    assert list(ours["fields"][0]) == list(real["fields"][0])
    for part in ("childRelationships", "recordTypeInfos", "supportedScopes"):
        assert [list(each) for each in ours[part]] == [list(real[part][0])] * len(ours[part])
    assert set(real["urls"]) - set(ours["urls"]) <= {"defaultValues", "namedLayouts"}
    assert set(ours["urls"]) <= set(real["urls"])
    assert ours["keyPrefix"] == real["keyPrefix"]
    assert (ours["mergeable"], ours["replicateable"]) == (real["mergeable"], real["replicateable"])


# What orgs set for themselves, or what this small org has no other half of.
OWN_CHOICE = {"label", "inlineHelpText", "picklistValues"}
ABSENT_THERE = {"HasOptedOutOfEmail"}


@pytest.mark.parametrize("name", ["Account", "Contact", "Opportunity"])
def test_every_standard_field_has_the_flags_of_the_real_one(org: DemoOrg, name: str) -> None:
    real = {field["name"]: field for field in described(name)["fields"]}
    with Caller(org) as api:
        ours = api.get(f"/sobjects/{name}/describe").json()["fields"]
    for field in ours:
        if field["custom"] or field["name"] in ABSENT_THERE:
            continue
        theirs = real[field["name"]]
        differences = {key: (field[key], theirs[key]) for key in field if field[key] != theirs[key]}
        assert {key: both for key, both in differences.items() if key not in OWN_CHOICE} == {}, field["name"]


def test_the_list_of_objects_has_real_keys(org: DemoOrg) -> None:
    real = json.loads(recorded("sobject/list_objects").body)
    with Caller(org) as api:
        ours = api.get("/sobjects").json()
    assert (list(ours), ours["encoding"], ours["maxBatchSize"]) == (list(real), "UTF-8", 200)
    for sobject in ours["sobjects"]:
        theirs = next(each for each in real["sobjects"] if each["name"] == sobject["name"])
        assert list(sobject) == list(theirs)
        own = {"urls", "deepCloneable", "feedEnabled", "createable", "undeletable", "triggerable", "layoutable"}
        assert {key: sobject[key] for key in sobject if key not in own} == {
            key: theirs[key] for key in theirs if key not in own
        }
        features = {"passwordUtilities", "eventSeriesUpdates", "caseArticleSuggestions", "caseRowArticleSuggestions"}
        if sobject["name"] not in {"User", "UserRole", "ContentDocumentLink"}:
            assert set(sobject["urls"]) >= set(theirs["urls"]) - features


def test_limits_have_real_names_and_nest_as_real_ones_do(org: DemoOrg) -> None:
    real = json.loads(recorded("organization/limits").body)
    with Caller(org) as api:
        ours = api.get("/limits").json()
    assert set(ours) - set(real) == set()
    assert ours["DailyApiRequests"].keys() == real["DailyApiRequests"].keys()
    for name, limit in ours.items():
        assert type(limit["Max"]) is type(real[name]["Max"])


def test_writes_answer_in_the_same_words(org: DemoOrg) -> None:
    real = json.loads(recorded("standard/create_record").body)
    many = json.loads(recorded("standard/create_records").body)
    with Caller(org) as api:
        ours = api.send("POST", "/sobjects/Account", {"Name": "x"}).json()
        items = [{"attributes": {"type": "Account"}, "Name": name} for name in "abc"]
        collection = api.send("POST", "/composite/sobjects", {"records": items}).json()
        ids = ",".join(item["id"] for item in collection)
        deleted = api.send("DELETE", "/composite/sobjects", ids=ids).json()
    assert list(ours.items())[1:] == list(real.items())[1:]
    assert [list(item) for item in collection] == [list(item) for item in many] == [list(item) for item in deleted]


@pytest.mark.parametrize(
    "file", ["unknown-object.json", "unknown-field.json", "invalid-field-upsert.json", "crm/delete/not-found.json"]
)
def test_refusals_read_as_recorded_ones(org: DemoOrg, file: str) -> None:
    (real,) = json.loads(
        (FOLDER / "amp-labs+connectors" / "providers" / "salesforce" / "test" / file).read_text("utf-8")
    )
    gone = org.insert("Account", Name="x")
    org.delete("Account", gone)
    with Caller(org) as api:
        answer = {
            "unknown-object.json": lambda: api.get("/query", q="SELECT Id FROM Accout"),
            "unknown-field.json": lambda: api.send("POST", "/sobjects/Account", {"AccountNumer": "1"}),
            "invalid-field-upsert.json": lambda: api.send("POST", "/sobjects/Account", {"MasterRecordId": "1"}),
            "crm/delete/not-found.json": lambda: api.send("DELETE", f"/sobjects/Account/{gone}"),
        }[file]()
    (ours,) = answer.json()
    assert list(ours) == list(real)
    assert ours["errorCode"] == real["errorCode"]
    assert ours.get("fields") == real.get("fields")
    assert ours["message"].rpartition("\n")[2] == real["message"].rpartition("\n")[2]
    assert ("ERROR at Row:1:Column:" in ours["message"]) == ("ERROR at Row:1:Column:" in real["message"])


def test_an_unknown_external_id_reads_as_recorded(org: DemoOrg) -> None:
    real = recorded("sobject/not_found")
    with Caller(org) as api:
        ours = api.get("/sobjects/Account/TestNotExisting/1")
    assert (ours.status_code, ours.text) == (real.status, real.body)


def test_a_query_page_has_the_recorded_shape(org: DemoOrg) -> None:
    fixtures = FOLDER / "restforce+restforce" / "spec" / "fixtures" / "sobject"
    first = json.loads((fixtures / "query_paginated_first_page_response.json").read_text("utf-8"))
    last = json.loads((fixtures / "query_paginated_last_page_response.json").read_text("utf-8"))
    empty = recorded("search/find_record_empty")
    with Caller(org) as api:
        ours = api.get("/query", q="SELECT Id, Name, CreatedDate FROM Contact").json()
        end = api.get(ours["nextRecordsUrl"].replace("-25", "-50")).json()
        none = api.get("/query", q="SELECT Id FROM Contact LIMIT 0").text
    assert list(ours) == list(first)
    assert list(end) == list(last)
    assert none == empty.body
    real = next(each for each in exchanges("JupiterOne") if each.path and each.path.endswith("/query"))
    record = json.loads(real.body)["records"][0]
    assert list(record)[:2] == list(ours["records"][0])[:2] == ["attributes", "Id"]
    assert list(record["attributes"]) == list(ours["records"][0]["attributes"])
    assert DATETIME.fullmatch(record["SystemModstamp"])
    assert DATETIME.fullmatch(ours["records"][0]["CreatedDate"])


def test_aggregates_and_counts_have_the_recorded_shape(org: DemoOrg) -> None:
    fixtures = FOLDER / "restforce+restforce" / "spec" / "fixtures" / "sobject"
    real = json.loads((fixtures / "query_aggregate_success_response.json").read_text("utf-8"))
    with Caller(org) as api:
        ours = api.get("/query", q="SELECT Industry, SUM(AnnualRevenue) FROM Account GROUP BY Industry").json()
    assert ours["records"][0]["attributes"] == real["records"][0]["attributes"]
    assert list(ours["records"][0]) == ["attributes", "Industry", *list(real["records"][0])[2:]]


@pytest.mark.parametrize(("resource", "name"), [("updated", "get_updated_user_comment"), ("deleted", "get_deleted")])
def test_replication_answers_have_the_documented_shape(org: DemoOrg, resource: str, name: str) -> None:
    real = reported()[name]["body"]
    org.delete("Contact", org.insert("Contact", LastName="x"))
    with Caller(org) as api:
        window = {"start": "2026-03-14T12:00:00Z", "end": "2026-03-14T12:31:00Z"}
        ours = api.fetch(f"/sobjects/Contact/{resource}/", window).json()
    assert list(ours) == list(real)
    for key, value in real.items():
        if isinstance(value, str):
            assert DATETIME.fullmatch(value)
            assert re.fullmatch(r".*:00\.000\+0000", value)
            assert re.fullmatch(r".*:00\.000\+0000", ours[key])
    if resource == "deleted":
        assert ours["deletedRecords"][0].keys() == real["deletedRecords"][0].keys()


def test_record_counts_and_the_identity_have_recorded_keys(org: DemoOrg) -> None:
    real = next(each for each in exchanges("restforce-db") if each.path and each.path.startswith("/id/"))
    headers = {"Authorization": f"Bearer {org.access_token()}"}
    ours = plain_http.get(f"{org.url}/id/{org.org_id}/{org.user_id}", headers=headers).json()
    assert set(json.loads(real.body)) <= set(ours)
    with Caller(org) as api:
        assert api.get("/limits/recordCount", sObjects="User").json() == {"sObjects": [{"count": 3, "name": "User"}]}


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("request_limit_concurrent", Fault.concurrent_limit()),
        ("maintenance_html", Fault.maintenance()),
    ],
)
def test_faults_are_those_that_were_reported(org: DemoOrg, name: str, fault: Fault) -> None:
    real = reported()[name]
    org.add_fault(fault)
    ours = plain_http.get(f"{org.url}{BASE}/limits")
    assert ours.status_code == real["status"]
    assert ours.headers["content-type"].startswith(real["content_type"].partition(";")[0])
    if isinstance(real["body"], list):
        assert ours.json() == real["body"]
    else:
        assert "We are down for maintenance." in ours.text
        assert "We are down for maintenance." in real["body"]


def test_limits_and_long_uris_are_refused_as_reported(org: DemoOrg) -> None:
    bodies = reported()
    with Caller(org) as api:
        long = api.get("/query", q="x" * 17_000)
        org.api_limit = 0
        spent = api.get("/limits")
        org.api_limit = 100_000
    assert (long.status_code, long.text) == (bodies["uri_too_long"]["status"], bodies["uri_too_long"]["body"])
    assert (spent.status_code, spent.json()) == (
        bodies["request_limit_total"]["status"],
        bodies["request_limit_total"]["body"],
    )
