"""The network beneath `Http`: one request in, the head and the body of its response out; httpx is imported here alone.

httpx's transport is used without its client, whose work would all be in the way: no redirect is followed, because a
token would follow it to another host; no cookie is kept, because Salesforce's bearer requests need none; nothing is
retried, because only the caller knows what may be repeated; and no line is logged, because it would show the query
string, which holds customers' data. A fifth of a request's time is saved as well.

Another transport may stand in front of this one, or in its place: cassettes record and replay there.
"""

import ssl
import zlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from importlib.metadata import version
from typing import Any, Protocol
from urllib.parse import urlsplit

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

from .environment import LOOPBACK, Proxies, Proxy, proxy_refusal, proxy_unreachable, trusted
from .gunzip import Gunzip
from .network_errors import causes, connect_problem, cut_short, not_connected_in_time, not_http
from .request import Request

__all__ = ["HttpxTransport", "Transport", "TransportResponse", "sent_address", "whole_response"]

_LARGEST_PORT = 65535
_MAX_CONNECTIONS = 1000
_MAX_IDLE_CONNECTIONS = 20  # httpcore looks at every idle one on each request
_HEADERS = {"User-Agent": f"orgsync/{version('orgsync')}", "Accept-Encoding": "gzip", "Connection": "keep-alive"}


@dataclass(frozen=True, slots=True)
class TransportResponse:
    """Hold the head of a response and a body that may still be on its way.

    The keys of `headers` are lower-case; `body` is decoded from gzip and can be read once. Whoever receives a response
    awaits `aclose()` when done with it, read or not; more than once does no harm.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: AsyncGenerator[bytes] = field(repr=False)
    aclose: Callable[[], Awaitable[None]] = field(repr=False)


class Transport(Protocol):
    """What `Http` sends its requests through."""

    async def request(self, request: Request) -> TransportResponse:
        """Send a request and return the response once its head has arrived, whatever its status.

        Raises NetworkProblem where there is no response, with `sent` False if the request cannot have reached the
        server; ResponseUnreadable for a response that is not proper HTTP or not in an encoding that was requested;
        ConfigurationProblem for a URL or a header that HTTP does not allow. Reading the body raises likewise.
        """
        ...


class HttpxTransport:
    """Send requests over pools of connections: for each scheme one to the servers themselves, one through each proxy.

    A pool is opened by the first request that needs it, and closed by `aclose`.
    """

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self._pools: dict[tuple[str, Proxy | None], httpx.AsyncHTTPTransport] = {}

    async def aclose(self) -> None:
        """Close all connections."""
        for pool in self._pools.values():
            await pool.aclose()

    async def request(self, request: Request) -> TransportResponse:
        """Send a request; see `Transport`."""
        response = await self._exchange(request)
        return TransportResponse(
            response.status_code, _plain(response.headers), _decoded(response, request), response.aclose
        )

    async def _exchange(self, request: Request) -> httpx.Response:
        """Send a request, and raise orgsync's errors in place of httpx's."""
        problem: ConfigurationProblem
        try:
            url = _parsed(request.url)
            sent = httpx.Request(
                request.method,
                url if request.address is None else url.copy_with(host=request.address),
                headers={**_HEADERS, **request.headers, **({"Host": _host_header(url)} if request.address else {})},
                content=request.body,
                extensions=_extensions(request, url),
            )
            return await self._pool(url, direct=request.address is not None).handle_async_request(sent)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol):
            problem = _not_an_address()
        except (httpx.LocalProtocolError, UnicodeEncodeError):
            problem = CredentialsInvalid(
                f"A header of {request.place} holds a character that HTTP does not allow.",
                "Look for line ends and accents in pasted tokens and secrets.",
            )
        except httpx.RequestError as error:
            parts = urlsplit(request.url)
            proxy = None if request.address else self._proxies.for_host(parts.scheme, parts.hostname or "")
            raise (proxy and _proxy_problem(error, proxy, request)) or _network_problem(error, request) from error
        raise problem  # not chained: httpx puts the refused value, which may be a token, in its text

    def _pool(self, url: httpx.URL, *, direct: bool) -> httpx.AsyncHTTPTransport:
        """Return the pool of connections for a URL, through a proxy where the environment names one."""
        proxy = None if direct else self._proxies.for_host(url.scheme, url.host)
        key = (url.scheme, proxy)
        if key not in self._pools:
            limits = httpx.Limits(max_connections=_MAX_CONNECTIONS, max_keepalive_connections=_MAX_IDLE_CONNECTIONS)
            tls = self._tls or (_trusting_nobody() if key == ("http", None) else trusted())
            self._pools[key] = httpx.AsyncHTTPTransport(
                verify=tls, proxy=_proxy_of(proxy) if proxy else None, limits=limits
            )
        return self._pools[key]

    @cached_property
    def _proxies(self) -> Proxies:
        return Proxies()


def _trusting_nobody() -> ssl.SSLContext:
    """Return the context of a pool that needs none: reading what is trusted takes 20 ms of CPU."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _host_header(url: httpx.URL) -> str:
    """Return the name of a URL's host and port as a request has it."""
    return url.netloc.decode("ascii")


