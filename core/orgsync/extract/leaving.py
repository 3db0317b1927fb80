"""Rows that leave: changed so that they no longer meet a sync's condition.

A row that stops matching is not among the matching rows, so it has to be looked for. Three ways lead to candidates:
its own stamp moved (`left`), a parent that the condition looks through changed (`left PARENT`), or the condition itself
is another one (`recheck`). Salesforce then says which of the candidates match now, so that a row which changes between
two of our queries is not called gone. Stamps cannot tell: a row may change twice within the second that they count.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from orgsync.records import Schema
from orgsync.salesforce.answers import LocatorExpired
from orgsync.salesforce.query import pages
from orgsync.soql import literal, select

from .facts import Facts
from .progress import Pass
from .source import Source

__all__ = ["Leaving"]

_Key = tuple[str, ...]


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
            found, condition = self._copied(after), None
        else:
            parent = step.removeprefix("left").strip()
            stamp = f"{parent}.SystemModstamp" if parent else self.facts.cursor
            condition = f"{stamp} >= {literal(unfinished.since)}"
            found = self._changed(condition, after)
        async for candidates in found:
            copied = await self.source.copy.live_among(self.schema, candidates)
            matching = await self._matching(candidates, condition) if copied else set[str]()
            yield [row_id for row_id in copied if row_id not in matching], (candidates[-1],)

    async def _copied(self, after: _Key) -> AsyncIterator[list[str]]:
        """Go through all live rows of the copy."""
        last = after[0] if after else ""
        while ids := await self.source.copy.live_ids(self.schema, last, 2000):
            last = ids[-1]
            yield ids

    async def _changed(self, condition: str, after: _Key) -> AsyncIterator[list[str]]:
        """Go through the rows that changed, or whose parent did, whether they match or not."""
        while True:
            began = after
            behind = f"Id > {literal(after[0])}" if after else None
            soql = select(["Id"], self.schema.sobject, where=[condition, behind], order_by=["Id"])
            try:
                async for page in pages(self.source.client, soql, deleted=True):
                    if page.records:
                        after = (page.records[-1]["Id"],)
                        yield [row["Id"] for row in page.records]
            except LocatorExpired:
                if after == began:
                    raise
            else:
                return

    async def _matching(self, candidates: Sequence[str], condition: str | None) -> set[str]:
        """Ask which rows between the first candidate and the last match now."""
        between = f"Id >= {literal(candidates[0])} AND Id <= {literal(candidates[-1])}"
        soql = select(["Id"], self.schema.sobject, where=[between, condition, self.where])
        return {row["Id"] async for page in pages(self.source.client, soql, deleted=True) for row in page.records}
