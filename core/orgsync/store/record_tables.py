"""What a backend does with the tables of records, and with the rows in them."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from orgsync.records import Schema

from .commit_types import Counts, Write

__all__ = ["RecordRows", "RecordTables"]


class RecordTables(Protocol):
    """The tables of record classes, distinguished from the user's own, which may be copies of them."""

    async def exists(self, table: str) -> bool:
        """Return whether there is a table of this name, a record class's or the user's own."""
        ...

    async def columns(self, table: str) -> Mapping[str, str]:
        """Return each column's type as the database names it, in the table's order; empty where there is no table.

        Columns that the backend has added for itself are left out.
        """
        ...

    def declared(self, schema: Schema) -> Mapping[str, str]:
        """Return the types that the table of a record class has, as `columns` would give them."""
        ...

    async def make(self, schema: Schema) -> None:
        """Make the table of a record class."""
        ...

    async def widen(self, schema: Schema, names: Collection[str]) -> None:
        """Add columns of the record class to its table."""
        ...

    async def feed_conflict(self, table: str) -> str | None:
        """Return a name that the change feed of a table needs, where something else has it; otherwise None."""
        ...

    async def make_feed(self, table: str) -> None:
        """Make what the change feed of a table is read by, again where the table's columns have changed since."""
        ...

    async def index(self, schema: Schema) -> None:
        """Make the indexes that the record class asks for and its table lacks."""
        ...

    async def has_rows(self, table: str, connection: str | None = None) -> bool:
        """Return whether a table has any row, of one connection or at all."""
        ...

    async def drop(self, table: str) -> None:
        """Drop a table, if it is there; its change feed stays, and reports its connections' rows as discarded."""
        ...

    async def list(self) -> Sequence[str]:
        """List every table of records, in order."""
        ...


class RecordRows(Protocol):
    """The rows of record tables, each known by its connection and Id.

    Rows that are read have Python's booleans and JSON, and all else in stored form.
    """

    async def write(self, connection: str, writes: Sequence[Write]) -> Counts:
        """Write batches, each with its live rows, its deleted rows, then the Ids to mark deleted; none has an Id twice.

        Columns to be cleared are emptied before, without a number.

        A row that is new or changed gets the next number of the change feed. A number must not be readable before a
        lower one is; whatever makes other writers wait for it is taken as late as can be. A row never goes back to an
        older system_modstamp; a deleted row that is not in the table is not inserted. Raises
        UnicodeEncodeError for text that the database does not accept; the caller rolls back.
        """
        ...

    async def page(
        self, table: str, *, connection: str | None, after: tuple[str, str], limit: int
    ) -> Sequence[dict[str, Any]]:
        """Read live rows by (connection, id), of one connection or of all."""
        ...

    async def changes(self, table: str, *, connection: str | None, after: int, limit: int) -> Sequence[dict[str, Any]]:
        """Read rows, deleted ones too, by the number of their last change, of one connection or of all.

        Among them is the last event for each connection whose rows were discarded: its `sync_change` is `cleared`, its
        `is_deleted` true, and its `id` None. The table may have been dropped, or never been there.
        """
        ...

    async def feeds(self) -> Sequence[str]:
        """List every table that has a change feed, those too that were dropped; in order."""
        ...

    async def last_change(self) -> int:
        """Return the number up to which the change feed is complete: later changes get a higher one."""
        ...

    async def get(
        self,
        table: str,
        connection: str,
        values: Sequence[str],
        *,
        by: str = "id",
        columns: Collection[str] | None = None,
    ) -> Sequence[dict[str, Any]]:
        """Read a connection's rows by their Ids or by another column, deleted ones too; in the order of their Ids.

        They are whole, or those of the columns that there are.
        """
        ...

    async def live_among(self, table: str, connection: str, ids: Sequence[str]) -> Sequence[str]:
        """List those of the Ids that have a live row, in their order."""
        ...

    async def live_count(self, table: str, connection: str) -> int:
        """Count a connection's live rows."""
        ...

    async def lacking(
        self, table: str, connection: str, *, empty: Sequence[str], given: str, after: str, limit: int
    ) -> Sequence[dict[str, Any]]:
        """Read a connection's next live rows, by Id, in which the columns `empty` are NULL and `given` is not."""
        ...

    async def held(self, table: str, column: str, values: Sequence[str]) -> Sequence[str]:
        """List those of the values that a live row of any connection has in a column."""
        ...

    async def count(self, table: str, connection: str | None) -> int:
        """Count rows, deleted ones too, of one connection or of all."""
        ...

    async def rename(self, table: str, old: str, new: str) -> None:
        """Rename a connection in its rows.

        The change feed reports the old name's rows as discarded, and then each row under the new name.
        """
        ...

    async def remove(self, table: str, connection: str) -> None:
        """Delete a connection's rows; if there were any, the change feed reports them as discarded."""
        ...
