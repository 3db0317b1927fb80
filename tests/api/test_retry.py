"""What is tried again, how often, and after how long."""

from collections.abc import Generator
from contextlib import contextmanager

import pytest
import stamina

from orgsync.errors import (
    LimitReached,
    LocatorBusy,
    LocatorExpired,
    NetworkProblem,
    NoRoute,
    NotCarriedOut,
    OrgsyncError,
    QueryRefused,
    QueryTimedOut,
    ResponseUnreadable,
    ServerProblem,
)
from orgsync.salesforce.api.client import Client
from orgsync.salesforce.auth.credentials import Credentials
from orgsync.salesforce.auth.session import Session
from orgsync.salesforce.errors.retry import ATTEMPTS, backoff, may_repeat, wait_within
from orgsync.salesforce.http.http import Http
from tests.auth.vaults import MemoryVault
from tests.http.raw_server import RESET, RawServer, reply

from .clients import lone_client

GOOD = reply(200, {"DailyApiRequests": {"Max": 5, "Remaining": 4}})


def refusal(status: int, code: str, message: str = "", **headers: str) -> bytes:
    return reply(status, [{"message": message, "errorCode": code}], **headers)


@pytest.mark.parametrize(
    ("raised", "idempotent", "repeated"),
    [
        (NetworkProblem("", sent=False), False, True),
        (NetworkProblem("", sent=True), False, False),
        (NetworkProblem("", sent=True), True, True),
        (ServerProblem(""), True, True),
        (ServerProblem(""), False, False),
        (NotCarriedOut(""), False, True),
        (LocatorExpired(""), True, False),
        (LocatorBusy(""), True, True),
        (QueryTimedOut(""), True, False),
        (QueryRefused(""), True, False),
        (LimitReached(""), True, False),
    ],
)
def test_only_what_can_do_no_harm_is_repeated(raised: OrgsyncError, idempotent: bool, repeated: bool) -> None:
    assert may_repeat(raised, idempotent=idempotent) is repeated


@pytest.mark.parametrize(
    ("raised", "tries"),
    [
        (NetworkProblem("", sent=False), 5),
        (NetworkProblem("", sent=True), 7),
        (ServerProblem(""), 7),
        (NotCarriedOut(""), 7),
        (ResponseUnreadable(""), 3),
        (NoRoute(""), 3),
    ],
)
def test_what_will_hardly_pass_is_given_up_sooner(raised: OrgsyncError, tries: int) -> None:
    assert may_repeat(raised, idempotent=True, tries=tries - 1)
    assert not may_repeat(raised, idempotent=True, tries=tries)


def test_waits_spread_from_nothing_up_to_a_bound_that_doubles() -> None:
    for tries, bound in [(1, 1), (2, 2), (5, 16), (6, 20), (60, 20)]:
        waits = [backoff(tries) for _ in range(2000)]
        assert 0 <= min(waits) < bound / 20
        assert bound * 19 / 20 < max(waits) <= bound


