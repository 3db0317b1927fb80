"""The time that is planned by: the database's server's, as the times of runs are."""

from collections.abc import Callable
from datetime import datetime, timedelta

__all__ = ["ServerClock"]


class ServerClock:
    """The server's time, counted by this machine's clock from when it was last read: that clock may be wrong."""

    def __init__(self, local: Callable[[], datetime]) -> None:
        self._local = local
        self._ahead = timedelta(0)

    def __call__(self) -> datetime:
        """Return the server's time."""
        return self._local() + self._ahead

    def set(self, now: datetime) -> None:
        """Take the time that the server has just said."""
        self._ahead = now - self._local()
