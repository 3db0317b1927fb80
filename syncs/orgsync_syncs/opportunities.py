"""Opportunities with their products and contacts, kept up to date every fifteen minutes."""

from datetime import date, datetime
from decimal import Decimal

from orgsync import Batches, Context, Record, field, sync


class Opportunity(Record, table=True):
    """A sale that may come, or came, or did not."""

    name: str | None
    stage_name: str | None
    amount: Decimal | None
    currency_iso_code: str | None = field(optional=True)
    probability: float | None
    close_date: date | None
    type: str | None
    lead_source: str | None
    next_step: str | None
    forecast_category_name: str | None
    is_closed: bool | None
    is_won: bool | None
    account_id: str | None
    account_name: str | None = field("Account.Name")
    campaign_id: str | None = field(optional=True)
    pricebook2_id: str | None = field("Pricebook2Id", optional=True)
    owner_id: str | None
    created_date: datetime | None
    last_modified_date: datetime | None


class OpportunityLineItem(Record, table=True):
    """A product that is part of an opportunity; orgs that sell without products have none."""

    __optional__ = True

    opportunity_id: str | None
    product_id: str | None = field("Product2Id")
    pricebook_entry_id: str | None
    quantity: Decimal | None
    unit_price: Decimal | None
    total_price: Decimal | None
    service_date: date | None
    description: str | None
    sort_order: int | None


class OpportunityContactRole(Record, table=True):
    """A person who takes part in an opportunity, and as what."""

    opportunity_id: str | None
    contact_id: str | None
    role: str | None
    is_primary: bool | None


@sync(every="15m", reconcile="1d")
async def opportunities(ctx: Context) -> Batches[Opportunity | OpportunityLineItem | OpportunityContactRole]:
    """Every opportunity, line item and contact role that changed since the last run, deletions included."""
    async for deals in ctx.changes(Opportunity):
        yield deals
    async for items in ctx.changes(OpportunityLineItem):
        yield items
    async for roles in ctx.changes(OpportunityContactRole):
        yield roles
