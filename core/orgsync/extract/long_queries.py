"""A long query over REST: pages are requested, and decoded in a subprocess, while those before them are written."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from orgsync.records import DecodedRecords, FieldValues

from .decoding_subprocess import Decoding, PagesInSubprocess
from .queries import ReadQuery
from .read_ahead import read_ahead
from .rest import KeyedPage, read_pages
from .source import Source
from .state import StreamState

__all__ = ["pages_ahead"]

_SUBPROCESS_FROM = 20_000
"""From how many rows behind the first page a query is decoded in a subprocess; of fewer it saves little."""

_BYTES_AHEAD = 8 * 1024 * 1024
"""How much of a query is held that is not written yet, as JSON; decoded it takes about as much."""


async def pages_ahead(
    source: Source, query: ReadQuery, state: StreamState, decoding: Decoding | None
) -> AsyncGenerator[KeyedPage]:
    """Read the pages of a query as `read_pages` does, those of a long one ahead, and as DecodedRecords.

    Without a decoding, in a sandbox, and where no core is left for a subprocess, they come one by one, as they are.
    """
    if decoding is None or not source.keeps_positions:  # a sandbox, whose requests may be recorded in their order
        async with aclosing(read_pages(source.client, query, state.current.after, state.current.tally)) as plain:
            async for page in plain:
                yield page
        return
    async with aclosing(PagesInSubprocess(decoding, source.warn)) as decoder:
        pages = read_pages(source.client, query, state.current.after, state.current.tally, decoder)
        ahead = read_ahead(pages, most=_BYTES_AHEAD, size=_size, begins=lambda: decoder.works)
        async with aclosing(ahead):
            async for page in ahead:
                yield page
                is_plain = isinstance(page.records, FieldValues)  # and not merged of groups of columns
                if is_plain and (page.total or 0) - len(page.records) >= _SUBPROCESS_FROM:
                    await decoder.start()


def _size(page: KeyedPage) -> int:
    """Return the bytes of a page; one that was not decoded in the subprocess is waited for."""
    return page.records.size if isinstance(page.records, DecodedRecords) else _BYTES_AHEAD
