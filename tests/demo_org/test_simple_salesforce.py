"""A client that is not ours signs in to the demo org and works with it, over TLS."""

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceExpiredSession,
    SalesforceGeneralError,
    SalesforceMalformedRequest,
    SalesforceOperationError,
    SalesforceResourceNotFound,
)

from orgsync.demo_org import DemoOrg, Fault
from tests.demo_org.caller import certified
from tests.demo_org.conftest import NOW


class ToTheDemoOrg(HTTPAdapter):
    """Takes requests for Salesforce's hosts to the demo org; the client builds those names by itself."""

    def __init__(self, org: DemoOrg) -> None:
        super().__init__()
        self._org = org

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        host, slash, path = str(request.url).removeprefix("https://").partition("/")
        assert host.endswith(".salesforce.com")
        request.url = self._org.url + slash + path
        return super().send(request, *args, **kwargs)


@pytest.fixture(scope="module")
def org(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoOrg]:
    serving, authority = certified("127.0.0.1")
    authority.cert_pem.write_to_path(str(tmp_path_factory.getbasetemp() / "authority.pem"))
    with DemoOrg(contacts=450, accounts=30, tls=serving, now=NOW, page_size=200) as org:
        yield org


@pytest.fixture
def session(org: DemoOrg, tmp_path_factory: pytest.TempPathFactory) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.verify = str(tmp_path_factory.getbasetemp() / "authority.pem")
        session.trust_env = False
        for host in ("https://demo.my.salesforce.com", "https://login.salesforce.com"):
            session.mount(host, ToTheDemoOrg(org))
        yield session


@pytest.fixture
def client(org: DemoOrg, session: requests.Session) -> Any:
    return Salesforce(
        domain="demo.my",
        consumer_key=org.client_id,
        consumer_secret=org.client_secret,
        session=session,
        version="66.0",
    )


def test_it_signs_in_with_client_credentials_and_with_a_jwt(org: DemoOrg, session: requests.Session) -> None:
    key, secret = org.client_id, org.client_secret
    by_secret = Salesforce(domain="demo.my", consumer_key=key, consumer_secret=secret, session=session)
    by_jwt = Salesforce(username=org.username, consumer_key=key, privatekey=org.private_key_pem, session=session)
    for client in (by_secret, by_jwt):
        assert f"https://{client.sf_instance}" == org.instance_url
        assert client.query("SELECT COUNT() FROM Contact")["totalSize"] >= 450


def test_a_wrong_secret_is_an_authentication_failure(org: DemoOrg, session: requests.Session) -> None:
    with pytest.raises(SalesforceAuthenticationFailed, match="invalid client credentials"):
        Salesforce(domain="demo.my", consumer_key=org.client_id, consumer_secret="wrong", session=session)


def test_it_reads_all_pages_of_a_query(org: DemoOrg, client: Any) -> None:
    soql = "SELECT Id, LastName, Account.Name FROM Contact ORDER BY Id"
    org.clear_requests()
    found = client.query_all(soql)
    assert [record["Id"] for record in found["records"]] == [row["Id"] for row in org.rows("Contact")]
    assert [record["LastName"] for record in found["records"]] == [row["LastName"] for row in org.rows("Contact")]
    assert len(org.requests) == 3
    assert len(list(client.query_all_iter(soql, include_deleted=True))) == len(org.rows("Contact", deleted=True))


def test_it_describes(client: Any) -> None:
    names = [sobject["name"] for sobject in client.describe()["sobjects"]]
    assert names == sorted(names)
    assert {"Account", "AccountShare", "Contact", "ContactHistory", "Opportunity", "User"} <= set(names)
    names = [field["name"] for field in client.Contact.describe()["fields"]]
    assert names[:3] == ["Id", "IsDeleted", "MasterRecordId"]
    assert client.Contact.metadata()["objectDescribe"]["name"] == "Contact"


