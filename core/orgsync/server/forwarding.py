"""What a call to an org's own API may be, and what of its request and its response passes."""

import re
import tempfile
from collections.abc import AsyncGenerator, AsyncIterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import IO
from urllib.parse import unquote

from anyio import to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from orgsync.errors import HostNotAllowed
from orgsync.salesforce.api.client import Client
from orgsync.salesforce.http.messages import Stream

__all__ = ["LARGEST_BODY", "Held", "forwarded", "held_body", "require_forwardable"]

LARGEST_BODY = 200 * 1024 * 1024
"""Bytes of a request's body: Salesforce takes 150 MB at most in any one upload of its REST API, encoded."""

_IN_MEMORY = 1024 * 1024
_CHUNK = 256 * 1024

_PATHS = re.compile(r"/services/(?:data|apexrest|async)(?:/|$)")
_AMBIGUOUS = re.compile(r"\\|[\x00-\x1f\x7f-\x9f]|//|/;|/ *\.\.? *(?:[/;?#]|$)")
"""What some server takes for a slash, ends a path at, leaves out of it (a name's parameters, `..;x`), or follows."""

_READINGS = 4
"""How many forms of a path are looked at: as it is sent, and decoded up to three times. More than that is refused."""

_SENT = frozenset(
    {"accept", "accept-language", "content-type", "content-encoding", "content-disposition", "x-prettyprint"}
    | {"if-match", "if-none-match", "if-modified-since", "if-unmodified-since"}
)
_RETURNED = frozenset(
    {"content-type", "content-disposition", "etag", "last-modified", "retry-after", "warning", "expires"}
)
_OF_SALESFORCE = "sforce-"


def require_forwardable(path: str) -> None:
    """Raise HostNotAllowed for a path that is not of Salesforce's API, or that a server could read as another."""
    if not _PATHS.match(path):
        raise HostNotAllowed(
            "This path is not one of Salesforce's API.",
            "Calls go to /services/data, /services/apexrest and /services/async alone.",
        )
    if not _is_unambiguous(path):
        raise HostNotAllowed(
            "Servers could read this path in different ways.",
            "Leave out . and .. as names, empty names, names that begin with ;, backslashes and control characters, "
            "also in encoded form; encode the path once, as UTF-8.",
        )


def _is_unambiguous(path: str) -> bool:
    """Return whether every decoded form of a path is below Salesforce's API, and no server reads it as another path.

    Some servers decode a path twice.
    """
    for _ in range(_READINGS):
        if not _PATHS.match(path) or _AMBIGUOUS.search(path):
            return False
        try:
            decoded = unquote(path, errors="strict")
        except UnicodeDecodeError:
            return False
        if decoded == path:
            return True
        path = decoded
    return False


@dataclass(slots=True)
class Held:
    """A request's body, which may be sent a second time: in memory, or in a file that has no name."""

    content: bytes = b""
    file: IO[bytes] | None = None
    size: int = 0

    def body(self) -> bytes | AsyncIterable[bytes] | None:
        """Return the body from its beginning; None where there is none."""
        return self._read(self.file) if self.file else self.content or None

    async def _read(self, file: IO[bytes]) -> AsyncGenerator[bytes]:
        await to_thread.run_sync(file.seek, 0)
        while chunk := await to_thread.run_sync(file.read, _CHUNK):
            yield chunk


@asynccontextmanager
async def held_body(request: Request) -> AsyncGenerator[Held]:
    """Read a request's body, however large it may be; raises HTTPException for one that is too large."""
    held, content = Held(), bytearray()
    try:
        async for chunk in request.stream():
            held.size += len(chunk)
            if held.size > LARGEST_BODY:
                raise HTTPException(413)
            if held.file is None and held.size > _IN_MEMORY:
                held.file = tempfile.TemporaryFile()  # noqa: SIM115 # closed below
                await to_thread.run_sync(held.file.write, bytes(content))
                content.clear()
            if held.file is not None:
                await to_thread.run_sync(held.file.write, chunk)
            else:
                content += chunk
        held.content = bytes(content)
        yield held
    finally:
        if held.file is not None:
            held.file.close()


async def forwarded(client: Client, request: Request, path: str, *, base: str) -> Response:
    """Send a request to an org with its token, and return the response as it is; `base` is where its paths begin here.

    Raises HostNotAllowed for a path that is not of Salesforce's API, and the errors of `Client.forward`.
    """
    require_forwardable(path)
    query = request.scope["query_string"].decode("ascii")
    target = f"{path}?{query}" if query else path
    exchange = _exchange(client, request, target)
    stream = await anext(exchange)

    async def body() -> AsyncGenerator[bytes]:
        try:
            async for chunk in stream.chunks():
                yield chunk
        finally:
            await exchange.aclose()

    return StreamingResponse(body(), stream.status, headers=_returned(stream, base))


async def _exchange(client: Client, request: Request, target: str) -> AsyncGenerator[Stream]:
    async with held_body(request) as held:
        headers = {name: value for name, value in request.headers.items() if name in _SENT or _is_salesforces(name)}
        if held.file is not None:
            headers["Content-Length"] = str(held.size)
        async with client.forward(request.method, target, headers=headers, body=held.body) as stream:
            yield stream


def _is_salesforces(name: str) -> bool:
    return name.startswith(_OF_SALESFORCE)


def _returned(stream: Stream, base: str) -> Mapping[str, str]:
    """Return the headers that pass; a page that an org serves is no page of this server's."""
    headers = {name: value for name, value in stream.headers.items() if name in _RETURNED or _is_salesforces(name)}
    location = stream.headers.get("location", "")
    if location.startswith("/services/"):
        headers["location"] = f"{base}{location}"
    return headers | {"content-security-policy": "sandbox; default-src 'none'", "x-content-type-options": "nosniff"}
