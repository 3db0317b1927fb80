"""Writes to orgs: what is kept of one while it is under way, so that another process can resume it."""

from collections.abc import Sequence
from datetime import datetime

from .backend import Backend, repeatable
from .model import OrgWrite
from .write_table import StoredPart

__all__ = ["OrgWrites"]


class OrgWrites:
    """The writes of one open store. All that is kept is on the disk when a call returns."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def last(self, connection: str, key: str) -> OrgWrite | None:
        """Read the latest write of these rows; None where there is none."""
        async with self._backend.reading() as on:
            return await on.org_writes.last(connection, key)

    async def start(self, connection: str, key: str, label: str) -> OrgWrite:
        """Begin a write."""
        return await self._backend.write(lambda on: on.org_writes.start(connection, key, label), durable=True)

    async def finish(self, write: OrgWrite) -> None:
        """Note that a write is complete."""
        await self._backend.write(lambda on: on.org_writes.finish(write.id), durable=True, is_done=repeatable)

    async def parts(self, write: OrgWrite) -> Sequence[StoredPart]:
        """Read how far the parts of a write have come."""
        async with self._backend.reading() as on:
            return await on.org_writes.parts(write.id)

    async def outcomes(self, write: OrgWrite, number: int) -> bytes:
        """Read what became of a part's rows."""
        async with self._backend.reading() as on:
            return await on.org_writes.outcomes(write.id, number)

    async def save_part(self, write: OrgWrite, part: StoredPart, outcomes: bytes) -> None:
        """Keep how far a part has come."""
        await self._backend.write(
            lambda on: on.org_writes.save_part(write.id, part, outcomes), durable=True, is_done=repeatable
        )

    async def remove_before(self, instant: datetime) -> None:
        """Delete what is kept of writes that were complete before an instant; those under way stay, however old."""
        async with self._backend.writing() as on:
            await on.org_writes.remove_before(instant)
