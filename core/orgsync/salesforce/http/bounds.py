"""How long an answer may take, how slowly it may come and how large it may grow."""

from dataclasses import dataclass
from typing import Self

from orgsync.settings import Settings

__all__ = ["DEFAULT_BOUNDS", "LARGEST_ANSWER", "Bounds", "Pace"]

LARGEST_ANSWER = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bound what a server may ask of this machine.

    `answer_timeout` is in seconds, for an answer that is read whole, from the connection to its last byte.
    `least_rate` is in bytes a second, for an answer that is read as it arrives. `largest_answer` is in bytes,
    unzipped, for an answer that is read whole.
    """

    answer_timeout: float = 300
    least_rate: float = 1000
    largest_answer: int = LARGEST_ANSWER

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Take the bounds from a project's settings."""
        return cls(settings.answer_timeout, settings.least_rate, settings.largest_answer)


DEFAULT_BOUNDS = Bounds()


@dataclass(slots=True)
class Pace:
    """Watch how fast a body comes: only the time spent waiting for it counts, not what its reader does meanwhile.

    `window` is in seconds, `rate` in bytes a second.
    """

    window: float
    rate: float
    waited: float = 0
    came: int = 0

    def too_slow(self, waited: float, came: int) -> bool:
        """Take in that a wait of so many seconds brought so many bytes; tell whether a window brought too few."""
        self.waited += waited
        self.came += came
        if self.waited < self.window:
            return False
        slow = self.came < self.rate * self.window
        self.waited, self.came = 0, 0
        return slow
