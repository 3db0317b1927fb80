"""One attempt to deliver one message: signed by the Standard Webhooks scheme, sent to a checked address.

The request goes through the transport of all of orgsync's HTTP, which can connect to an address that is given. It
follows no redirect, and each endpoint has connections of its own, so that a certificate that was checked for one host
never serves another.
"""

import re
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.util import find_spec

import anyio

from orgsync.clock import utc_now
from orgsync.errors import NetworkProblem, NotDelivered, OrgsyncError, PackageMissing
from orgsync.salesforce.http.messages import host_name
from orgsync.salesforce.http.request import Request
from orgsync.salesforce.http.transport import Transport, TransportResponse

from .addresses import Allowed, Resolve, addresses_of, resolve

__all__ = ["GONE", "Attempt", "require_signing", "send", "signed_headers"]

GONE = 410
TIMEOUT = 15.0
"""Seconds that an attempt may take, the resolution of the host included."""
_LARGEST_BODY = 16_384
"""Bytes of a response that are read, so that its connection can be used again; none of them is looked at."""
_MOST_ADDRESSES = 4
_SECONDS = re.compile(r"[0-9]{1,7}")
_RESOLVE = "Check the DNS of this machine, and its network."
_SLOW = "Check the DNS of this machine, and the network between it and the receiver."
_REACH = "Check that the receiver runs, and that this machine reaches it without a proxy: webhooks use none."
_ANSWER = "Let it answer first, and do afterwards what takes longer."


@dataclass(frozen=True, slots=True)
class Attempt:
    """What became of an attempt: the response's `status`, None without one, and the `problem`, "" where it succeeded.

    `retry_after` are the seconds that the receiver asks to wait for. `error` is the problem for whoever sends one
    message by hand: with the address, and with what to do.
    """

    status: int | None
    problem: str = ""
    retry_after: float | None = None
    error: OrgsyncError | None = None

    @property
    def succeeded(self) -> bool:
        """Whether the receiver has accepted the message."""
        return not self.problem


async def send(
    transport: Transport,
    url: str,
    *,
    message: str,
    body: str,
    secrets: Sequence[str],
    allowed: Allowed,
    resolver: Resolve = resolve,
) -> Attempt:
    """Send a message once, and return what became of it; any status but 2xx is a failure.

    Raises PackageMissing where `standardwebhooks` is not installed; whatever else goes wrong is in what is returned.
    """
    headers = {
        "Content-Type": "application/json",
        **signed_headers(message, body, secrets, at=utc_now()),
    }
    progress = _Progress(anyio.current_time())
    with anyio.move_on_after(TIMEOUT):
        return await _exchange(transport, url, headers, body.encode(), allowed, resolver, progress)
    return progress.timed_out(host_name(url))


@dataclass(slots=True)
class _Progress:
    """How far an attempt has come: `connected_at` is None until there is a connection to one of the addresses."""

    begun_at: float
    resolved: bool = False
    connected_at: float | None = None
    accepted: int | None = None

    def connecting(self) -> None:
        """Note that the addresses are known, and none is connected to."""
        self.resolved, self.connected_at = True, None

    def connected(self) -> None:
        """Note that there is a connection."""
        self.connected_at = anyio.current_time()

    def timed_out(self, host: str) -> Attempt:
        """Return what became of an attempt whose time was over at this point."""
        if self.accepted is not None:
            return Attempt(self.accepted)
        if not self.resolved:
            return _late(host, f"The address of the receiver{{at}} was not found within {TIMEOUT:g} seconds.", _RESOLVE)
        if self.connected_at is None:
            return _late(host, f"No connection to the receiver{{at}} could be made within {TIMEOUT:g} seconds.", _REACH)
        before = self.connected_at - self.begun_at
        waited = f"The receiver{{at}} did not answer within {round(TIMEOUT - before, 1):g} seconds"
        if before > TIMEOUT / 2:
            return _late(
                host, f"{waited}, after {round(before, 1):g} seconds had passed until it was connected.", _SLOW
            )
        return _late(host, f"{waited}.", _ANSWER)