def test_it_asks_for_layouts_columns_and_the_kind_of_org(client: Any) -> None:
    assert client.is_sandbox() is False
    layout = client.Contact.describe_layout("012000000000000AAA")
    assert layout["detailLayoutSections"][0]["heading"] == "Contact Information"
    columns = client.restful("query", params={"q": "SELECT Id FROM Contact", "columns": "true"})
    assert columns["entityName"] == "Contact"
    assert not client.restful("recent")


def test_it_reports_what_the_demo_org_does_not_serve(client: Any) -> None:
    with pytest.raises(SalesforceGeneralError, match="The demo org does not know the SOSL clause UPDATE"):
        client.search("FIND {xy} UPDATE VIEWSTAT")
    with pytest.raises(SalesforceGeneralError, match="The demo org does not serve"):
        client.toolingexecute("query", params={"q": "SELECT Id FROM ApexClass"})


def test_it_creates_reads_updates_upserts_and_deletes(org: DemoOrg, client: Any) -> None:
    org.add_field("Contact", "Key__c", external_id=True)
    created = client.Contact.create({"LastName": "O'Neil 🎈", "Email": "o@neil.example"})
    record_id = created["id"]
    assert created["success"] is True
    assert client.Contact.get(record_id)["LastName"] == "O'Neil 🎈"
    assert client.Contact.update(record_id, {"Title": "CEO"}) == 204
    assert client.Contact.upsert("Key__c/k1", {"LastName": "Upserted"}) == 201
    assert client.Contact.upsert("Key__c/k1", {"LastName": "Again"}) == 200
    assert client.Contact.get_by_custom_id("Key__c", "k1")["LastName"] == "Again"
    (row,) = [row for row in org.rows("Contact") if row["Id"] == record_id]
    assert row["Title"] == "CEO"
    assert client.Contact.delete(record_id) == 204
    with pytest.raises(SalesforceResourceNotFound):
        client.Contact.get(record_id)


def test_it_asks_for_updated_and_deleted_ids(org: DemoOrg, client: Any) -> None:
    kept, gone = org.insert("Account", Name="kept"), org.insert("Account", Name="gone")
    org.delete("Account", gone)
    start, end = datetime(2026, 3, 14, 12, 0, tzinfo=UTC), datetime(2026, 3, 14, 12, 31, tzinfo=UTC)
    updated = client.Account.updated(start, end)
    assert updated["ids"] == [kept]
    assert updated["latestDateCovered"] == "2026-03-14T12:30:00.000+0000"
    assert [record["id"] for record in client.Account.deleted(start, end)["deletedRecords"]] == [gone]


def test_it_queries_by_bulk(org: DemoOrg, client: Any) -> None:
    org.bulk_polls = 1
    soql = "SELECT Id, LastName, Description, Account.Name FROM Contact"
    texts = list(client.bulk2.Contact.query(soql, max_records=200, wait=0))
    found = [row for text in texts for row in csv.DictReader(io.StringIO(text, newline=""))]
    rows = org.rows("Contact")
    assert len(texts) > 2
    assert [row["Id"] for row in found] == [row["Id"] for row in rows]
    assert [row["LastName"] for row in found] == [row["LastName"] for row in rows]
    assert [row["Description"] for row in found] == [row["Description"] or "" for row in rows]
    everything = "".join(client.bulk2.Contact.query_all("SELECT Id FROM Contact", wait=0))
    assert everything.count("\n") - 1 == len(org.rows("Contact", deleted=True))


def test_it_downloads_by_bulk(org: DemoOrg, client: Any, tmp_path: Path) -> None:
    org.bulk_polls = 1
    soql = "SELECT Id, Name FROM Account"
    files = client.bulk2.Account.download(soql, path=str(tmp_path), max_records=20, wait=0)
    lines = [line for each in files for line in Path(each["file"]).read_text("utf-8").splitlines()[1:]]
    assert [line.split(",")[0].strip('"') for line in lines] == [row["Id"] for row in org.rows("Account")]
    assert sum(each["number_of_records"] for each in files) == len(lines)


