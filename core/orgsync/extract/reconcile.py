"""Comparing the copy's Ids with the org's: which rows are missing in the org, and which in the copy.

Rows that were deleted for good, and rows that sharing hides or shows, leave no change to read. So the org's Ids are
listed in the store as they are read, in any order; what is live in the copy and was not seen is missing in the org,
what was seen and is not in the copy is missing there. Before a row is marked deleted, Salesforce is queried for its Id.
"""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass

from orgsync.errors import SnapshotRefused
from orgsync.records import Schema
from orgsync.soql import contains, select

from .column_groups import id_groups, pages_with_ids
from .object_facts import ObjectFacts
from .source import Source
from .state import Pass

__all__ = ["Comparison"]

_PAGE = 2000


@dataclass(frozen=True, slots=True)
class Comparison:
    """Compares one object's Ids, as far as they match a condition."""

    source: Source
    schema: Schema
    facts: ObjectFacts
    where: str | None

    async def missing_in_org(self, one_pass: Pass, after: str) -> AsyncGenerator[tuple[list[str], str]]:
        """Yield the Ids of live rows that the org does not have, each time with the last Id that was checked."""
        while ids := await self._unseen(one_pass, after):
            after = ids[-1]
            existing = await self.existing(ids)
            yield [row_id for row_id in ids if row_id not in existing], after

    async def missing_among(self, ids: Sequence[str]) -> list[str]:
        """List those of the Ids that are live in the copy and do not exist in the org."""
        copied = await self.source.copy.live_among(self.schema, ids)
        existing = await self.existing(copied)
        return [row_id for row_id in copied if row_id not in existing]

    async def missing_in_copy(self, after: str) -> AsyncGenerator[list[str]]:
        """Yield the Ids that the org has and the copy does not have."""
        while ids := await self.source.copy.not_copied(self.schema, after=after, limit=_PAGE):
            after = ids[-1]
            yield ids

    async def too_many(self, one_pass: Pass) -> SnapshotRefused | None:
        """Return an error if more than half of the rows before the pass, or all, would be marked deleted."""
        unseen, after = 0, ""
        while ids := await self._unseen(one_pass, after):
            unseen, after = unseen + len(ids), ids[-1]
            if unseen * 2 > one_pass.before:
                return SnapshotRefused(
                    f"The snapshot of {self.schema.sobject} lacks more than half of the {one_pass.before:,} rows that "
                    "the copy has; none is marked deleted.",
                    "Check what the connection's user may see. If the rows were deleted, allow it: "
                    "ctx.snapshot(..., allow_mass_deletion=True).",
                )
        return None

    async def existing(self, ids: Sequence[str]) -> set[str]:
        """Query which of the Ids the org has under the condition: archived rows count, those in the recycle bin not."""
        found: set[str] = set()
        for some in id_groups(ids, self.where):
            soql = select(["Id"], self.schema.sobject, where=[contains("Id", some), self.where, self.facts.live])
            async for page in pages_with_ids(self.source.client, soql, deleted=self.facts.has_recycle_bin):
                found.update(record["Id"] for record in page.records)
        return found

    async def _unseen(self, one_pass: Pass, after: str) -> list[str]:
        return await self.source.copy.unseen(self.schema, after=after, limit=_PAGE, upto_seq=one_pass.seq)
