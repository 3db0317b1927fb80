"""Contents of files in cassettes: stand-ins of their length, whose checksums their records have."""

import hashlib
import json
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orgsync.cassettes.cassette_file import read_cassette, write_cassette
from orgsync.cassettes.interaction import Cassette, Interaction, RecordedRequest, RecordedResponse
from orgsync.cassettes.matching import RequestKey
from orgsync.cassettes.scrubbing import Leak, leaks, scrubbed

WHEN = datetime(2026, 1, 31, 10, 15, tzinfo=UTC)
ROOT = "/services/data/v62.0"
BINARY, LETTER = bytes(range(256)) * 4, b"Dear Ada,\nyours, Grace"


def step(path: str, body: str | bytes, kind: str, status: int = 200) -> Interaction:
    return Interaction(
        RecordedRequest("GET", "", path), RecordedResponse(status, {"content-type": kind}, body), WHEN, 0
    )


def version(number: int) -> str:
    return f"{ROOT}/sobjects/ContentVersion/06800000000{number:04}AAA/VersionData"


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def body_of(each: Interaction) -> bytes:
    body = each.response.body
    return body.encode() if isinstance(body, str) else body


def recorded(*contents: bytes) -> list[Interaction]:
    records = [{"Checksum": md5(each), "ContentSize": len(each)} for each in contents]
    query = step(f"{ROOT}/query", json.dumps({"records": records}), "application/json")
    texts: Sequence[str | bytes] = [each.decode() if each.isascii() else each for each in contents]
    return [query, *(step(version(at), each, "application/octetstream") for at, each in enumerate(texts))]


def test_a_content_becomes_a_stand_in_of_its_length_with_the_checksum_that_its_record_says() -> None:
    clean = scrubbed(recorded(BINARY, LETTER, BINARY))
    one, two, three = (body_of(each) for each in clean[1:])
    assert (one, one) != (two, three)
    assert one == three
    assert (len(one), len(two)) == (len(BINARY), len(LETTER))
    assert b"Ada" not in two
    records = json.loads(body_of(clean[0]))["records"]
    assert [each["Checksum"] for each in records] == [md5(one), md5(two), md5(three)]


def test_scrubbing_twice_changes_nothing() -> None:
    for contents in ((BINARY, LETTER), (b"x", b"yz"), (b"content 1 content 1 c", LETTER)):
        once = scrubbed(recorded(*contents))
        assert scrubbed(once) == once
        assert leaks(once) == []


A_RECORD = '{"attributes":{"type":"Case"},"Subject":"as it was"}'
FILES = [
    version(1),
    version(1).lower(),
    f"{ROOT}/sobjects/Attachment/00P000000000001AAA/Body",
    f"{ROOT}/sobjects/Document/015000000000001AAA/Body",
    f"{ROOT}/sobjects/EventLogFile/0AT000000000001AAA/LogFile",
    f"{ROOT}/sobjects/StaticResource/081000000000001AAA/Body",
    f"{ROOT}/tooling/sobjects/StaticResource/081000000000001AAA/Body",
    f"{ROOT}/sobjects/Lead/00Q000000000001AAA/richTextImageFields/Photo__c/0EM000000000001AAA",
    f"{ROOT}/connect/files/069000000000001AAA/content",
    f"{ROOT}/connect/communities/0DB000000000001AAA/files/069000000000001AAA/rendition",
    f"{ROOT}/chatter/files/069000000000001AAA/content",
    "/sfc/servlet.shepherd/version/download/068000000000001AAA/068000000000002AAA",
    "/servlet/servlet.FileDownload",
]


@pytest.mark.parametrize("kind", ["application/json;charset=UTF-8", "text/csv", "text/html", "text/xml", ""])
@pytest.mark.parametrize("path", FILES)
def test_a_path_of_a_file_proves_a_content_whatever_its_type(path: str, kind: str, tmp_path: Path) -> None:
    for text in ('{"note":"Bob Miller"}', A_RECORD, "name,note\nBob Miller,x\n", "<p>Bob Miller</p>"):
        left = step(path, text, kind)
        assert leaks([left]) == [Leak(1, "the content of a file", "response: body")]
        once = scrubbed([left])
        [clean] = once
        assert body_of(clean) == (b"content 1 " * 9)[: len(text)]
        assert (scrubbed(once), leaks(once)) == (once, [])
        write_cassette(tmp_path / "one.yaml", Cassette((clean,)))
        assert body_of(read_cassette(tmp_path / "one.yaml").interactions[0]) == body_of(clean)


@pytest.mark.parametrize("text", ['{"note":"Bob Miller"}', '["Bob Miller"]', '"Bob Miller"', '{"note":"Bob Mil'])
def test_json_of_a_field_that_is_no_record_is_a_content(text: str) -> None:
    left = step(f"{ROOT}/sobjects/Contract__c/a00000000000001AAA/Signed__c", text, "application/json")
    assert leaks([left]) == [Leak(1, "the content of a file", "response: body")]
    assert b"Bob" not in body_of(scrubbed([left])[0])


