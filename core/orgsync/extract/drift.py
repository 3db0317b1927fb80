"""Fields whose values change while no stamp moves: which of a class's they are, and which rows of the copy are behind.

Formulas change with what they look at, and with the calendar; fields of a parent that may be of several kinds change
with the parent. Only reading them again shows it. So a pass that is due for it reads the Id, the stamp and these fields
alone, of all rows, and compares them with the copy; the rows that differ are then read whole, by their Ids. What is
written is always a row as it was read last, at one instant: no older value replaces a newer one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from orgsync.records import Row, Schema, decode, decode_csv, masked

from .object_facts import ObjectFacts
from .reader import Chunk
from .source import Source

__all__ = ["Drift", "drifting_paths"]

_STAMP = 1


def drifting_paths(schema: Schema, facts: ObjectFacts) -> tuple[str, ...]:
    """Return the paths of a class's fields that change without a stamp: by describe, or because the class says so."""
    declared = [column.path for column in schema.org_fields if column.formula]
    found = dict.fromkeys([*facts.drifting, *declared])
    return tuple(path for path in found if path not in facts.absent)


@dataclass(frozen=True, slots=True)
class Drift:
    """Finds the rows of the copy whose drifting fields are not what the org has."""

    source: Source
    schema: Schema
    facts: ObjectFacts
    paths: Sequence[str]

    @property
    def selected(self) -> list[str]:
        """The fields to read, as Salesforce spells them: the Id, the stamp, and those that drift."""
        return [*dict.fromkeys(["Id", self.facts.cursor, *self.facts.spelling(self.paths)])]

    async def changed(self, chunk: Chunk) -> list[str]:
        """Return the Ids of those rows of a chunk that are live in the copy and differ there.

        A row with another stamp differs, too: it has changed since the copy got it.
        """
        rows = self._rows(chunk)
        if not rows:
            return []
        places = [_STAMP, *(at for at, each in enumerate(self.schema.columns) if each.path and each.path in self.paths)]
        columns = [self.schema.columns[at] for at in places]
        copied = await self.source.copy.live_rows(self.schema, [str(row[0]) for row in rows], columns)
        found: dict[str, None] = {}
        for row in rows:
            kept = copied.get(str(row[0]))
            if kept is not None and any(row[at] != value for at, value in zip(places, kept, strict=True)):
                found[str(row[0])] = None
        return [*found]

    def _rows(self, chunk: Chunk) -> Sequence[Row]:
        """Decode the fields that were read; all others are NULL."""
        read = {*self.paths, self.facts.cursor}
        unread = [path for path in ("IsDeleted", *self.schema.paths()) if path not in read]
        fields = replace(self.facts.fields, absent=[path for path in unread if path != "Id"])
        if chunk.texts:
            rows = decode_csv(self.schema, chunk.header, chunk.texts, fields)
        else:
            rows = decode(self.schema, chunk.records, fields)
        return masked(self.schema, rows, self.source.masking_key)  # as the copy has them
