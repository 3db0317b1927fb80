"""The ledger of a write in the store."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from orgsync.store import OrgWrite, Store, StoredPart

from .ledger import PartEntry, PartState

__all__ = ["StoredLedger"]


class StoredLedger:
    """Keeps a write's parts in the control tables."""

    def __init__(self, store: Store, write: OrgWrite, resumption: str) -> None:
        self.resumption = resumption
        self._writes = store.org_writes
        self._write = write

    async def entries(self) -> Mapping[int, PartEntry]:
        """Return what is kept, by the parts' numbers."""
        return {part.number: _entry(json.loads(part.entry)) for part in await self._writes.parts(self._write)}

    async def outcomes(self, number: int) -> bytes:
        """Return what became of the rows of a part that is done, packed."""
        return await self._writes.outcomes(self._write, number)

    async def save(self, entry: PartEntry, outcomes: bytes = b"") -> None:
        """Keep an entry, with packed outcomes where it is done; it is on the disk when this returns."""
        part = StoredPart(entry.number, json.dumps(asdict(entry), separators=(",", ":")))
        await self._writes.save_part(self._write, part, outcomes)

    async def finish(self) -> None:
        """Note that the write is complete."""
        await self._writes.finish(self._write)


def _entry(kept: dict[str, Any]) -> PartEntry:
    found: dict[str, str] | None = kept["found"]
    ids = None if found is None else {int(place): row_id for place, row_id in found.items()}
    values: dict[str, Any] = {**kept, "state": PartState(kept["state"]), "found": ids}
    return PartEntry(**values)
