"""HTTP as orgsync speaks it: a request, an answer read whole or as it arrives, and httpx named nowhere else.

httpx's transport is used without its client, whose work would all be in the way: no redirect is followed, because a
token would follow it to another host; no cookie is kept, because Salesforce's bearer requests need none; nothing is
retried, because only the caller knows what may be repeated; and no line is logged, because it would show the query
string, which holds customers' data. A fifth of a request's time is saved as well.
"""

import ssl
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from functools import cached_property, lru_cache
from importlib.metadata import version
from types import EllipsisType, TracebackType
from typing import Self
from urllib.parse import urlsplit

import anyio
import httpx

from orgsync.errors import (
    ArgumentInvalid,
    ConfigurationProblem,
    CredentialsInvalid,
    NetworkProblem,
    OrgsyncError,
    ResponseUnreadable,
    SettingInvalid,
    TransientProblem,
)

from .body import gathered, paced
from .bounds import DEFAULT_BOUNDS, Bounds, Pace
from .environment import LOOPBACK, Proxies, Proxy, proxy_refusal, proxy_unreachable, trusted
from .gunzip import Gunzip
from .messages import JSON, Response, Stream, too_large
from .network_errors import causes, connect_problem, cut_short, late, not_connected_in_time, not_http
from .request import Request, body_of, with_params

__all__ = ["JSON", "Http", "Response", "Stream"]

_MAX_CONNECTIONS = 1000
_MAX_IDLE_CONNECTIONS = 20  # httpcore looks at every idle one on each request
_HEADERS = {"User-Agent": f"orgsync/{version('orgsync')}", "Accept-Encoding": "gzip", "Connection": "keep-alive"}


class Http:
    """Send requests over one shared pool of connections, for any number of orgs at once.

    `async with Http() as http:` closes the pool at the end; it is made when the first request is sent.
    """

    def __init__(
        self,
        timeout: float = 60,
        connect_timeout: float = 10,
        *,
        tls: ssl.SSLContext | None = None,
        bounds: Bounds = DEFAULT_BOUNDS,
    ) -> None:
        self._bounds = bounds
        self._timeout = timeout
        self._connect_timeout = connect_timeout
        self._tls = tls
        self._closed = False
        self._transports: dict[Proxy | None, httpx.AsyncHTTPTransport] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed = True
        for transport in self._transports.values():
            await transport.aclose()

    async def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        json: JSON | EllipsisType = ...,
        timeout: float | None = None,  # noqa: ASYNC109 - a NetworkProblem, not a TimeoutError
        largest: int | None = None,
    ) -> Response:
        """Send one request and read its whole answer.

        Of `form` and `json` at most one is given. `timeout` (seconds) overrides the pool's bound on each wait and, with
        the time to connect, the one on the whole, `largest` (bytes, unzipped) the one on the size. Any status is an
        answer; only what yields none raises: NetworkProblem, whose `sent` is False where the request cannot have
        reached the server, ResponseTooLarge, ResponseUnreadable for an encoding that was not asked for, or
        ConfigurationProblem for a URL or a header that HTTP does not allow.
        """
        body, body_type = body_of(form, json)
        request = Request(method, with_params(url, params), {**body_type, **(headers or {})}, body)
        whole = self._with_connecting(timeout) if timeout else self._bounds.answer_timeout
        with anyio.move_on_after(whole):
            response = await self._exchange(request, timeout)
            return await self._answer(response, request, largest)
        raise late(request, whole, "" if timeout else "answer_timeout")

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - a NetworkProblem, not a TimeoutError
    ) -> AsyncGenerator[Stream]:
        """Send one request and give its answer as soon as the headers are there; the body is read by who wants it.

        `timeout` (seconds) overrides the pool's bound for the time until the headers are there. The body of a success
        must come at the least rate; any other is read whole at once. What is not read stays on the other side, and
        leaving early closes the connection. Raises as `send` does.
        """
        request = Request(method, with_params(url, params), dict(headers or {}))
        response: httpx.Response | None = None
        until_headers = self._with_connecting(timeout or self._timeout)
        with anyio.move_on_after(until_headers):
            response = await self._exchange(request, timeout)
        if response is None:
            raise late(request, until_headers, "" if timeout else "timeout")
        async with aclosing(response), aclosing(await self._content(response, request)) as body:
            plain = _plain(response.headers)
            yield Stream(response.status_code, plain, body, method, request.url, self._bounds.largest_answer)

    async def _content(self, response: httpx.Response, request: Request) -> AsyncGenerator[bytes]:
        """Give the body of a success as it arrives, and any other, which is a refusal, once it is there."""
        if response.is_success:
            unzipped = _unzipped(response.aiter_raw(), response, request)
            return gathered(paced(unzipped, request, Pace(self._timeout, self._bounds.least_rate)))
        with anyio.move_on_after(self._bounds.answer_timeout):
            return _once((await self._answer(response, request, None)).content)
        raise late(request, self._bounds.answer_timeout, "answer_timeout")

    async def _answer(self, response: httpx.Response, request: Request, largest: int | None) -> Response:
        """Read the whole body, and give the connection back whatever comes of it."""
        content = bytearray()
        left = largest or self._bounds.largest_answer
        async with aclosing(response), aclosing(_unzipped(response.aiter_raw(), response, request)) as body:
            async for part in body:
                content += part
                left -= len(part)
                if left < 0:
                    raise too_large(request.place, largest or self._bounds.largest_answer, fixed=largest is not None)
        return Response(response.status_code, _plain(response.headers), bytes(content), request.method, request.url)

    async def _exchange(self, request: Request, seconds: float | None) -> httpx.Response:
        """Send a request, and give httpx's errors the names of ours."""
        if self._closed:
            raise RuntimeError("this Http is closed")
        problem: ConfigurationProblem
        try:
            sent = httpx.Request(
                request.method,
                _parsed(request.url),
                headers={**_HEADERS, **request.headers},
                content=request.body,
                extensions={"timeout": self._timeouts(seconds)},
            )
            if not sent.url.host:
                raise httpx.InvalidURL("no host")
            transport = self._transport(sent.url)
            return await transport.handle_async_request(sent)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol):
            problem = ArgumentInvalid(
                "A request's address is not one.",
                "Check the path for line ends and other control characters, and the login URL.",
            )
        except (httpx.LocalProtocolError, UnicodeEncodeError):
            problem = CredentialsInvalid(
                f"A header of {request.place} holds a character that HTTP does not allow.",
                "Look for line ends and accents in pasted tokens and secrets.",
            )
        except httpx.RequestError as error:
            parts = urlsplit(request.url)
            proxy = self._proxies.leading_to(parts.scheme, parts.hostname or "")
            raise (proxy and _proxy_problem(error, proxy, request)) or _network_problem(error, request) from error
        raise problem  # not chained: httpx puts the refused value, which may be a token, in its text

    def _transport(self, url: httpx.URL) -> httpx.AsyncHTTPTransport:
        """Give the pool of connections that leads to a URL, through a proxy where the environment names one."""
        proxy = self._proxies.leading_to(url.scheme, url.host)
        if proxy not in self._transports:
            limits = httpx.Limits(max_connections=_MAX_CONNECTIONS, max_keepalive_connections=_MAX_IDLE_CONNECTIONS)
            self._transports[proxy] = httpx.AsyncHTTPTransport(
                verify=self._tls or trusted(), proxy=_proxy_of(proxy) if proxy else None, limits=limits
            )
        return self._transports[proxy]

    @cached_property
    def _proxies(self) -> Proxies:
        return Proxies()

    def _with_connecting(self, seconds: float) -> float:
        """Add the time to connect, so that what cannot be connected to is known to be that."""
        return seconds + self._connect_timeout

    def _timeouts(self, timeout: float | None) -> dict[str, float]:
        seconds = timeout or self._timeout
        connect = min(self._connect_timeout, seconds)
        return {"connect": connect, "read": seconds, "write": seconds, "pool": seconds}


