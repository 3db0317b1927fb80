"""A long query over REST: pages are requested, and decoded in a subprocess, while those before them are written."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import anyio

from orgsync.records import DecodedRecords, Schema

from .decoding_subprocess import PagesInSubprocess
from .queries import ReadQuery
from .rest import KeyedPage, read_pages
from .source import Source
from .state import StreamState

__all__ = ["pages_ahead", "read_ahead"]

T = TypeVar("T")

_SUBPROCESS_FROM = 20_000
"""From how many rows behind the first page a query is decoded in a subprocess; of fewer it saves little."""

_BYTES_AHEAD = 8 * 1024 * 1024
"""How much of a query is held that is not written yet, as JSON; decoded it takes about as much."""


async def pages_ahead(
    source: Source, query: ReadQuery, state: StreamState, schema: Schema | None
) -> AsyncGenerator[KeyedPage]:
    """Read the pages of a query as `read_pages` does, those of a long one ahead, and as DecodedRecords of a schema.

    Without a schema, and where no core is left for a subprocess, they come one by one, as they are.
    """
    if schema is None:
        async with aclosing(read_pages(source.client, query, state.current.after, state.current.tally)) as plain:
            async for page in plain:
                yield page
        return
    async with aclosing(PagesInSubprocess(schema, state.known_facts.fields, source.warn)) as decoder:
        pages = read_pages(source.client, query, state.current.after, state.current.tally, decoder)
        ahead = read_ahead(pages, most=_BYTES_AHEAD, size=_size, begins=lambda: decoder.works)
        async with aclosing(ahead):
            async for page in ahead:
                yield page
                if (page.total or 0) - len(page.records) >= _SUBPROCESS_FROM:
                    await decoder.start()


def _size(page: KeyedPage) -> int:
    """Return the bytes of a page; one that was not decoded in the subprocess is waited for."""
    return page.records.size if isinstance(page.records, DecodedRecords) else _BYTES_AHEAD


async def read_ahead(
    source: AsyncGenerator[T], *, most: int, size: Callable[[T], int], begins: Callable[[], bool]
) -> AsyncGenerator[T]:
    """Yield the items of a source; once `begins` returns True, items of a size of `most` are read ahead, or one.

    What the source raises is raised behind the items before it. Closed with this generator, the source is asked for
    nothing more, and closed itself.
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

    async def fill(self) -> None:
        """Read as far ahead as there is room."""
        try:
            async for item in self.source:
                self.held += self.size(item)
                self.items.put_nowait((item,))
                while self.held >= self.most:
                    self.room.clear()
                    await self.room.wait()
        finally:
            self.items.put_nowait(None)

    def taken(self, item: T) -> None:
        """Give the item's room to the next."""
        self.held -= self.size(item)
        self.room.set()
