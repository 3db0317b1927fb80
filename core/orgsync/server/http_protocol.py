"""HTTP/1.1 as uvicorn speaks it by httptools, with bounds of what arrives, of how long that takes, and of connections.

uvicorn bounds the time between requests alone: callers who send half a request each would hold every connection for
ever, and with them the descriptors that the database needs. httptools keeps a head of any size, and requests that come
before the one before them is answered are kept as well.
"""

import asyncio
import sys
from array import array
from typing import Any

import httptools
from starlette.responses import Response
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from orgsync.logs import get_logger

from .authority import request_target
from .http_errors import (
    CODING,
    FAULT,
    HEAD_TOO_LARGE,
    INVALID,
    KEPT_TOO_LARGE,
    LARGEST_HEAD,
    MOST_PIPELINED,
    TARGET_TOO_LONG,
    TOO_MANY,
    TUNNEL,
    HttpRefusal,
    HttpRejected,
)
from .problems import note_unexpected, problem_response

__all__ = ["ACCEPTED_AT_ONCE", "BoundedProtocol"]

ACCEPTED_AT_ONCE = 16
"""Connections that are accepted before others of them are looked at. asyncio would take 2,048, and where no file can be
opened any more, it writes a traceback for each."""

_HEAD_WITHIN = 20.0
_PIECE_WITHIN = 60.0
"""Seconds for the whole head of a request, and for each next piece of its body."""

_LINGERS = 2.0
"""Seconds in which a caller who is refused may go on sending, and read why it was refused."""

_MOST_CONNECTIONS = 1000
_SPARE_FILES = 64 + 4 * ACCEPTED_AT_ONCE
"""Descriptors for the database, the orgs, the log, and connections of which this is not told yet, or no longer."""


