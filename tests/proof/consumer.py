"""Somebody who follows a change feed: all they know comes from it, a few changes at a time."""

from dataclasses import dataclass, field

from orgsync.store import Store

from .copies import Rows

__all__ = ["Consumer"]

_AT_ONCE = 7


@dataclass(slots=True)
class Consumer:
    """The table that one change feed replays to, and the number of the last change that was read."""

    table: str
    seen: int = 0
    rows: Rows = field(default_factory=Rows)
    gone: set[str] = field(default_factory=set[str])

    async def follow(self, store: Store) -> list[str]:
        """Read on from the last number to the end of the feed; name the rows that changed, in order."""
        changed: list[str] = []
        while batch := [
            row async for row in store.rows.read(self.table, changes=True, after=self.seen, limit=_AT_ONCE)
        ]:
            for row in batch:
                assert row["sync_seq"] > self.seen
                assert (row["sync_change"] == "deleted") is row["is_deleted"]
                self.seen = row["sync_seq"]
                self._apply(row["id"], row)
                changed.append(row["id"])
        return changed

    def _apply(self, key: str, row: dict[str, object]) -> None:
        self.rows.pop(key, None)
        self.gone.discard(key)
        if row["is_deleted"]:
            self.gone.add(key)
        else:
            self.rows[key] = {"sync_number" if name == "sync_seq" else name: value for name, value in row.items()}
