"""The socket that is served on."""

import asyncio
import socket

from orgsync.server import listening


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