def test_it_writes_collections_and_composite_requests(org: DemoOrg, client: Any) -> None:
    records = [{"attributes": {"type": "Contact"}, "LastName": name} for name in ("One", "", "Three")]
    made = client.restful("composite/sobjects", method="POST", json={"allOrNone": False, "records": records})
    assert [each["success"] for each in made] == [True, False, True]
    url = f"/services/data/v66.0/sobjects/Contact/{made[0]['id']}"
    parts = [
        {"method": "PATCH", "url": url, "referenceId": "change", "body": {"Title": "CEO"}},
        {"method": "GET", "url": f"{url}?fields=Title", "referenceId": "read"},
    ]
    found = client.restful("composite", method="POST", json={"compositeRequest": parts})["compositeResponse"]
    assert [each["httpStatusCode"] for each in found] == [204, 200]
    assert found[1]["body"]["Title"] == "CEO"


def test_it_writes_by_bulk(org: DemoOrg, client: Any) -> None:
    org.bulk_polls, org.hard_delete_allowed = 1, True
    org.add_field("Account", "Code__c", external_id=True, unique=True)
    made = [{"Name": f"Bulk {number}", "Code__c": f"c{number}"} for number in range(5)]
    (job,) = client.bulk2.Account.insert(records=made, wait=0)
    assert (job["numberRecordsProcessed"], job["numberRecordsFailed"]) == (5, 0)
    found = [*csv.DictReader(io.StringIO(client.bulk2.Account.get_successful_records(job["job_id"]), newline=""))]
    ids = {row["Code__c"]: row["sf__Id"] for row in found}
    assert ids == {row["Code__c"]: row["Id"] for row in org.rows("Account") if row["Code__c"]}
    (job,) = client.bulk2.Account.update(records=[{"Id": ids["c0"], "Phone": "1"}], wait=0)
    changed = [{"Code__c": "c1", "Phone": "2"}, {"Code__c": "new"}]
    (job,) = client.bulk2.Account.upsert(records=changed, external_id_field="Code__c", wait=0)
    assert (job["numberRecordsProcessed"], job["numberRecordsFailed"]) == (2, 1)
    assert "REQUIRED_FIELD_MISSING" in client.bulk2.Account.get_failed_records(job["job_id"])
    phones = {row["Code__c"]: row["Phone"] for row in org.rows("Account")}
    assert (phones["c0"], phones["c1"]) == ("1", "2")
    client.bulk2.Account.delete(records=[{"Id": ids["c2"]}], wait=0)
    client.bulk2.Account.hard_delete(records=[{"Id": ids["c3"]}], wait=0)
    assert [row["Code__c"] for row in org.rows("Account") if row["Code__c"]] == ["c0", "c1", "c4"]


def test_it_meets_bulk_errors_as_its_own_exceptions(org: DemoOrg, client: Any) -> None:
    org.bulk_polls = 1
    with pytest.raises(SalesforceMalformedRequest, match="compound data"):
        list(client.bulk2.Contact.query("SELECT MailingAddress FROM Contact", wait=0))
    org.fail_bulk_jobs("no luck")
    with pytest.raises(SalesforceOperationError, match="no luck"):
        list(client.bulk2.Contact.query("SELECT Id FROM Contact", wait=0))


def test_it_reads_limits_and_its_usage(org: DemoOrg, client: Any) -> None:
    assert client.limits()["DailyApiRequests"]["Max"] == org.api_limit
    assert client.api_usage["api-usage"].used == org.api_used


def test_it_meets_errors_as_its_own_exceptions(org: DemoOrg, client: Any) -> None:
    with pytest.raises(SalesforceMalformedRequest, match="No such column 'Nme'"):
        client.query("SELECT Nme FROM Contact")
    direct = Salesforce(instance_url=org.instance_url, session_id="dead", session=client.session)
    with pytest.raises(SalesforceExpiredSession):
        direct.query("SELECT Id FROM Contact")
    org.add_fault(Fault.reset())
    with pytest.raises(requests.ConnectionError):
        client.limits()


def test_it_renews_its_session_by_itself(org: DemoOrg, client: Any) -> None:
    org.expire_tokens()
    assert client.query("SELECT COUNT() FROM Contact")["done"] is True
