"""Holding the copy's Ids against the org's: what has gone without a trace, and what came without one.

Rows that were deleted for good, and rows that sharing hides or shows, leave no change to read. So the org's Ids are
written down in the store as they are met, in whatever order they come; what is live in the copy and was not met has
gone, what was met and is not in the copy has come. Before a row is called gone, Salesforce is asked for it by its Id.
"""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass

from orgsync.errors import SnapshotRefused
from orgsync.records import Schema
from orgsync.salesforce.api.query import pages
from orgsync.soql import contains, select

from .column_groups import id_groups
from .object_facts import ObjectFacts
from .source import Source
from .state import Pass

__all__ = ["Comparison"]

_PAGE = 2000


@dataclass(frozen=True, slots=True)
class Comparison:
    """Compares one object's Ids, as far as they meet a condition."""

    source: Source
    schema: Schema
    facts: ObjectFacts
    where: str | None

    async def mark_seen(self, ids: Sequence[str]) -> None:
        """Note that the org has these Ids."""
        await self.source.copy.mark_seen(self.schema, ids)

    async def gone(self, one_pass: Pass, after: str) -> AsyncGenerator[tuple[list[str], str]]:
        """Give the copy's live rows that the org does not have, each time with the Id that has been looked at last."""
        while ids := await self._unmet(one_pass, after):
            after = ids[-1]
            there = await self.there(ids)
            yield [row_id for row_id in ids if row_id not in there], after

    async def among(self, ids: Sequence[str]) -> list[str]:
        """Name those of the Ids that are live in the copy and not in the org."""
        copied = await self.source.copy.live_among(self.schema, ids)
        there = await self.there(copied)
        return [row_id for row_id in copied if row_id not in there]

    async def come(self, after: str) -> AsyncGenerator[list[str]]:
        """Give the Ids that the org has and the copy has not."""
        while ids := await self.source.copy.not_copied(self.schema, after=after, limit=_PAGE):
            after = ids[-1]
            yield ids

    async def too_many(self, one_pass: Pass) -> SnapshotRefused | None:
        """Say so when more than half of the rows that there were, or all, would be marked deleted."""
        going, after = 0, ""
        while ids := await self._unmet(one_pass, after):
            going, after = going + len(ids), ids[-1]
            if going * 2 > one_pass.before:
                return SnapshotRefused(
                    f"The snapshot of {self.schema.sobject} lacks more than half of the {one_pass.before:,} rows that "
                    "the copy has; none is marked deleted.",
                    "Check what the connection's user may see. If the rows have gone, allow it: "
                    "ctx.snapshot(..., allow_mass_deletion=True).",
                )
        return None

    async def _unmet(self, one_pass: Pass, after: str) -> list[str]:
        return await self.source.copy.unseen(self.schema, after=after, limit=_PAGE, upto_seq=one_pass.seq)

    async def there(self, ids: Sequence[str]) -> set[str]:
        """Ask which of the Ids the org has under the condition, archived rows among them, the recycle bin's not."""
        found: set[str] = set()
        for some in id_groups(ids, self.where):
            soql = select(["Id"], self.schema.sobject, where=[contains("Id", some), self.where, self.facts.live])
            async for page in pages(self.source.client, soql, deleted=self.facts.has_recycle_bin):
                found.update(record["Id"] for record in page.records)
        return found
