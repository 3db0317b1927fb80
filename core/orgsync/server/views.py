"""Views of the database that are kept open between calls: to open one for each costs more than to read a page."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

from orgsync.errors import StoreUnavailable
from orgsync.project import View, open_view
from orgsync.settings import Settings

__all__ = ["Views"]

_KEPT_SECONDS = 5.0
"""After which a view is opened anew: that looks whether the database was upgraded or moved since."""

_MOST = 4
"""Views, and so threads that read at once. More wait for Python's lock and for cores more than they read: with 40,
calls cost up to twice the CPU."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Opened:
    view: View
    since: float
    stack: ExitStack


class Views:
    """Reads the database of a project, in threads or at once, each time with a view that no other has meanwhile."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._idle: list[_Opened] = []
        self._threads = CapacityLimiter(_MOST)

    async def read(self, read: Callable[[View], T], *, is_short: bool = False) -> T:
        """Return what a function reads, in a thread. It may be called twice, where the database was gone meanwhile.

        What is short, a millisecond or a few, is read from a SQLite file at once. A reader waits for no writer there,
        and in a thread would wait for Python's lock at each row: beside other calls that costs more than the reading.
        """
        if is_short and not self._settings.is_on_postgres and (kept := self._kept()):
            try:
                return self._with(kept, read)
            except StoreUnavailable:
                self.close()  # and a view that is opened anew, in a thread, says how it is
        return await to_thread.run_sync(self._read, read, abandon_on_cancel=False, limiter=self._threads)

    def close(self) -> None:
        """Close all that is kept."""
        while self._idle:
            self._idle.pop().stack.close()

    def _read(self, read: Callable[[View], T]) -> T:
        kept = self._kept()
        if kept is not None:
            try:
                return self._with(kept, read)
            except StoreUnavailable:  # replaced, or its server was restarted: a new view says how it is now
                self.close()
        return self._with(self._open(), read)

    def _kept(self) -> _Opened | None:
        while self._idle:
            try:
                kept = self._idle.pop()
            except IndexError:  # another thread has taken the last
                return None
            if time.monotonic() - kept.since < _KEPT_SECONDS:
                return kept
            kept.stack.close()
        return None

    def _open(self) -> _Opened:
        stack = ExitStack()
        return _Opened(stack.enter_context(open_view(self._settings)), time.monotonic(), stack)

    def _with(self, opened: _Opened, read: Callable[[View], T]) -> T:
        """Read, and keep the view for the next; where anything fails, it is closed."""
        with ExitStack() as stack:
            stack.callback(opened.stack.close)
            opened.view.require_in_place()
            with opened.view.one_schema():
                found = read(opened.view)
            if len(self._idle) < _MOST:
                stack.pop_all()
                self._idle.append(opened)
        return found
