"""A request: its parts, and its name in messages."""

import json as jsonlib
from collections.abc import AsyncIterable, Callable, Mapping
from dataclasses import dataclass, field
from types import EllipsisType
from urllib.parse import quote, urlencode

from .messages import JSON, host_name, request_name

__all__ = ["Request", "Upload", "body_of", "with_params"]


@dataclass(frozen=True, slots=True)
class Request:
    """Hold what is sent, and the seconds that each wait may last: for a connection, and for anything on it.

    With an `address` the connection is made to that one, by no proxy, whatever the host's addresses are; the host is
    still the one that the request and the server's certificate name. `on_connected` is called once there is a
    connection, before anything of the request is sent.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | AsyncIterable[bytes] | None = field(default=None, repr=False)
    timeout: float = 60
    connect_timeout: float = 10
    address: str | None = None
    on_connected: Callable[[], None] | None = field(default=None, repr=False)

    @property
    def place(self) -> str:
        """Return the request's name for a message."""
        return request_name(self.method, self.url)

    @property
    def host(self) -> str:
        """Return the host's name for a message, with its port where that is not the scheme's own."""
        return host_name(self.url) or "the server"


@dataclass(frozen=True, slots=True)
class Upload:
    """A body that is sent as it is, with its Content-Type."""

    content: bytes = field(repr=False)
    content_type: str


def with_params(url: str, params: Mapping[str, str] | None) -> str:
    """Return a URL with more of a query string."""
    if not params:
        return url
    query = urlencode(params, quote_via=quote, safe="")  # "+" must be %2B and a space %20 for Salesforce
    return f"{url}{'&' if '?' in url else '?'}{query}"


def body_of(form: Mapping[str, str] | Upload | None, json: JSON | EllipsisType) -> tuple[bytes | None, dict[str, str]]:
    """Return a body and its Content-Type; None where there is neither a form, an upload nor JSON."""
    if isinstance(form, Upload):
        return form.content, {"Content-Type": form.content_type}
    if form is not None:
        return urlencode(form).encode("ascii"), {"Content-Type": "application/x-www-form-urlencoded"}
    if not isinstance(json, EllipsisType):
        text = jsonlib.dumps(json, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return text.encode(), {"Content-Type": "application/json"}
    return None, {}