@pytest.mark.parametrize(
    "passing",
    [
        refusal(403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (Concurrent API Requests) Limit exceeded."),
        reply(503, b"<html>We are down for maintenance.</html>", Content_Type="text/html"),
        reply(420, b""),
        reply(429, b""),
        reply(502, b"<html>Bad Gateway</html>"),
        refusal(503, "SERVER_UNAVAILABLE", "Server too busy"),
        reply(504, b"upstream request timeout"),
        refusal(400, "TEMPORARY_QUERY_MORE_FAILURE"),
        RESET,
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\nConnection: close\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nab",
        reply(200, b'{"DailyApiRe'),
        reply(200, b"<html>a proxy's page</html>"),
    ],
)
async def test_what_passes_by_itself_is_asked_for_again(passing: bytes) -> None:
    async with RawServer(passing, passing, GOOD) as server, Http(timeout=60) as http:
        assert "DailyApiRequests" in await lone_client(http, server.url).get("limits")
    assert len(server.asked) == 3


@pytest.mark.parametrize(
    ("answer", "kind", "asked"),
    [
        (refusal(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."), LimitReached, 1),
        (refusal(400, "QUERY_TIMEOUT", "Your query request was running for too long."), QueryTimedOut, 1),
        (refusal(400, "OPERATION_TOO_LARGE"), QueryRefused, 1),
        (refusal(400, "INVALID_QUERY_LOCATOR"), LocatorExpired, 1),
        (refusal(400, "TEMPORARY_QUERY_MORE_FAILURE"), LocatorBusy, ATTEMPTS),
        (reply(420, b""), NoRoute, 3),
        (reply(503, b""), ServerProblem, ATTEMPTS),
        (RESET, NetworkProblem, ATTEMPTS),
        (reply(200, b"<html>a login page</html>"), ResponseUnreadable, 3),
    ],
)
async def test_what_does_not_pass_is_given_up(answer: bytes, kind: type[OrgsyncError], asked: int) -> None:
    async with RawServer(answer) as server, Http(timeout=60) as http:
        with pytest.raises(kind) as caught:
            await lone_client(http, server.url).get("limits")
    assert type(caught.value) is kind
    assert len(server.asked) == asked


async def test_a_wait_that_the_server_asks_for_is_kept_to_within_the_time_there_is() -> None:
    patient, impatient = reply(429, b"", Retry_After="5"), reply(429, b"", Retry_After="6")
    async with RawServer(patient, GOOD) as server, Http() as http:
        await lone_client(http, server.url).get("limits")
    assert len(server.asked) == 2
    async with RawServer(impatient, GOOD) as server, Http() as http:
        with pytest.raises(ServerProblem) as caught:
            await lone_client(http, server.url).get("limits")
    assert caught.value.retry_after == 6
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("left", "asked", "wait", "waited"),
    [(60, None, 3, 3), (6, None, 19, 6), (6, 5, 1, 5), (6, 5, 19, 6), (6, 7, 1, None), (0, None, 1, None)],
)
def test_a_wait_ends_before_the_time_for_retries_does(
    left: float, asked: float | None, wait: float, waited: float | None
) -> None:
    problem = ServerProblem("")
    problem.retry_after = asked
    assert wait_within(left, problem, wait) == waited


def busy_until(seconds: int) -> bytes:
    return reply(503, b"", Date="Tue, 03 Mar 2026 10:00:00 GMT", Retry_After=f"Tue, 03 Mar 2026 10:00:{seconds:02} GMT")


async def test_a_wait_until_an_instant_is_one_by_the_servers_clock() -> None:
    async with RawServer(busy_until(5), GOOD) as server, Http() as http:
        await lone_client(http, server.url).get("limits")
    assert len(server.asked) == 2
    async with RawServer(busy_until(40), GOOD) as server, Http() as http:
        with pytest.raises(ServerProblem) as caught:
            await lone_client(http, server.url).get("limits")
    assert caught.value.retry_after == 40
    assert len(server.asked) == 1


@pytest.mark.parametrize(("asked", "tries"), [("40", 2), ("50", 1), ("Tue, 03 Mar 2026 10:00:50 GMT", 1)])
async def test_a_login_host_is_given_the_time_that_it_asks_for(asked: str, tries: int) -> None:
    busy = reply(503, b"", Retry_After=asked, Date="Tue, 03 Mar 2026 10:00:00 GMT")
    async with RawServer(busy, reply(400, {"error": "invalid_grant"})) as server, Http() as http:
        signed_in = Credentials(grant="refresh-token", login_url=server.url, client_id="x", refresh_token="y")
        with pytest.raises(OrgsyncError):
            await Session(http, MemoryVault(signed_in)).access()
    assert len(server.asked) == tries


async def test_retries_can_be_switched_off() -> None:
    async with RawServer(reply(503, b""), GOOD) as server, Http() as http:
        with no_retries(), pytest.raises(ServerProblem):
            await lone_client(http, server.url).get("limits")
    assert len(server.asked) == 1


@contextmanager
def no_retries() -> Generator[None]:
    stamina.set_active(False)
    try:
        yield
    finally:
        stamina.set_active(True)


async def test_a_login_host_that_gives_no_token_is_not_asked_for_it_over_and_over() -> None:
    async with RawServer(reply(503, b"")) as server, Http(timeout=60) as http:
        asked = Credentials(grant="refresh-token", login_url=server.url, client_id="x", refresh_token="y")
        with pytest.raises(ServerProblem):
            await Session(http, MemoryVault(asked)).access()
        tries = len(server.asked)  # the session's own; the client adds none
        with pytest.raises(ServerProblem):
            await Client(http, Session(http, MemoryVault(asked)), login_url=server.url).get("limits")
    assert len(server.asked) == 2 * tries > 2
