"""How much an org holds, and what is left of its limits."""

import json

import pytest

from orgsync.demo_org import DemoOrg
from orgsync.errors import AccessRefused, ObjectNotFound, ResponseUnreadable
from orgsync.salesforce.api.counts import Limit, count, org_limits, record_count
from orgsync.salesforce.http.http import Http
from tests.http.raw_server import RawServer, reply
from tests.recordings import exchanges, needs_recordings

from .clients import client_of, lone_client


async def test_rows_are_counted_by_a_query(org: DemoOrg) -> None:
    async with client_of(org) as client:
        assert await count(client, "SELECT COUNT() FROM Contact") == len(org.rows("Contact"))
        with pytest.raises(ObjectNotFound):
            await count(client, "SELECT COUNT() FROM Nothing__c")


@pytest.mark.parametrize(
    ("answer", "counted"),
    [
        (reply(200, {"sObjects": [{"count": 12, "name": "Account"}]}), 12),
        (reply(200, {"sObjects": []}), None),
        (reply(200, {"sObjects": [{"count": 12, "name": "Contact"}]}), None),
        (reply(403, [{"errorCode": "INSUFFICIENT_ACCESS", "message": ""}]), None),
        (reply(404, [{"errorCode": "NOT_FOUND", "message": ""}]), None),
    ],
)
async def test_a_rough_count_is_had_where_salesforce_keeps_one(answer: bytes, counted: int | None) -> None:
    async with RawServer(answer) as server, Http() as http:
        assert await record_count(lone_client(http, server.url), "account") == counted
    assert server.asked[0].target == "/services/data/v62.0/limits/recordCount?sObjects=account"


@pytest.mark.parametrize("total", [-1, 1.5, 1e308, 10**400, True, "7"])
async def test_a_count_that_is_none_is_the_servers_fault(total: object) -> None:
    async with RawServer(reply(200, {"totalSize": total, "done": True, "records": []})) as server, Http() as http:
        with pytest.raises(ResponseUnreadable):
            await count(lone_client(http, server.url), "SELECT COUNT() FROM Account")


async def test_limits_that_are_no_numbers_are_left_out_and_an_overdrawn_one_has_nothing_left() -> None:
    said = {"A": {"Max": 10**400, "Remaining": 1}, "B": {"Max": "7", "Remaining": 1}, "C": {"Max": 5, "Remaining": -2}}
    async with RawServer(reply(200, said)) as server, Http() as http:
        assert await org_limits(lone_client(http, server.url)) == {"C": Limit(5, 0)}


async def test_limits_are_read_by_name(org: DemoOrg) -> None:
    org.api_limit, org.api_used = 100, 10
    async with client_of(org) as client:
        limits = await org_limits(client)
    assert limits["DailyApiRequests"] == Limit(max=100, remaining=100 - org.api_used)


async def test_limits_that_may_not_be_seen_are_refused() -> None:
    refused = reply(403, [{"errorCode": "INSUFFICIENT_ACCESS", "message": ""}])
    async with RawServer(refused) as server, Http() as http:
        with pytest.raises(AccessRefused):
            await org_limits(lone_client(http, server.url))


@needs_recordings
async def test_recorded_limits_are_read_whole_though_some_hold_nested_objects() -> None:
    (recorded,) = exchanges("MyOutDesk", "organization/limits.json")
    said = json.loads(recorded.body)
    assert any(isinstance(each, dict) for limit in said.values() for each in limit.values())
    async with RawServer(reply(200, said)) as server, Http() as http:
        limits = await org_limits(lone_client(http, server.url))
    assert limits == {name: Limit(limit["Max"], limit["Remaining"]) for name, limit in said.items()}


async def test_a_limit_of_a_new_kind_is_passed_over() -> None:
    body = {"New": {"Percent": 5}, "Newer": 7, "Old": {"Max": 2, "Remaining": 1}}
    async with RawServer(reply(200, body)) as server, Http() as http:
        assert await org_limits(lone_client(http, server.url)) == {"Old": Limit(2, 1)}


@pytest.mark.parametrize("body", [[], [1], 5, {"sObjects": [5]}, {"totalSize": "x"}])
async def test_measures_of_another_shape_are_said(body: object) -> None:
    async with RawServer(reply(200, body)) as server, Http() as http:
        client = lone_client(http, server.url)
        with pytest.raises(ResponseUnreadable):
            await record_count(client, "Account")
        with pytest.raises(ResponseUnreadable):
            await count(client, "SELECT COUNT() FROM Account")
        if not isinstance(body, dict):
            with pytest.raises(ResponseUnreadable):
                await org_limits(client)
