"""A proxy before a PostgreSQL server, which cuts connections where a test says so."""

import struct
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

import anyio
from anyio.abc import SocketAttribute, SocketStream
from anyio.streams.buffered import BufferedByteReceiveStream

from tests.postgres_server import PASSWORD, PostgresServer

__all__ = ["Proxy", "proxy"]

Cut: TypeAlias = Literal["before", "after"]
_OVER = (anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream, anyio.IncompleteRead)


@dataclass
class Proxy:
    """What passes and what does not: `cut` is asked of each statement's text.

    `before` cuts the connection instead of sending it to the server, `after` lets the server carry it out and cuts the
    connection before its answer, None lets it pass.
    """

    url: str
    cut: Callable[[bytes], Cut | None] = lambda _: None
    cuts: int = 0


@asynccontextmanager
async def proxy(server: PostgresServer, url: str) -> AsyncGenerator[Proxy]:
    """Run a proxy before the server of a database's URL."""
    database = urlsplit(url).path
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener, anyio.create_task_group() as tasks:
        port = listener.extra_attributes[SocketAttribute.local_port]()
        made = Proxy(f"postgresql://postgres:{PASSWORD}@127.0.0.1:{port}{database}?sslmode=disable&gssencmode=disable")

        async def serve(client: SocketStream) -> None:
            async with client, await anyio.connect_tcp("127.0.0.1", server.port) as upstream:
                await _Session(made, client, upstream).relay()

        tasks.start_soon(listener.serve, serve)
        yield made
        tasks.cancel_scope.cancel()


@dataclass
class _Session:
    """A connection through the proxy, until an end is closed or a statement is to be cut."""

    proxy: Proxy
    client: SocketStream
    server: SocketStream
    is_losing: bool = False

    async def relay(self) -> None:
        async with anyio.create_task_group() as tasks:
            for passing in (self._asked, self._answered):
                tasks.start_soon(self._until_over, passing, tasks.cancel_scope)

    async def _until_over(self, passing: Callable[[], Coroutine[None, None, None]], scope: anyio.CancelScope) -> None:
        with suppress(*_OVER):
            await passing()
        scope.cancel()

    async def _asked(self) -> None:
        asked = BufferedByteReceiveStream(self.client)
        size = await asked.receive_exactly(4)  # of the first message, which has no type
        await self.server.send(size + await asked.receive_exactly(struct.unpack("!i", size)[0] - 4))
        while True:
            message = await _message(asked)
            cut = self.proxy.cut(message[5:]) if message[:1] in (b"Q", b"P") else None
            self.proxy.cuts += cut is not None
            if cut == "before":
                return
            self.is_losing |= cut == "after"
            await self.server.send(message)

    async def _answered(self) -> None:
        answered = BufferedByteReceiveStream(self.server)
        while True:
            message = await _message(answered)
            if not self.is_losing:
                await self.client.send(message)
            elif message[:1] == b"Z":  # it has been carried out
                return


async def _message(stream: BufferedByteReceiveStream) -> bytes:
    head = await stream.receive_exactly(5)
    return head + await stream.receive_exactly(struct.unpack("!i", head[1:])[0] - 4)
