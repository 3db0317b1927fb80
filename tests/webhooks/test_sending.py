"""An attempt whose time is over says what took it: the resolution, the connection or the receiver."""

import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager

import anyio
import anyio.abc
import pytest

from orgsync.salesforce.http.transport import HttpxTransport
from orgsync.webhooks import sending
from orgsync.webhooks.addresses import Allowed, Resolve
from orgsync.webhooks.sending import Attempt, send

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
Serve = Callable[[anyio.abc.SocketStream], Awaitable[None]]


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "TIMEOUT", 0.6)


@asynccontextmanager
async def serving(serve: Serve) -> AsyncGenerator[int]:
    """Serve every connection to a port of loopback so."""
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, serve)
        yield int(listener.extra(anyio.abc.SocketAttribute.local_port))  # noqa: S610
        tasks.cancel_scope.cancel()


@contextmanager
def full() -> Generator[int]:
    """Listen at a port whose queue of connections is full, so that none is made any more."""
    with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for each in (first, second):
            each.setblocking(False)
            each.connect_ex(listener.getsockname())
        yield int(listener.getsockname()[1])


def after(seconds: float) -> Resolve:
    async def resolve(_host: str, _port: int) -> Sequence[str]:
        await anyio.sleep(seconds)
        return ["127.0.0.1"]

    return resolve


async def sent(port: int, *, resolved_after: float = 0) -> Attempt:
    transport = HttpxTransport()
    try:
        return await send(
            transport,
            f"http://hooks.example.com:{port}/x",
            message="m",
            body="{}",
            secrets=[SECRET],
            allowed=Allowed(private=True),
            resolver=after(resolved_after),
        )
    finally:
        await transport.aclose()


def said(attempt: Attempt) -> tuple[str, str]:
    assert attempt.error is not None
    assert attempt.status is None
    assert "hooks.example.com" not in attempt.problem  # a URL may be secret
    return attempt.error.cause, attempt.error.remedy


async def silent(stream: anyio.abc.SocketStream) -> None:
    async with stream:
        await stream.receive()
        await anyio.sleep_forever()


async def endless(stream: anyio.abc.SocketStream) -> None:
    async with stream:
        await stream.receive()
        await stream.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")
        await anyio.sleep_forever()


async def test_a_resolver_that_hangs_is_not_the_receiver_s_fault() -> None:
    cause, remedy = said(await sent(9999, resolved_after=60))
    assert cause == "The address of the receiver at hooks.example.com:9999 was not found within 0.6 seconds."
    assert remedy == "Check the DNS of this machine, and its network."


async def test_a_connection_that_is_not_made_is_named() -> None:
    with full() as port:
        cause, remedy = said(await sent(port))
    assert cause == f"No connection to the receiver at hooks.example.com:{port} could be made within 0.6 seconds."
    assert remedy.startswith("Check that the receiver runs")


async def test_a_receiver_that_does_not_answer_is_named() -> None:
    async with serving(silent) as port:
        cause, remedy = said(await sent(port))
    assert cause.startswith(f"The receiver at hooks.example.com:{port} did not answer within 0.")
    assert cause.endswith(" seconds.")
    assert "after" not in cause
    assert remedy == "Let it answer first, and do afterwards what takes longer."


async def test_a_receiver_that_was_left_little_time_is_not_blamed() -> None:
    async with serving(silent) as port:
        cause, remedy = said(await sent(port, resolved_after=0.4))
    assert " seconds, after 0." in cause
    assert remedy.startswith("Check the DNS of this machine")


async def test_an_answer_of_200_accepts_the_message_though_its_body_does_not_end() -> None:
    async with serving(endless) as port:
        attempt = await sent(port)
    assert (attempt.status, attempt.succeeded) == (200, True)
