"""Breaking a run off: at a commit, as a killed process is, or at an await, as Ctrl-C does."""

from collections.abc import Callable, Coroutine, Generator
from functools import partial
from types import coroutine
from typing import Any, TypeVar

import anyio

from orgsync.engine import Committed, Event, Observer

__all__ = ["Interrupted", "at_commit", "counted_awaits", "ended_before"]

T = TypeVar("T")


class Interrupted(BaseException):
    """What ends a run at a commit; no script catches it by accident."""


def at_commit(number: int) -> Observer:
    """Return an observer that interrupts a run right after its n-th commit."""
    left = number

    def interrupt(event: Event) -> None:
        nonlocal left
        if isinstance(event, Committed):
            left -= 1
            if not left:
                raise Interrupted

    return interrupt


async def ended_before(work: Coroutine[Any, Any, object], wait: int) -> bool:
    """Run work and cancel it when it waits for the n-th time; return whether it had ended before."""
    with anyio.CancelScope() as scope:
        await _stepped(work, lambda waits: scope.cancel() if waits == wait else None)
    return not scope.cancel_called


async def counted_awaits(work: Coroutine[Any, Any, T]) -> tuple[T, int]:
    """Carry out work, and count how often it waited."""
    count = 0

    def note(waits: int) -> None:
        nonlocal count
        count = waits

    return await _stepped(work, note), count


@coroutine
def _stepped(work: Coroutine[Any, Any, T], note: Callable[[int], object]) -> Generator[Any, Any, T]:
    """Pass on what the work waits for, and what it gets for that, telling how often it has waited."""
    go_on, waits = partial(work.send, None), 0
    while True:
        try:
            waits_for = go_on()
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
        waits += 1
        note(waits)
        try:
            got = yield waits_for
        except BaseException as error:
            go_on = partial(work.throw, error)
        else:
            go_on = partial(work.send, got)
