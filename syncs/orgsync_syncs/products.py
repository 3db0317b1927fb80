"""Products and their prices in each price book, kept up to date every hour."""

from datetime import datetime
from decimal import Decimal

from orgsync import Batches, Context, Record, field, sync


class Product(Record, table=True):
    """Something that the org sells."""

    __sobject__ = "Product2"

    name: str | None
    product_code: str | None
    family: str | None
    description: str | None
    is_active: bool | None
    quantity_unit_of_measure: str | None
    stock_keeping_unit: str | None
    created_date: datetime | None
    last_modified_date: datetime | None


class PricebookEntry(Record, table=True):
    """What a product costs in one price book; an org with several currencies has one entry for each."""

    pricebook_id: str | None = field("Pricebook2Id")
    pricebook_name: str | None = field("Pricebook2.Name")
    product_id: str | None = field("Product2Id")
    product_code: str | None
    unit_price: Decimal | None
    currency_iso_code: str | None = field(optional=True)
    is_active: bool | None
    use_standard_price: bool | None


@sync(every="1h", reconcile="1d")
async def products(ctx: Context) -> Batches[Product | PricebookEntry]:
    """Every product and price that changed since the last run, deletions included."""
    async for batch in ctx.changes(Product):
        yield batch
    async for prices in ctx.changes(PricebookEntry):
        yield prices
