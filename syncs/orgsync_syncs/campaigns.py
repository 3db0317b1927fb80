"""Campaigns and who takes part in them, kept up to date every fifteen minutes."""

from datetime import date, datetime
from decimal import Decimal

from orgsync import Batches, Context, Record, field, sync


class Campaign(Record, table=True):
    """A mailing, a trade show, a webinar: something that is to bring customers."""

    name: str | None
    type: str | None
    status: str | None
    is_active: bool | None
    start_date: date | None
    end_date: date | None
    budgeted_cost: Decimal | None
    actual_cost: Decimal | None
    expected_revenue: Decimal | None
    currency_iso_code: str | None = field(optional=True)
    description: str | None
    parent_id: str | None
    owner_id: str | None
    created_date: datetime | None
    last_modified_date: datetime | None


class CampaignMember(Record, table=True):
    """A lead or a contact in a campaign, and how they answered."""

    campaign_id: str | None
    lead_id: str | None
    contact_id: str | None
    status: str | None
    has_responded: bool | None
    first_responded_date: date | None
    created_date: datetime | None


@sync(every="15m", reconcile="1d")
async def campaigns(ctx: Context) -> Batches[Campaign | CampaignMember]:
    """Every campaign and member that changed since the last run, deletions included."""
    async for batch in ctx.changes(Campaign):
        yield batch
    async for members in ctx.changes(CampaignMember):
        yield members
