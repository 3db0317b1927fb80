"""One item is worked at ahead; what the generator raises, and its end, come in their place."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import anyio
import anyio.lowlevel
import pytest

from orgsync.extract.ahead import one_ahead


class Source:
    """Counts up, notes how far, and whether it was closed."""

    def __init__(self, last: int, *, raising: Exception | None = None) -> None:
        self.begun: list[int] = []
        self.is_closed = False
        self._last = last
        self._raising = raising

    async def items(self) -> AsyncGenerator[int]:
        try:
            for number in range(self._last):
                self.begun.append(number)
                await anyio.lowlevel.checkpoint()
                yield number
            if self._raising:
                raise self._raising
        finally:
            await anyio.lowlevel.checkpoint()
            self.is_closed = True


async def test_items_come_in_order_and_one_more_is_begun_while_one_is_used() -> None:
    source = Source(5)
    begun: list[list[int]] = []
    async with aclosing(one_ahead(source.items())) as items:
        async for _ in items:
            await anyio.wait_all_tasks_blocked()
            begun.append([*source.begun])
    assert begun == [[0, 1], [0, 1, 2], [0, 1, 2, 3], [0, 1, 2, 3, 4], [0, 1, 2, 3, 4]]
    assert source.is_closed


async def test_an_error_comes_behind_all_items_before_it() -> None:
    source = Source(2, raising=ValueError("broken"))
    async with aclosing(one_ahead(source.items())) as items:
        assert await anext(items) == 0
        await anyio.wait_all_tasks_blocked()
        assert await anext(items) == 1
        await anyio.wait_all_tasks_blocked()
        with pytest.raises(ValueError, match="broken"):
            await anext(items)


@pytest.mark.parametrize("waits", [False, True])
async def test_a_generator_that_is_left_early_is_closed_with_it(waits: bool) -> None:
    source = Source(5, raising=ValueError("broken"))
    async with aclosing(one_ahead(source.items())) as items:
        async for _ in items:
            if waits:
                await anyio.wait_all_tasks_blocked()
            break
    assert source.is_closed


async def test_being_cancelled_closes_the_generator() -> None:
    source = Source(5)
    with anyio.CancelScope() as scope:
        async with aclosing(one_ahead(source.items())) as items:
            async for _ in items:
                scope.cancel()
                await anyio.sleep_forever()
    assert source.is_closed
