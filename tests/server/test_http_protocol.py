"""Callers that send half a request, or open connections and send nothing, cost others nothing."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeAlias

import anyio
import anyio.lowlevel
import httpx
import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route
from structlog.testing import capture_logs

from orgsync.server import listening, serve_app
from tests.plain_http import NOBODY

Opened: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]
HALF_A_HEAD = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "
HALF_A_BODY = b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 10\r\n\r\nhalf"


async def echoed(request: Request) -> PlainTextResponse:
    return PlainTextResponse(f"{len(await request.body())} bytes")


async def named(request: Request) -> PlainTextResponse:
    await request.body()
    return PlainTextResponse(" ".join([*request.headers, "end"]))


async def asked(request: Request) -> PlainTextResponse:
    hosts = ",".join(request.headers.getlist("host"))
    return PlainTextResponse(f"{hosts} {request.scope['raw_path'].decode()} {request.url.query} end")


async def hasty(request: Request) -> PlainTextResponse:
    for _ in range(2):
        await request.receive()
    return PlainTextResponse("answered, whatever has come")


async def begun(request: Request) -> StreamingResponse:
    request.app.state.goes_on = goes_on = anyio.Event()

    async def pieces() -> AsyncGenerator[str]:
        yield "begun"
        await goes_on.wait()
        yield "ended"

    return StreamingResponse(pieces())


async def go_on(request: Request) -> PlainTextResponse:
    request.app.state.goes_on.set()
    return PlainTextResponse("it does")


@asynccontextmanager
async def served() -> AsyncGenerator[int]:
    """Serve on a port of loopback."""
    routes = [Route("/", echoed, methods=["GET", "POST"]), Route("/names", named, methods=["POST"])]
    routes += [Route("/begun", begun, methods=["GET", "POST"]), Route("/go-on", go_on)]
    routes += [Route("/hasty", hasty, methods=["POST"]), Route("/asked", asked)]
    with listening("127.0.0.1", 0) as socket:
        async with anyio.create_task_group() as group:
            group.start_soon(serve_app, socket, Starlette(routes=routes))
            yield int(socket.getsockname()[1])
            group.cancel_scope.cancel()


@pytest_asyncio.fixture
async def connect() -> AsyncGenerator[Callable[[int, bytes], Awaitable[Opened]]]:
    """Open connections that send a few bytes, and close them in the end."""
    writers: list[asyncio.StreamWriter] = []

    async def opened(port: int, sent: bytes) -> Opened:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writers.append(writer)
        writer.write(sent)
        return reader, writer

    yield opened
    for writer in writers:
        writer.close()


def calling(port: int) -> httpx.AsyncClient:
    return httpx.AsyncClient(verify=NOBODY, base_url=f"http://127.0.0.1:{port}", timeout=30)


async def ended(reader: asyncio.StreamReader) -> bytes:
    """Return what comes before a connection ends."""
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""


@pytest.mark.parametrize("sent", [b"", HALF_A_HEAD, HALF_A_BODY])
async def test_a_request_that_does_not_arrive_ends_its_connection_alone(
    connect: Callable[[int, bytes], Awaitable[Opened]], sent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orgsync.server.http_protocol._HEAD_WITHIN", 0.2)
    monkeypatch.setattr("orgsync.server.http_protocol._PIECE_WITHIN", 0.2)
    async with (
        served() as port,
        calling(port) as caller,
    ):
        assert (await caller.get("/")).status_code == 200
        reader, _ = await connect(port, sent)
        assert not (await ended(reader)).startswith(b"HTTP/1.1 200")
        assert (await caller.get("/")).status_code == 200  # on the connection that was idle meanwhile


async def test_a_byte_now_and_then_does_not_keep_half_a_head_alive(
    connect: Callable[[int, bytes], Awaitable[Opened]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orgsync.server.http_protocol._HEAD_WITHIN", 0.3)
    async with served() as port:
        reader, writer = await connect(port, HALF_A_HEAD)
        with anyio.fail_after(30):
            is_open = True
            while is_open:
                writer.write(b"x")
                with anyio.move_on_after(0.05) as waiting:
                    await ended(reader)
                is_open = waiting.cancelled_caught


async def test_a_new_caller_takes_the_place_of_the_one_that_has_sent_half_a_head_the_longest(
    connect: Callable[[int, bytes], Awaitable[Opened]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orgsync.server.http_protocol._MOST_CONNECTIONS", 3)
    async with (
        served() as port,
        calling(port) as caller,
    ):
        half = [await connect(port, HALF_A_HEAD) for _ in range(3)]
        assert (await caller.get("/")).text == "0 bytes"
        await ended(half[0][0])
        half[1][1].write(b"\r\n\r\n")
        assert (await half[1][0].readline()).startswith(b"HTTP/1.1 200")


HEAD = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n"


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (b"GET /", b"a" * 1000),
        (HEAD + b"X-Long: ", b"a" * 1000),
        (HEAD, b"X-Short: a\r\n" * 80),
        (CHUNKED + b"4;", b"a" * 1000),
        (CHUNKED + b"0\r\nX-Long: ", b"a" * 1000),
        (CHUNKED + b"0\r\n", b"X-Short: a\r\n" * 80),
    ],
    ids=["target", "header", "headers", "extension", "trailer", "trailers"],
)
@pytest.mark.parametrize("together", [True, False], ids=["at once", "in pieces"])
async def test_a_head_and_what_belongs_to_none_is_refused_when_it_is_too_large(
    connect: Callable[[int, bytes], Awaitable[Opened]], start: bytes, piece: bytes, together: bool
) -> None:
    async with served() as port:
        reader, writer = await connect(port, start)
        for sent in [piece * 400] if together else [piece] * 400:
            writer.write(sent)
            if not together:
                await anyio.lowlevel.checkpoint()
        with anyio.fail_after(10):
            answer = await ended(reader)
            writer.close()
        assert not answer or answer.startswith((b"HTTP/1.1 414", b"HTTP/1.1 431"))


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (b"GET /%b HTTP/1.1\r\n" % (b"a" * 40_000), 414, "target_too_long"),
        (HEAD + b"X-Long: %b\r\n\r\n" % (b"a" * 40_000), 431, "head_too_large"),
        (HEAD + b"X-Short: a\r\n" * 6_000, 431, "head_too_large"),
        (CHUNKED + b"4;%b\r\n" % (b"a" * 1_000_000), 431, "head_too_large"),
        (b"\x00\r\n\r\n", 400, "invalid_request"),
        (HEAD + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "invalid_request"),
        (CHUNKED + b"zz\r\n", 400, "invalid_request"),
        (CHUNKED.replace(b"chunked", b"gzip, chunked"), 501, "transfer_coding_unknown"),
        (b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n", 400, "tunnel_refused"),
        (b"GET / HTTP/1.1\r\n\r\n", 400, "host_invalid"),
        (HEAD + b"Host: 127.0.0.1\r\n\r\n", 400, "host_invalid"),
        (b"GET / HTTP/1.0\r\nHost: 127.0.0.1\r\nHost: 127.0.0.1\r\n\r\n", 400, "host_invalid"),
        (b"GET / HTTP/1.1\r\nHost:\r\n\r\n", 400, "host_invalid"),
        (b"GET / HTTP/1.1\r\nHost: 127.0.0.1:80@evil.example\r\n\r\n", 400, "host_invalid"),
        (b"GET / HTTP/1.1\r\nHost: 127.0.0.1/x\r\n\r\n", 400, "host_invalid"),
        (b"GET / HTTP/1.1\r\nHost: 127.0.0.1:http\r\n\r\n", 400, "host_invalid"),
        (b"GET / HTTP/1.1\r\nHost: 127.0.0.1, evil.example\r\n\r\n", 400, "host_invalid"),
        (b"GET http://127.0.0.1/ HTTP/1.1\r\n\r\n", 400, "host_invalid"),
        (HEAD.replace(b"/", b"http://me@127.0.0.1/", 1) + b"\r\n", 400, "host_invalid"),
        (HEAD.replace(b"/", b"http:///", 1) + b"\r\n", 400, "host_invalid"),
        (HEAD.replace(b"/", b"ftp://127.0.0.1/", 1) + b"\r\n", 400, "invalid_request"),
    ],
)
async def test_what_is_refused_before_an_app_sees_it_is_told_as_a_problem_and_in_the_log(
    connect: Callable[[int, bytes], Awaitable[Opened]], sent: bytes, status: int, code: str
) -> None:
    async with served() as port:
        with capture_logs() as logs, anyio.fail_after(10):
            reader, writer = await connect(port, sent)
            head, _, body = (await ended(reader)).partition(b"\r\n\r\n")
            writer.close()  # else the server waits at its end for what still comes
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"content-type: application/problem+json" in head
    assert b"connection: close" in head
    problem = json.loads(body)
    assert (problem["status"], problem["code"]) == (status, code)
    assert [(each["event"], each["error"]) for each in logs] == [
        ("a request was refused", f"{problem['title']} {problem['detail']}")
    ]


async def test_an_app_that_was_to_have_more_of_a_body_answers_nothing_after_the_refusal(
    connect: Callable[[int, bytes], Awaitable[Opened]], caplog: pytest.LogCaptureFixture
) -> None:
    async with served() as port:
        reader, writer = await connect(port, CHUNKED.replace(b"/ HTTP/1.1", b"/hasty HTTP/1.1\r\nExpect: 100-continue"))
        await reader.readuntil(b"100 Continue\r\n\r\n")
        writer.write(b"zz\r\n")
        with anyio.fail_after(10):
            answers = await ended(reader)
            writer.close()
        assert answers.startswith(b"HTTP/1.1 400")
        assert b"answered" not in answers
    assert not caplog.records


@pytest.mark.parametrize(
    ("head", "seen"),
    [
        (b"GET http://other.example:80/asked?q=1 HTTP/1.1\r\nHost: 127.0.0.1\r\n", b"other.example:80 /asked q=1 end"),
        (b"GET HTTPS://[::1]/asked HTTP/1.1\r\nHost: 127.0.0.1\r\n", b"[::1] /asked  end"),
        (b"GET http://other.example/asked HTTP/1.0\r\n", b"other.example /asked  end"),
        (b"GET /asked HTTP/1.1\r\nHost: [::1]:8787\r\n", b"[::1]:8787 /asked  end"),
        (b"GET /asked HTTP/1.1\r\nHost: 127.0.0.1:\r\n", b"127.0.0.1: /asked  end"),
        (b"GET /asked HTTP/1.0\r\n", b" /asked  end"),
        (b"GET /asked HTTP/1.1\r\nHost: a\r\nConnection: close\r\n", b"a /asked  end"),
    ],
)
@pytest.mark.parametrize("offer", [b"", b"Connection: Upgrade\r\nUpgrade: h2c\r\n"], ids=["plain", "offer"])
async def test_an_absolute_target_names_the_host_and_else_the_header(
    connect: Callable[[int, bytes], Awaitable[Opened]], head: bytes, seen: bytes, offer: bytes
) -> None:
    async with served() as port:
        reader, _ = await connect(port, head + offer + b"\r\n")
        with anyio.fail_after(10):
            _, _, body = (await reader.readuntil(b" end")).partition(b"\r\n\r\n")
    assert body == seen


@pytest.mark.parametrize("target", [b"http://127.0.0.1", b"http://127.0.0.1?q=1"])
async def test_an_absolute_target_without_a_path_means_the_root(
    connect: Callable[[int, bytes], Awaitable[Opened]], target: bytes
) -> None:
    async with served() as port:
        reader, _ = await connect(port, HEAD.replace(b"/", target, 1) + b"\r\n")
        with anyio.fail_after(10):
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")


async def test_a_fault_in_reading_a_request_is_answered_and_logged_by_its_type_alone(
    connect: Callable[[int, bytes], Awaitable[Opened]],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("orgsync.server.http_protocol.MOST_PIPELINED", "sixteen")  # what no request can bring about
    async with served() as port:
        with capture_logs() as logs, anyio.fail_after(10):
            reader, _ = await connect(port, HEAD + b"\r\n")
            head, _, body = (await ended(reader)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 500 ")
    assert json.loads(body)["code"] == "internal_error"
    assert [(each["event"], each["error"]) for each in logs if each["log_level"] == "error"] == [
        ("unexpected error", "TypeError")
    ]
    assert "sixteen" not in f"{body!r} {logs}"
    assert not caplog.records


async def sent_on(writer: asyncio.StreamWriter) -> None:
    """Send as long as somebody takes it."""
    while True:
        writer.write(b"more")
        await writer.drain()
        await anyio.lowlevel.checkpoint()


async def test_a_caller_who_was_refused_and_goes_on_sending_is_cut_off(
    connect: Callable[[int, bytes], Awaitable[Opened]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orgsync.server.http_protocol._LINGERS", 0.2)
    async with served() as port:
        reader, writer = await connect(port, b"\x00\r\n\r\n")
        with anyio.fail_after(10):
            assert (await ended(reader)).startswith(b"HTTP/1.1 400")
            with pytest.raises(ConnectionError):
                await sent_on(writer)


async def test_a_large_body_and_a_head_within_bounds_pass(connect: Callable[[int, bytes], Awaitable[Opened]]) -> None:
    body = b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000\r\nX-Long: %b\r\n\r\n" % (b"a" * 30_000)
    async with served() as port:
        reader, _ = await connect(port, body + b"b" * 1_000_000)
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        assert b"1000000 bytes" in await reader.readuntil(b"1000000 bytes")


async def test_requests_that_are_sent_together_are_answered_in_order_and_too_many_are_refused(
    connect: Callable[[int, bytes], Awaitable[Opened]],
) -> None:
    post = b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n%b"
    async with served() as port:
        reader, _ = await connect(port, b"".join(post % (size, b"x" * size) for size in (3, 1, 2)))
        for size in (3, 1, 2):
            await reader.readuntil(b"%d bytes" % size)
        reader, _ = await connect(port, (HEAD + b"\r\n") * 1000)
        with anyio.fail_after(10):
            assert (await ended(reader)).count(b"HTTP/1.1 200") < 100


POST = b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 3\r\n\r\nabc"


@pytest.mark.parametrize(
    ("then", "statuses"),
    [
        (b"\x00\r\n\r\n", [200, 400]),
        ((HEAD + b"\r\n") * 40, [200] * 17 + [400]),
        (CHUNKED + b"zz\r\n", [200, 400]),
        (b"GET / HTTP/1.1\r\n\r\n" + HEAD + b"\r\n", [200, 400]),
        (POST + b"GET / HTTP/1.1\r\n\r\n", [200, 200, 400]),
        (HEAD + b"Connection: close\r\n\r\nGET / HTTP/1.1\r\n\r\n", [200, 200]),
    ],
    ids=["garbage", "too many", "a broken body", "no host", "no host in the third", "after the last"],
)
async def test_a_request_is_answered_by_its_own_response_whatever_comes_after_it(
    connect: Callable[[int, bytes], Awaitable[Opened]], then: bytes, statuses: list[int]
) -> None:
    async with served() as port:
        reader, _ = await connect(port, POST + then)
        with anyio.fail_after(10):
            answers = await ended(reader)
        assert [int(each[:3]) for each in answers.split(b"HTTP/1.1 ")[1:]] == statuses
        assert b"3 bytes" in answers.split(b"HTTP/1.1 ")[1]
        assert statuses[-1] == 200 or answers.rpartition(b"\r\n\r\n")[2].startswith(b'{"type":')


@pytest.mark.parametrize(
    ("sent", "cause", "remedy"),
    [
        (b"GET http://me:secret@127.0.0.1/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", "target has a user name", "the @"),
        (b"GET / HTTP/1.1\r\nHost: me@127.0.0.1\r\n\r\n", "Host header has a user name", "the @"),
        (b"GET http:///x HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", "target holds no valid name", "Send a path alone"),
        (b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "Host header holds no valid name", "Send one Host header"),
    ],
)
async def test_an_invalid_host_is_named_with_what_is_wrong_with_it(
    connect: Callable[[int, bytes], Awaitable[Opened]], sent: bytes, cause: str, remedy: str
) -> None:
    async with served() as port:
        with anyio.fail_after(10):
            answer = await ended((await connect(port, sent))[0])
    problem = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert (problem["status"], problem["code"]) == (400, "host_invalid")
    assert cause in problem["title"]
    assert remedy in problem["detail"]
    assert "secret" not in str(problem)


@pytest.mark.parametrize("start", [HEAD.replace(b"/", b"/begun", 1) + b"\r\n", CHUNKED.replace(b"/", b"/begun", 1)])
async def test_nothing_is_written_into_a_response_that_has_begun(
    connect: Callable[[int, bytes], Awaitable[Opened]], start: bytes
) -> None:
    async with served() as port:
        reader, writer = await connect(port, start)
        await reader.readuntil(b"begun")
        writer.write(b"zz\r\n\r\n")
        with anyio.fail_after(10):
            await ended((await connect(port, HEAD.replace(b"/", b"/go-on", 1) + b"Connection: close\r\n\r\n"))[0])
            rest, _, _ = (await ended(reader)).partition(b"\r\n0\r\n\r\n")
        assert b"HTTP/1.1 400" not in rest


async def test_a_caller_who_goes_away_while_sending_is_no_error_of_the_server(
    connect: Callable[[int, bytes], Awaitable[Opened]],
) -> None:
    with capture_logs() as logs:
        async with served() as port:
            reader, writer = await connect(port, HALF_A_BODY.replace(b"Host", b"Expect: 100-continue\r\nHost"))
            assert b"100 Continue" in await reader.readline()  # the app reads the body
            writer.close()
            await writer.wait_closed()
    assert logs == []  # the server has ended by now


OFFER = b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n"


@pytest.mark.parametrize(
    "body",
    [b"Content-Length: 4\r\n\r\nbody", b"Transfer-Encoding: chunked\r\n\r\n3\r\nbod\r\n1\r\ny\r\n0\r\n\r\n"],
    ids=["whole", "chunked"],
)
@pytest.mark.parametrize("together", [True, False], ids=["at once", "in pieces"])
async def test_a_request_that_offers_another_protocol_is_answered_in_this_one(
    connect: Callable[[int, bytes], Awaitable[Opened]], body: bytes, together: bool
) -> None:
    sent = 2 * (OFFER + body) + HEAD + b"\r\n"
    async with served() as port:
        first, rest = (sent, b"") if together else (b"", sent)
        reader, writer = await connect(port, first)
        for each in rest:
            writer.write(bytes([each]))
            await anyio.lowlevel.checkpoint()
        with anyio.fail_after(10):
            for size in (4, 4, 0):
                await reader.readuntil(b"%d bytes" % size)


@pytest.mark.parametrize("offer", [b"", b"Connection: Upgrade\r\nUpgrade: h2c\r\n"], ids=["plain", "offer"])
async def test_a_trailer_is_no_header(connect: Callable[[int, bytes], Awaitable[Opened]], offer: bytes) -> None:
    sent = CHUNKED.replace(b"POST / ", b"POST /names ").replace(b"\r\n\r\n", b"\r\n" + offer + b"\r\n", 1)
    async with served() as port:
        reader, _ = await connect(port, sent + b"0\r\nAuthorization: Bearer other\r\nX-Forwarded-For: 1.1.1.1\r\n\r\n")
        with anyio.fail_after(10):
            names = await reader.readuntil(b"end")
        assert b"host" in names
        assert b"authorization" not in names
        assert b"x-forwarded-for" not in names


@pytest.mark.parametrize(
    "coding", [b"gzip, chunked", b"chunked, identity", b"xchunked", b"gzip\r\nTransfer-Encoding: chunked"]
)
async def test_a_transfer_coding_that_is_not_decoded_is_refused(
    connect: Callable[[int, bytes], Awaitable[Opened]], coding: bytes
) -> None:
    async with served() as port:
        reader, _ = await connect(port, CHUNKED.replace(b"chunked", coding) + b"0\r\n\r\n")
        with anyio.fail_after(10):
            assert (await reader.readline()).startswith((b"HTTP/1.1 501", b"HTTP/1.1 400"))
