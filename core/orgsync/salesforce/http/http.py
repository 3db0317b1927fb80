"""HTTP as orgsync uses it: a request, and a response that is read whole or as it arrives, bounded in time and size."""

import ssl
from collections.abc import AsyncGenerator, AsyncIterable, Mapping
from contextlib import aclosing, asynccontextmanager, suppress
from types import EllipsisType, TracebackType
from typing import Self

import anyio

from orgsync.tracing import is_traced, span

from .body import gathered, paced
from .bounds import DEFAULT_BOUNDS, Bounds, Pace
from .messages import JSON, Response, Stream, too_large
from .network_errors import late
from .request import Request, Upload, body_of, with_params
from .transport import HttpxTransport, Transport, TransportResponse, whole_response

__all__ = ["JSON", "Http", "Response", "Stream", "Upload"]

_ERRORS_FROM = 400


class Http:
    """Send requests over one transport, for any number of orgs at once.

    `async with Http() as http:` opens a pool of connections for the first request, and closes it at the end. A
    `transport` that is given stays its owner's to close; `tls` is for the pool, where none is given.
    """

    def __init__(
        self,
        timeout: float = 60,
        connect_timeout: float = 10,
        *,
        tls: ssl.SSLContext | None = None,
        bounds: Bounds = DEFAULT_BOUNDS,
        transport: Transport | None = None,
    ) -> None:
        self._bounds = bounds
        self._timeout = timeout
        self._connect_timeout = connect_timeout
        self._closed = False
        self._pool = HttpxTransport(tls=tls)  # opens nothing before its first request
        self._transport: Transport = transport or self._pool

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed = True
        await self._pool.aclose()

    async def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        form: Mapping[str, str] | Upload | None = None,
        json: JSON | EllipsisType = ...,
        timeout: float | None = None,  # noqa: ASYNC109 - a NetworkProblem, not a TimeoutError
        largest: int | None = None,
    ) -> Response:
        """Send one request and return its whole response, whatever its status.

        Of `form` (or an upload) and `json` at most one is given. `timeout` (seconds) overrides the bound on each wait
        and, with the time to connect, the one on the whole; `largest` (bytes, unzipped) the one on the size. Raises
        NetworkProblem, whose `sent` is False where the request cannot have reached the server, ResponseTooLarge,
        ResponseUnreadable for an encoding that was not requested, or ConfigurationProblem for a URL or a header that
        HTTP does not allow.
        """
        body, body_type = body_of(form, json)
        request = self._request(method, with_params(url, params), {**body_type, **(headers or {})}, body, timeout)
        whole = self._with_connecting(timeout) if timeout else self._bounds.response_timeout
        with anyio.move_on_after(whole):
            return await self._whole(await self._exchange(request), request, largest)
        raise late(request, whole, "" if timeout else "response_timeout")

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        body: bytes | AsyncIterable[bytes] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - a NetworkProblem, not a TimeoutError
    ) -> AsyncGenerator[Stream]:
        """Send one request and yield its response as soon as the headers have arrived; its body is read on demand.

        `body` is sent as it is, or as it comes. `timeout` (seconds) overrides the bound on the time until the headers
        are there. The body of a success must
        arrive at the least rate; any other is read whole at once. Leaving the block early closes the connection.
        Raises as `send` does.
        """
        request = self._request(method, with_params(url, params), headers or {}, body, timeout)
        response: TransportResponse | None = None
        until_headers = self._with_connecting(request.timeout)
        with anyio.move_on_after(until_headers):
            response = await self._exchange(request)
        if response is None:
            raise late(request, until_headers, "" if timeout else "timeout")
        async with aclosing(response), aclosing(await self._body(response, request)) as body:
            yield Stream(response.status, response.headers, body, method, request.url, self._bounds.largest_response)

    def _request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | AsyncIterable[bytes] | None,
        seconds: float | None,
    ) -> Request:
        return Request(
            method, url, headers, body, timeout=seconds or self._timeout, connect_timeout=self._connect_timeout
        )

    async def _exchange(self, request: Request) -> TransportResponse:
        if self._closed:
            raise RuntimeError("this Http is closed")
        if not is_traced():
            return await self._transport.request(request)
        method = request.method
        with span(method, kind="client", http__request__method=method, server__address=_host_of(request)) as note:
            response = await self._transport.request(request)
            failed = str(response.status) if response.status >= _ERRORS_FROM else ""
            note(http__response__status_code=response.status, error=failed)
            return response

    async def _body(self, response: TransportResponse, request: Request) -> AsyncGenerator[bytes]:
        """Return the body of a success as it arrives, and any other, which is an error, once it is complete."""
        if 200 <= response.status < 300:
            return gathered(paced(response.body, request, Pace(self._timeout, self._bounds.minimum_rate)))
        with anyio.move_on_after(self._bounds.response_timeout):
            error = await self._whole(response, request, None)
            return whole_response(error.status, error.headers, error.content).body
        raise late(request, self._bounds.response_timeout, "response_timeout")

    async def _whole(self, response: TransportResponse, request: Request, largest: int | None) -> Response:
        """Read the whole body, and release the connection in any case."""
        content = bytearray()
        most = largest or self._bounds.largest_response
        async with aclosing(response), aclosing(response.body) as body:
            async for part in body:
                content += part
                if len(content) > most:
                    raise too_large(request.place, most, fixed=largest is not None)
        return Response(response.status, response.headers, bytes(content), request.method, request.url)

    def _with_connecting(self, seconds: float) -> float:
        """Add the time to connect, so that a failure to connect is recognised as that."""
        return seconds + self._connect_timeout


def _host_of(request: Request) -> str | None:
    """Return the host of a request; None where its address is none, which sending it shows."""
    with suppress(ValueError):
        return request.host
    return None
