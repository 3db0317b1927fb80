"""Contents of files: uploaded as base64 and in forms, downloaded, and kept version by version."""

import base64
import json
from typing import Any

import httpx
import pytest

from orgsync.demo_org import DemoOrg, Fault
from tests.demo_org.caller import BASE, Caller
from tests.demo_org.ingest import ingested, refusal

BYTES = bytes(range(256)) * 5
TEXT = base64.b64encode(BYTES).decode()


def made(answer: httpx.Response) -> str:
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def upload(api: Caller, sobject: str, field: str, fields: dict[str, Any], content: bytes) -> httpx.Response:
    parts: dict[str, tuple[str | None, bytes, str]] = {
        "entity_content": (None, json.dumps(fields).encode(), "application/json"),
        field: ("file.bin", content, "application/octet-stream"),
    }
    return api.http.post(f"{BASE}/sobjects/{sobject}", files=parts)


def version(api: Caller, soql_where: str) -> Any:
    names = (
        "Title, VersionNumber, IsLatest, FileType, FileExtension, ContentSize, Checksum, VersionData, ContentDocumentId"
    )
    (found,) = api.query(f"SELECT {names} FROM ContentVersion WHERE {soql_where}")
    return found


def test_a_version_makes_its_document_and_is_downloaded(api: Caller, org: DemoOrg) -> None:
    account = str(org.rows("Account")[0]["Id"])
    fields = {"PathOnClient": "C:\\Plans\\Next year.PDF", "VersionData": TEXT, "FirstPublishLocationId": account}
    created = made(api.send("POST", "/sobjects/ContentVersion", fields))
    found = version(api, f"Id = '{created}'")
    assert (found["Title"], found["VersionNumber"], found["IsLatest"]) == ("Next year", "1", True)
    assert (found["FileType"], found["FileExtension"], found["ContentSize"]) == ("PDF", "pdf", len(BYTES))
    assert found["VersionData"] == f"{BASE}/sobjects/ContentVersion/{created}/VersionData"
    assert api.get(f"/sobjects/ContentVersion/{created}").json()["VersionData"] == found["VersionData"]
    downloaded = api.get(found["VersionData"])
    assert (downloaded.content, downloaded.headers["content-type"]) == (BYTES, "application/octetstream")
    assert org.content("ContentVersion", created) == BYTES
    (document,) = [row for row in org.rows("ContentDocument") if row["Id"] == found["ContentDocumentId"]]
    assert (document["LatestPublishedVersionId"], document["ContentSize"]) == (created, len(BYTES))
    linked = [
        row["LinkedEntityId"] for row in org.rows("ContentDocumentLink") if row["ContentDocumentId"] == document["Id"]
    ]
    assert linked == [org.user_id, account]


def test_a_new_version_takes_the_place_of_the_latest(api: Caller, org: DemoOrg) -> None:
    first = made(upload(api, "ContentVersion", "VersionData", {"PathOnClient": "a.txt"}, b"one"))
    document = version(api, f"Id = '{first}'")["ContentDocumentId"]
    fields = {"PathOnClient": "b.txt", "ContentDocumentId": document}
    second = made(upload(api, "ContentVersion", "VersionData", fields, b"second"))
    assert version(api, f"ContentDocumentId = '{document}' AND IsLatest = true")["VersionNumber"] == "2"
    assert [org.content("ContentVersion", each) for each in (first, second)] == [b"one", b"second"]
    assert [row["ContentSize"] for row in org.rows("ContentDocument") if row["Id"] == document] == [6]
    changed = api.send("PATCH", f"/sobjects/ContentVersion/{second}", {"VersionData": TEXT})
    assert refusal(changed)[1] == "INVALID_FIELD_FOR_INSERT_UPDATE"
    org.delete("ContentDocument", document)
    assert api.get(f"/sobjects/ContentVersion/{second}/VersionData").status_code == 404


