"""Reading ahead: what a source gives next is asked for while what it gave before is being written."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import anyio

__all__ = ["read_ahead"]

T = TypeVar("T")


async def read_ahead(
    source: AsyncGenerator[T],
    *,
    most: int = 1,
    size: Callable[[T], int] = lambda _: 1,
    begins: Callable[[], bool] = lambda: True,
) -> AsyncGenerator[T]:
    """Yield the items of a source; from where `begins` returns True on, read the next while one is worked on.

    One item is read ahead, or as many as together have a `size` of `most`. What the source raises is raised after the
    items before it. When this generator is closed, so is the source.
    """
    async with aclosing(source):
        async for item in source:
            yield item
            if begins():
                break
        else:
            return
        ahead = _Ahead(source, most, size)
        reading = asyncio.create_task(ahead.fill())
        try:
            while (found := await ahead.items.get()) is not None:
                ahead.taken(found[0])
                yield found[0]
            await reading
        finally:
            ahead.is_closed = True
            reading.cancel()
            with anyio.CancelScope(shield=True):
                await asyncio.gather(reading, return_exceptions=True)


@dataclass(slots=True)
class _Ahead(Generic[T]):
    """What was read and not taken yet; None behind the last item."""

    source: AsyncGenerator[T]
    most: int
    size: Callable[[T], int]
    items: asyncio.Queue[tuple[T] | None] = field(default_factory=asyncio.Queue[tuple[T] | None])
    room: asyncio.Event = field(default_factory=asyncio.Event)
    held: int = 0
    is_closed: bool = False

    async def fill(self) -> None:
        """Read as far ahead as there is room."""
        try:
            async for item in self.source:
                self.held += self.size(item)
                self.items.put_nowait((item,))
                if self.is_closed:  # though it was cancelled, for something on the way has kept that to itself
                    return
                while self.held >= self.most:
                    self.room.clear()
                    await self.room.wait()
        finally:
            self.items.put_nowait(None)

    def taken(self, item: T) -> None:
        """Give the item's room to the next."""
        self.held -= self.size(item)
        self.room.set()