@pytest.mark.parametrize("text", [A_RECORD, '{"totalSize":0,"done":true,"records":[]}'])
def test_the_records_of_a_relationship_are_no_content(text: str) -> None:
    related = step(f"{ROOT}/sobjects/Contact/003000000000001AAA/Account", text, "application/json;charset=UTF-8")
    assert body_of(scrubbed([related])[0]).decode() == text


@pytest.mark.parametrize(
    ("path", "kind", "status"),
    [
        (version(1), "application/octetstream", 200),
        (version(1), "", 206),
        (f"{ROOT}/sobjects/Attachment/00P000000000001AAA/Body", "text/csv", 200),
        (f"{ROOT}/connect/files/069000000000001AAA/content", "application/pdf", 200),
    ],
)
def test_a_content_that_is_left_in_a_cassette_is_found(path: str, kind: str, status: int) -> None:
    left = step(path, "Dear Ada, yours", kind, status)
    assert leaks([left]) == [Leak(1, "the content of a file", "response: body")]
    assert leaks(scrubbed([left])) == []


@pytest.mark.parametrize(
    ("path", "kind", "status"),
    [
        (version(1), "application/json;charset=UTF-8", 404),
        (f"{ROOT}/jobs/query/750000000000001AAA/results", "text/csv", 200),
        (f"{ROOT}/query", "text/html", 200),
    ],
)
def test_no_other_response_is_taken_for_a_content(path: str, kind: str, status: int) -> None:
    other = step(path, '["as it was"]', kind, status)
    assert body_of(scrubbed([other])[0]) == b'["as it was"]'


TEXT = b"Dear Ada, yours, Grace and Charles, 1843"
BASE64 = b64encode(TEXT).decode()
MADE = '{"id":"068000000000001AAA","success":true,"errors":[]}'
UPLOADS = {
    "record": ("sobjects/ContentVersion", f'{{"Title":"t","VersionData":"{BASE64}"}}'),
    "note": ("sobjects/ContentNote", f'{{"Title":"t","Content":"{BASE64}"}}'),
    "collection": (
        "composite/sobjects",
        f'{{"allOrNone":false,"records":[{{"attributes":{{"type":"Attachment"}},"Body":"{BASE64}"}}]}}',
    ),
    "tree": (
        "composite/tree/Document",
        f'{{"records":[{{"attributes":{{"type":"Document","referenceId":"a"}},"Body":"{BASE64}"}}]}}',
    ),
    "composite": (
        "composite",
        f'{{"compositeRequest":[{{"method":"POST","url":"{ROOT}/sobjects/Attachment","referenceId":"a",'
        f'"body":{{"Body":"{BASE64}"}}}}]}}',
    ),
}


def upload(path: str, body: str, kind: str = "application/json") -> Interaction:
    request = RecordedRequest("POST", "", f"{ROOT}/{path}", headers={"content-type": kind}, body=body)
    return Interaction(request, RecordedResponse(201, {"content-type": "application/json"}, MADE), WHEN, 0)


@pytest.mark.parametrize("way", UPLOADS)
def test_the_content_of_a_file_that_is_uploaded_gets_into_no_cassette(way: str) -> None:
    path, body = UPLOADS[way]
    sent = upload(path, body)
    assert [leak.what for leak in leaks([sent])] == ["a personal text"]
    [clean] = scrubbed([sent])
    assert BASE64 not in clean.request.body
    assert len(clean.request.body) == len(body)
    assert scrubbed([clean]) == [clean]
    assert leaks([clean]) == []
    another = body.replace(BASE64, b64encode(b"what a test uploads").decode())
    assert RequestKey.of(clean.request).fits(RequestKey.of(upload(path, another).request))


def test_the_contents_of_an_uploaded_csv_get_into_no_cassette() -> None:
    job = upload("jobs/ingest", '{"object":"Attachment","operation":"insert"}')
    made = '{"id":"750000000000001AAA","object":"Attachment","operation":"insert","state":"Open"}'
    job = replace(job, response=RecordedResponse(200, {"content-type": "application/json"}, made))
    rows = upload("jobs/ingest/750000000000001AAA/batches", f"Name,Body\na.txt,{BASE64}\n", "text/csv")
    clean = scrubbed([job, rows])
    assert BASE64 not in clean[1].request.body
    assert leaks(clean) == []


def test_the_path_that_a_record_has_in_place_of_a_content_stays() -> None:
    path = f"{ROOT}/sobjects/Attachment/00P000000000001AAA/Body"
    record = {"attributes": {"type": "Attachment"}, "Body": path}
    query = step(f"{ROOT}/query", json.dumps({"records": [record]}), "application/json")
    assert scrubbed([query]) == [query]
