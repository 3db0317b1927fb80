"""The socket that is served on, and what every app on it gets."""

import asyncio
import socket
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from orgsync.server import ServerOptions, listening, running, serve_app
from tests.plain_http import NOBODY


async def test_what_is_written_to_a_caller_is_sent_at_once() -> None:
    """Else the second of two small writes waits 40 ms for the first to be acknowledged (Nagle's algorithm)."""
    accepted: asyncio.Queue[bool] = asyncio.Queue()

    def look(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection: socket.socket = writer.get_extra_info("socket")
        accepted.put_nowait(bool(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)))
        writer.close()

    with listening("127.0.0.1", 0) as socket_:
        async with await asyncio.start_server(look, sock=socket_):
            _, writer = await asyncio.open_connection(*socket_.getsockname())
            assert await accepted.get()
            writer.close()
            await writer.wait_closed()


async def test_a_fault_in_any_app_is_logged_by_its_type(capsys: pytest.CaptureFixture[str]) -> None:
    """The one of `orgsync mcp --http`, too, which is not of orgsync's own making."""

    def failing(_: Request) -> None:
        raise ValueError("ada@acme.example")

    with listening("127.0.0.1", 0) as socket_:
        async with anyio.create_task_group() as group:
            group.start_soon(serve_app, socket_, Starlette(routes=[Route("/", failing)]))
            async with httpx.AsyncClient(verify=NOBODY, timeout=30) as caller:
                answer = await caller.get(f"http://127.0.0.1:{socket_.getsockname()[1]}/")
            assert answer.status_code == 500
            assert "ada@acme" not in answer.text
            group.cancel_scope.cancel()
    logged = "".join(capsys.readouterr())
    assert "ValueError" in logged
    assert "ada@acme" not in logged


async def test_a_call_that_outlasts_the_server_is_answered_without_a_traceback(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules[serve_app.__module__], "_GRACE", 0.1)
    has_begun = anyio.Event()

    async def slow(_: Request) -> Response:
        has_begun.set()
        await anyio.sleep_forever()
        return Response()

    with listening("127.0.0.1", 0) as socket_:
        url = f"http://127.0.0.1:{socket_.getsockname()[1]}/"
        answers: list[httpx.Response] = []

        async def call() -> None:
            async with httpx.AsyncClient(verify=NOBODY, timeout=30) as caller:
                answers.append(await caller.get(url))

        async with anyio.create_task_group() as calling, anyio.create_task_group() as serving:
            serving.start_soon(serve_app, socket_, Starlette(routes=[Route("/", slow)]))
            calling.start_soon(call)
            await has_begun.wait()
            serving.cancel_scope.cancel()
    assert [each.status_code for each in answers] == [503]
    assert answers[0].json()["title"] == "The server stopped before the call had ended."
    assert "Traceback" not in caplog.text
    assert all(each.exc_info is None for each in caplog.records)


def test_an_interruption_before_the_server_starts_is_not_logged_as_a_failed_start(
    caplog: pytest.LogCaptureFixture,
) -> None:
    @asynccontextmanager
    async def opened(_: Starlette) -> AsyncGenerator[None]:
        await anyio.sleep_forever()
        yield

    async def interrupted() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()  # what asyncio does at Ctrl-C
        with listening("127.0.0.1", 0) as socket_:
            await serve_app(socket_, Starlette(lifespan=opened))

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(interrupted())
    assert caplog.text == ""


def test_an_interruption_before_the_scheduler_starts_does_not_start_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    async def interrupted() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        with listening("127.0.0.1", 0) as socket_:
            await running(socket_, ServerOptions(), up=True)

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(interrupted())
    assert list(tmp_path.iterdir()) == []
