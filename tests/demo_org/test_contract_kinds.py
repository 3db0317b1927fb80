"""Every kind of answer that was recorded, beside the demo org's answer to the same kind of request."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import httpx
import pytest

from orgsync.demo_org import DemoOrg
from tests import plain_http
from tests.demo_org.caller import BASE, Caller
from tests.demo_org.conftest import NOW
from tests.demo_org.shapes import differing, header_formats
from tests.recorded.exchange import Exchange
from tests.recorded.units import all_exchanges
from tests.recordings import FOLDER, needs_recordings

pytestmark = needs_recordings

Ask = Callable[[Caller], httpx.Response]


@pytest.fixture(scope="module")
def api() -> Iterator[Caller]:
    with DemoOrg(contacts=60, accounts=20, now=NOW, page_size=25) as org, Caller(org) as caller:
        org.add_field("Contact", "External_Id__c", external_id=True)
        org.add_object("Empty__c")
        yield caller


@dataclass(frozen=True, slots=True)
class Contract:
    """A kind of request: how the demo org is asked it, the answer that was recorded, and what may differ, and why."""

    name: str
    ask: Ask
    file: str
    n: int = 0
    but: dict[str, str] = field(default_factory=dict[str, str])


def reported(contract: Contract) -> Exchange:
    (found,) = [each for each in all_exchanges() if each.file.endswith(contract.file) and each.n == contract.n]
    return found


def got(path: str, **params: str) -> Ask:
    return lambda api: api.fetch(path, params)


def sent(method: str, path: str, body: object) -> Ask:
    return lambda api: api.send(method, path, body)


def query(soql: str) -> Ask:
    return got("/query", q=soql)


def token(**form: str) -> Ask:
    def ask(api: Caller) -> httpx.Response:
        client = {"client_id": api.org.client_id, "client_secret": api.org.client_secret}
        whole = {"grant_type": "refresh_token", "refresh_token": api.org.refresh_token, **client, **form}
        return plain_http.post(f"{api.org.url}/services/oauth2/token", data=whole)

    return ask


def bearer(path: str, value: str = "") -> Ask:
    def ask(api: Caller) -> httpx.Response:
        whole = path.format(org=api.org)
        return plain_http.get(
            f"{api.org.url}{whole}", headers={"Authorization": f"Bearer {value or api.org.access_token()}"}
        )

    return ask


def gone(api: Caller) -> httpx.Response:
    record = api.org.insert("Account", Name="x")
    api.org.delete("Account", record)
    return api.send("DELETE", f"/sobjects/Account/{record}")


def deleted(api: Caller) -> httpx.Response:
    return api.send("DELETE", f"/sobjects/Account/{api.org.insert('Account', Name='x')}")


def updated(api: Caller) -> httpx.Response:
    return api.send("PATCH", f"/sobjects/Account/{api.org.insert('Account', Name='x')}", {"Name": "y"})


def upserted(api: Caller) -> httpx.Response:
    return api.send("PATCH", "/sobjects/Contact/External_Id__c/e1", {"LastName": "x"})


def replicated(kind: str) -> Ask:
    def ask(api: Caller) -> httpx.Response:
        api.org.insert("Contact", LastName="stays")
        api.org.delete("Contact", api.org.insert("Contact", LastName="goes"))
        window = {"start": "2026-03-14T12:00:00Z", "end": "2026-03-14T12:31:00Z"}
        return api.fetch(f"/sobjects/Contact/{kind}/", window)

    return ask


def collection(method: str, *records: dict[str, object], all_or_none: bool = False) -> Ask:
    items = [{"attributes": {"type": "Contact"}, **record} for record in records]
    return sent(method, "/composite/sobjects", {"records": items, "allOrNone": all_or_none})


def job(polls: int = 0) -> Ask:
    def ask(api: Caller) -> httpx.Response:
        made = api.send("POST", "/jobs/query", {"operation": "query", "query": "SELECT Id FROM Account"})
        for _ in range(polls):
            made = api.get(f"/jobs/query/{made.json()['id']}")
        return made

    return ask


JUPITER = "JupiterOne+graph-salesforce/src/"
GROUPS = JUPITER + "steps/group/__recordings__/fetchGroupsShouldCollectData_4066495482/recording.har"
ROLES = JUPITER + "steps/user-role/__recordings__/fetchUserRolesShouldCollectData_1748223496/recording.har"
REFUSED = JUPITER + "__recordings__/__recordings__/client-auth-error_1895315980/recording.har"
OUTDESK = "tests/fixtures/responses/"
SHARED = "cumulusci/tests/shared_cassettes/GET_sobjects_"
DATASETS = "cumulusci/core/tests/cassettes/TestDatasetsE2E.test_datasets_"
AMP = "providers/salesforce/test/"
GEM = "spec/fixtures/"

URLS = {r"sobjects\[\]\.urls\..*": "those of objects, of features and of versions that the demo org has not"}
FIELDS = {r"records\[\]\.(?!attributes).*": "the fields of another object"}
OTHER = {r"\w+": "the fields of another object"}
UPSERT = {r"created": "newer: v59.0 says whether the row was made", r"id": "the recorded Id was made up"}
IDENTITY = {
    r"is_lightning_login_user": "newer than the recording, of 2015",
    r"last_modified_date": "with a Z today, without milliseconds (recorded in 2026 of userinfo)",
    r"(photos|urls)\..*": "the demo org has neither pictures nor Chatter",
}
USERINFO = {r"[a-z_.]+": "made by hand, of a part of the keys"}
"""What may differ, by path, and why."""

CONTRACTS = [
    Contract("a refreshed token", token(), GROUPS, 1),
    Contract("a refused app", token(client_id="INVALID"), REFUSED, 1),
    Contract("a dead refresh token", token(refresh_token="dead"), GEM + "refresh_error_response.json"),
    Contract("a dead session", bearer(f"{BASE}/sobjects/User/describe", "dead"), GROUPS, 0),
    Contract("describe, of 2026", got("/sobjects/Account/describe"), OUTDESK + "sobject/describe_object.json"),
    Contract("describe of contacts", got("/sobjects/Contact/describe"), SHARED + "Contact_describe.yaml"),
    Contract("describe of opportunities", got("/sobjects/Opportunity/describe"), SHARED + "Opportunity_describe.yaml"),
    Contract("the objects, of 2026", got("/sobjects"), OUTDESK + "sobject/list_objects.json", but=URLS),
    Contract("the objects", got("/sobjects"), SHARED + "Global_describe.yaml", but=URLS),
    Contract(
        "limits",
        got("/limits"),
        OUTDESK + "organization/limits.json",
        but={
            r"[A-Z]\w+": "which limits there are differs from org to org",
            r"Daily(BulkApiBatches|StreamingApiEvents)\.CPQ .*": "the demo org nests an app in one limit",
        },
    ),
    Contract(
        "resources",
        got("/"),
        OUTDESK + "organization/api_versions.json",
        but={r"[a-zA-Z-]+": "the demo org lists what it has"},
    ),
    Contract("versions", got("/services/data"), GEM + "services_data_success_response.json"),
    Contract(
        "record count", got("/limits/recordCount", sObjects="Account"), DATASETS + "extract_standard_objects.yaml", 7
    ),
    Contract(
        "record count of no rows",
        got("/limits/recordCount", sObjects="Empty__c"),
        DATASETS + "extract_standard_objects.yaml",
        10,
    ),
    Contract("a query", query("SELECT Id, Name, SystemModstamp FROM User LIMIT 3"), ROLES, 3, FIELDS),
    Contract(
        "a query of rows", query("SELECT Id, Name FROM Account LIMIT 3"), OUTDESK + "search/query_where_properties.json"
    ),
    Contract(
        "a query without rows", query("SELECT Id FROM Account LIMIT 0"), OUTDESK + "search/find_record_empty.json"
    ),
    Contract(
        "a query's page",
        query("SELECT Id FROM Contact"),
        GEM + "sobject/query_paginated_first_page_response.json",
        but=FIELDS,
    ),
    Contract("a count", query("SELECT COUNT(Id) FROM Account"), DATASETS + "e2e.yaml", 0),
    Contract(
        "a query of numbers",
        query("SELECT Id, Name, AccountId, Amount, StageName FROM Opportunity LIMIT 3"),
        AMP + "read-opportunity-with-account.json",
    ),
    Contract("an unknown object", query("SELECT Id FROM Accout"), AMP + "unknown-object.json"),
    Contract(
        "an unknown field that is written", sent("POST", "/sobjects/Account", {"X": 1}), AMP + "unknown-field.json"
    ),
    Contract("an unknown external id", got("/sobjects/Account/TestNotExisting/1"), OUTDESK + "sobject/not_found.json"),
    Contract("a deleted row", gone, AMP + "crm/delete/not-found.json"),
    Contract("a row", bearer(f"{BASE}/sobjects/User/{{org.user_id}}"), SHARED + "Organization.yaml", but=OTHER),
    Contract(
        "a row that is made",
        sent("POST", "/sobjects/Account", {"Name": "x"}),
        OUTDESK + "standard/create_for_delete.json",
    ),
    Contract("a row that is deleted", deleted, OUTDESK + "standard/delete_record.json"),
    Contract("a row that is upserted", upserted, GEM + "sobject/upsert_created_success_response.json", but=UPSERT),
    Contract("rows that are made", collection("POST", {"LastName": "x"}), OUTDESK + "standard/create_records.json"),
    Contract(
        "rows of which one fails",
        collection("POST", {"LastName": "x"}, {"FirstName": "y"}, all_or_none=True),
        AMP + "batch/create/contacts/partial-but-allOrNone.json",
    ),
    Contract(
        "rows without their Ids",
        collection("PATCH", {"LastName": "x"}),
        AMP + "batch/update/contacts/err-each-no-ids.json",
    ),
    Contract("no rows", collection("POST"), AMP + "batch/create/contacts/err-bad-request.json"),
    Contract("getUpdated", replicated("updated"), "bodies.json#get_updated_user_comment"),
    Contract("getDeleted", replicated("deleted"), "bodies.json#get_deleted"),
    Contract("a new query job", job(), AMP + "bulk/read-launch-job-account.json"),
    Contract("a complete query job", job(polls=2), "bodies.json#bulk2_query_job_complete"),
    Contract("a lost query job", got("/jobs/query/750Dn00000G8001IAB"), "bodies.json#bulk2_query_job_deleted"),
    Contract(
        "the identity",
        bearer("/id/{org.org_id}/{org.user_id}"),
        "returns_the_attributes_from_both_records.yml",
        6,
        IDENTITY,
    ),
    Contract("userinfo", bearer("/services/oauth2/userinfo"), AMP + "metadata/write/user-info.json", but=USERINFO),
]


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda each: each.name)
def test_an_answer_has_the_recorded_shape(api: Caller, contract: Contract) -> None:
    real, ours = reported(contract), contract.ask(api)
    assert ours.status_code == real.status
    found = differing(json.loads(real.body), ours.json()) if real.body else {}
    explained = {path for path in found for pattern in contract.but if re.fullmatch(pattern, path)}
    assert {path: what for path, what in found.items() if path not in explained} == {}
    for pattern in contract.but:
        assert any(re.fullmatch(pattern, path) for path in found), f"nothing differs any more: {pattern}"


NOT_OURS = {
    "x-xss-protection": "recorded in 2023, not in 2026 any more",
    "content-security-policy": "of some answers to writes, for browsers",
    "transfer-encoding": "the transport's own",
    "set-cookie": "compared with its cookies' names in test_contract.py",
}


def with_headers() -> list[Contract]:
    """Give the contracts whose recordings have all of their headers, and are not of 2015, when others were sent."""
    whole = [each for each in CONTRACTS if FOLDER.is_dir() and len(reported(each).headers) > 3]
    return [each for each in whole if not any(" 2015 " in value for _, value in reported(each).headers)]


@pytest.mark.parametrize("contract", with_headers(), ids=lambda each: each.name)
def test_an_answer_has_the_recorded_headers_in_their_formats(api: Caller, contract: Contract) -> None:
    real, ours = reported(contract), contract.ask(api)
    assert {name.lower() for name, _ in real.headers} - set(ours.headers) <= NOT_OURS.keys()
    theirs, own = header_formats(real.headers), header_formats(ours.headers.multi_items())
    assert own == theirs == dict.fromkeys(theirs, True)


def test_a_page_of_a_jobs_result_has_the_documented_headers(api: Caller) -> None:
    real = next(each for each in all_exchanges() if each.file.endswith("#bulk2_results_page1"))
    made = job(polls=2)(api).json()
    ours = api.get(f"/jobs/query/{made['id']}/results", maxRecords="5")
    theirs, own = header_formats(real.headers), header_formats(ours.headers.multi_items())
    assert theirs == dict.fromkeys(("content-type", "sforce-locator", "sforce-numberofrecords"), True)
    assert {name: own[name] for name in theirs} == theirs
    assert ours.text.splitlines()[0] == '"Id"'
    assert real.body.splitlines()[0] == '"Id","Name"'
