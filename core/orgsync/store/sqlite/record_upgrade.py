"""Record tables of databases that an older version made, brought to this version's form."""

from orgsync.errors import StoreUnavailable

from ..model import stored_now
from . import table_sql
from .driver import Statements
from .tables import RecordTables

__all__ = ["upgrade_records"]


async def upgrade_records(on: Statements) -> None:
    """Rename the number of each table's rows, and make its change feed; inside the transaction of the upgrade.

    Raises StoreUnavailable where something of the user's has the name of a change feed.
    """
    tables = RecordTables(on, stored_now)
    for (table,) in await on.fetch(table_sql.NUMBERED_BY_SEQ):
        taken = await tables.feed_conflict(table)
        if taken is not None:
            raise StoreUnavailable(
                f"The change feed of the table {table} would have the name {taken}, which another table or view has.",
                f"Rename that one: ALTER TABLE {table_sql.quoted(taken)} RENAME TO {table_sql.quoted('my_' + taken)}. "
                "A view has to be dropped, and made again under another name.",
            )
        for statement in table_sql.renumbered(table):
            await on.fetch(statement)
        await tables.make_feed(table)
