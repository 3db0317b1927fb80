"""Invoices, kept up to date every fifteen minutes."""

from datetime import date, datetime, time

from orgsync import Batches, Context, Record, field, sync


class Invoice(Record, table=True):
    """One row of ns__Invoice__c."""

    __sobject__ = "ns__Invoice__c"

    name: str
    owner_id: str | None
    created_by_id: str | None
    customer: str | None = field("ns__Customer__c")
    # customer_name: str | None = field("ns__Customer__r.Name")  # a parent's field
    name_custom: str | None = field("Name__c")
    paid: bool = field("Paid__c")
    items: int | None = field("Items__c")
    total_usd: float | None = field("TotalUSD__c")
    discount: float | None = field("Discount__c")
    date_value: date | None = field("Date__c")
    best_time_to_call: time | None = field("Best_Time_To_Call__c")
    tags: str | None = field("Tags__c")
    site_latitude: float | None = field("Site__Latitude__s")
    site_longitude: float | None = field("Site__Longitude__s")
    place: dict[str, object] | None
    anything: str | None
    a_name_that_is_as_long_as_salesforce_lets: str | None = field(
        "a_package__A_Name_That_Is_As_Long_As_Salesforce_Lets__c",
    )
    created_date: datetime
    last_modified_date: datetime


@sync(every="15m", reconcile="1d")
def invoices(ctx: Context) -> Batches[Invoice]:
    """Every row that changed since the last run, deletions included."""
    return ctx.changes(Invoice)