def _late(host: str, cause: str, remedy: str) -> Attempt:
    error = NotDelivered(cause.format(at=f" at {host}"), remedy)
    return Attempt(None, cause.format(at=""), error=error)


def signed_headers(message: str, body: str, secrets: Sequence[str], *, at: datetime) -> dict[str, str]:
    """Return the headers of a message that is sent at an instant: its id, the time and one signature per secret.

    A receiver refuses a time that is more than five minutes off, so a replayed message is refused.
    """
    require_signing()
    from standardwebhooks import Webhook

    whole = datetime.fromtimestamp(int(at.timestamp()), tz=UTC)
    signatures = [Webhook(each).sign(msg_id=message, timestamp=whole, data=body) for each in secrets]
    return {
        "webhook-id": message,
        "webhook-timestamp": str(int(whole.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def require_signing() -> None:
    """Raise PackageMissing where messages cannot be signed."""
    if find_spec("standardwebhooks") is None:
        raise PackageMissing("Webhooks need a package that is not installed.", extra="server")


async def _exchange(
    transport: Transport,
    url: str,
    headers: dict[str, str],
    body: bytes,
    allowed: Allowed,
    resolver: Resolve,
    progress: _Progress,
) -> Attempt:
    """Try one address after the other until a connection is made."""
    unknown = NotDelivered(f"The receiver's host {host_name(url)} has no address.", "Check the URL, and the DNS here.")
    failed = Attempt(None, "The receiver's host has no address.", error=unknown)
    try:
        found = await addresses_of(url, allowed, resolver)
    except OSError:
        return failed
    except OrgsyncError as problem:
        return Attempt(None, str(problem), error=problem)
    for address in found[:_MOST_ADDRESSES]:
        progress.connecting()
        request = Request(
            "POST", url, headers, body, TIMEOUT, connect_timeout=5, address=address, on_connected=progress.connected
        )
        try:
            return await _judged(await transport.request(request), host_name(url), progress)
        except OrgsyncError as error:
            failed = Attempt(None, error.cause, error=_unreached(error))
            if not isinstance(error, NetworkProblem) or error.sent:
                break
    return failed


def _unreached(error: OrgsyncError) -> NotDelivered:
    """Return the error of a message that got no response; what the transport says of proxies does not hold here."""
    if isinstance(error, NetworkProblem) and error.needs_action:
        return NotDelivered(error.cause, "Start the receiver, or correct the webhook's URL.")
    return NotDelivered(error.cause, _REACH)


async def _judged(response: TransportResponse, host: str, progress: _Progress) -> Attempt:
    try:
        if 200 <= response.status < 300:
            progress.accepted = response.status
            await _read(response)
            return Attempt(response.status)
        wait = _retry_after(response.headers.get("retry-after", ""))
        answered = f"answered with status {response.status}."
        error = NotDelivered(f"The receiver at {host} {answered}", _remedy(response.status))
        return Attempt(response.status, f"The receiver {answered}", wait, error)
    finally:
        with anyio.CancelScope(shield=True):
            await response.aclose()


def _remedy(status: int) -> str:
    """Return what to do about a status; only 2xx accepts a message."""
    if 300 <= status < 400:
        return "Redirects are not followed: make the webhook with the URL that this one leads to."
    if status in (401, 403):
        return "Check that the receiver has the webhook's secret; orgsync webhooks rotate makes a new one."
    if status in (404, 405, GONE):
        return "Check that the webhook's URL is the one at which the receiver takes messages by POST."
    return "Look into the receiver's log; it has to answer with 200, or another status of 2xx."


async def _read(response: TransportResponse) -> None:
    """Read a short body; one that is longer, or broken, costs its connection and nothing else."""
    size = 0
    try:
        async with aclosing(response.body) as body:
            async for piece in body:
                size += len(piece)
                if size > _LARGEST_BODY:
                    return
    except OrgsyncError:
        return


def _retry_after(text: str) -> float | None:
    """Return the seconds of a Retry-After header, which may be a date; None for one that is neither."""
    if _SECONDS.fullmatch(text.strip()):
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - utc_now()).total_seconds())
    except (TypeError, ValueError, OverflowError):  # no date, or one without a time zone
        return None
