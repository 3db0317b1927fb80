"""Responses: one that was read whole, and one that is read as it arrives."""

import json as jsonlib
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import TypeAlias
from urllib.parse import urljoin, urlsplit

from orgsync.clock import utc_now
from orgsync.errors import ResponseTooLarge, ResponseUnreadable

from .bounds import LARGEST_RESPONSE
from .json_size import MOST_CONTAINERS, MOST_VALUES, is_too_large

__all__ = ["JSON", "Response", "Stream", "host_name", "request_name", "too_large"]

JSON: TypeAlias = bool | int | float | str | list["JSON"] | dict[str, "JSON"] | None
"""What a JSON text can hold."""


_FIRST_YEAR, _LAST_YEAR = 1990, 9000  # of a clock that is believed
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class _Head:
    """The head of a response."""

    __slots__ = ()

    status: int
    headers: Mapping[str, str]
    method: str
    url: str

    @property
    def ok(self) -> bool:
        """Return whether the status is one of success."""
        return 200 <= self.status < 300

    @property
    def date(self) -> datetime | None:
        """Return the server's clock, aware, from the `Date` header; None where it is absent or garbled."""
        return _instant(self.headers.get("date", ""))

    @property
    def redirected_to(self) -> str | None:
        """Return the whole URL that the response redirects to; None unless that is another host or port."""
        location = self.headers.get("location", "")
        if self.status not in _REDIRECTS or not location:
            return None
        try:
            target = urljoin(self.url, location)
            return None if _origin(target) == _origin(self.url) else target
        except ValueError:
            return None

    def is_same_origin(self, url: str) -> bool:
        """Return whether an absolute URL has the scheme, host and port that this response came from."""
        try:
            return _origin(url) == _origin(self.url)
        except ValueError:
            return False

    @property
    def retry_after(self) -> float | None:
        """Return the seconds that `Retry-After` asks to wait, be it a number or an instant; None where it is garbled.

        An instant is compared with the server's clock, where the response has it. No recording shows Salesforce sending
        the header, but proxies on the way do.
        """
        text = self.headers.get("retry-after", "")
        if text.isdecimal():
            return float(text) if len(text) < 9 else None
        until = _instant(text)
        return max(0.0, (until - (self.date or utc_now())).total_seconds()) if until else None

    @property
    def place(self) -> str:
        """Return the request's name for a message: method, host and path, without the query, which may hold data."""
        return request_name(self.method, self.url)


@dataclass(frozen=True, slots=True)
class Response(_Head):
    """Hold one whole HTTP response; the keys of `headers` are lower-case, `content` is decoded from gzip."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)
    method: str
    url: str = field(repr=False)

    def json(self) -> JSON:
        """Return the body, parsed as JSON.

        Raises ResponseUnreadable for HTML, text or nothing in place of JSON, and for JSON that is cut short, and
        ResponseTooLarge as `require_readable` does.
        """
        self.require_readable()
        try:
            document: JSON = jsonlib.loads(self.content)
        except UnicodeDecodeError:
            what = "bytes that are not UTF-8"  # raised outside, so that the chained error does not carry the body
        except RecursionError:
            what = "JSON that is nested too deep"
        except ValueError:
            what = self._kind()
        else:
            return document
        raise ResponseUnreadable(
            f"{self.place} returned {what} instead of JSON (status {self.status}, "
            f"{self.headers.get('content-type') or 'no content type'}).",
            "Salesforce or a proxy on the way is in trouble; try again later.",
        )

    def require_readable(self) -> None:
        """Raise ResponseTooLarge for JSON with so many objects or values that they would fill the memory."""
        if is_too_large(self.content):
            raise ResponseTooLarge(
                f"{self.place} returned JSON of more than {MOST_CONTAINERS:,} objects and lists, or "
                f"{MOST_VALUES:,} values.",
                "No response of Salesforce's has so many: look for a proxy on the way, and check the address.",
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


@dataclass(frozen=True, slots=True)
class Stream(_Head):
    """Hold a response whose body is still to be read; the keys of `headers` are lower-case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: AsyncIterator[bytes] = field(repr=False)
    method: str
    url: str = field(repr=False)
    largest: int = LARGEST_RESPONSE

    def chunks(self) -> AsyncIterator[bytes]:
        """Return the body as it arrives, once, decoded from gzip, in chunks of at most 256 KiB.

        Raises NetworkProblem where it breaks off, in HTTP's framing or in gzip's, or arrives too slowly.
        """
        return self.body

    async def read(self) -> Response:
        """Read the rest of the body, for a response that turns out to be short.

        Raises ResponseTooLarge for more than `largest` bytes, and as `chunks` does.
        """
        content = bytearray()
        left = self.largest
        async for part in self.body:
            content += part
            left -= len(part)
            if left < 0:
                raise too_large(self.place, self.largest, fixed=False)
        return Response(self.status, self.headers, bytes(content), self.method, self.url)


@lru_cache(maxsize=64)  # many answers come in the same second
def _instant(text: str) -> datetime | None:
    """Return an instant as HTTP writes it, aware; None where it is garbled."""
    try:
        date = parsedate_to_datetime(text)
        date = date.astimezone(UTC) if date.tzinfo else date.replace(tzinfo=UTC)
        return date if _FIRST_YEAR <= date.year <= _LAST_YEAR else None
    except (ValueError, OverflowError):
        return None


_PORTS = {"https": 443, "http": 80}


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)


_VALUE = re.compile(r"(/sobjects/\w+/(?:[A-Z]\w*|\w+__c))/.+")  # a row named by a field's value, a customer's maybe


def request_name(method: str, url: str) -> str:
    """Return a request's name for a message: method, host and path."""
    parts = urlsplit(url)
    path = _VALUE.sub(r"\1/…", parts.path)
    return f"{method} {host_name(url) or 'an address without a host'}{path}"


def host_name(url: str) -> str:
    """Return a URL's host, with its port where that is not the scheme's own; empty where there is none."""
    parts = urlsplit(url)
    try:
        host, port = parts.hostname or "", parts.port
    except ValueError:  # not a port's number
        host, port = parts.hostname or "", None
    host = f"[{host}]" if ":" in host else host
    return host if not host or port in (None, _PORTS.get(parts.scheme)) else f"{host}:{port}"


def too_large(place: str, largest: int, *, fixed: bool) -> ResponseTooLarge:
    """Return the error of a response that is larger than a bound in bytes, which is `fixed` or a setting."""
    return ResponseTooLarge(
        f"{place} returned more than {largest:,} bytes, counted unzipped.",
        "Look for a proxy on the way, and check the address."
        if fixed
        else "If the response is meant to be so large, raise the setting largest_response.",
    )
