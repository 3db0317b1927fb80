"""Driving a coroutine step by step, to break it off at an await of one's choice."""

from collections.abc import Callable, Coroutine, Generator
from functools import partial
from types import coroutine
from typing import Any, TypeVar

import anyio

__all__ = ["finishes_before"]

T = TypeVar("T")


async def finishes_before(work: Coroutine[Any, Any, object], wait: int) -> bool:
    """Carry out work and cancel it when it waits for the n-th time; tell whether it had ended before."""
    with anyio.CancelScope() as scope:
        await _watched(work, wait, scope.cancel)
    return not scope.cancel_called


@coroutine
def _watched(work: Coroutine[Any, Any, T], wait: int, stop: Callable[[], object]) -> Generator[Any, Any, T]:
    """Pass on what the work waits for, and what it gets for that."""
    go_on = partial(work.send, None)
    while True:
        try:
            waits_for = go_on()
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
        wait -= 1
        if not wait:
            stop()
        try:
            got = yield waits_for
        except BaseException as error:
            go_on = partial(work.throw, error)
        else:
            go_on = partial(work.send, got)
