"""What getUpdated and getDeleted tell, against the demo org and against answers it does not give."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orgsync.demo_org import DemoOrg, Fault
from orgsync.errors import DeleteLogPurged, QueryRefused, ResponseUnreadable
from orgsync.records import long_id
from orgsync.salesforce.api.replication import Deletions, deleted, latest_date_covered
from orgsync.salesforce.http.http import Http
from tests.http.raw_server import Asked, RawServer, reply

from .clients import client_of, lone_client

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
TOO_MANY = reply(400, [{"errorCode": "EXCEEDED_ID_LIMIT", "message": "too many"}])


def log(*ids: str, covered: str = "2026-03-03T12:00:00.000+0000", earliest: str = "2026-02-20T00:00:00.000Z") -> bytes:
    records = [{"id": each, "deletedDate": "2026-03-03T11:00:00.000+0000"} for each in ids]
    body = {"deletedRecords": records, "earliestDateAvailable": earliest, "latestDateCovered": covered}
    return reply(200, body)


def window(asked: Asked) -> Mapping[str, str]:
    return Asked("", "", {}, asked.target.partition("?")[2].encode()).form


async def test_deleted_rows_are_found_and_the_log_says_how_far_it_is_sure(org: DemoOrg) -> None:
    gone = [str(row["Id"]) for row in org.rows("Contact")[:2]]
    for each in gone:
        org.delete("Contact", each)
    org.advance(minutes=3)
    async with client_of(org) as client:
        found = await deleted(client, "Contact", org.now - timedelta(hours=1), org.now)
    assert sorted(found.ids) == sorted(gone)
    assert found.earliest < found.covered <= org.now


async def test_a_log_that_does_not_reach_back_is_distinguished(org: DemoOrg) -> None:
    async with client_of(org) as client:
        with pytest.raises(DeleteLogPurged, match="Compare the Ids") as caught:
            await deleted(client, "Contact", org.now - timedelta(days=400), org.now)
    assert isinstance(caught.value, QueryRefused)


async def test_a_log_that_begins_behind_the_window_is_no_answer() -> None:
    async with RawServer(log(earliest="2026-03-03T11:31:00.000Z")) as server, Http() as http:
        client = lone_client(http, server.url)
        with pytest.raises(DeleteLogPurged, match="does not reach back far enough"):
            await deleted(client, "Contact", NOON - 30 * MINUTE, NOON)
        assert await deleted(client, "Contact", NOON - 29 * MINUTE, NOON)


@pytest.mark.parametrize("length", [timedelta(0), timedelta(seconds=59), MINUTE, timedelta(seconds=90)])
async def test_a_window_that_is_too_short_begins_earlier(length: timedelta) -> None:
    end = NOON + timedelta(seconds=30)
    async with RawServer(log()) as server, Http() as http:
        await deleted(lone_client(http, server.url), "Contact", end - length, end)
    assert window(server.asked[0]) == {"start": "2026-03-03T11:58:00+00:00", "end": "2026-03-03T12:00:30+00:00"}


async def test_a_window_with_too_many_ids_is_read_in_halves() -> None:
    first, second, third = "003000000000001AAA", "003000000000002AAA", "003000000000003AAA"
    answers = (
        TOO_MANY,
        log(first, second, covered="2026-03-03T10:00:00.000+0000"),
        TOO_MANY,
        log(second, covered="2026-03-03T11:00:00.000+0000"),
        log(third),
    )
    async with RawServer(*answers) as server, Http() as http:
        found = await deleted(lone_client(http, server.url), "Contact", NOON - timedelta(hours=4), NOON)
    assert found == Deletions([first, second, third], datetime(2026, 2, 20, tzinfo=UTC), NOON)
    hours = [(window(asked)["start"][11:16], window(asked)["end"][11:16]) for asked in server.asked]
    assert hours == [("08:00", "12:00"), ("08:00", "10:00"), ("10:00", "12:00"), ("10:00", "11:00"), ("11:00", "12:00")]


async def test_a_half_that_cannot_be_seen_whole_yet_is_where_the_answer_ends() -> None:
    early = log("003000000000001AAA", covered="2026-03-03T09:59:00.000+0000")
    async with RawServer(TOO_MANY, early) as server, Http() as http:
        found = await deleted(lone_client(http, server.url), "Contact", NOON - timedelta(hours=4), NOON)
    assert found.covered == NOON - timedelta(hours=2) - MINUTE
    assert len(server.asked) == 2


async def test_halving_ends() -> None:
    async with RawServer(TOO_MANY) as server, Http() as http:
        with pytest.raises(QueryRefused, match="too many deletions"):
            await deleted(lone_client(http, server.url), "Contact", NOON - timedelta(days=15), NOON)
    assert len(server.asked) < 20


async def test_ids_come_once_and_with_18_characters() -> None:
    async with RawServer(log("0015Y00002SqTsM", "0015Y00002SqTsMQAV")) as server, Http() as http:
        found = await deleted(lone_client(http, server.url), "Account", NOON - 9 * MINUTE, NOON)
    assert found.ids == ["0015Y00002SqTsMQAV"]


@given(st.from_regex(r"[0-9A-Za-z]{15}", fullmatch=True))
def test_the_check_characters_tell_the_capitals(record_id: str) -> None:
    long = long_id(record_id)
    assert long[:15] == record_id
    assert long_id(long) == long
    for at, check in enumerate(long[15:]):
        capitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345".index(check)
        group = record_id[5 * at : 5 * at + 5]
        assert [bool(capitals >> bit & 1) for bit in range(5)] == [each.isupper() for each in group]


@pytest.mark.parametrize(
    "body", ["{}", "[]", '{"deletedRecords": [{}]}', '{"deletedRecords": [], "earliestDateAvailable": "x"}']
)
async def test_a_log_of_another_shape_is_said(org: DemoOrg, body: str) -> None:
    org.add_fault(Fault.status(200, body, content_type="application/json"), match="sobjects", times=None)
    async with client_of(org) as client:
        with pytest.raises(ResponseUnreadable):
            await deleted(client, "Contact", org.now - timedelta(hours=1), org.now)


async def test_an_object_without_a_log_is_refused(org: DemoOrg) -> None:
    async with client_of(org) as client:
        with pytest.raises(QueryRefused):
            await deleted(client, "Nothing__c", org.now - timedelta(hours=1), org.now)


@pytest.mark.parametrize(
    "covered", ["0001-01-01T00:00:00.000+0000", "1998-12-31T23:59:59.000Z", "2026-03-05T12:00:00Z"]
)
async def test_an_instant_that_no_window_can_start_at_is_the_servers_fault_and_named(covered: str) -> None:
    async with RawServer(reply(200, {"ids": [], "latestDateCovered": covered})) as server, Http() as http:
        client = lone_client(http, server.url)
        with pytest.raises(ResponseUnreadable, match=f"/updated/ .*latestDateCovered is {covered[:10]}"):
            await latest_date_covered(client, "Account", NOON - 9 * MINUTE, NOON)
    async with RawServer(log(covered=covered)) as server, Http() as http:
        with pytest.raises(ResponseUnreadable, match="latestDateCovered"):
            await deleted(lone_client(http, server.url), "Account", NOON - 9 * MINUTE, NOON)


async def test_a_window_by_a_clock_that_is_behind_may_be_answered_up_to_the_servers_own_time() -> None:
    covered = "2026-03-05T12:00:00.000Z"
    answer = reply(200, {"ids": [], "latestDateCovered": covered}, Date="Thu, 05 Mar 2026 12:00:30 GMT")
    async with RawServer(answer) as server, Http() as http:
        found = await latest_date_covered(lone_client(http, server.url), "Account", NOON - 9 * MINUTE, NOON)
    assert found == NOON + timedelta(days=2)