def test_attachments_and_documents_hold_bodies(api: Caller, org: DemoOrg) -> None:
    account = str(org.rows("Account")[0]["Id"])
    fields = {"Name": "a.png", "ParentId": account, "ContentType": "image/png"}
    attachment = made(upload(api, "Attachment", "Body", fields, BYTES))
    body = api.get(f"/sobjects/Attachment/{attachment}/Body")
    assert (body.content, body.headers["content-type"]) == (BYTES, "image/png")
    soql = f"SELECT BodyLength FROM Attachment WHERE ParentId = '{account}' AND Name = 'a.png'"
    assert api.column(soql, "BodyLength") == [len(BYTES)]
    assert api.send("PATCH", f"/sobjects/Attachment/{attachment}", {"Body": "AA=="}).status_code == 204
    assert org.content("Attachment", attachment) == b"\0"
    document = made(api.send("POST", "/sobjects/Document", {"Name": "d", "FolderId": org.user_id, "Body": TEXT}))
    assert api.get(f"/sobjects/Document/{document}/Body").content == BYTES
    assert refusal(api.send("POST", "/sobjects/Attachment", fields))[1] == "REQUIRED_FIELD_MISSING"


@pytest.mark.parametrize("content", ["no base64!", 5, "A"])
def test_what_is_no_base64_is_refused(api: Caller, content: object) -> None:
    answer = api.send("POST", "/sobjects/ContentVersion", {"PathOnClient": "x", "VersionData": content})
    assert refusal(answer)[1] == "JSON_PARSER_ERROR"


def test_a_form_without_json_or_boundary_is_refused(api: Caller) -> None:
    url = f"{BASE}/sobjects/ContentVersion"
    assert refusal(api.http.post(url, files={"VersionData": b"x"}))[1] == "INVALID_MULTIPART_REQUEST"
    broken = api.http.post(url, content=b"x", headers={"Content-Type": "multipart/form-data"})
    assert refusal(broken)[1] == "INVALID_MULTIPART_REQUEST"


def test_the_files_of_a_new_org_have_contents(api: Caller, org: DemoOrg) -> None:
    for row in org.rows("ContentDocument"):
        latest = str(row["LatestPublishedVersionId"])
        assert len(api.get(f"/sobjects/ContentVersion/{latest}/VersionData").content) == row["ContentSize"]


def test_contents_are_neither_filtered_nor_read_or_written_in_bulk(api: Caller) -> None:
    assert api.refusal("SELECT Id FROM ContentVersion WHERE VersionData != null")[0] == "INVALID_FIELD"
    asked = {"operation": "query", "query": "SELECT VersionData FROM ContentVersion"}
    assert refusal(api.send("POST", "/jobs/query", asked))[1] == "FEATURENOTENABLED"
    job = ingested(api, "ContentVersion", "insert", "PathOnClient,VersionData\na.txt,AA==\n").job
    assert job["errorMessage"] == "FeatureNotEnabled : Binary field not supported"
    described = {each["name"]: each for each in api.get("/sobjects/Attachment/describe").json()["fields"]}
    assert (described["Body"]["type"], described["Body"]["soapType"]) == ("base64", "xsd:base64Binary")


def test_a_download_is_no_part_of_a_composite_and_can_break_off(api: Caller, org: DemoOrg) -> None:
    latest = str(org.rows("ContentDocument")[2]["LatestPublishedVersionId"])
    url = f"{BASE}/sobjects/ContentVersion/{latest}/VersionData"
    asked = {"compositeRequest": [{"referenceId": "a", "method": "GET", "url": url}]}
    (part,) = api.send("POST", "/composite", asked).json()["compositeResponse"]
    assert part["body"][0]["errorCode"] == "PROCESSING_HALTED"
    org.add_fault(Fault.truncate(), match="VersionData")
    with pytest.raises(httpx.RemoteProtocolError):
        api.get(url)
    assert api.get(f"/sobjects/Account/{org.rows('Account')[0]['Id']}/Body").status_code == 501


def test_rich_text_images_are_not_served(api: Caller) -> None:
    answer = api.get("/sobjects/Contact/003Dn0000000001AAA/richTextImageFields/Notes__c/0EMDn0000000001")
    assert answer.status_code == 501
