"""A cassette being replayed: the step that answers a request, the time, and the steps that were not requested."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from orgsync.clock import utc_now
from orgsync.errors import NotRecorded

from .interaction import Cassette, Interaction, RecordedRequest
from .matching import RequestKey, difference, likeness
from .step_names import request_name, step_name

__all__ = ["Player"]

_ANEW = "If the change is intended, record it again: pytest --record --connection NAME."


class Player:
    """Answer requests from a cassette, each step once and in the recorded order.

    From the first step on which tasks sent requests concurrently when it was recorded, their requests may arrive in any
    order in which each task keeps its own.
    """

    def __init__(self, cassette: Cassette, name: str) -> None:
        self._name = name
        self._steps: Sequence[Interaction] = cassette.interactions
        self._keys = [RequestKey.of(each.request) for each in self._steps]
        self._other_origins = {each.request.origin for each in self._steps}
        afters = [each.after for each in self._steps]
        self._in_line = next((after for number, after in enumerate(afters) if after != number), len(afters))
        self._played = [False] * len(self._steps)
        self.problem: NotRecorded | None = None
        """The error of the first request that the cassette did not hold, in case a script has swallowed it."""

    @property
    def now(self) -> datetime:
        """Return the time of the machine that recorded: when it sent the next request, or the last."""
        if not self._steps:
            return utc_now()  # nothing was recorded, so no time either
        return self._steps[min(self._next, len(self._steps) - 1)].at

    @property
    def _next(self) -> int:
        return self._played.index(False) if False in self._played else len(self._steps)

    def play(self, request: RecordedRequest) -> Interaction:
        """Return the step that answers a request. Raises NotRecorded, with the nearest step, where none does."""
        if request.origin not in self._other_origins:  # to the org, wherever it is now
            request = replace(request, origin="")
        now = RequestKey.of(request)
        for number in self._open():
            if self._keys[number].fits(now) and self._may_follow(number):
                self._played[number] = True
                return self._steps[number]
        problem = self._not_recorded(request, now)
        self.problem = self.problem or problem
        raise problem

    def _may_follow(self, number: int) -> bool:
        """Return whether the step that this one was sent after has been played, for whichever task."""
        if self._next < min(number, self._in_line):
            return False
        before = self._steps[number].after - 1
        same = (played for key, played in zip(self._keys, self._played, strict=True) if key == self._keys[before])
        return before < 0 or any(same)

    def require_played(self) -> None:
        """Raise NotRecorded for a request that was not recorded, and for recorded steps that were not requested."""
        if self.problem:
            raise self.problem
        left = [self._step(number) for number in self._open()]
        if left:
            others = f", nor were the {len(left) - 1} after it" if left[1:] else ""
            raise NotRecorded(f"{self._name}: {left[0]} was recorded, but not requested{others}.", _ANEW)

    def _open(self) -> list[int]:
        return [number for number, played in enumerate(self._played) if not played]

    def _step(self, number: int) -> str:
        return f"step {number + 1} of {len(self._steps)}, {step_name(self._steps[number])},"

    def _not_recorded(self, request: RecordedRequest, now: RequestKey) -> NotRecorded:
        found = f"{self._name} does not hold the request that was sent.\n  sent:     {request_name(request)}\n"
        left = self._open()
        if not left:
            last = f"all {len(self._steps)} steps have been played" if self._steps else "the cassette is empty"
            return NotRecorded(f"{found}  recorded: nothing more, {last}", _ANEW)
        exact = [number for number in left if self._keys[number].fits(now)]
        if exact:
            return NotRecorded(
                f"{found}  recorded: {self._step(exact[0])}\n  but first comes {self._step(left[0]).rstrip(',')}, "
                "which was not requested",
                _ANEW,
            )
        # The earliest of the most alike: ties go to the step that is next.
        nearest = max(left, key=lambda number: (likeness(now, self._keys[number]), -number))
        found += f"  recorded: {self._step(nearest).rstrip(',')}\n{difference(now, self._keys[nearest])}"
        if nearest != left[0]:
            found += f"\n  next in turn is {self._step(left[0]).rstrip(',')}"
        return NotRecorded(found, _ANEW)
