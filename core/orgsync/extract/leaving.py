"""Rows that leave: changed so that they no longer meet a sync's condition.

A row that stops matching is not among the matching rows, so it has to be looked for. Three ways lead to candidates:
its own stamp moved and the copy's version is older although the matching rows have just been read (`left`); a parent
that the condition looks through changed (`left PARENT`); or the condition itself is another one (`recheck`). Salesforce
then says which of the candidates still match, so a row that changes between two of our queries is not called gone.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from orgsync.records import Schema, parse_instant, to_stored
from orgsync.salesforce.answers import LocatorExpired
from orgsync.salesforce.query import pages
from orgsync.soql import contains, literal, select

from .facts import Facts
from .progress import Pass
from .source import Source

__all__ = ["Leaving"]

_Key = tuple[str, ...]
_CHUNK = 300
"""Ids in one question: they must fit an address of 16,384 bytes together with the condition."""

_AFTER_EVERYTHING = "9999-12-31T23:59:59.999Z"


@dataclass(frozen=True, slots=True)
class Leaving:
    """Finds the rows of the copy that a condition no longer lets in."""

    source: Source
    schema: Schema
    facts: Facts
    where: str

    def steps(self, unfinished: Pass) -> list[str]:
        """Name the questions that this pass has to ask."""
        if unfinished.since is not None:
            return ["left", *(f"left {parent}" for parent in self.facts.judged_by)]
        return ["recheck"] if unfinished.recheck else []

    async def rows(self, step: str, unfinished: Pass, after: _Key) -> AsyncIterator[tuple[list[str], _Key]]:
        """Give the Ids that leave, each time with the key up to which rows have been looked at."""
        if step == "recheck":
            found = self._copied(after)
        else:
            found = self._changed(step.removeprefix("left").strip(), unfinished, after)
        async for candidates, key in found:
            yield [row_id async for row_id in self._unmatched(candidates)], key

    async def _copied(self, after: _Key) -> AsyncIterator[tuple[list[str], _Key]]:
        """Go through all live rows of the copy."""
        last = after[0] if after else ""
        while ids := await self.source.copy.live_ids(self.schema, last, 2000):
            last = ids[-1]
            yield ids, (last,)

    async def _changed(self, parent: str, unfinished: Pass, after: _Key) -> AsyncIterator[tuple[list[str], _Key]]:
        """Go through the rows that changed, or whose parent did, whether they meet the condition or not."""
        cursor = self.facts.cursor
        stamp = f"{parent}.SystemModstamp" if parent else cursor
        since = f"{stamp} >= {literal(unfinished.since)}"
        while True:
            began = after
            behind = f"Id > {literal(after[0])}" if after else None
            soql = select(["Id", cursor], self.schema.sobject, where=[since, behind], order_by=["Id"])
            try:
                async for page in pages(self.source.client, soql, deleted=True):
                    stamps = [
                        (row["Id"], _AFTER_EVERYTHING if parent else to_stored(parse_instant(row[cursor])))
                        for row in page.records
                    ]
                    if stamps:
                        after = (stamps[-1][0],)
                        yield await self.source.copy.outdated(self.schema, stamps), after
            except LocatorExpired:
                if after == began:
                    raise
            else:
                return

    async def _unmatched(self, ids: Sequence[str]) -> AsyncIterator[str]:
        for at in range(0, len(ids), _CHUNK):
            chunk = ids[at : at + _CHUNK]
            soql = select(["Id"], self.schema.sobject, where=[contains("Id", chunk), self.where])
            matched = {
                row["Id"] async for page in pages(self.source.client, soql, deleted=True) for row in page.records
            }
            for row_id in chunk:
                if row_id not in matched:
                    yield row_id