def sent_address(url: str) -> str:
    """Return a URL as it is sent. Raises ArgumentInvalid for one that no request can be sent to."""
    try:
        return str(_parsed(url))
    except httpx.InvalidURL:
        problem = _not_an_address()
    raise problem  # not chained, as above


def whole_response(status: int, headers: Mapping[str, str], content: bytes) -> TransportResponse:
    """Return a response whose body has already arrived."""
    body = _once(content)
    return TransportResponse(status, headers, body, body.aclose)


async def _once(content: bytes) -> AsyncGenerator[bytes]:
    yield content


def _not_an_address() -> ArgumentInvalid:
    return ArgumentInvalid(
        "The address of a request is not a URL.",
        "Check the path for line ends and other control characters, and the login URL.",
    )


def _extensions(request: Request, url: httpx.URL) -> dict[str, Any]:
    extensions: dict[str, Any] = {"timeout": _timeouts(request)}
    if request.address:
        extensions["sni_hostname"] = url.host
    if request.on_connected:
        extensions["trace"] = _connected(request.on_connected)
    return extensions


def _connected(call: Callable[[], None]) -> Callable[[str, object], Awaitable[None]]:
    """Return what httpcore calls for every step of a request; it calls `call` as the request begins to be sent."""

    async def trace(event: str, _info: object) -> None:
        if event.endswith(".send_request_headers.started"):
            call()

    return trace


def _timeouts(request: Request) -> dict[str, float]:
    seconds = request.timeout
    return {"connect": min(request.connect_timeout, seconds), "read": seconds, "write": seconds, "pool": seconds}


def _parsed(url: str) -> httpx.URL:
    """Parse a URL; its host, of which there are few, only once, for httpx takes its time over every letter."""
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    plain = slash and path.isascii() and " " not in path and path.isprintable() and not {"?", "#"} & {*host}
    try:
        parsed = (
            _root(f"{scheme}://{host}/").copy_with(raw_path=f"/{path}".encode("ascii")) if plain else httpx.URL(url)
        )
        if parsed.host and (parsed.port or 0) <= _LARGEST_PORT:
            return parsed
    except UnicodeError:  # httpx lets idna's own error through, of a name that begins with xn--
        raise httpx.InvalidURL("no host") from None
    raise httpx.InvalidURL("no host, or no port")


@lru_cache(maxsize=1024)
def _root(url: str) -> httpx.URL:
    return httpx.URL(url)


async def _decoded(response: httpx.Response, request: Request) -> AsyncGenerator[bytes]:
    """Read a body, decoded from gzip where it is encoded so, in parts of a bounded size."""
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding not in ("", "identity", "gzip", "x-gzip"):
        raise ResponseUnreadable(
            f"{request.place} returned an encoding that was not requested.",
            "Look for a proxy on the way that changes responses.",
        )
    gunzip = Gunzip() if "gzip" in encoding else None
    try:
        async for chunk in response.aiter_raw():
            if gunzip is None:
                yield chunk
                continue
            for piece in gunzip.pieces(chunk):
                yield piece
    except httpx.RequestError as error:
        raise _network_problem(error, request) from error
    except zlib.error as error:
        raise ResponseUnreadable(
            f"{request.place} returned a body that is labelled gzip and cannot be unzipped.",
            "Look for a proxy on the way that changes responses.",
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
    """Return the error that names the proxy, where the fault is the proxy's and not that of the host behind it."""
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
            f"{request.place} returned {what}.",
            "Try again later; if it happens again, look for a proxy on the way, and check the address and its port.",
        )
    return cut_short(request)
