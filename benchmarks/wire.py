"""HTTP/1.1 with next to no work per request: it reads what was asked, and writes bytes that were there before.

Clients that know https and Salesforce's hosts only are served, too: they take this server for their proxy
(HTTPS_PROXY), and behind CONNECT it goes on over TLS with a certificate that they are told to trust.
"""

import asyncio
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from urllib.parse import parse_qsl, urlsplit

__all__ = ["Reply", "Request", "serve"]

_CHUNK = 256 * 1024
_HEAD_LIMIT = 64 * 1024
_REASONS = {200: "OK", 201: "Created", 204: "No Content", 304: "Not Modified", 400: "Bad Request", 404: "Not Found"}


@dataclass(frozen=True, slots=True)
class Request:
    """One request; the names of `headers` are lower-case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def takes_gzip(self) -> bool:
        """Tell whether the answer may be gzipped."""
        return "gzip" in self.headers.get("accept-encoding", "")


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer, its body ready to be sent."""

    body: bytes = b"{}"
    status: int = 200
    content_type: str = "application/json;charset=UTF-8"
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    def head(self) -> bytes:
        """Write the status line and the headers."""
        lines = {
            "Date": formatdate(usegmt=True),
            "Content-Type": self.content_type,
            "Content-Length": str(len(self.body)),
            **self.headers,
        }
        text = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        return f"HTTP/1.1 {self.status} {_REASONS[self.status]}\r\n{text}\r\n".encode("latin-1")


async def serve(answer: Callable[[Request], Reply], *, tls: ssl.SSLContext | None = None) -> asyncio.Server:
    """Listen on a free port of loopback and answer every request; `tls` is for what comes behind CONNECT."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _talk(reader, writer, answer, tls)
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            pass  # the client has gone
        finally:
            writer.close()

    return await asyncio.start_server(connected, "127.0.0.1", 0, limit=_HEAD_LIMIT, backlog=2048)


async def _talk(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    answer: Callable[[Request], Reply],
    tls: ssl.SSLContext | None,
) -> None:
    while True:
        request = await _read(reader)
        if request.method == "CONNECT" and tls is not None:
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await writer.drain()
            await writer.start_tls(tls)
            continue
        reply = answer(request)
        writer.write(reply.head())
        for start in range(0, len(reply.body), _CHUNK):
            writer.write(reply.body[start : start + _CHUNK])
            await writer.drain()


async def _read(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = head[0].split(" ")
    pairs = (line.partition(":") for line in head[1:] if line)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    if method == "CONNECT":
        return Request(method, target, {}, headers, body)
    parts = urlsplit(target)
    return Request(method, parts.path, dict(parse_qsl(parts.query, keep_blank_values=True)), headers, body)
