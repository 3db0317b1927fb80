"""How long a response may take, how slowly it may arrive and how large it may be."""

from dataclasses import dataclass
from typing import Self

from orgsync.settings import Settings

__all__ = ["DEFAULT_BOUNDS", "LARGEST_RESPONSE", "Bounds", "Pace"]

LARGEST_RESPONSE = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bound what a response may cost this machine.

    `response_timeout` is in seconds, for a response that is read whole, from the connection to its last byte.
    `minimum_rate` is in bytes a second, for a response that is read as it arrives. `largest_response` is in bytes,
    unzipped, for a response that is read whole.
    """

    response_timeout: float = 300
    minimum_rate: float = 1000
    largest_response: int = LARGEST_RESPONSE

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return the bounds of a project's settings."""
        return cls(settings.response_timeout, settings.minimum_rate, settings.largest_response)


DEFAULT_BOUNDS = Bounds()


_GRACE = 1.0  # seconds


@dataclass(slots=True)
class Pace:
    """Measure how fast a body arrives: only the time spent waiting for it counts, not what its reader does meanwhile.

    `window` is in seconds, `rate` in bytes a second. After a window with too few bytes there is a second of grace: for
    the end of a body, whose last bytes may be few, or for the rest of a large part that has begun to arrive.
    """

    window: float
    rate: float
    waited: float = 0
    received: int = 0
    grace: float | None = None  # seconds left after a window with too few bytes

    @property
    def patience(self) -> float:
        """Return the seconds that the next wait may last."""
        return self.window if self.grace is None else self.grace

    def too_slow(self, waited: float, received: int) -> bool:
        """Count a wait in seconds and the bytes that it brought; return whether the body arrives too slowly."""
        self.waited += waited
        self.received += received
        if self.waited < self.window:
            return False
        if self.received >= self.rate * self.window:
            self.waited, self.received, self.grace = 0, 0, None
            return False
        self.grace = min(_GRACE, self.window) if self.grace is None else self.grace - waited
        return self.grace <= 0
