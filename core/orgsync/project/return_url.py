"""URLs of connect sessions: where customers reach the server, and where they are sent back to."""

from typing import Literal, cast
from urllib.parse import parse_qsl, urlencode, urlsplit

from orgsync.errors import ArgumentInvalid, SettingInvalid
from orgsync.salesforce.hosts import is_loopback, is_web_host
from orgsync.store.connect_session_table import ConnectSessionRow

from .connect_views import SessionOptions

__all__ = ["checked_return_url", "public_url_of", "return_target"]

_LONGEST_URL = 2000
_OUR_PARAMETERS = {"session", "state"}


def public_url_of(url: str) -> str:
    """Return the address at which browsers reach `orgsync serve`, without a slash at its end.

    Raises SettingInvalid for one that Salesforce sends nobody back to: neither https nor loopback.
    """
    parts = urlsplit(url)
    if not is_web_host(url) or parts.query or parts.fragment:
        raise SettingInvalid(
            "The address of this server is not one that browsers could open.",
            "Set public_url, or ORGSYNC_PUBLIC_URL, to where customers reach it: https://sync.example.com.",
        )
    if parts.scheme != "https" and not is_loopback(url):
        raise SettingInvalid(
            "Customers would reach this server over http, and Salesforce sends them back to https alone.",
            "Put a proxy that encrypts in front of it, and set public_url, or ORGSYNC_PUBLIC_URL, to its address.",
        )
    return url.rstrip("/")


def checked_return_url(url: str) -> str:
    """Return a URL that customers may be sent back to.

    Raises ArgumentInvalid for one that is neither https nor http on loopback, and for anything that a browser could
    read as another address.
    """
    if not (url.isascii() and url.isprintable()) or len(url) > _LONGEST_URL or set(' \\"<>^`{|}') & set(url):
        raise ArgumentInvalid(
            "return_url holds characters that a URL has not, or more than 2,000.", "Encode them with %."
        )
    if not is_web_host(url):
        raise ArgumentInvalid("return_url is not the address of a web page.", "Give one such as https://example.com/x.")
    parts = urlsplit(url)
    if parts.scheme != "https" and not is_loopback(url):
        raise ArgumentInvalid("return_url is not https.", "Use https; http is for this machine's own addresses alone.")
    if parts.fragment or {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)} & _OUR_PARAMETERS:
        raise ArgumentInvalid(
            "return_url has a fragment, or a parameter that orgsync sets: session, state.", "Use other names."
        )
    return url


def return_target(row: ConnectSessionRow, state: Literal["connected", "failed"]) -> str | None:
    """Return where a customer is sent back to, with the session's id and how it ended; None for nowhere."""
    url = cast("SessionOptions", row.options)["return_url"]
    if url is None:
        return None
    return f"{url}{'&' if '?' in url else '?'}{urlencode({'session': row.id, 'state': state})}"
