"""Why a request is refused as HTTP, before an app sees it."""

from typing import NamedTuple

from orgsync.errors import InternalError

__all__ = [
    "CODING",
    "FAULT",
    "HEAD_TOO_LARGE",
    "INVALID",
    "KEPT_TOO_LARGE",
    "LARGEST_HEAD",
    "MOST_PIPELINED",
    "TARGET_TOO_LONG",
    "TOO_MANY",
    "TUNNEL",
    "HttpRefusal",
    "HttpRejected",
    "host_invalid",
]

LARGEST_HEAD = 32_768
"""Bytes of a head, or of what else the parser keeps to itself, such as a chunk's extension."""

MOST_PIPELINED = 16
"""Requests of one connection that wait for the response before them."""


class HttpRefusal(NamedTuple):
    """Why a request is refused before anything else looks at it, as a problem document says it."""

    status: int
    code: str
    cause: str
    remedy: str


class HttpRejected(Exception):
    """What ends the parsing of a request."""

    def __init__(self, refusal: HttpRefusal) -> None:
        super().__init__(refusal.cause)
        self.refusal = refusal


INVALID = HttpRefusal(400, "invalid_request", "The request is not valid HTTP/1.1.", "Use an established HTTP client.")
TARGET_TOO_LONG = HttpRefusal(
    414, "target_too_long", "The request's target is longer than 32 KB.", "Send a shorter path and query."
)
HEAD_TOO_LARGE = HttpRefusal(
    431, "head_too_large", "The request's head is larger than 32 KB.", "Send fewer or shorter headers."
)
KEPT_TOO_LARGE = HttpRefusal(
    431, "head_too_large", "A line of the request is longer than 32 KB.", "Send shorter headers and chunk extensions."
)
TOO_MANY = HttpRefusal(
    400, "too_many_requests_at_once", "Too many requests came before the one before them was answered.",
    f"Send {MOST_PIPELINED} at most, or wait for each response.",
)  # fmt: skip
TUNNEL = HttpRefusal(
    400, "tunnel_refused", "This server makes no tunnels.", "Send the request to this server itself, not as to a proxy."
)
CODING = HttpRefusal(
    501,
    "transfer_coding_unknown",
    "The request's transfer coding is other than chunked.",
    "Send it with chunked alone.",
)
FAULT = HttpRefusal(
    500, InternalError.code, "orgsync could not read the request.", "Please report it: the log names the error."
)


def host_invalid(
    cause: str, remedy: str = "Send one Host header: a name or an address, and a port if there is one."
) -> HttpRefusal:
    """Return the refusal of a request that does not say which host it is for."""
    return HttpRefusal(400, "host_invalid", cause, remedy)
