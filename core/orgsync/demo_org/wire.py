"""A request and its response as values, and the headers that Salesforce's responses carry."""

import json
import secrets
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import cast
from urllib.parse import parse_qsl

from .clock import http_date
from .refusal import OAuthRefusal, Refusal, not_implemented

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

LONGEST_URI = 16_384
JSON_TYPE = "application/json;charset=UTF-8"
HTML_TYPE = "text/html;charset=UTF-8"
_SMALLEST_ZIPPED = 200


@dataclass(frozen=True, slots=True)
class Call:
    """A request as it arrived; header names are in lower case, `port` is the one it arrived at."""

    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    body: bytes
    port: int
    uri_length: int = 0

    @property
    def form(self) -> dict[str, str]:
        """The fields of a form, those of the query string among them."""
        fields = parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True)
        return {**self.query, **dict(fields)}

    def json(self) -> Json:
        """The body's JSON.

        Raises:
            Refusal: JSON_PARSER_ERROR; NOT_IMPLEMENTED for XML and for forms with files.
        """
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind.endswith("xml") or kind.startswith("multipart/"):
            raise not_implemented(f"read requests in {kind}")
        try:
            return cast(Json, json.loads(self.body))
        except ValueError:
            message = "Unexpected character or end of input at [line:1, column:1]"
            raise Refusal(400, "JSON_PARSER_ERROR", message) from None


def read_target(target: str) -> tuple[str, dict[str, str]]:
    """Return the path, as it is, and the query of a request target; a bare `+` in the query is a space.

    The values of a name that comes again are joined by commas.
    """
    path, _, query = target.partition("?")
    values: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        values[name] = f"{values[name]},{value}" if name in values else value
    return path, values


@dataclass(slots=True)
class Response:
    """A response before it is written to the wire."""

    status: int
    body: bytes = b""
    content_type: str | None = None
    headers: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    counted: bool = False


def json_response(content: object, status: int = 200, *, headers: list[tuple[str, str]] | None = None) -> Response:
    """Return JSON as Salesforce writes it: compact, in UTF-8."""
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(status, body, JSON_TYPE, list(headers or ()))


def html_response(status: int, html: str) -> Response:
    """Return a page."""
    return Response(status, html.encode(), HTML_TYPE)


def refused(refusal: Refusal | OAuthRefusal) -> Response:
    """Return a refusal as REST or OAuth write it."""
    response = json_response(refusal.body(), refusal.status)
    if refusal.status == 401 and isinstance(refusal, Refusal):
        response.headers.append(("WWW-Authenticate", "Token"))
    return response


def bad_message(status: int, reason: str) -> Response:
    """Return the page of the HTTP server in front, which never reaches the application."""
    return Response(status, f"<h1>Bad Message {status}</h1><pre>reason: {reason}</pre>".encode(), "text/html")


def wire_headers(call: Call, response: Response, now: datetime, *, usage: str | None) -> list[tuple[str, str]]:
    """Return a response's headers in the spelling and the order of real ones; `usage` on counted responses."""
    request_id = secrets.token_hex(16)
    headers = [("Date", http_date(now))]
    if response.content_type:
        headers.append(("Content-Type", response.content_type))
    headers += _cookies(now)
    headers += [
        ("Strict-Transport-Security", "max-age=63072000; includeSubDomains"),
        ("X-Content-Type-Options", "nosniff"),
        ("X-Robots-Tag", "none"),
        ("Cache-Control", "no-cache,must-revalidate,max-age=0,no-store,private"),
    ]
    if usage:
        headers.append(("Sforce-Limit-Info", f"api-usage={usage}"))
    headers += response.headers
    if response.body:
        headers.append(("Vary", "Accept-Encoding"))
    if call.path.startswith("/services/oauth2/"):
        return [*headers, ("Expires", "Thu, 01 Jan 1970 00:00:00 GMT"), ("X-ReadOnlyMode", "false")]
    headers += [("Server", "sfdcedge"), ("X-SFDC-Request-Id", request_id), ("X-Request-Id", request_id)]
    if call.method == "GET":
        headers.append(("X-SFDC-Edge-Cache", "MISS"))
    return headers


def zipped(call: Call, response: Response) -> bool:
    """Compress the body if the client accepts that and it is worth it; return whether that was done."""
    if "gzip" not in call.headers.get("accept-encoding", "") or len(response.body) < _SMALLEST_ZIPPED:
        return False
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    response.body = packer.compress(response.body) + packer.flush()
    response.headers.append(("Content-Encoding", "gzip"))
    return True


def _cookies(now: datetime) -> list[tuple[str, str]]:
    expires = http_date(now + timedelta(days=365)).replace(" ", "-", 3).replace("-", " ", 1)
    year = f"expires={expires}; Max-Age=31536000; secure"
    browser = secrets.token_urlsafe(16)
    return [
        ("Set-Cookie", f"CookieConsentPolicy=0:1; path=/; {year}"),
        ("Set-Cookie", f"LSKey-c$CookieConsentPolicy=0:1; path=/; {year}"),
        ("Set-Cookie", f"BrowserId={browser}; domain=.salesforce.com; path=/; {year}; SameSite=None"),
    ]
