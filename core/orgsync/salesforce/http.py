"""HTTP as orgsync speaks it: a request, an answer read whole or as it arrives, and httpx named nowhere else.

httpx's transport is used without its client, whose work would all be in the way: no redirect is followed, because a
token would follow it to another host; no cookie is kept, because Salesforce's bearer requests need none; nothing is
retried, because only the caller knows what may be repeated; and no line is logged, because it would show the query
string, which holds customers' data. A fifth of a request's time is saved as well.
"""

import json as jsonlib
import socket
import ssl
import zlib
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from importlib.metadata import version
from types import EllipsisType, TracebackType
from typing import TYPE_CHECKING, Self
from urllib.parse import quote, urlencode, urlsplit

import httpx

from orgsync.errors import ConfigurationInvalid, NetworkProblem, OrgsyncError

from .environment import Proxies, Proxy, proxy_refusal, proxy_unreachable, trusted
from .wire import JSON, Answer, Stream, named

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["JSON", "Answer", "Http", "Stream"]

_CHUNK = 256 * 1024  # bytes of a chunk, however much a part of the gzip stream unfolds to
_MAX_CONNECTIONS = 1000
_MAX_IDLE_CONNECTIONS = 20  # httpcore looks at every idle one on each request
_HEADERS = {"User-Agent": f"orgsync/{version('orgsync')}", "Accept-Encoding": "gzip", "Connection": "keep-alive"}


class Http:
    """Send requests over one shared pool of connections, for any number of orgs at once.

    `async with Http() as http:` closes the pool at the end; it is made when the first request is sent.
    """

    def __init__(self, timeout: float = 60, connect_timeout: float = 10, *, tls: ssl.SSLContext | None = None) -> None:
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
        content: bytes | None = None,
        form: Mapping[str, str] | None = None,
        json: JSON | EllipsisType = ...,
        timeout: float | None = None,  # noqa: ASYNC109 - of each wait on the socket, not of the whole
    ) -> Answer:
        """Send one request and read its whole answer.

        Of `content`, `form` and `json` at most one is given. `timeout` (seconds, each for sending, the first byte and
        every next part) overrides the pool's. Any status is an answer; only what yields none raises: NetworkProblem,
        whose `sent` is False where the request cannot have reached the server, or ConfigurationInvalid for a URL or a
        header that HTTP does not allow.
        """
        body, body_type = _body(content, form, json)
        request = _Request(method, _with_params(url, params), {**body_type, **(headers or {})}, body)
        response = await self._exchange(request, timeout, streamed=False)
        return Answer(response.status_code, _plain(response.headers), response.content, method, request.url)

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - of each wait on the socket, not of the whole
    ) -> AsyncGenerator[Stream]:
        """Send one request and give its answer as soon as the headers are there; the body is read by who wants it.

        What is not read stays on the other side, and leaving early closes the connection. Raises as `send` does.
        """
        request = _Request(method, _with_params(url, params), dict(headers or {}))
        response = await self._exchange(request, timeout, streamed=True)
        async with aclosing(response), aclosing(_chunks(response, request)) as body:
            yield Stream(response.status_code, _plain(response.headers), body, method, request.url)

    async def _exchange(self, request: "_Request", seconds: float | None, *, streamed: bool) -> httpx.Response:
        """Send a request, and give httpx's errors the names of ours."""
        if self._closed:
            raise RuntimeError("this Http is closed")
        problem: ConfigurationInvalid
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
            response = await self._transport(sent.url).handle_async_request(sent)
            return response if streamed else await _read(response)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol):
            problem = ConfigurationInvalid("A request's address is not one.", "Check the login URL.")
        except (httpx.LocalProtocolError, UnicodeEncodeError):
            problem = ConfigurationInvalid(
                f"A header of {request.place} holds a character that HTTP does not allow.",
                "Look for line ends and accents in pasted tokens and secrets.",
            )
        except httpx.RequestError as error:
            proxy = self._proxies.leading_to(urlsplit(request.url).scheme, request.host)
            raise (proxy and _proxy_problem(error, proxy, request)) or _network_problem(error, request) from error
        raise problem  # not chained: httpx puts the refused value, which may be a token, in its text

    def _transport(self, url: httpx.URL) -> httpx.AsyncHTTPTransport:
        """Give the pool of connections that leads to a URL, through a proxy where the environment names one."""
        proxy = self._proxies.leading_to(url.scheme, url.host)
        if proxy not in self._transports:
            self._transports[proxy] = httpx.AsyncHTTPTransport(
                verify=self._tls or trusted(),
                proxy=proxy.url if proxy else None,
                limits=httpx.Limits(max_connections=_MAX_CONNECTIONS, max_keepalive_connections=_MAX_IDLE_CONNECTIONS),
            )
        return self._transports[proxy]

    @cached_property
    def _proxies(self) -> Proxies:
        return Proxies()

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


