"""Rows that leave: changed so that they no longer meet a sync's condition.

A row that stops matching is not among the matching rows, so it has to be looked for. Two ways lead to candidates: its
own stamp moved (`left`), or a parent that the condition looks through changed (`left PARENT`). Salesforce then says
which of the candidates match now, first by the page, then, for what is left, by their Ids: so a row that changes or
moves to another parent between two of our queries is not called gone. Stamps cannot tell: a row may change twice within
the second that they count. When the condition itself is another one, every row is read and the Ids are compared.
"""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import datetime

from orgsync.errors import LocatorExpired, QueryTimedOut
from orgsync.records import Schema
from orgsync.salesforce.api.query import pages
from orgsync.soql import literal, select

from .object_facts import ObjectFacts
from .queries import IdOrder, ReadQuery
from .reconcile import Comparison
from .rest import answers
from .source import Source
from .state import Key

__all__ = ["Unmatched"]


@dataclass(frozen=True, slots=True)
class Unmatched:
    """Finds the rows of the copy that a condition no longer lets in."""

    source: Source
    schema: Schema
    facts: ObjectFacts
    where: str

    def steps(self) -> list[str]:
        """Name the questions that a pass has to ask."""
        return ["left", *(f"left {parent}" for parent in self.facts.judged_by)]

    async def rows(self, step: str, since: datetime, after: Key) -> AsyncGenerator[tuple[list[str], Key]]:
        """Give the Ids that leave, each time with the key up to which rows have been looked at."""
        parent = step.removeprefix("left").strip()
        stamp = f"{parent}.SystemModstamp" if parent else self.facts.cursor
        question = ReadQuery(self.schema.sobject, ["Id"], IdOrder(stamp), since=since, bin=self.facts.has_recycle_bin)
        async for found in answers(self.source.client, question, after):
            candidates = [record["Id"] for record in found.records]
            copied = await self.source.copy.live_among(self.schema, candidates)
            matching = await self._matching(copied, f"{stamp} >= {literal(since)}") if copied else set[str]()
            left = [row_id for row_id in copied if row_id not in matching]
            there = await Comparison(self.source, self.schema, self.facts, self.where).there(left)
            yield [row_id for row_id in left if row_id not in there], found.key

    async def _matching(self, copied: Sequence[str], condition: str) -> set[str]:
        """Ask which rows between the first of these and the last match; none where that takes too long to find out."""
        between = f"Id >= {literal(min(copied))} AND Id <= {literal(max(copied))}"
        soql = select(["Id"], self.schema.sobject, where=[between, condition, self.where])
        found = pages(self.source.client, soql, deleted=self.facts.has_recycle_bin)
        try:
            return {row["Id"] async for page in found for row in page.records}
        except (QueryTimedOut, LocatorExpired):
            return set()
