"""Accounts, kept up to date every fifteen minutes."""

from datetime import datetime

from orgsync import Batches, Context, Record, sync


class Account(Record, table=True):
    """An organization or a person that the org does business with."""

    name: str | None
    account_number: str | None
    type: str | None
    industry: str | None
    phone: str | None
    website: str | None
    billing_street: str | None
    billing_city: str | None
    billing_state: str | None
    billing_postal_code: str | None
    billing_country: str | None
    number_of_employees: int | None
    annual_revenue: float | None
    owner_id: str | None
    created_date: datetime | None
    last_modified_date: datetime | None


@sync(every="15m", reconcile="1d")
def accounts(ctx: Context) -> Batches[Account]:
    """Every account that changed since the last run, deletions included."""
    return ctx.changes(Account)
