"""A cassette being replayed: the step that answers a request, the time, and the steps that were not requested."""

import shlex
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import replace
from datetime import datetime

from orgsync.clock import utc_now
from orgsync.errors import NotRecorded

from .interaction import Cassette, Interaction, RecordedRequest
from .matching import RequestKey, difference, likeness
from .step_names import request_name, step_name

__all__ = ["Player"]

_SEEN: ContextVar[tuple["Player | None", int]] = ContextVar("_SEEN", default=(None, 0))
"""The latest step, but for sign-ins, whose response a task has seen, or had its parent when it started the task."""

_ANEW = "If the change is intended, record it again: pytest --record --connection NAME"


class Player:
    """Answer requests from a cassette, each step once and in the recorded order.

    From the first step on which tasks sent requests concurrently when it was recorded, their requests may arrive in any
    order in which each task keeps its own. Messages call the cassette `name`; `test` is what pytest calls the test.
    """

    def __init__(self, cassette: Cassette, name: str, *, test: str = "") -> None:
        self._name = name
        self._remedy = f"{_ANEW} {shlex.quote(test)}" if test else f"{_ANEW}."
        self._steps: Sequence[Interaction] = cassette.interactions
        self._keys = [RequestKey.of(each.request) for each in self._steps]
        self._other_origins = {each.request.origin for each in self._steps}
        afters = [each.after for each in self._steps]
        self._in_line = next((after for number, after in enumerate(afters) if after != number), len(afters))
        self._seen_before = [self._before_sign_ins(after) for after in afters]
        self._played = [False] * len(self._steps)
        self.problem: NotRecorded | None = None
        """The error of the first request that the cassette did not hold, in case a script has swallowed it."""

    @property
    def now(self) -> datetime:
        """Return the time that the present task had when it was recorded.

        That is when it sent the next request, or its last one, by the clock of the machine that recorded.
        """
        if not self._steps:
            return utc_now()  # nothing was recorded, so no time either
        own = [number for number, after in enumerate(self._seen_before) if after == self._seen]
        following = (number for number in own if not self._played[number])
        return self._steps[next(following, own[-1] if own else max(self._seen - 1, 0))].at

    def _before_sign_ins(self, after: int) -> int:
        """Return the response before a step that was no sign-in's: in a replay another task may sign in for all."""
        while after and self._steps[after - 1].request.is_sign_in:
            after = self._steps[after - 1].after
        return after

    @property
    def _seen(self) -> int:
        player, seen = _SEEN.get()
        return seen if player is self else 0

    @property
    def _next(self) -> int:
        return self._played.index(False) if False in self._played else len(self._steps)

    def play(self, request: RecordedRequest) -> Interaction:
        """Return the step that answers a request. Raises NotRecorded, with the nearest step, where none does."""
        if request.origin not in self._other_origins:  # to the org, wherever it is now
            request = replace(request, origin="")
        now = RequestKey.of(request)
        found = self._answering(now)
        if found is not None:
            self._played[found] = True
            if not self._steps[found].request.is_sign_in:
                _SEEN.set((self, found + 1))
            return self._steps[found]
        problem = self._not_recorded(request, now)
        self.problem = self.problem or problem
        raise problem

    def _answering(self, now: RequestKey) -> int | None:
        """Return the number of the step for a request of the present task: its own, before what others asked alike."""
        first: int | None = None
        for number in self._open():
            if self._keys[number].fits(now) and self._may_follow(number):
                if number < self._in_line or self._seen_before[number] == self._seen:
                    return number
                first = number if first is None else first
        return first

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
            raise NotRecorded(f"{self._name}: {left[0]} was recorded, but not requested{others}.", self._remedy)

    def _open(self) -> list[int]:
        return [number for number, played in enumerate(self._played) if not played]

    def _step(self, number: int) -> str:
        return f"step {number + 1} of {len(self._steps)}, {step_name(self._steps[number])},"

    def _not_recorded(self, request: RecordedRequest, now: RequestKey) -> NotRecorded:
        found = f"{self._name} does not hold the request that was sent.\n  sent:     {request_name(request)}\n"
        left = self._open()
        if not left:
            last = f"all {len(self._steps)} steps have been played" if self._steps else "the cassette is empty"
            return NotRecorded(f"{found}  recorded: nothing more, {last}", self._remedy)
        exact = [number for number in left if self._keys[number].fits(now)]
        if exact:
            return NotRecorded(
                f"{found}  recorded: {self._step(exact[0])}\n  but first comes {self._step(left[0]).rstrip(',')}, "
                "which was not requested",
                self._remedy,
            )
        # The earliest of the most alike: ties go to the step that is next.
        nearest = max(left, key=lambda number: (likeness(now, self._keys[number]), -number))
        found += f"  recorded: {self._step(nearest).rstrip(',')}\n{difference(now, self._keys[nearest])}"
        if nearest != left[0]:
            found += f"\n  next in turn is {self._step(left[0]).rstrip(',')}"
        return NotRecorded(found, self._remedy)
