"""HTTP that hears at most so many rows of each query, for recordings that are to stay small."""

import ssl
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from types import EllipsisType
from typing import TypedDict, Unpack

from orgsync.salesforce.http.bounds import DEFAULT_BOUNDS, Bounds
from orgsync.salesforce.http.http import JSON, Http, Response, Stream

from .chains import Shortening

__all__ = ["ShortHttp"]


class _Asked(TypedDict, total=False):
    headers: Mapping[str, str] | None
    params: Mapping[str, str] | None
    timeout: float | None


class _Sent(_Asked, total=False):
    largest: int | None
    form: Mapping[str, str] | None
    json: JSON | EllipsisType


class ShortHttp(Http):
    """Send requests as `Http` does, and cut the answers to at most `max_rows` rows of each query.

    Where the client is given another answer than the one that came, `shortened` is told both, before the client has
    it. A streamed answer is read whole first, and given as one chunk.
    """

    def __init__(
        self,
        timeout: float = 60,
        connect_timeout: float = 10,
        *,
        tls: ssl.SSLContext | None = None,
        max_rows: int,
        shortened: Callable[[Response, Response], None],
        bounds: Bounds = DEFAULT_BOUNDS,
    ) -> None:
        super().__init__(timeout, connect_timeout, tls=tls, bounds=bounds)
        self._shortening = Shortening(max_rows)
        self._shortened = shortened

    async def send(self, method: str, url: str, **asked: Unpack[_Sent]) -> Response:
        """Send one request, and give its answer as it is to be seen."""
        return self._seen(await super().send(method, url, **asked))

    @asynccontextmanager
    async def stream(self, method: str, url: str, **asked: Unpack[_Asked]) -> AsyncGenerator[Stream]:
        """Send one request, and give its answer as it is to be seen, once it is there in full."""
        async with super().stream(method, url, **asked) as stream:
            seen = self._seen(await stream.read())  # at once: nothing that came stays untold if this is cancelled
        async with aclosing(_whole(seen.content)) as body:
            yield Stream(seen.status, seen.headers, body, seen.method, seen.url)

    def _seen(self, came: Response) -> Response:
        seen = self._shortening.shorten(came)
        if seen is not came:
            self._shortened(came, seen)
        return seen


async def _whole(content: bytes) -> AsyncGenerator[bytes]:
    yield content
