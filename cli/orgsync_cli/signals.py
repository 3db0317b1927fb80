"""Ctrl-C cancels what a command does, and so does SIGTERM a run or a server; the second signal ends the process."""

import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from .output import say, stdout
from .wrapping import broken

if TYPE_CHECKING:
    import asyncio

    import anyio

    from .interruptions import Stopping

__all__ = ["CtrlC", "Interruption", "ended_by_sigterm"]

T = TypeVar("T")

_CLOSED = "Stopped at once, while the project was being closed"
_BAR_ENDED = "\r\x1b[K\x1b[?25h"  # the line of the progress is cleared, and the cursor is there again
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


class CtrlC:
    """Cancel asynchronous work by a scope at Ctrl-C, so that it cleans up; a second Ctrl-C ends the process at once.

    `text` returns what is said then.

    asyncio's own handler cancels the task instead, from which no scope shields: a connection of SQLite that is just
    being opened was left to a thread that found its event loop closed. Nor does this one break off an import.
    """

    def __init__(self, text: Callable[[], str]) -> None:
        self._text = text
        self._came = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._scope: anyio.CancelScope | None = None

    def __enter__(self) -> Self:
        main = threading.current_thread() is threading.main_thread()
        # What ignores Ctrl-C, as a shell's background job does, goes on ignoring it.
        if main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._take)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if signal.getsignal(signal.SIGINT) == self._take:
            # After the first, Python's own handler would raise wherever the process just is, in its end as well.
            signal.signal(signal.SIGINT, self._take if self._came else signal.default_int_handler)

    async def run(self, work: Callable[[], Awaitable[T]]) -> list[T]:
        """Return what the work returns, as the one item of a list, which is empty where Ctrl-C has cancelled it."""
        import asyncio

        import anyio

        with anyio.CancelScope() as self._scope:
            self._loop = asyncio.get_running_loop()
            if self._came:
                self._scope.cancel()
            try:
                return [await work()]
            finally:
                self._loop = None
        return []

    def _take(self, number: int, _frame: FrameType | None) -> None:
        if self._came:  # pragma: no cover - a process that ends so writes no coverage
            _end(128 + number, self._text())
        self._came = True
        if self._loop and self._scope:
            self._loop.call_soon_threadsafe(self._scope.cancel)


class Interruption:
    """Cancel a scope when a signal comes; `code` is then the exit code, 130 or 143.

    The handlers are Python's own, not the event loop's, so that the second signal also ends a script that keeps the
    loop busy. `stopping` returns what is said at either. With `patience`, in seconds, the process ends by itself when
    that time has passed since the first. `recorded` is what is proved to be recorded once the block is left; it is said
    where a signal comes after that.
    """

    def __init__(
        self,
        scope: "anyio.CancelScope",
        stopping: "Callable[[], Stopping]",
        *,
        patience: float | None = None,
    ) -> None:
        import asyncio

        self.code = 0
        self.recorded = ""
        self._scope = scope
        self._patience = patience
        self._stopping = stopping
        self._loop = asyncio.get_running_loop()
        self._has_left = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        heeded = [each for each in _SIGNALS if signal.getsignal(each) is not signal.SIG_IGN]  # a shell's background job
        self._before = {each: signal.signal(each, self._take) for each in heeded}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._has_left = True
        for each, handler in self._before.items():
            signal.signal(each, self._end_closing if self.code else handler)

    def _take(self, number: int, _frame: FrameType | None) -> None:
        code = 128 + number
        if self.code:  # pragma: no cover - a process that ends so writes no coverage
            _end(code, f"Stopped at once; {self._stopping().kept}")
        self.code = code
        if self._patience is not None:
            timer = threading.Timer(self._patience, self._end_waiting, (code,))
            timer.daemon = True  # a process that has ended in time does not wait for it
            timer.start()
        self._loop.call_soon_threadsafe(self._stop)

    def _stop(self) -> None:
        if not self._has_left:  # what was under way has ended by itself meanwhile
            say(self._stopping().first)
            self._scope.cancel()

    def _end_waiting(self, code: int) -> None:  # pragma: no cover - as `_end`
        _end(code, f"Stopped, as it took longer than {self._patience:g} seconds; {self._stopping().kept}")

    def _end_closing(self, number: int, _frame: FrameType | None) -> None:  # pragma: no cover - as `_end`
        _end(128 + number, f"{_CLOSED}; {self.recorded}" if self.recorded else f"{_CLOSED}.")


def _end(code: int, text: str) -> None:  # pragma: no cover - a process that ends so writes no coverage
    """Say why, and end the process at once. What is committed is safe: the next run resumes there."""
    try:
        if sys.__stderr__ is not None and sys.__stderr__.isatty():
            animated = os.environ.get("TERM", "dumb") not in ("dumb", "unknown")
            text = (_BAR_ENDED if animated else "\n") + broken(text)
        os.write(2, f"{text}\n".encode())  # whatever the process is just writing
        stdout().flush()
    finally:
        os._exit(code)
