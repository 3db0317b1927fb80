"""Contents of files in cassettes: stand-ins of their length, whose checksums their records have."""

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from orgsync.cassettes.interaction import Interaction, RecordedRequest, RecordedResponse
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
        (f"{ROOT}/sobjects/Contact/003000000000001AAA/Account", "application/json;charset=UTF-8", 200),
        (f"{ROOT}/jobs/query/750000000000001AAA/results", "text/csv", 200),
        (f"{ROOT}/query", "text/html", 200),
    ],
)
def test_no_other_response_is_taken_for_a_content(path: str, kind: str, status: int) -> None:
    other = step(path, '["as it was"]', kind, status)
    assert body_of(scrubbed([other])[0]) == b'["as it was"]'
