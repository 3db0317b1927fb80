"""The pages of a job's result, each opened while the one before it is still being read.

Salesforce takes its time before a page arrives, and the locator of the next page arrives before the body of this
one. So one page is requested ahead. Its connection waits unread: what the other side can send fits the socket's
buffers, so nothing more is held in memory.
"""

import asyncio
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass

import anyio

from orgsync.errors import OrgsyncError

from ..api.client import Client
from ..http.messages import Stream
from .jobs import Job, resource

__all__ = ["Opened", "Pages"]

_CSV = {"Accept": "text/csv"}


@dataclass(frozen=True, slots=True)
class Opened:
    """A page that is open until `aclose`."""

    stream: Stream
    _stack: AsyncExitStack

    async def aclose(self) -> None:
        """Close the page, and its connection where the page is not read to its end."""
        await self._stack.aclose()


class Pages:
    """Open the pages of one result, of at most `size` rows each; at most one ahead."""

    def __init__(self, client: Client, job: Job, size: int) -> None:
        self._client = client
        self._path = f"{resource(job)}/results"
        self._size = size
        self._ahead: tuple[str, asyncio.Task[Opened]] | None = None

    async def open(self, locator: str | None) -> Opened:
        """Open a page, None being the first; what failed ahead of time is tried once more now that it is due."""
        if self._ahead is not None and self._ahead[0] == locator:
            with suppress(OrgsyncError):
                opened = await self._ahead[1]
                self._ahead = None
                return opened
        await self.aclose()
        return await self._open(locator)

    def warn(self, sentence: str) -> None:
        """Report something to the operator."""
        self._client.warn(sentence)

    def open_ahead(self, locator: str) -> None:
        """Begin to open the page that is due next; nothing is raised before it is."""
        if self._ahead is None:
            self._ahead = locator, asyncio.create_task(self._open(locator))

    async def aclose(self) -> None:
        """Close the page that was opened ahead."""
        if self._ahead is None:
            return
        _, task = self._ahead
        self._ahead = None
        task.cancel()
        with anyio.CancelScope(shield=True):
            (outcome,) = await asyncio.gather(task, return_exceptions=True)
            if isinstance(outcome, Opened):
                await outcome.aclose()

    async def _open(self, locator: str | None) -> Opened:
        params = {"maxRecords": str(self._size)} | ({"locator": locator} if locator else {})
        async with AsyncExitStack() as stack:
            opening = self._client.stream(self._path, params=params, headers=_CSV)
            stream = await stack.enter_async_context(opening)
            return Opened(stream, stack.pop_all())
