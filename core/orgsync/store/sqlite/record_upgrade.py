"""Record tables of databases that an older version made, brought to this version's form."""

import re
import sqlite3

from orgsync.errors import StoreUnavailable

from ..model import stored_now
from . import table_sql
from .driver import Statements
from .tables import RecordTables

__all__ = ["upgrade_records"]

_BROKEN = re.compile(r"error in (view|trigger) (.+?)(?: after rename)?: (.+)", re.DOTALL)
"""SQLite's words for a view or trigger of the user's that cannot be compiled."""


async def upgrade_records(on: Statements) -> None:
    """Rename the number of each table's rows, and make its change feed; inside the transaction of the upgrade.

    Raises StoreUnavailable where something of the user's has a name that a change feed needs, and for a view or trigger
    that does not work.
    """
    tables = RecordTables(on, stored_now)
    for (table,) in await on.fetch(table_sql.NUMBERED_BY_SEQ):
        taken = await tables.feed_conflict(table)
        if taken is not None:
            raise StoreUnavailable(
                f"The change feed of the table {table} needs the name {taken}, which something else in the database "
                "has.",
                f"Rename that one: ALTER TABLE {table_sql.quoted(taken)} RENAME TO {table_sql.quoted('my_' + taken)}. "
                "A view or an index has to be dropped, and made again under another name.",
            )
        await _renumber(on, table)
        await tables.make_feed(table)


async def _renumber(on: Statements, table: str) -> None:
    """Give a table today's names; SQLite refuses that while any view or trigger is about something that is missing."""
    try:
        for statement in table_sql.renumbered(table):
            await on.fetch(statement)
    except sqlite3.OperationalError as error:
        if not (found := _BROKEN.match(str(error))):
            raise
        kind, name, what = found.groups()
        raise StoreUnavailable(
            f"The database cannot be brought to this version's form, because the {kind} {name} in it does not work "
            f"any more: {what}.",
            f"Make what it is about again, or drop it: DROP {kind.upper()} {table_sql.quoted(name)}.",
        ) from error
