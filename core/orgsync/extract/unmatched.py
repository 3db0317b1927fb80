"""Rows that no longer match a sync's condition.

A row that stops matching is not among the matching rows, so it has to be looked for. There are two kinds of
candidates: rows whose own stamp moved, and rows whose parent, which the condition looks through, changed. Salesforce is
then queried which of the candidates match now, first by the page, then, for the rest, by their Ids: so a row that
changes or moves to another parent between two queries is not marked deleted. Stamps do not decide it: a row may change
twice within the second that they count. When the condition itself has changed, every row is read and the Ids are
compared.
"""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import datetime

from orgsync.errors import LocatorExpired, QueryTimedOut
from orgsync.records import Schema
from orgsync.soql import literal, select

from .column_groups import pages_with_ids
from .object_facts import ObjectFacts
from .queries import IdOrder, ReadQuery
from .reconcile import Comparison
from .rest import read_pages
from .source import Source
from .state import Key
from .steps import Kind, Step

__all__ = ["Unmatched", "unmatched_steps"]


@dataclass(frozen=True, slots=True)
class Unmatched:
    """Finds the rows of the copy that no longer match a condition."""

    source: Source
    schema: Schema
    facts: ObjectFacts
    where: str

    async def rows(self, relationship: str, since: datetime, after: Key) -> AsyncGenerator[tuple[list[str], Key]]:
        """Yield the Ids that no longer match, each time with the key up to which rows were checked.

        `relationship` leads to the parent that changed, "" for rows that changed themselves.
        """
        stamp = f"{relationship}.SystemModstamp" if relationship else self.facts.cursor
        query = ReadQuery(self.schema.sobject, ["Id"], IdOrder(stamp), since=since, bin=self.facts.has_recycle_bin)
        async for page in read_pages(self.source.client, query, after):
            candidates = [record["Id"] for record in page.records]
            copied = await self.source.copy.live_among(self.schema, candidates)
            matching = await self._matching(copied, f"{stamp} >= {literal(since)}") if copied else set[str]()
            others = [row_id for row_id in copied if row_id not in matching]
            existing = await Comparison(self.source, self.schema, self.facts, self.where).existing(others)
            yield [row_id for row_id in others if row_id not in existing], page.key

    async def _matching(self, copied: Sequence[str], condition: str) -> set[str]:
        """Query which rows between the first and the last of these match; none where that takes too long."""
        between = f"Id >= {literal(min(copied))} AND Id <= {literal(max(copied))}"
        soql = select(["Id"], self.schema.sobject, where=[between, condition, self.where])
        found = pages_with_ids(self.source.client, soql, deleted=self.facts.has_recycle_bin)
        try:
            return {row["Id"] async for page in found for row in page.records}
        except (QueryTimedOut, LocatorExpired):
            return set()


def unmatched_steps(facts: ObjectFacts) -> list[Step]:
    """Return the steps that find the rows which no longer match a condition."""
    return [Step(Kind.UNMATCHED, relationship) for relationship in ("", *facts.judged_by)]
