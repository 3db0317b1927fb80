"""Describes and rows of real orgs: what record classes are told of them."""

import json
import ssl
from collections.abc import Iterator
from types import new_class
from typing import Any, cast

import pytest

from orgsync import Record, field
from orgsync.extract.inspection import inspect
from orgsync.records import FieldFacts, decode, schema_of
from orgsync.salesforce.api.describe import describe
from orgsync.salesforce.api.query import pages
from orgsync.salesforce.http.http import Http
from tests.http.raw_server import RawServer, reply
from tests.recorded.exchange import Exchange
from tests.recorded.kinds import kind_of
from tests.recorded.units import all_exchanges
from tests.recordings import needs_recordings

from .clients import lone_client

pytestmark = needs_recordings

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # made once: reading the certificates takes longer than a test
SYSTEM = {"Id", "SystemModstamp", "IsDeleted"}
NUMBERS = {"int", "long", "double", "currency", "percent"}


def described() -> Iterator[dict[str, Any]]:
    """Give every object that was described, by itself or within a composite answer."""
    for exchange in all_exchanges():
        kind = kind_of(exchange)
        if kind and exchange.status == 200:
            if kind.name == "describe":
                yield json.loads(exchange.body)
            elif '"compositeResponse"' in exchange.body and '"soapType"' in exchange.body:
                parts = json.loads(exchange.body)["compositeResponse"]
                yield from (part["body"] for part in parts if part["body"].get("fields"))


def every_field(body: dict[str, Any]) -> type[Record]:
    """Make a record class of every field that an object has."""
    columns = {f"f{n}": field(each["name"]) for n, each in enumerate(body["fields"]) if each["name"] not in SYSTEM}
    namespace = {
        "__module__": __name__,
        "__sobject__": body["name"],
        "__annotations__": dict.fromkeys(columns, str | None),
        **columns,
    }
    return cast("type[Record]", new_class("Whole", (Record,), {"table": True}, lambda own: own.update(namespace)))


DESCRIBED = list(described())


@pytest.mark.parametrize("body", DESCRIBED, ids=lambda body: f"{body['name']} of {len(body['fields'])} fields")
async def test_a_record_class_of_every_field_that_was_described_is_understood(body: dict[str, Any]) -> None:
    async with RawServer(reply(200, body)) as server, Http(tls=NO_TLS) as http:
        found = await inspect(lone_client(http, server.url), schema_of(every_field(body)), None, pytest.fail)
        facts = found.facts
        assert len(server.asked) == 1
    fields = {each["name"]: each for each in body["fields"]}
    declared = [each for each in body["fields"] if each["name"] not in SYSTEM]
    cursors = ("SystemModstamp", "LastModifiedDate", "CreatedDate", "LoginTime")
    assert facts.cursor == next((name for name in cursors if name in fields), "")
    assert facts.absent == (() if "IsDeleted" in fields else ("IsDeleted",))
    assert facts.replicateable == body.get("replicateable", True)
    assert set(facts.numbers) == {each["name"] for each in declared if each["type"] in NUMBERS}
    assert set(facts.compounds) == {each["name"] for each in declared if each["type"] in ("address", "location")}
    for path, parts in facts.compounds.items():
        inside = {each["name"] for each in body["fields"] if each.get("compoundFieldName") == path}
        assert set(parts.values()) >= inside & fields.keys(), "a part that Bulk would leave out"
    assert set(facts.drifting) == {each["name"] for each in declared if each["calculated"]}
    assert bool(facts.rest_only) == any(each["type"] in ("base64", "json", "complexvalue") for each in declared)


@pytest.mark.parametrize("body", DESCRIBED, ids=lambda body: f"{body['name']} of {len(body['fields'])} fields")
async def test_every_relationship_that_was_described_is_found_whatever_its_case(body: dict[str, Any]) -> None:
    async with RawServer(reply(200, body)) as server, Http(tls=NO_TLS) as http:
        found = await describe(lone_client(http, server.url), body["name"])
    for each in body["fields"]:
        assert found.field(each["name"].upper()) == found.field(each["name"].lower()) is not None
        if each["relationshipName"]:
            reference = found.parent(each["relationshipName"].upper())
            assert reference is not None
            assert list(reference.refers_to) == each["referenceTo"]


class CustomObject(Record, table=True):
    """What the recorded queries of a Salesforce-to-SQL sync select."""

    __sobject__ = "CustomObject__c"
    name: str | None
    last_modified_by_id: str | None


def with_stamps(exchange: Exchange) -> bool:
    kind = kind_of(exchange)
    return kind is not None and kind.name == "query" and '"SystemModstamp"' in exchange.body


async def test_every_recorded_row_with_a_stamp_becomes_a_row_of_the_copy() -> None:
    decoded = 0
    for recorded in filter(with_stamps, all_exchanges()):
        async with RawServer(reply(200, recorded.body.encode())) as server, Http(tls=NO_TLS) as http:
            client = lone_client(http, server.url)
            (page,) = [page async for page in pages(client, "SELECT Id FROM X", exact=True)]
        has = [record for record in page.records if {"Id", "SystemModstamp", "Name"} <= record.keys()]
        rows = decode(schema_of(CustomObject), has, FieldFacts(absent=["IsDeleted", "LastModifiedById"]))
        decoded += len(rows)
        assert [row[0] for row in rows] == [record["Id"] for record in has]
        assert [row[1] for row in rows] == [record["SystemModstamp"].replace("+0000", "Z") for record in has]
    assert decoded > 10
