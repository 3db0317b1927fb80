"""Answers that are read as they arrive."""

import gzip
import logging

import pytest

from orgsync.demo_org import DemoOrg, Fault
from orgsync.errors import (
    AccessRefused,
    ArgumentInvalid,
    HostNotAllowed,
    LimitReached,
    NetworkProblem,
    QueryRefused,
    ResponseUnreadable,
)
from orgsync.salesforce.http.http import Http
from tests.http.raw_server import HANG, RESET, RawServer, reply

from ..api.clients import client_of, lone_client

TEXT = b"".join(b'"%d","some text"\n' % number for number in range(200_000))


async def test_a_gzipped_body_arrives_decoded_in_chunks_of_a_bounded_size() -> None:
    body = gzip.compress(TEXT)
    server = RawServer(reply(200, body, Content_Encoding="gzip", X_Kept="1"))
    async with server, Http() as http, http.stream("GET", f"{server.url}/x", params={"q": "a b"}) as stream:
        chunks = [chunk async for chunk in stream.chunks()]
    assert (stream.status, stream.ok, stream.headers["x-kept"]) == (200, True, "1")
    assert stream.place == f"GET {server.url.removeprefix('http://')}/x"
    assert b"".join(chunks) == TEXT
    assert max(map(len, chunks)) <= 256 * 1024
    assert server.asked[0].target == "/x?q=a%20b"


async def test_a_short_body_can_be_read_whole() -> None:
    async with RawServer(reply(404, {"a": 1})) as server, Http() as http, http.stream("GET", server.url) as stream:
        answer = await stream.read()
    assert (answer.status, answer.json(), answer.place) == (404, {"a": 1}, stream.place)


@pytest.mark.parametrize(
    "broken",
    [
        reply(200, TEXT)[:-1],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        reply(200, gzip.compress(TEXT)[:-20], Content_Encoding="gzip"),
    ],
    ids=["body cut short", "chunk cut short", "gzip cut short"],
)
async def test_a_body_that_breaks_off_is_a_network_problem(broken: bytes) -> None:
    async with RawServer(broken) as server, Http(timeout=1) as http:
        with pytest.raises(NetworkProblem) as caught:
            async with http.stream("GET", f"{server.url}/x?q=Smith") as stream:
                _ = [chunk async for chunk in stream.chunks()]
    assert caught.value.sent
    assert "Smith" not in str(caught.value)


async def test_leaving_early_closes_the_connection_and_reading_to_the_end_keeps_it() -> None:
    async with RawServer(reply(200, TEXT)) as server, Http() as http:
        async with http.stream("GET", server.url) as stream:
            assert await anext(stream.chunks())
        async with http.stream("GET", server.url) as stream:
            assert (await stream.read()).content == TEXT
        async with http.stream("GET", server.url) as stream:
            assert (await stream.read()).content == TEXT
        assert server.connections == 2


async def test_what_is_refused_when_sending_is_refused_when_streaming(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with RawServer(HANG) as server, Http() as http:
        with pytest.raises(NetworkProblem, match="not answered in time"):
            async with http.stream("GET", server.url, timeout=0.5):
                pass
        with pytest.raises(ArgumentInvalid, match="address of a request is not a URL"):
            async with http.stream("GET", "ftp://host/"):
                pass
    with pytest.raises(RuntimeError, match="closed"):
        async with http.stream("GET", server.url):
            pass
    assert caplog.text == ""


async def test_a_stream_of_the_client_renews_a_dead_token_once_and_counts_its_calls(org: DemoOrg) -> None:
    async with client_of(org, signed_in=True) as client:
        org.expire_tokens()
        async with client.stream("limits", headers={"X-Mine": "1"}) as stream:
            answer = await stream.read()
        assert "DailyApiRequests" in answer.content.decode()
        assert client.usage.calls == 2
        assert client.usage.used == org.api_used
    assert [request.path.rpartition("/")[2] for request in org.requests] == ["limits", "token", "limits"]


async def test_a_stream_is_opened_again_until_it_opens() -> None:
    server = RawServer(RESET, reply(503, b"busy"), reply(200, TEXT))
    async with server, Http() as http, lone_client(http, server.url).stream("x", params={"a": "1"}) as stream:
        assert (await stream.read()).content == TEXT
    assert [asked.target for asked in server.asked] == ["/services/data/v62.0/x?a=1"] * 3


async def test_a_stream_that_is_refused_says_why(org: DemoOrg) -> None:
    refused = reply(400, [{"errorCode": "MALFORMED_QUERY", "message": "no"}])
    async with RawServer(refused) as server, Http() as http:
        with pytest.raises(QueryRefused, match="MALFORMED_QUERY"):
            async with lone_client(http, server.url).stream("x"):
                pass
        assert len(server.asked) == 1
    async with RawServer(reply(302, Location="/y")) as server, Http() as http:
        with pytest.raises(ResponseUnreadable, match="redirection"):
            async with lone_client(http, server.url).stream("x"):
                pass
    async with client_of(org, limit_share=0) as client:
        await client.get("limits")
        with pytest.raises(LimitReached):
            async with client.stream("limits"):
                pass
        with pytest.raises(HostNotAllowed, match="no token was sent"):
            async with client_of(org) as other, other.stream("https://evil.example/x"):
                pass


async def test_a_break_while_reading_is_the_readers_to_mend() -> None:
    cut = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nab"
    async with RawServer(cut) as server, Http() as http:
        with pytest.raises(NetworkProblem):
            async with lone_client(http, server.url).stream("x") as stream:
                await stream.read()
    assert len(server.asked) == 1


async def test_a_session_that_is_dead_at_once_again_ends_a_stream(org: DemoOrg) -> None:
    async with client_of(org, signed_in=True) as client:
        org.add_fault(Fault.json_error(401, "INVALID_SESSION_ID", "expired"), match="limits", times=None)
        with pytest.raises(AccessRefused, match="rejects a new session"):
            async with client.stream("limits"):
                pass
