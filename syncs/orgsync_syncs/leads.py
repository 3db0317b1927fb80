"""Leads, kept up to date every fifteen minutes."""

from datetime import date, datetime
from decimal import Decimal

from orgsync import Batches, Context, Record, sync


class Lead(Record, table=True):
    """A person who may become a customer, and what became of them."""

    first_name: str | None
    last_name: str | None
    company: str | None
    title: str | None
    email: str | None
    phone: str | None
    status: str | None
    lead_source: str | None
    industry: str | None
    rating: str | None
    annual_revenue: Decimal | None
    number_of_employees: int | None
    street: str | None
    city: str | None
    state: str | None
    postal_code: str | None
    country: str | None
    owner_id: str | None
    is_converted: bool | None
    converted_date: date | None
    converted_account_id: str | None
    converted_contact_id: str | None
    converted_opportunity_id: str | None
    created_date: datetime | None
    last_modified_date: datetime | None


@sync(every="15m", reconcile="1d")
def leads(ctx: Context) -> Batches[Lead]:
    """Every lead that changed since the last run, deletions included."""
    return ctx.changes(Lead)
