"""Which host a request is for: by its target where that is absolute, else by its Host header (RFC 9112, 3.2)."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from .http_errors import INVALID, HttpRefusal, HttpRejected, host_invalid

__all__ = ["RequestTarget", "host_name_of", "request_target"]

_ABSOLUTE = re.compile(rb"https?://([^/?#]*)", re.IGNORECASE)
_AUTHORITY = re.compile(
    r"(?:\[(?P<literal>[0-9a-f:.]+)\]|(?P<name>(?:[\w.~!$&'()*+,;=-]|%[0-9a-f]{2})+))(?::[0-9]*)?",
    re.IGNORECASE | re.ASCII,
)


class RequestTarget(NamedTuple):
    """A target as a path and a query, and the authority that it is for; None in HTTP/1.0, which need not name one."""

    target: bytes
    authority: bytes | None


def request_target(target: bytes, hosts: Sequence[bytes], *, version: str) -> RequestTarget:
    """Return what a request is for, by its target and the values of its Host headers; the target's own host prevails.

    Raises HttpRejected where its headers or its target do not say so in a valid way.
    """
    if len(hosts) > 1:
        raise HttpRejected(host_invalid(f"The request has {len(hosts)} Host headers."))
    if not hosts and version != "1.0":
        raise HttpRejected(host_invalid("The request has no Host header."))
    host = hosts[0] if hosts else None
    if host is not None and host_name_of(host.decode("latin-1")) is None:
        raise HttpRejected(_invalid(host, "Host header"))
    if target.startswith((b"/", b"*")):
        return RequestTarget(target, host)
    if (absolute := _ABSOLUTE.match(target)) is None:
        raise HttpRejected(INVALID)
    if host_name_of(absolute[1].decode("latin-1")) is None:
        raise HttpRejected(_invalid(absolute[1], "target"))
    path = target[absolute.end() :]
    return RequestTarget(path if path.startswith(b"/") else b"/" + path, absolute[1])


def _invalid(authority: bytes, place: str) -> HttpRefusal:
    """Return the refusal of an authority that is no host's, by what is wrong with it; it may hold a password."""
    if b"@" in authority:
        return host_invalid(
            f"The request's {place} has a user name or a password before the host, as in user@host.",
            "Leave out what comes before the host, and the @; a token goes into the Authorization header.",
        )
    cause = f"The request's {place} holds no valid name or address of a host."
    if place == "target":
        return host_invalid(cause, "Send a path alone as the target, as in GET /api/v1/connections.")
    return host_invalid(cause)


def host_name_of(authority: str) -> str | None:
    """Return the name of an authority, without its port and in lower case: `[::1]:8787` is `::1`.

    None for what is no valid one, as one with a user name is: `127.0.0.1:80@evil.example`.
    """
    found = _AUTHORITY.fullmatch(authority.strip(" \t"))
    return (found["literal"] or found["name"]).lower() if found else None
