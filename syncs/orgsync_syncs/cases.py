"""Cases, kept up to date every fifteen minutes."""

from datetime import datetime

from orgsync import Batches, Context, Record, field, sync


class SupportCase(Record, table=True):
    """A customer's question or problem. CASE is a reserved word in SQL, so the table has another name."""

    __sobject__ = "Case"

    case_number: str | None
    subject: str | None
    description: str | None
    status: str | None
    priority: str | None
    origin: str | None
    type: str | None
    reason: str | None
    account_id: str | None
    account_name: str | None = field("Account.Name")
    contact_id: str | None
    parent_id: str | None
    owner_id: str | None
    supplied_name: str | None
    supplied_email: str | None
    is_closed: bool | None
    is_escalated: bool | None
    closed_date: datetime | None
    created_date: datetime | None
    last_modified_date: datetime | None


@sync(every="15m", reconcile="1d")
def cases(ctx: Context) -> Batches[SupportCase]:
    """Every case that changed since the last run, deletions included."""
    return ctx.changes(SupportCase)
