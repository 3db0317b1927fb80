"""Working at the next item while the one before it is being used."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TypeVar

import anyio
from anyio.streams.memory import MemoryObjectSendStream

__all__ = ["one_ahead"]

_Item = TypeVar("_Item")


async def one_ahead(source: AsyncGenerator[_Item]) -> AsyncGenerator[_Item]:
    """Yield what a generator yields, and what it raises in its place, while it works at the next item: one, not more.

    The generator is run by one task from its beginning to its end, and is closed with this one.
    """
    sending, receiving = anyio.create_memory_object_stream[_Item](0)
    task = asyncio.create_task(_pass_on(source, sending))
    try:
        with receiving:
            async for item in receiving:
                yield item
        await task
    finally:
        task.cancel()
        with anyio.CancelScope(shield=True):
            await asyncio.gather(task, return_exceptions=True)


async def _pass_on(source: AsyncGenerator[_Item], sending: MemoryObjectSendStream[_Item]) -> None:
    with sending:
        async with aclosing(source):
            async for item in source:
                await sending.send(item)
