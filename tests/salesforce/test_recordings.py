"""Answers of real orgs, served again on loopback and read by the real client."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from orgsync import Record
from orgsync.records import Reading, decode, schema_of
from orgsync.salesforce.describe import describe
from orgsync.salesforce.http import Http
from orgsync.salesforce.query import pages
from orgsync.salesforce.replication import latest_date_covered
from tests.recordings import FOLDER, exchanges, needs_recordings, reported
from tests.sign_in.raw_server import RawServer, reply

from .clients import lone_client

pytestmark = needs_recordings

CASSETTES = (FOLDER / "SFDO-Tooling+CumulusCI" / "cumulusci" / "tests").glob("**/GET_sobjects_*_describe.yaml")
DESCRIBES = sorted(path for path in CASSETTES if "Global" not in path.name)


def body_of(cassette: Path) -> bytes:
    """Read the answer's body out of a recorded cassette."""
    request = yaml.safe_load(cassette.read_text(encoding="utf-8"))
    text = request["response"]["body"]["string"]
    return text.encode() if isinstance(text, str) else text


@pytest.mark.parametrize("cassette", DESCRIBES, ids=lambda path: path.stem)
async def test_a_recorded_describe_is_read_whole(cassette: Path) -> None:
    body = body_of(cassette)
    wanted = json.loads(body)
    async with RawServer(reply(200, body)) as server, Http() as http:
        found = await describe(lone_client(http, server.url), wanted["name"])
    assert found.name == wanted["name"]
    assert found.replicateable is wanted["replicateable"]
    assert len(found.fields) == len(wanted["fields"])
    for each in wanted["fields"]:
        read = found.field(each["name"])
        assert read is not None
        assert (read.type, read.relationship) == (each["type"], each["relationshipName"])
        assert list(read.refers_to) == each["referenceTo"]
        if each["relationshipName"]:
            assert found.parent(each["relationshipName"].upper()) is not None


@pytest.mark.parametrize("name", ["get_updated_user_comment"])
async def test_a_reported_getupdated_answer_gives_its_instant(name: str) -> None:
    body: dict[str, Any] = reported()[name]["body"]
    async with RawServer(reply(200, body)) as server, Http() as http:
        client = lone_client(http, server.url)
        covered = await latest_date_covered(client, "Account", client.now, client.now)
    assert covered.isoformat(timespec="milliseconds") == "2023-03-09T18:44:00.000+00:00"


class CustomObject(Record, table=True):
    """What the recorded queries of a Salesforce-to-SQL sync select."""

    __sobject__ = "CustomObject__c"
    name: str | None
    last_modified_by_id: str | None


async def test_every_recorded_query_page_is_read_and_decoded() -> None:
    decoded = 0
    for recorded in exchanges():
        if not recorded.path or "/query" not in recorded.path or recorded.status != 200:
            continue
        body = json.loads(recorded.body)
        async with RawServer(reply(200, recorded.body.encode())) as server, Http() as http:
            client = lone_client(http, server.url)
            found = [page async for page in pages(client, "SELECT Id FROM X", exact=True)]
        assert sum(len(page.records) for page in found) == body["totalSize"]
        for page in found:
            has = [record for record in page.records if {"Id", "SystemModstamp", "Name"} <= record.keys()]
            rows = decode(schema_of(CustomObject), has, Reading(absent=["IsDeleted", "LastModifiedById"]))
            decoded += len(rows)
            assert all(str(row[1]).endswith(".000Z") for row in rows)
    assert decoded > 10
