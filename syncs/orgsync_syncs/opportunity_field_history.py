"""What changed in opportunities, field by field, as far as the org tracks it."""

from datetime import datetime

from orgsync import Batches, Context, Record, sync


class OpportunityFieldHistory(Record, table=True):
    """One change of one field: who made it, when, and from what to what. Such a row never changes.

    `field` is "created" for the row that a new opportunity leaves. For the history of another object, copy this script
    and read AccountHistory, ContactHistory, CaseHistory or, for an object of your own, Invoice__History.
    """

    opportunity_id: str | None
    field: str | None
    old_value: str | None
    new_value: str | None
    created_by_id: str | None
    created_date: datetime | None


@sync(every="1h", reconcile="1d")
def opportunity_field_history(ctx: Context) -> Batches[OpportunityFieldHistory]:
    """Every change since the last run; the changes of an opportunity that is deleted are deleted with it."""
    return ctx.changes(OpportunityFieldHistory)