async def _read(response: httpx.Response) -> httpx.Response:
    """Read the whole body, and give the connection back whatever comes of it."""
    async with aclosing(response):
        await response.aread()
    return response


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(default=None, repr=False)

    @property
    def place(self) -> str:
        return named(self.method, self.url)

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or "the server"


async def _chunks(response: httpx.Response, request: _Request) -> AsyncGenerator[bytes]:
    """Read a body as it arrives. httpx's own decoding takes a gzip body that is cut short for a whole one."""
    unzip = zlib.decompressobj(wbits=31) if response.headers.get("content-encoding", "").lower() == "gzip" else None
    try:
        async for chunk in response.aiter_raw():
            if unzip is None:
                yield chunk
                continue
            while chunk:
                yield unzip.decompress(chunk, _CHUNK)
                chunk = unzip.unconsumed_tail
    except (httpx.RequestError, zlib.error) as error:
        raise _network_problem(error, request) from error
    if unzip is not None and not unzip.eof:
        raise _cut_short(request)


def _with_params(url: str, params: Mapping[str, str] | None) -> str:
    if not params:
        return url
    query = urlencode(params, quote_via=quote, safe="")  # "+" must be %2B and a space %20 for Salesforce
    return f"{url}{'&' if '?' in url else '?'}{query}"


def _body(
    content: bytes | None, form: Mapping[str, str] | None, json: JSON | EllipsisType
) -> tuple[bytes | None, dict[str, str]]:
    if form is not None:
        return urlencode(form).encode("ascii"), {"Content-Type": "application/x-www-form-urlencoded"}
    if not isinstance(json, EllipsisType):
        text = jsonlib.dumps(json, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return text.encode(), {"Content-Type": "application/json"}
    return content, {}


def _plain(headers: httpx.Headers) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items() if name.lower() != "set-cookie"}


def _proxy_problem(error: httpx.RequestError, proxy: Proxy, request: _Request) -> OrgsyncError | None:
    """Name the proxy where the trouble is its own, and not that of the host behind it."""
    if isinstance(error, httpx.ProxyError):
        return proxy_refusal(proxy, str(error), request.host)
    if isinstance(error, httpx.ConnectTimeout):
        return NetworkProblem(
            f"No connection to {request.host} through the proxy {proxy.host} ({proxy.source}) could be made in time.",
            f"Check the proxy and the network; correct {proxy.source}, or unset it.",
            sent=False,
        )
    unreachable = isinstance(error, httpx.ConnectError) and not any(isinstance(e, ssl.SSLError) for e in _causes(error))
    return proxy_unreachable(proxy) if unreachable else None


def _network_problem(error: Exception, request: _Request) -> NetworkProblem:
    if isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout):
        return NetworkProblem(
            f"No connection to {request.host} could be made in time.",
            "Check the network and the proxy settings (HTTPS_PROXY).",
            sent=False,
        )
    if isinstance(error, httpx.TimeoutException):
        return NetworkProblem(f"{request.place} was not answered in time.", "Try again later.")
    if isinstance(error, httpx.ConnectError | httpx.ProxyError):
        return _connect_problem(error, request.host)
    return _cut_short(request)


def _cut_short(request: _Request) -> NetworkProblem:
    return NetworkProblem(
        f"The connection to {request.host} broke before the whole answer to {request.place} had arrived.",
        "Try again; if it goes on, look at proxies and firewalls on the way.",
    )


def _connect_problem(error: Exception, host: str) -> NetworkProblem:
    causes = list(_causes(error))
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return NetworkProblem(
            f"The host {host} is not known.",
            "Check its spelling and the network; a deleted sandbox or scratch org disappears like this.",
            sent=False,
        )
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return NetworkProblem(
            f"No secure connection to {host}: its certificate is not trusted, or TLS failed.",
            "Behind an inspecting proxy, name its certificate authority in SSL_CERT_FILE.",
            sent=False,
        )
    return NetworkProblem(
        f"{host} cannot be reached.", "Check the network and the proxy settings (HTTPS_PROXY).", sent=False
    )


def _causes(error: BaseException | None) -> "Iterator[BaseException]":
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
