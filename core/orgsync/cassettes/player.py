"""A cassette being replayed: which step answers a request, what time it is, and what was not asked for."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from orgsync.clock import utc_now
from orgsync.errors import NotRecorded

from .interaction import Cassette, Interaction, RecordedRequest
from .matching import Asked, difference, likeness
from .step_names import request_name, step_name

__all__ = ["Player"]

_ANEW = "If the change is meant, record it anew: pytest --record --connection NAME."


class Player:
    """Answer requests from a cassette, each step once and in the recorded order.

    From where tasks asked at once when it was recorded, their requests may come in any order that a task itself keeps.
    """

    def __init__(self, cassette: Cassette, name: str) -> None:
        self._name = name
        self._steps: Sequence[Interaction] = cassette.interactions
        self._asked = [Asked.by(each.request) for each in self._steps]
        self._elsewhere = {each.request.origin for each in self._steps}
        afters = [each.after for each in self._steps]
        self._in_line = next((after for number, after in enumerate(afters) if after != number), len(afters))
        self._played = [False] * len(self._steps)
        self.problem: NotRecorded | None = None
        """The first request that the cassette did not hold, in case a script has swallowed it."""

    @property
    def now(self) -> datetime:
        """Tell the time of the machine that recorded: when it sent the next request, or the last."""
        if not self._steps:
            return utc_now()  # of nothing, no time was recorded
        return self._steps[min(self._next, len(self._steps) - 1)].at

    @property
    def _next(self) -> int:
        return self._played.index(False) if False in self._played else len(self._steps)

    def play(self, request: RecordedRequest) -> Interaction:
        """Give the step that answers a request; raises NotRecorded, with the nearest step, where none does."""
        if request.origin not in self._elsewhere:  # to the org, wherever it is now
            request = replace(request, origin="")
        now = Asked.by(request)
        for number in self._open():
            if self._asked[number].fits(now) and self._may_come(number):
                self._played[number] = True
                return self._steps[number]
        problem = self._refusal(request, now)
        self.problem = self.problem or problem
        raise problem

    def _may_come(self, number: int) -> bool:
        """Tell whether what a step was asked after has been asked, by whichever task."""
        if self._next < min(number, self._in_line):
            return False
        before = self._steps[number].after - 1
        same = (played for asked, played in zip(self._asked, self._played, strict=True) if asked == self._asked[before])
        return before < 0 or any(same)

    def require_played(self) -> None:
        """Raise NotRecorded for what was not held, and where steps are left that nobody asked for."""
        if self.problem:
            raise self.problem
        left = [self._step(number) for number in self._open()]
        if left:
            others = f", nor were the {len(left) - 1} after it" if left[1:] else ""
            raise NotRecorded(f"{self._name}: {left[0]} was recorded, but not asked for{others}.", _ANEW)

    def _open(self) -> list[int]:
        return [number for number, played in enumerate(self._played) if not played]

    def _step(self, number: int) -> str:
        return f"step {number + 1} of {len(self._steps)}, {step_name(self._steps[number])},"

    def _refusal(self, request: RecordedRequest, now: Asked) -> NotRecorded:
        said = f"{self._name} does not hold what was asked now.\n  asked:    {request_name(request)}\n"
        left = self._open()
        if not left:
            last = f"all {len(self._steps)} steps have been played" if self._steps else "the cassette is empty"
            return NotRecorded(f"{said}  recorded: nothing more, {last}", _ANEW)
        exact = [number for number in left if self._asked[number].fits(now)]
        if exact:
            return NotRecorded(
                f"{said}  recorded: {self._step(exact[0])}\n  but first comes {self._step(left[0]).rstrip(',')}, "
                "which was not asked for",
                _ANEW,
            )
        # The earliest of the likest: ties go to what would have come next.
        nearest = max(left, key=lambda number: (likeness(now, self._asked[number]), -number))
        found = f"{said}  recorded: {self._step(nearest).rstrip(',')}\n{difference(now, self._asked[nearest])}"
        if nearest != left[0]:
            found += f"\n  next in turn is {self._step(left[0]).rstrip(',')}"
        return NotRecorded(found, _ANEW)
