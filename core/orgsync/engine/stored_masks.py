"""The masks that a stream's rows were stored under: values from before a mask, or under another key, are cleared.

Reading everything again replaces them in rows that the org still has. Rows that it has no more, and those that a script
drops, would keep what was to be hidden; so the first commit under another mask empties the column in all rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from orgsync.records import Position, Schema
from orgsync.store import Checkpoint

__all__ = ["StoredMasks"]

_KEY = "stored_masks"


@dataclass(slots=True)
class StoredMasks:
    """By stream, how each masked column of its rows is masked; `masking` is the fingerprint of the key."""

    by_stream: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    masking: str = ""

    @classmethod
    def of(cls, saved: Mapping[str, Checkpoint], masking: str) -> "StoredMasks":
        """Read them from the checkpoints of a sync, by stream."""
        return cls({stream: dict(each.position.get(_KEY, {})) for stream, each in saved.items()}, masking)

    def added_to(self, position: Position, schema: Schema) -> tuple[Position, list[str]]:
        """Return the position with the masks of the class whose rows it brings, and the columns to clear."""
        now = {column.name: f"{column.mask} {self.masking}" for column in schema.columns if column.mask}
        before = self.by_stream.get(position.stream, {})
        self.by_stream[position.stream] = now
        if not now:
            return position, []
        cleared = [name for name, mask in now.items() if before.get(name) != mask]
        return replace(position, state={**position.state, _KEY: now}), cleared
