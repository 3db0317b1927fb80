"""The rows of a query that each connection has in its metadata, kept up to date every fifteen minutes.

orgsync connections update acme --metadata '{"soql": "SELECT Name, Amount FROM Opportunity WHERE IsWon = true"}'
"""

from typing import Any

from orgsync import Batches, Context, Record, sync


class SoqlRecord(Record, table=True):
    """A row of the query. `fields` is what it selects, by name: {"Name": "Pumps", "Account.Name": "Acme"}."""

    __sobject__ = None

    sobject: str
    fields: dict[str, Any]


@sync(every="15m", reconcile="1d")
async def records_by_soql(ctx: Context) -> Batches[SoqlRecord]:
    """Every row of the connection's query that changed since the last run; rows that no longer match leave the copy."""
    soql = ctx.connection.metadata.get("soql")
    if soql is None:
        ctx.log.warning("nothing to read: the connection's metadata has no query; give it one under the name soql")
        return
    found = await ctx.query_class(str(soql))
    async for batch in ctx.changes(found.model, where=found.where):
        rows = [SoqlRecord(id=row.id, sobject=found.sobject, fields=found.values(row)) for row in batch]
        yield batch.replace(rows, model=SoqlRecord)
