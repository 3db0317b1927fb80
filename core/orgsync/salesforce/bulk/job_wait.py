"""Waiting for a job of the Bulk API: ever longer rests between two looks at it, and an end where it stands still."""

from dataclasses import dataclass, field

import anyio

from ..errors.retry import pause

__all__ = ["JobWait"]

_FIRST_REST = 0.5  # seconds between two looks, growing
_GROWTH = 1.5
_LONGEST_REST = 20.0
_LONGEST_RETRY_AFTER = 60.0  # seconds, whatever Retry-After asks for


@dataclass(slots=True)
class JobWait:
    """The looks at one job. `stalled_after` is in seconds of this machine's time: a server's clock may jump."""

    stalled_after: float
    _rest: float = field(default=_FIRST_REST, init=False)
    _step: int = field(default=-1, init=False)
    _rows: int = field(default=-1, init=False)
    _moved_at: float = field(default_factory=anyio.current_time, init=False)

    def has_stalled(self, step: int, rows: int) -> bool:
        """Note the step and the rows that a job has reached; return whether neither has advanced for too long.

        Numbers that go back, as a server's may, are no advance.
        """
        if step > self._step or rows > self._rows:
            self._moved_at = anyio.current_time()
            self._step, self._rows = max(step, self._step), max(rows, self._rows)
            return False
        return anyio.current_time() - self._moved_at >= self.stalled_after

    async def rest(self, retry_after: float) -> None:
        """Wait until the next look: longer each time, up to 20 seconds, or as `Retry-After` asks, up to a minute."""
        await pause(max(self._rest, min(retry_after, _LONGEST_RETRY_AFTER)))
        self._rest = min(_GROWTH * self._rest, _LONGEST_REST)
