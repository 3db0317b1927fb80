"""Errors of calls to the HTTP API and of its links, which whoever calls or runs it can solve."""

from collections.abc import Mapping
from typing import ClassVar

from .operator import OperatorProblem

__all__ = [
    "CallUnknown",
    "ConnectSessionEnded",
    "Forbidden",
    "ServerBusy",
    "TooManyAttempts",
    "Unauthorized",
]


class Unauthorized(OperatorProblem, code="unauthorized"):
    """A call to the HTTP API without a token, or with one that is unknown, revoked or expired."""

    def __init__(
        self,
        cause: str = "This call needs a token.",
        remedy: str = "Send `Authorization: Bearer TOKEN`; create one with: orgsync tokens create NAME --scope read.",
    ) -> None:
        super().__init__(cause, remedy)


class Forbidden(OperatorProblem, code="forbidden"):
    """A call to the HTTP API with a token that may not do this."""


class TooManyAttempts(OperatorProblem, code="too_many_attempts"):
    """Too many calls to the HTTP API from one address with a token that is none."""

    def __init__(self, seconds: int) -> None:
        wait = "a second" if seconds == 1 else f"{seconds} seconds"
        super().__init__("Too many calls with a wrong token.", f"Wait {wait}, and send a right one.")
        self.seconds = seconds


class ConnectSessionEnded(OperatorProblem, code="connect_session_ended"):
    """A connect session was finished or cancelled, has expired, or had too many attempts: it connects nothing more."""

    _CAUSES: ClassVar[Mapping[str, str]] = {
        "connected": "This link was used already: the org is connected.",
        "cancelled": "This link was withdrawn.",
        "expired": "This link has expired: it is good for 30 minutes.",
        "attempts": "This link was tried too often.",
        "renamed": "The connection of this link was renamed meanwhile.",
        "unknown": "This link is not known here, or it is older than 30 days.",
    }

    def __init__(self, reason: str) -> None:
        remedy = "Nothing is left to do." if reason == "connected" else "Ask for a new link where you got this one."
        super().__init__(self._CAUSES[reason], remedy)
        self.reason = reason


class CallUnknown(OperatorProblem, code="call_unknown"):
    """A call to the HTTP API was made before, and the process that it was made to has ended since."""

    def __init__(self, run: int | None) -> None:
        remedy = (
            "Whether it began is not known: look at the latest runs, and send another key to run it again."
            if run is None
            else f"Its run has the number {run}."
        )
        super().__init__("This call was made before, and the server has been started again since.", remedy)


class ServerBusy(OperatorProblem, code="server_busy"):
    """The HTTP API has more jobs waiting than it takes, or stops while it is called."""

    def __init__(self) -> None:
        super().__init__("Too many jobs wait already.", "Send it again later, or let workers run the syncs.")
