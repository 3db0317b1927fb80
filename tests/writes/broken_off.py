"""Breaking a write off, as a kill does, right after the org has carried out a request of the test's choice."""

from orgsync.salesforce.http.request import Request
from orgsync.salesforce.http.transport import HttpxTransport, TransportResponse

__all__ = ["BrokenOff", "MortalTransport"]


class BrokenOff(BaseException):
    """What ends a write in the place of a kill: nothing in it expects this."""


class MortalTransport(HttpxTransport):
    """The network, until the response to a certain request."""

    def __init__(self) -> None:
        super().__init__()
        self._fatal: tuple[str, str] | None = None
        self._calls = 0

    def die_after(self, method: str, path: str, *, calls: int = 1) -> None:
        """Break off after so many requests of a method whose path holds a text; `recover` undoes it."""
        self._fatal, self._calls = (method, path), calls

    def recover(self) -> None:
        """Live on."""
        self._fatal = None

    async def request(self, request: Request) -> TransportResponse:
        """Send a request, and die if it is the fatal one."""
        response = await super().request(request)
        if self._fatal is None or request.method != self._fatal[0] or self._fatal[1] not in request.url:
            return response
        self._calls -= 1
        if self._calls > 0:
            return response
        await response.aclose()
        raise BrokenOff
