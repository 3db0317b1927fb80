"""How long an answer may take, how slowly it may come and how large it may grow."""

from dataclasses import dataclass
from typing import Self

from orgsync.settings import Settings

__all__ = ["DEFAULT_BOUNDS", "LARGEST_ANSWER", "Bounds", "Pace"]

LARGEST_ANSWER = 64 * 1024 * 1024


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


_REST = 1.0  # seconds


@dataclass(slots=True)
class Pace:
    """Watch how fast a body comes: only the time spent waiting for it counts, not what its reader does meanwhile.

    `window` is in seconds, `rate` in bytes a second. After a window with too few bytes a second is left for what is on
    its way: the end of a body, whose last bytes may be few, or more of a large part that has begun to come.
    """

    window: float
    rate: float
    waited: float = 0
    came: int = 0
    left: float | None = None  # of the time after a window with too few bytes

    @property
    def patience(self) -> float:
        """Return the seconds that the next wait may last."""
        return self.window if self.left is None else self.left

    def too_slow(self, waited: float, came: int) -> bool:
        """Take in that a wait of so many seconds brought so many bytes; tell whether the body comes too slowly."""
        self.waited += waited
        self.came += came
        if self.waited < self.window:
            return False
        if self.came >= self.rate * self.window:
            self.waited, self.came, self.left = 0, 0, None
            return False
        self.left = min(_REST, self.window) if self.left is None else self.left - waited
        return self.left <= 0
