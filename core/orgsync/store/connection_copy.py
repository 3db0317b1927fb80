"""The copy that one connection has in the store, as extraction compares it with the org."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from orgsync.records import Column, Row, Schema, as_stored

from .backend import Backend, Transaction, repeatable
from .rows import Rows

__all__ = ["Copy"]

_CLEARED_AT_ONCE = 50_000


class Copy:
    """One connection's rows, and the Ids that a sync has seen in the org.

    Seen Ids are kept until the rows that were not seen have been marked deleted. They are in the database, so that a
    pass over any number of rows needs little memory, and so that the next run resumes it after a kill.

    `tables` names, for streams whose rows a script keeps in another class's table, that table. `written` are the
    tables that the sync is known to write, none where nobody knows: other classes' own tables are left alone.
    """

    def __init__(
        self,
        backend: Backend,
        rows: Rows,
        connection: str,
        *,
        sync: str,
        tables: Mapping[str, str],
        written: Collection[str],
    ) -> None:
        self._backend = backend
        self._rows = rows
        self._connection = connection
        self._sync = sync
        self._tables = tables
        self._written = written
        self.encoding = backend.encoding

    async def live_among(self, schema: Schema, ids: Sequence[str]) -> list[str]:
        """List those of the Ids that have a live row, in their order."""
        table = await self._table(schema)
        async with self._backend.reading() as on:
            if not await on.tables.exists(table):
                return []
            return [*(await on.rows.live_among(table, self._connection, ids))]

    async def get(self, schema: Schema, values: Sequence[str], *, by: str) -> list[Mapping[str, Any]]:
        """Return the rows that have one of these values in a column, deleted ones too; JSON is Python's already."""
        return [*(await self._rows.get(await self._table(schema), self._connection, values, by=by)).values()]

    def keeps_columns(self, schema: Schema) -> bool:
        """Return whether the rows of a class are kept in its own table, so as it has them."""
        return self._tables.get(schema.table, schema.table).lower() == schema.table.lower()

    async def live_rows(self, schema: Schema, ids: Sequence[str], columns: Sequence[Column]) -> dict[str, Row]:
        """Read some columns of those of the rows that are live, by Id, in stored form."""
        table = await self._table(schema)
        names = {"id", "is_deleted", *(column.name for column in columns)}
        found = await self._rows.get(table, self._connection, ids, columns=names)
        return {row_id: as_stored(columns, row) for row_id, row in found.items() if not row["is_deleted"]}

    async def live_count(self, schema: Schema) -> int:
        """Count the live rows."""
        return await self._rows.live_count(await self._table(schema), self._connection)

    async def last_change(self) -> int:
        """Return the number of the last change made in the store."""
        return await self._rows.last_change()

    async def mark_seen(self, schema: Schema, ids: Sequence[str]) -> None:
        """Note that the org has these Ids; one may be seen several times."""
        owner = self._owner(schema)
        await self._backend.write(lambda on: on.seen_ids.add(self._connection, owner, ids), is_done=repeatable)

    async def unseen(self, schema: Schema, *, after: str = "", limit: int, upto_seq: int) -> list[str]:
        """List Ids of live rows after `after` that were not seen, in the order of their bytes.

        Rows numbered above `upto_seq` are left out: they have been written since the pass began.
        """
        table, owner = await self._table(schema), self._owner(schema)
        async with self._backend.reading() as on:
            if not await on.tables.exists(table):
                return []
            return [
                *(await on.seen_ids.unseen(table, self._connection, owner, after=after, limit=limit, upto_seq=upto_seq))
            ]

    async def not_copied(self, schema: Schema, *, after: str = "", limit: int) -> list[str]:
        """List seen Ids after `after` that have no live row, in the order of their bytes."""
        table, owner = await self._table(schema), self._owner(schema)
        async with self._backend.reading() as on:
            if not await on.tables.exists(table):
                return [*(await on.seen_ids.list(self._connection, owner, after=after, limit=limit))]
            return [*(await on.seen_ids.not_copied(table, self._connection, owner, after=after, limit=limit))]

    async def clear_seen(self, schema: Schema) -> None:
        """Delete the list of seen Ids, in transactions that let other writers in between."""
        owner = self._owner(schema)

        async def clear_some(on: Transaction) -> int:
            return await on.seen_ids.clear(self._connection, owner, limit=_CLEARED_AT_ONCE)

        while await self._backend.write(clear_some, is_done=repeatable):
            pass

    async def _table(self, schema: Schema) -> str:
        """Return the table that holds the rows of a class, made if the sync writes it."""
        table = self._tables.get(schema.table, schema.table)
        if table == schema.table and (not self._written or table in self._written):
            await self._rows.prepare(schema)
        return table

    def _owner(self, schema: Schema) -> str:
        return f"{self._sync} {schema.table}"
