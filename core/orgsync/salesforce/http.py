"""HTTP as orgsync speaks it: one request, one whole answer, and httpx named nowhere else.

What is not here is on purpose. No redirect is followed, because a token would follow it to another host. No cookie is
kept, because Salesforce's bearer requests need none. Nothing is retried, because only the caller knows what may be
repeated. And httpx's own log line is dropped, because it shows the query string, which holds customers' data.
"""

import json as jsonlib
import logging
import socket
import ssl
from collections.abc import Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from http.cookiejar import CookieJar, DefaultCookiePolicy
from importlib.metadata import version
from types import EllipsisType, TracebackType
from typing import TYPE_CHECKING, Self, TypeAlias
from urllib.parse import quote, urlencode, urlsplit

import httpx

from orgsync.errors import AnswerUnreadable, ConfigurationInvalid, NetworkProblem

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

__all__ = ["JSON", "Answer", "Http"]

JSON: TypeAlias = bool | int | float | str | list["JSON"] | dict[str, "JSON"] | None
"""What a JSON text can hold."""

_MAX_CONNECTIONS = 1000
_MAX_IDLE_CONNECTIONS = 256
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


@dataclass(frozen=True, slots=True)
class Answer:
    """Hold one whole HTTP answer; the keys of `headers` are lower-case, `content` is decoded from gzip."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)
    method: str
    url: str = field(repr=False)

    @property
    def ok(self) -> bool:
        """Tell whether the status is one of success."""
        return 200 <= self.status < 300

    @property
    def date(self) -> datetime | None:
        """Give the server's own clock, aware, from the `Date` header; None where it is absent or garbled."""
        try:
            date = parsedate_to_datetime(self.headers.get("date", ""))
        except ValueError:
            return None
        return date.astimezone(UTC) if date.tzinfo else date.replace(tzinfo=UTC)

    @property
    def place(self) -> str:
        """Name the request for a message: method, host and path, without the query, which may hold data."""
        return _place(self.method, self.url)

    def json(self) -> JSON:
        """Read the body as JSON.

        Raises AnswerUnreadable for HTML, text or nothing where JSON is due, and for JSON that is cut short.
        """
        try:
            document: JSON = jsonlib.loads(self.content)
        except (ValueError, RecursionError):
            pass  # raised outside, so that the chained error does not carry the body
        else:
            return document
        raise AnswerUnreadable(
            f"{self.place} was answered with {self._kind()} where JSON is due (status {self.status}, "
            f"{self.headers.get('content-type') or 'no content type'}).",
            "Salesforce or a proxy on the way is in trouble; try again later.",
        )

    def _kind(self) -> str:
        start = self.content[:4096].lstrip().lower()
        if not start:
            return "an empty body"
        if start.startswith((b"{", b"[")):
            return "JSON that is cut short"
        if b"maintenance" in start:
            return "a maintenance page"
        return "HTML" if start.startswith(b"<") else "text"


class Http:
    """Send requests over one shared pool of connections, for any number of orgs at once.

    `async with Http() as http:` closes the pool at the end; it is made when the first request is sent.
    """

    def __init__(self, timeout: float = 60, connect_timeout: float = 10, *, tls: ssl.SSLContext | None = None) -> None:
        self._timeout = timeout
        self._connect_timeout = connect_timeout
        self._tls = tls
        self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed = True
        if "_client" in self.__dict__:
            await self._client.aclose()

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
        if self._closed:
            raise RuntimeError("this Http is closed")
        body, body_type = _body(content, form, json)
        problem: NetworkProblem | ConfigurationInvalid
        try:
            with _unlogged():
                response = await self._client.request(
                    method,
                    _with_params(url, params),
                    headers={**body_type, **(headers or {})},
                    content=body,
                    timeout=self._timeouts(timeout),
                )
        except (httpx.InvalidURL, httpx.UnsupportedProtocol):
            problem = ConfigurationInvalid("A request's address is not one.", "Check the login URL.")
        except (httpx.LocalProtocolError, UnicodeEncodeError):
            problem = ConfigurationInvalid(
                f"A header of {_place(method, url)} holds a character that HTTP does not allow.",
                "Look for line ends and accents in pasted tokens and secrets.",
            )
        except httpx.RequestError as error:
            raise _network_problem(error, method, url) from error
        else:
            return Answer(response.status_code, _plain(response.headers), response.content, method, str(response.url))
        raise problem  # not chained: httpx puts the refused value, which may be a token, in its text

    @cached_property
    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            follow_redirects=False,
            headers={"User-Agent": f"orgsync/{version('orgsync')}", "Accept-Encoding": "gzip"},
            http2=False,
            limits=httpx.Limits(max_connections=_MAX_CONNECTIONS, max_keepalive_connections=_MAX_IDLE_CONNECTIONS),
            mounts={f"all://{host}": None for host in _LOOPBACK},  # a proxy cannot reach our own loopback
            timeout=self._timeouts(None),
            verify=self._tls or True,
        )

    def _timeouts(self, timeout: float | None) -> httpx.Timeout:
        seconds = timeout or self._timeout
        return httpx.Timeout(seconds, connect=min(self._connect_timeout, seconds))


_sending: ContextVar[bool] = ContextVar("orgsync_sending", default=False)


@contextmanager
def _unlogged() -> "Generator[None]":
    token = _sending.set(True)
    try:
        yield
    finally:
        _sending.reset(token)


def _not_ours(_record: logging.LogRecord) -> bool:
    return not _sending.get()


logging.getLogger("httpx").addFilter(_not_ours)


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


def _place(method: str, url: str) -> str:
    parts = urlsplit(url)
    return f"{method} {parts.hostname or 'an address without a host'}{parts.path}"


def _network_problem(error: httpx.RequestError, method: str, url: str) -> NetworkProblem:
    host = urlsplit(url).hostname or "the server"
    if isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout):
        return NetworkProblem(
            f"No connection to {host} could be made in time.",
            "Check the network and the proxy settings (HTTPS_PROXY).",
            sent=False,
        )
    if isinstance(error, httpx.TimeoutException):
        return NetworkProblem(f"{_place(method, url)} was not answered in time.", "Try again later.")
    if isinstance(error, httpx.ConnectError | httpx.ProxyError):
        return _connect_problem(error, host)
    return NetworkProblem(
        f"The connection to {host} broke before the whole answer to {_place(method, url)} had arrived.",
        "Try again; if it goes on, look at proxies and firewalls on the way.",
    )


def _connect_problem(error: httpx.RequestError, host: str) -> NetworkProblem:
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
