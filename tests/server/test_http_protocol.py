"""Callers that send half a request, or open connections and send nothing, cost others nothing."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeAlias

import anyio
import httpx
import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from orgsync.server import listening, serve_app

Opened: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]
HALF_A_HEAD = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "
HALF_A_BODY = b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 10\r\n\r\nhalf"


async def echoed(request: Request) -> PlainTextResponse:
    return PlainTextResponse(f"{len(await request.body())} bytes")


@asynccontextmanager
async def served() -> AsyncGenerator[int]:
    """Serve on a port of loopback."""
    with listening("127.0.0.1", 0) as socket:
        async with anyio.create_task_group() as group:
            group.start_soon(serve_app, socket, Starlette(routes=[Route("/", echoed, methods=["GET", "POST"])]))
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
    async with served() as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as caller:
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
            while not reader.at_eof():
                writer.write(b"x")
                with anyio.move_on_after(0.05):
                    await ended(reader)


async def test_a_new_caller_takes_the_place_of_the_one_that_has_sent_half_a_head_the_longest(
    connect: Callable[[int, bytes], Awaitable[Opened]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orgsync.server.http_protocol._MOST_CONNECTIONS", 3)
    async with served() as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as caller:
        half = [await connect(port, HALF_A_HEAD) for _ in range(3)]
        assert (await caller.get("/")).text == "0 bytes"
        await ended(half[0][0])
        half[1][1].write(b"\r\n\r\n")
        assert (await half[1][0].readline()).startswith(b"HTTP/1.1 200")
