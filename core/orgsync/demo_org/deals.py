"""What belongs to opportunities and products: line items, contact roles, history, price books and their entries."""

from dataclasses import replace

from .fields import Derived, Field, Row, Scope, SObject
from .standard_fields import (
    AUDIT_FIELDS,
    checkbox,
    deleted_fields,
    lookup,
    name_field,
    picklist,
    plain,
    read_only,
    record_id,
    text,
)

ROLES = (
    "Business User", "Decision Maker", "Economic Buyer", "Economic Decision Maker", "Evaluator", "Executive Sponsor",
    "Influencer", "Technical Buyer", "Other",
)  # fmt: skip


def owned(name: str, label: str, parent: str, children: str | None) -> Field:
    """Return a reference to what a record belongs to: it is given once, and the record goes with its parent."""
    base = lookup(name, label, parent, children, cascades=True)
    return replace(base, nillable=False, updateable=False, permissionable=False)


def _total(row: Row, scope: Scope) -> Derived:
    quantity, price = row.get("Quantity"), row.get("UnitPrice")
    return quantity * price if isinstance(quantity, int | float) and isinstance(price, int | float) else None


def _product(row: Row, scope: Scope) -> Derived:
    entry = scope.find("PricebookEntry", row.get("PricebookEntryId"))
    return entry.get("Product2Id") if entry else None


def _product_name(row: Row, scope: Scope) -> Derived:
    product = scope.find("Product2", row.get("Product2Id"))
    return product.get("Name") if product else None


OPPORTUNITY_LINE_ITEM = SObject(
    name="OpportunityLineItem", label="Opportunity Product", plural="Opportunity Product", prefix="00k",
    has_search=False, has_recent=True,
    fields=(
        record_id("Line Item"), owned("OpportunityId", "Opportunity ID", "Opportunity", "OpportunityLineItems"),
        plain("SortOrder", "Sort Order", "int"),
        replace(owned("PricebookEntryId", "Price Book Entry ID", "PricebookEntry", None), cascades=False),
        replace(
            lookup("Product2Id", "Product ID", "Product2"), createable=False, updateable=False, permissionable=False,
            derive=_product,
        ),
        replace(plain("Quantity", "Quantity", "double", scale=2), nillable=False, permissionable=False),
        replace(
            plain("TotalPrice", "Total Price", "currency", scale=2), createable=False, updateable=False, derive=_total
        ),
        plain("UnitPrice", "Sales Price", "currency", scale=2), plain("ServiceDate", "Date", "date"),
        text("Description", "Line Description", 255), *AUDIT_FIELDS,
        *deleted_fields("OpportunityLineItem", merges=False),
    ),
)  # fmt: skip

OPPORTUNITY_CONTACT_ROLE = SObject(
    name="OpportunityContactRole", label="Opportunity Contact Role", plural="Opportunity Contact Role", prefix="00K",
    has_search=False,
    fields=(
        record_id("Contact Role"), owned("OpportunityId", "Opportunity ID", "Opportunity", "OpportunityContactRoles"),
        replace(
            lookup("ContactId", "Contact ID", "Contact", "OpportunityContactRoles", cascades=True), nillable=False,
            permissionable=False,
        ),
        picklist("Role", "Role", 40, ROLES), checkbox("IsPrimary", "Primary"), *AUDIT_FIELDS,
        *deleted_fields("OpportunityContactRole", merges=False),
    ),
)  # fmt: skip

OPPORTUNITY_FIELD_HISTORY = SObject(
    name="OpportunityFieldHistory", label="Opportunity Field History", plural="Opportunity Field History",
    prefix="017", createable=False, updateable=False, deletable=False, has_pages=False,
    belongs_to=("History", "Opportunity"),
    fields=(
        record_id("Opportunity Field History"), *deleted_fields("Opportunity", merges=False),
        replace(owned("OpportunityId", "Opportunity ID", "Opportunity", "Histories"), createable=False),
        AUDIT_FIELDS[1], AUDIT_FIELDS[0],
        read_only("Field", "Changed Field", "picklist", length=255),
        read_only("DataType", "Datatype", "picklist", length=40),
        read_only("OldValue", "Old Value", "anyType"), read_only("NewValue", "New Value", "anyType"),
    ),
)  # fmt: skip

PRICEBOOK = SObject(
    name="Pricebook2", label="Price Book", plural="Price Books", prefix="01s",
    fields=(
        record_id("Price Book"), *deleted_fields("Pricebook2", merges=False), name_field("Price Book Name", 255),
        *AUDIT_FIELDS, checkbox("IsActive", "Active"), checkbox("IsArchived", "Archived", writable=False),
        text("Description", "Description", 255), checkbox("IsStandard", "Is Standard Price Book", writable=False),
    ),
)  # fmt: skip

PRICEBOOK_ENTRY = SObject(
    name="PricebookEntry", label="Price Book Entry", plural="Price Book Entries", prefix="01u", has_search=False,
    has_recent=True,
    fields=(
        record_id("Price Book Entry"),
        replace(
            name_field("Product Name", 255), createable=False, updateable=False, nillable=True, id_lookup=False,
            derive=_product_name,
        ),
        owned("Pricebook2Id", "Price Book ID", "Pricebook2", "PricebookEntries"),
        owned("Product2Id", "Product ID", "Product2", "PricebookEntries"),
        replace(plain("UnitPrice", "List Price", "currency", scale=2), nillable=False),
        checkbox("IsActive", "Active"), checkbox("UseStandardPrice", "Use Standard Price"), *AUDIT_FIELDS,
        read_only("ProductCode", "Product Code", "string", length=255),
        *deleted_fields("PricebookEntry", merges=False), checkbox("IsArchived", "Archived", writable=False),
    ),
)  # fmt: skip
