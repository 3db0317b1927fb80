"""Contacts, kept up to date every fifteen minutes."""

from datetime import datetime

from orgsync import Batches, Context, Record, field, sync


class Contact(Record, table=True):
    """A person, and the account they work for."""

    account_id: str | None
    account_name: str | None = field("Account.Name")
    first_name: str | None
    last_name: str | None
    name: str | None
    email: str | None
    phone: str | None
    mobile_phone: str | None
    title: str | None
    department: str | None
    mailing_street: str | None
    mailing_city: str | None
    mailing_state: str | None
    mailing_postal_code: str | None
    mailing_country: str | None
    owner_id: str | None
    lead_source: str | None
    created_date: datetime | None
    last_modified_date: datetime | None


@sync(every="15m", reconcile="1d")
def contacts(ctx: Context) -> Batches[Contact]:
    """Every contact that changed since the last run, deletions included."""
    return ctx.changes(Contact)
