"""One connection's rows that have contents: which of them lack theirs, and which contents rows refer to."""

from collections.abc import Collection, Sequence
from typing import Any

from orgsync.records import Schema

from .backend import Backend

__all__ = ["ContentRows"]

_HASH = "content_sha256"


class ContentRows:
    """The rows of one connection, as the reading of contents asks for them."""

    def __init__(self, backend: Backend, connection: str) -> None:
        self._backend = backend
        self._connection = connection

    async def get(self, schema: Schema, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Read rows by their Ids, deleted ones too; none before the table is made."""
        async with self._backend.reading() as on:
            if not await on.tables.exists(schema.table):
                return {}
            return {row["id"]: row for row in await on.rows.get(schema.table, self._connection, ids)}

    async def lacking(
        self, schema: Schema, *, empty: Sequence[str], given: str, after: str, limit: int
    ) -> Sequence[dict[str, Any]]:
        """Read the next live rows, by Id, in which the columns `empty` are NULL and `given` is not."""
        async with self._backend.reading() as on:
            if not await on.tables.exists(schema.table):
                return []
            return await on.rows.lacking(
                schema.table, self._connection, empty=empty, given=given, after=after, limit=limit
            )

    async def held(self, hashes: Sequence[str]) -> Collection[str]:
        """Return those of the hashes that a live row of any connection and table refers to."""
        found: set[str] = set()
        async with self._backend.reading() as on:
            for table in await on.tables.list():
                if _HASH in await on.tables.columns(table):
                    found.update(await on.rows.held(table, _HASH, hashes))
        return found
