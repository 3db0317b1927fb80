"""The wall clock compared with a monotonic one: it is set back now and then, and nothing may wait longer for that."""

from datetime import datetime, timedelta

__all__ = ["WallClock"]

_TOLERANCE = timedelta(seconds=1)


class WallClock:
    """Notice when the wall clock was set back.

    A clock that runs ahead, as after a machine has slept, makes things due early, which does no harm.
    """

    def __init__(self) -> None:
        self._since: tuple[datetime, float] | None = None

    def set_back(self, wall: datetime, monotonic: float) -> timedelta:
        """Return by how much the wall clock was set back since the last call: zero where it was not.

        `monotonic` is in seconds.
        """
        if self._since is None:
            self._since = wall, monotonic
            return timedelta(0)
        ahead = wall - self._since[0] - timedelta(seconds=monotonic - self._since[1])
        if abs(ahead) < _TOLERANCE:
            return timedelta(0)  # counted from where it was: what drifts slowly is noticed when it adds up
        self._since = wall, monotonic
        return max(-ahead, timedelta(0))