def _most_connections() -> int:
    if sys.platform == "win32":
        return _MOST_CONNECTIONS
    import resource

    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MOST_CONNECTIONS if files < 0 else min(_MOST_CONNECTIONS, max(files // 2, files - _SPARE_FILES))


class _Parser(httptools.HttpRequestParser):
    """Reads a request that offers another protocol as one that does not, as a server may (RFC 9110, 7.8).

    Java's own client offers HTTP/2 with the first request of each connection; httptools would leave its body out.
    """

    def __init__(self, protocol: "BoundedProtocol") -> None:
        super().__init__(protocol)
        self._protocol = protocol

    def feed_data(self, data: "bytes | bytearray | memoryview | array[int]") -> None:
        """Parse what has come; uvicorn would answer what is not valid by a plain text."""
        try:
            super().feed_data(data)
        except httptools.HttpParserUpgrade as offered:
            [read] = offered.args
            anew = self._protocol.head_without_upgrade() + bytes(data)[read:]
            self._protocol.begin_parser().feed_data(anew)  # after a request that closes, this one drops what comes
        except httptools.HttpParserError as error:
            self._protocol.refuse(_refusal_of(error.__context__))


def _refusal_of(ended_by: BaseException | None) -> HttpRefusal:
    """Return why parsing ended: by us, by what is not valid, or by a fault of the code that takes what is parsed."""
    if isinstance(ended_by, HttpRejected):
        return ended_by.refusal
    if not isinstance(ended_by, Exception) or isinstance(ended_by, httptools.HttpParserError | ValueError):
        return INVALID  # as a target is that cannot be parsed, or is not of ASCII
    note_unexpected(ended_by)
    return FAULT


class BoundedProtocol(HttpToolsProtocol):
    """A connection that ends where a request does not arrive or is too large; of too many, one gives way."""

    _awaited: asyncio.TimerHandle | None = None
    _has_refused = False
    _refused_next: HttpRefusal | None = None  # why what comes after the requests that are answered now is refused
    _has_headers = False  # of the request that is read: what comes then as a header is a trailer
    _head = 0  # bytes of its target, headers and trailers
    _kept = 0  # bytes that have come since the parser last gave a piece: it keeps them

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request's head, as every byte of a next one does."""
        super().connection_made(transport)
        self.begin_parser()
        if len(self.connections) > _most_connections():
            self._make_room()
        self._watch()

    def begin_parser(self) -> _Parser:
        """Make the parser of what comes from now on."""
        self.parser = parser = _Parser(self)
        parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn's own: what comes is dropped
        return parser

    def data_received(self, data: bytes) -> None:
        """Wait for what is still missing of the request."""
        if self._has_refused:
            return
        self._kept += len(data)
        super().data_received(data)
        if self._kept > LARGEST_HEAD and not self._has_refused:
            self.refuse(KEPT_TOO_LARGE)
        self._watch()

    def refuse(self, refusal: HttpRefusal) -> None:
        """Read no further. Requests that came before are answered, each by its own response and by nothing else.

        The request that is refused is answered in its turn; the connection ends with that, or earlier where a response
        before it ends it, or its own has begun.
        """
        get_logger("orgsync.server").warning("a request was refused", error=f"{refusal.cause} {refusal.remedy}")
        self._has_refused = True
        cycle = self.cycle
        if cycle and not cycle.more_body and not cycle.response_complete:
            self._refused_next = refusal
        elif self.pipeline:  # the body of one that waits
            cycle.keep_alive = cycle.more_body = False
            answering: Any = problem_response(*refusal)  # uvicorn has types of its own for what an app is
            self.pipeline[0] = (cycle, answering)
        elif cycle and cycle.more_body and cycle.response_started:
            self.transport.close()
        else:
            self._answer(problem_response(*refusal))

    def on_response_complete(self) -> None:
        """Begin with the request whose turn is next; after the last, answer what was refused after it."""
        super().on_response_complete()
        if self._refused_next and self.cycle.response_complete and not self.transport.is_closing():
            self._answer(problem_response(*self._refused_next))

    def _answer(self, response: Response) -> None:
        """Send a response that is the last, and let go of what still comes: closed at once, TCP would discard both."""
        if self.cycle and not self.cycle.response_complete:  # its app waits for more of the body
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        headers = [*self.server_state.default_headers, *response.raw_headers, (b"connection", b"close")]
        lines = [b"%b: %b\r\n" % header for header in headers]
        self.transport.write(b"".join([STATUS_LINE[response.status_code], *lines, b"\r\n", bytes(response.body)]))
        self.transport.write_eof()
        self.loop.call_later(_LINGERS, self.transport.close)

    def on_message_begin(self) -> None:
        """Count anew."""
        super().on_message_begin()
        self._head = 0
        self._has_headers = False

    def on_url(self, url: bytes) -> None:
        """Take a piece of the target."""
        self._count(len(url), TARGET_TOO_LONG)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header. A trailer counts, but is none: a proxy before this server may have looked at headers alone."""
        self._count(len(name) + len(value))
        if not self._has_headers:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Begin with a request, or keep it until those before it are answered."""
        self._kept = 0
        if len(self.pipeline) >= MOST_PIPELINED:
            raise HttpRejected(TOO_MANY)
        if self.parser.get_method() == b"CONNECT":
            raise HttpRejected(TUNNEL)
        if any(name == b"transfer-encoding" and value.lower() != b"chunked" for name, value in self.headers):
            raise HttpRejected(CODING)  # the parser takes `gzip, chunked`, and leaves what is compressed to the app
        self._read_authority()
        if not self.parser.should_upgrade():
            self._has_headers = True
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        self._kept = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Take the request's end."""
        self._kept = 0
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def head_without_upgrade(self) -> bytes:
        """Return the head that was read, without the header that offers another protocol."""
        version = self.parser.get_http_version().encode()
        lines = [b"%b %b HTTP/%b" % (self.parser.get_method(), self.url, version)]
        lines += [b"%b: %b" % header for header in self.headers if header[0] != b"upgrade"]
        return b"\r\n".join([*lines, b"", b""])

    def _read_authority(self) -> None:
        """Leave a path in the target, and one Host header with the name that the request is for."""
        hosts = [value for name, value in self.headers if name == b"host"]
        self.url, authority = request_target(self.url, hosts, version=self.parser.get_http_version())
        if authority is not None:
            others = [header for header in self.headers if header[0] != b"host"]
            self.headers[:] = [(b"host", authority), *others]  # in place: the request's scope has this list

    def _count(self, size: int, refusal: HttpRefusal = HEAD_TOO_LARGE) -> None:
        self._kept = 0
        self._head += size
        if self._head > LARGEST_HEAD:
            raise HttpRejected(refusal)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        super().connection_lost(exc)
        self._stop_watching()

    def _lacks_head(self) -> bool:
        return not self.cycle or self.cycle.response_complete

    def _make_room(self) -> None:
        """End the connection that has waited for a head the longest, else one that is idle, else this one."""
        all_: list[BoundedProtocol] = [each for each in self.connections if isinstance(each, BoundedProtocol)]
        waiting = [each for each in all_ if each is not self and each._may_give_way()]
        min(waiting, key=BoundedProtocol._ends_at, default=self).transport.abort()

    def _may_give_way(self) -> bool:
        return self._lacks_head() and not self.transport.is_closing()

    def _ends_at(self) -> float:
        return self._awaited.when() if self._awaited else float("inf")

    def _watch(self) -> None:
        if self._lacks_head():
            if self._awaited is None:  # a byte now and then does not prolong it
                self._awaited = self.loop.call_later(_HEAD_WITHIN, self._give_up)
            return
        self._stop_watching()
        if self.cycle.more_body:
            self._awaited = self.loop.call_later(_PIECE_WITHIN, self._give_up)

    def _stop_watching(self) -> None:
        if self._awaited is not None:
            self._awaited.cancel()
            self._awaited = None

    def _give_up(self) -> None:
        self._awaited = None
        if not self._lacks_head() and self.flow.read_paused:  # the app has not taken yet what is there
            self._watch()
            return
        self.transport.abort()
