"""The org's daily API limit, watched through the header that comes with most responses."""

import re
from collections import deque
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from orgsync.errors import LimitReached, NetworkProblem, OrgsyncError, TransientProblem

__all__ = ["ApiUsage", "parse_limit_info"]

_USAGE = re.compile(r"(?:^|[;,\s])api-usage=(\d{1,15})/(\d{1,15})\b")


def parse_limit_info(headers: Mapping[str, str]) -> tuple[int, int] | None:
    """Read `Sforce-Limit-Info: api-usage=69/5000000` as (used, limit); None where it is absent.

    It is absent on every 401 and on token responses, and was seen to be absent on a plain 200.
    """
    found = _USAGE.search(headers.get("sforce-limit-info", ""))
    return (int(found.group(1)), int(found.group(2))) if found else None


@dataclass(slots=True)
class ApiUsage:
    """How much of the daily limit is used, and how much of it orgsync may use.

    The header is a noisy gauge: recorded sessions show it going down as often as up, and the same number on several
    pages. So the highest of the last readings counts, plus the calls that were made since.
    """

    share: float
    calls: int = 0
    limit: int | None = None
    _recent: deque[int] = field(default_factory=lambda: deque(maxlen=20))

    @property
    def used(self) -> int | None:
        """The org's requests of the last 24 hours, as far as is known."""
        return max(self._recent) if self._recent else None

    @property
    def reading(self) -> tuple[int, int] | None:
        """How many of the daily requests are used, and how many there are; None where the org has not said so."""
        return None if self.used is None or self.limit is None else (self.used, self.limit)

    @contextmanager
    def counted(self) -> Generator[None]:
        """Count the request that the block sends, answered or not, but not one that ends before it is sent."""
        self.calls += 1
        try:
            yield
        except OrgsyncError as error:
            unsent = not error.sent if isinstance(error, NetworkProblem) else not isinstance(error, TransientProblem)
            self.calls -= unsent  # of the others, only those that pass by themselves come from what was sent
            raise

    def note(self, headers: Mapping[str, str]) -> None:
        """Take in the header of a response."""
        if reading := parse_limit_info(headers):
            used, self.limit = reading
            self._recent.append(used)

    def require_room(self) -> None:
        """Raise LimitReached when one more call would pass the share that may be used."""
        if self.limit and self.used is not None and self.used + 1 > self.limit * self.share:
            raise LimitReached(
                f"The org has used {self.used:,} of its {self.limit:,} daily API requests, "
                f"and orgsync may use {self.share:.0%}.",
                "Run it again later: it resumes where it stopped. ORGSYNC_API_LIMIT_SHARE changes the share.",
            )
