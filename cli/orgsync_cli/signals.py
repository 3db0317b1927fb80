"""Ctrl-C and SIGTERM during a run: the first cancels it at a batch boundary, the second ends the process at once."""

import os
import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, Self

from .output import say, stdout

if TYPE_CHECKING:
    import anyio

__all__ = ["STOPPING_AT_BATCH", "Interruption", "ended_by_sigterm"]

STOPPING_AT_BATCH = "Stopping at the next batch boundary; once more to stop at once."

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def ended_by_sigterm() -> "Generator[None]":
    """Let SIGTERM end the block as an exception does, so that what the block has begun is cleaned up."""

    def end(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class Interruption:
    """Cancel a scope when a signal comes; `code` is then the exit code, 130 or 143.

    The handlers are Python's own, not the event loop's, so that the second signal also ends a script that keeps the
    loop busy. `stopping` is said at the first signal. With `patience`, in seconds, the process ends by itself when that
    time has passed since then.
    """

    def __init__(
        self,
        scope: "anyio.CancelScope",
        *,
        patience: float | None = None,
        stopping: str = STOPPING_AT_BATCH,
    ) -> None:
        import asyncio

        self.code = 0
        self._scope = scope
        self._patience = patience
        self._stopping = stopping
        self._loop = asyncio.get_running_loop()
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        self._before = {each: signal.signal(each, self._take) for each in _SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for each, handler in self._before.items():
            signal.signal(each, handler)

    def _take(self, number: int, _frame: FrameType | None) -> None:
        code = 128 + number
        if self.code:  # pragma: no cover - a process that ends so writes no coverage
            _end(code)
        self.code = code
        if self._patience is not None:
            timer = threading.Timer(self._patience, _end, (code,))
            timer.daemon = True  # a process that has ended in time does not wait for it
            timer.start()
        self._loop.call_soon_threadsafe(self._stop)

    def _stop(self) -> None:
        say(self._stopping)
        self._scope.cancel()


def _end(code: int) -> None:  # pragma: no cover - a process that ends so writes no coverage
    """End the process at once. What is committed is safe: the next run resumes there."""
    stdout().flush()
    os._exit(code)
