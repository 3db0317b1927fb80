"""An HTTP/1.1 server on loopback, in a thread with an event loop of its own.

A thread, so that `with DemoOrg()` works in plain tests, in commands and beside any event loop. What to answer is
the application's business; faults that need the socket are done here.
"""

import asyncio
import contextlib
import itertools
import socket
import ssl
import struct
import threading
import zlib
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import TypeVar

import h11

from .faults import Fault
from .wire import LONGEST_URI, Call, bad_message, read_target

T = TypeVar("T")
_READ = 65_536
_BLOCK = b" " * 1_048_576  # of an endless response
_TURNS = 50
"""Of the event loop, in each of which it takes up what has arrived: a plain request needs fewer than ten."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A response as it goes to the wire; a status of 0 is none at all."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do with a call: `reply` returns the response, unless the fault strikes first."""

    fault: Fault | None
    reply: Callable[[], Reply]


Application = Callable[[Call], Plan]


class Server:
    """Listens on one port or more, and gets the response to each request from the application."""

    def __init__(self, application: Application, tls: ssl.SSLContext | None) -> None:
        self._application = application
        self._tls = tls
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._connections: set[asyncio.Task[None]] = set()
        self._listeners: dict[int, asyncio.Server] = {}
        self._thread = threading.Thread(target=self._run, name="demo-org", daemon=True)
        self._thread.start()

    def listen(self, port: int = 0) -> int:
        """Open one more port of 127.0.0.1 and return its number."""
        listening = socket.create_server(("127.0.0.1", port), backlog=512)
        try:
            return self._do(self._listen(listening))
        except BaseException:
            listening.close()
            raise

    def close(self, port: int) -> None:
        """Close a port: connecting to it is refused from now on."""
        self._do(self._close(port))

    def take_in(self) -> None:
        """Give the event loop time to take up the requests that have been sent by now."""
        self._do(_turns(_TURNS))

    def stop(self) -> None:
        """Close every port and connection, and end the thread."""
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    def _do(self, work: Coroutine[None, None, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        await self._stopping.wait()
        for listener in self._listeners.values():
            listener.close()
        for connection in self._connections:
            connection.cancel()
        while others := asyncio.all_tasks() - {asyncio.current_task()}:  # connections just accepted are among them
            await asyncio.wait(others)
        await _turns(3)  # lets the transports' own closing callbacks run

    async def _listen(self, listening: socket.socket) -> int:
        port = int(listening.getsockname()[1])

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._connected(_Connection(reader, writer, port, self._application))

        self._listeners[port] = await asyncio.start_server(connected, sock=listening, ssl=self._tls)
        return port

    async def _close(self, port: int) -> None:
        self._listeners.pop(port).close()

    async def _connected(self, connection: "_Connection") -> None:
        task = asyncio.current_task()
        if task is None or self._stopping.is_set():
            connection.abort()
            return
        self._connections.add(task)
        try:
            await connection.serve()
        except asyncio.CancelledError:
            connection.abort()  # the server stops; nobody awaits this task but `_serve`
        except (OSError, h11.RemoteProtocolError, asyncio.IncompleteReadError):
            connection.abort()
        finally:
            self._connections.discard(task)


class _Connection:
    """One client's connection, kept alive between requests."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int, application: Application
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._port = port
        self._application = application
        connection: socket.socket = writer.get_extra_info("socket")
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=8 * LONGEST_URI)

    async def serve(self) -> None:
        """Serve requests until the client, a fault or the server ends the connection."""
        while await self._exchange():
            self._http.start_next_cycle()
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    def abort(self) -> None:
        """Drop the connection without a word."""
        self._writer.transport.abort()

    def _reset(self) -> None:
        """Send RST: closing with a linger time of zero does."""
        connection: socket.socket = self._writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.abort()

    async def _exchange(self) -> bool:
        """Read one request and answer it; return whether the connection can serve another."""
        try:
            call = await self._read()
        except h11.RemoteProtocolError:
            await self._refuse()
            return False
        if call is None:
            return False
        plan = self._application(call)
        if plan.fault is not None:
            return await self._faulty(plan, plan.fault)
        return await self._send(plan.reply())

    async def _refuse(self) -> None:
        """Respond to what is not HTTP."""
        page = bad_message(400, "Bad Request")
        length = ("Content-Length", str(len(page.body)))
        headers = [("Content-Type", "text/html"), length, ("Connection", "close")]
        await self._write(h11.Response(status_code=400, headers=headers))
        self._writer.write(page.body)

    async def _read(self) -> Call | None:
        request: h11.Request | None = None
        body = bytearray()
        while True:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                if self._http.they_are_waiting_for_100_continue:
                    await self._write(h11.InformationalResponse(status_code=100, headers=[]))
                self._http.receive_data(await self._reader.read(_READ))
            elif isinstance(event, h11.Request):
                request = event
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage) and request is not None:
                return self._call(request, bytes(body))
            else:
                return None

    def _call(self, request: h11.Request, body: bytes) -> Call:
        path, query = read_target(request.target.decode("ascii", "replace"))
        headers = {name.decode().lower(): value.decode("latin-1") for name, value in request.headers}
        return Call(request.method.decode(), path, query, headers, body, self._port, len(request.target))

    async def _faulty(self, plan: Plan, fault: Fault) -> bool:
        if fault.kind == "hang":
            await self._reader.read()  # until the client gives up, or the server stops
            return False
        if fault.kind == "delay":
            await asyncio.sleep(fault.seconds)
        reply = plan.reply()
        if fault.kind == "reset":
            self._reset()
            raise ConnectionResetError  # nothing may be sent any more, not even TLS's goodbye
        if fault.kind == "truncate":
            await self._send_half(reply)
            return False
        if fault.kind == "drip":
            return await self._drip(reply, fault)
        if fault.kind == "endless":
            await self._send_without_end(reply, zipped=fault.zipped)
        return await self._send(reply)

    async def _send(self, reply: Reply) -> bool:
        self._writer.write(self._bytes(reply))
        await self._writer.drain()
        return self._http.our_state is h11.DONE and self._http.their_state is h11.DONE

    async def _send_half(self, reply: Reply) -> None:
        """Send the head and half of the body, as a connection does that breaks."""
        whole = self._bytes(reply)
        head = whole.index(b"\r\n\r\n") + 4
        self._writer.write(whole[: head + (len(whole) - head) // 2])
        await self._writer.drain()

    async def _drip(self, reply: Reply, fault: Fault) -> bool:
        """Send a few bytes at a time, the headers too where the fault has a code."""
        whole = self._bytes(reply)
        head = 0 if fault.code else whole.index(b"\r\n\r\n") + 4
        self._writer.write(whole[:head])
        for start in range(head, len(whole), fault.at_once):
            await asyncio.sleep(fault.seconds)
            self._writer.write(whole[start : start + fault.at_once])
            await self._writer.drain()
        return self._http.our_state is h11.DONE and self._http.their_state is h11.DONE

    async def _send_without_end(self, reply: Reply, *, zipped: bool) -> None:
        """Send white space until the client leaves or the server stops, which end this by an exception."""
        encoded = [("Content-Encoding", "gzip")] if zipped else []
        headers = [*reply.headers, *encoded, ("Transfer-Encoding", "chunked")]
        await self._write(h11.Response(status_code=reply.status, headers=headers))
        for block in _zipped_without_end() if zipped else itertools.repeat(_BLOCK):
            await self._write(h11.Data(data=block))
            await asyncio.sleep(0)

    def _bytes(self, reply: Reply) -> bytes:
        """Return a response's bytes, in one piece: small writes would wait for each other's acknowledgement."""
        headers = [*reply.headers, ("Connection", "keep-alive")]
        if reply.body:
            headers.append(("Transfer-Encoding", "chunked"))
        elif reply.status not in {204, 304}:
            headers.append(("Content-Length", "0"))
        events: list[h11.Event] = [h11.Response(status_code=reply.status, headers=headers)]
        events += [h11.Data(data=reply.body)] if reply.body else []
        events.append(h11.EndOfMessage())
        return b"".join(self._http.send(event) or b"" for event in events)

    async def _write(self, event: h11.Event) -> None:
        self._writer.write(self._http.send(event) or b"")
        await self._writer.drain()


async def _turns(number: int) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


def _zipped_without_end() -> Iterator[bytes]:
    """Return the beginning of a gzip stream, then a block that may follow itself any number of times."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    yield packer.compress(_BLOCK) + packer.flush(zlib.Z_FULL_FLUSH)
    yield from itertools.repeat(packer.compress(_BLOCK) + packer.flush(zlib.Z_FULL_FLUSH))
