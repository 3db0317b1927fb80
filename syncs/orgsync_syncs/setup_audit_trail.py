"""Who changed what in the org's setup. Salesforce forgets it after 180 days; the copy does not."""

from datetime import datetime, timedelta

from orgsync import Batch, Batches, Context, Record, sync

SELECT = """
    SELECT Id, Action, Section, Display, DelegateUser, ResponsibleNamespacePrefix, CreatedById, CreatedDate
    FROM SetupAuditTrail WHERE CreatedDate >= :since ORDER BY CreatedDate, Id
"""
LATE = timedelta(minutes=10)  # read again each time: an entry of a slow transaction appears after later ones


class SetupAuditTrail(Record, table=True):
    """A change of the org's setup. `display` says in words what `action` was done."""

    action: str | None
    section: str | None
    display: str | None
    delegate_user: str | None
    responsible_namespace_prefix: str | None
    created_by_id: str | None
    created_date: datetime


@sync(every="1h")
async def setup_audit_trail(ctx: Context) -> Batches[SetupAuditTrail]:
    """Every entry that was added since the last run. Entries never change, so the checkpoint is the last one's time."""
    last = datetime.fromisoformat((ctx.checkpoint or {"last": "2000-01-01T00:00:00Z"})["last"])
    page: list[dict[str, str]] = []
    async for entry in ctx.query(SELECT, since=last - LATE):
        page.append(entry)
        if len(page) == 2000:
            yield Batch(SetupAuditTrail, page, checkpoint={"last": page[-1]["CreatedDate"]})
            page = []
    if page:
        yield Batch(SetupAuditTrail, page, checkpoint={"last": page[-1]["CreatedDate"]})
