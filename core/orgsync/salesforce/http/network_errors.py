"""Why a request got no whole response: what each cause means, and what to do about it; httpx is not known here."""

import socket
import ssl
from collections.abc import Iterator

from orgsync.errors import NetworkProblem

from .request import Request

__all__ = ["causes", "connect_problem", "cut_short", "late", "not_connected_in_time", "not_http"]

_WRONG_HTTP = (
    ("content-length", "two lengths that differ, or one that is not a number"),
    ("status code", "a status that HTTP does not have"),
    ("status_code", "a status that HTTP does not have"),
    ("chunk", "a body whose parts have no proper lengths"),
    ("header", "headers that are not HTTP's"),
)

_NOT_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE")
"""What OpenSSL, by its version, says of bytes that are no record of TLS: plain HTTP, as a rule."""

_NO_SUCH_NAME = frozenset({socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)})
"""What the resolver says where DNS has answered that there is no such name, or no address of it; BSD has one code."""


def not_http(text: str) -> str:
    """Return what is wrong with a response, by what h11 says of it, which may quote it; "" if it was cut short."""
    if not text or "closed connection" in text or "disconnected" in text:
        return ""
    found = next((what for word, what in _WRONG_HTTP if word in text.lower()), "")
    return found or "something that is not HTTP"


def not_connected_in_time(host: str) -> NetworkProblem:
    """Return the error of a connection that was not made in time."""
    return NetworkProblem(
        f"No connection to {host} could be made in time.",
        "Check the network and the proxy settings (HTTPS_PROXY).",
        sent=False,
    )


def late(request: Request, seconds: float, setting: str) -> NetworkProblem:
    """Return the error of a response that was not whole in time; `setting` names the bound, "" if it is fixed."""
    advice = f"; where responses take that long, raise the setting {setting}" if setting else ""
    return NetworkProblem(
        f"{request.place} was not answered in time: the response was not complete after {seconds:g} seconds.",
        f"Try again later{advice}.",
    )


def cut_short(request: Request) -> NetworkProblem:
    """Return the error of a connection that broke while the response was on its way."""
    return NetworkProblem(
        f"The connection to {request.host} broke before the whole response to {request.place} had arrived.",
        "Try again; if it happens again, look at proxies and firewalls on the way.",
    )


def connect_problem(error: Exception, host: str, *, is_loopback: bool) -> NetworkProblem:
    """Return the error of a connection that could not be made, by the exception that is at its root."""
    chain = list(causes(error))
    resolving = next((cause for cause in chain if isinstance(cause, socket.gaierror)), None)
    if resolving is not None:
        return NetworkProblem(
            f"The name of the host {host} could not be resolved.",
            "Check its spelling, the network with its DNS, and the proxy settings (HTTPS_PROXY); a deleted sandbox or "
            "scratch org looks like this.",
            sent=False,
            needs_action=resolving.errno in _NO_SUCH_NAME,  # by any other code, nothing is known of the name
        )
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in chain):
        untrusted = NetworkProblem(
            f"No secure connection to {host}: its certificate is not trusted.",
            "Behind an inspecting proxy, name its certificate authority in SSL_CERT_FILE.",
            sent=False,
        )
        untrusted.retried = True  # waiting does not help
        return untrusted
    if any(isinstance(cause, ssl.SSLError) and cause.reason in _NOT_TLS for cause in chain):
        return NetworkProblem(
            f"No secure connection to {host}: what answers there does not speak TLS.",
            "Correct the port, or the URL's scheme: the demo org's URL begins with http://.",
            sent=False,
            needs_action=True,
        )
    failed = next((cause for cause in chain if isinstance(cause, ssl.SSLError)), None)
    if failed is not None:
        why = f" ({failed.reason})" if failed.reason else ""
        return NetworkProblem(
            f"No secure connection to {host}: TLS failed{why}.",
            "Check that the host and port speak https; behind an inspecting proxy, look into its log.",
            sent=False,
        )
    if is_loopback and any(isinstance(cause, ConnectionRefusedError) for cause in chain):
        return NetworkProblem(
            f"Nothing listens at {host} of this machine.",
            "Start the server that should listen there, or correct the port.",
            sent=False,
            needs_action=True,
        )
    return NetworkProblem(
        f"{host} cannot be reached.", "Check the network and the proxy settings (HTTPS_PROXY).", sent=False
    )


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception and its causes."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