def _parsed(url: str) -> httpx.URL:
    """Parse a URL; its host, of which there are few, once only, for httpx takes its time over every letter."""
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    if not slash or not path.isascii() or " " in path or not path.isprintable():
        return httpx.URL(url)
    return _root(f"{scheme}://{host}/").copy_with(raw_path=f"/{path}".encode("ascii"))


@lru_cache(maxsize=1024)
def _root(url: str) -> httpx.URL:
    return httpx.URL(url)


async def _once(content: bytes) -> AsyncGenerator[bytes]:
    yield content


async def _unzipped(body: AsyncIterator[bytes], response: httpx.Response, request: Request) -> AsyncGenerator[bytes]:
    """Read a body, unzipped where it is zipped, in parts of a bounded size."""
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding not in ("", "identity", "gzip", "x-gzip"):
        raise ResponseUnreadable(
            f"{request.place} was answered in an encoding that was not asked for.",
            "Look for a proxy on the way that changes answers.",
        )
    gunzip = Gunzip() if "gzip" in encoding else None
    try:
        async for chunk in body:
            if gunzip is None:
                yield chunk
                continue
            for piece in gunzip.pieces(chunk):
                yield piece
    except httpx.RequestError as error:
        raise _network_problem(error, request) from error
    except zlib.error as error:
        raise ResponseUnreadable(
            f"{request.place} was answered with a body that is labelled gzip and cannot be unzipped.",
            "Look for a proxy on the way that changes answers.",
        ) from error
    if gunzip is not None and gunzip.is_cut_short:
        raise cut_short(request)


def _plain(headers: httpx.Headers) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items() if name.lower() != "set-cookie"}


def _proxy_of(proxy: Proxy) -> httpx.Proxy:
    try:
        return httpx.Proxy(proxy.url)
    except (httpx.InvalidURL, ValueError):
        problem = SettingInvalid(
            f"{proxy.source} does not hold the address of a proxy.", f"Correct {proxy.source}, or unset it."
        )
    raise problem  # not chained: the address may hold a password


def _proxy_problem(error: httpx.RequestError, proxy: Proxy, request: Request) -> OrgsyncError | None:
    """Name the proxy where the trouble is its own, and not that of the host behind it."""
    if isinstance(error, httpx.ProxyError):
        return proxy_refusal(proxy, str(error), request.host)
    if isinstance(error, httpx.ConnectTimeout):
        return NetworkProblem(
            f"No connection to {request.host} through the proxy {proxy.host} ({proxy.source}) could be made in time.",
            f"Check the proxy and the network; correct {proxy.source}, or unset it.",
            sent=False,
        )
    unreachable = isinstance(error, httpx.ConnectError) and not any(isinstance(e, ssl.SSLError) for e in causes(error))
    return proxy_unreachable(proxy) if unreachable else None


def _network_problem(error: Exception, request: Request) -> TransientProblem:
    if isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout):
        return not_connected_in_time(request.host)
    if isinstance(error, httpx.TimeoutException):
        return NetworkProblem(f"{request.place} was not answered in time.", "Try again later.")
    if isinstance(error, httpx.ConnectError | httpx.ProxyError):
        return connect_problem(error, request.host, is_loopback=urlsplit(request.url).hostname in LOOPBACK)
    if isinstance(error, httpx.RemoteProtocolError) and (what := not_http(str(error))):
        return ResponseUnreadable(
            f"{request.place} was answered with {what}.",
            "Run it again later; where it stays so, look for a proxy on the way, and check the address and its port.",
        )
    return cut_short(request)
