"""The objects of marketing, support and products: Lead, Campaign, CampaignMember, Case, Product2."""

from dataclasses import replace

from .fields import Derived, Field, Row, Scope, SObject
from .ids import number_of
from .standard_fields import (
    AUDIT_FIELDS,
    INDUSTRIES,
    OWNER,
    OWNER_OR_QUEUE,
    RATINGS,
    SALUTATIONS,
    SOURCES,
    address,
    checkbox,
    choice,
    deleted_fields,
    description,
    lookup,
    name_field,
    person,
    picklist,
    plain,
    read_only,
    record_id,
    text,
)

LEAD_STATUSES = ("Open - Not Contacted", "Working - Contacted", "Closed - Converted", "Closed - Not Converted")
CASE_STATUSES = ("New", "Working", "Escalated", "Closed")
CASE_ORIGINS = ("Phone", "Email", "Web")
CAMPAIGN_TYPES = ("Conference", "Webinar", "Trade Show", "Email", "Advertisement")
CAMPAIGN_STATUSES = ("Planned", "In Progress", "Completed", "Aborted")
MEMBER_STATUSES = ("Sent", "Responded")
FAMILIES = ("Hardware", "Software", "Services")


def _case_number(row: Row, scope: Scope) -> Derived:
    return f"{number_of(str(row['Id'])) % 10**8:08}"


LEAD = SObject(
    name="Lead", label="Lead", plural="Leads", prefix="00Q", mergeable=True,
    fields=(
        record_id("Lead"), *deleted_fields("Lead", merges=True), *person(121)[:2],
        picklist("Salutation", "Salutation", 40, SALUTATIONS), person(121)[2], text("Title", "Title", 128),
        Field(
            name="Company", label="Company", type="string", length=255, nillable=False, permissionable=False,
        ),
        *address(""), text("Phone", "Phone", 40, "phone"), text("MobilePhone", "Mobile Phone", 40, "phone"),
        Field(name="Email", label="Email", type="email", length=80, id_lookup=True),
        text("Website", "Website", 255, "url"), description("Description"),
        picklist("LeadSource", "Lead Source", 255, SOURCES),
        choice("Status", "Status", LEAD_STATUSES, LEAD_STATUSES[0]), picklist("Industry", "Industry", 255, INDUSTRIES),
        picklist("Rating", "Rating", 255, RATINGS), plain("AnnualRevenue", "Annual Revenue", "currency"),
        plain("NumberOfEmployees", "Employees", "int"), OWNER_OR_QUEUE,
        checkbox("IsConverted", "Converted", writable=False), read_only("ConvertedDate", "Converted Date", "date"),
        checkbox("IsUnreadByOwner", "Unread By Owner"), *AUDIT_FIELDS,
        *(
            replace(lookup(f"Converted{name}Id", f"Converted {name} ID", name), createable=False, updateable=False)
            for name in ("Account", "Contact", "Opportunity")
        ),
    ),
)  # fmt: skip

CASE = SObject(
    name="Case", label="Case", plural="Cases", prefix="500",
    fields=(
        record_id("Case"), *deleted_fields("Case", merges=False),
        Field(
            name="CaseNumber", label="Case Number", type="string", length=30, nillable=False, createable=False,
            updateable=False, permissionable=False, defaulted=True, name_field=True, id_lookup=True,
            derive=_case_number,
        ),
        lookup("ContactId", "Contact ID", "Contact", "Cases"), lookup("AccountId", "Account ID", "Account", "Cases"),
        lookup("ParentId", "Parent Case ID", "Case", "Cases"), text("SuppliedName", "Name", 80),
        text("SuppliedEmail", "Email Address", 80, "email"),
        picklist("Type", "Case Type", 255, ("Problem", "Feature Request", "Question")),
        choice("Status", "Status", CASE_STATUSES, "New"),
        picklist("Reason", "Case Reason", 255, ("Breakdown", "Other")),
        picklist("Origin", "Case Origin", 255, CASE_ORIGINS), text("Subject", "Subject", 255),
        choice("Priority", "Priority", ("High", "Medium", "Low"), "Medium"), description("Description"),
        checkbox("IsClosed", "Closed", writable=False, derive=lambda row, _: row["Status"] == "Closed"),
        read_only("ClosedDate", "Closed Date", "datetime"), checkbox("IsEscalated", "Escalated"), OWNER_OR_QUEUE,
        *AUDIT_FIELDS,
    ),
)  # fmt: skip

CAMPAIGN = SObject(
    name="Campaign", label="Campaign", plural="Campaigns", prefix="701",
    fields=(
        record_id("Campaign"), *deleted_fields("Campaign", merges=False), name_field("Name", 80),
        lookup("ParentId", "Parent Campaign ID", "Campaign", "ChildCampaigns"),
        picklist("Type", "Type", 40, CAMPAIGN_TYPES), picklist("Status", "Status", 40, CAMPAIGN_STATUSES),
        plain("StartDate", "Start Date", "date"), plain("EndDate", "End Date", "date"),
        plain("ExpectedRevenue", "Expected Revenue in Campaign", "currency"),
        plain("BudgetedCost", "Budgeted Cost in Campaign", "currency"),
        plain("ActualCost", "Actual Cost in Campaign", "currency"), checkbox("IsActive", "Active"),
        description("Description"), OWNER, *AUDIT_FIELDS,
    ),
)  # fmt: skip

CAMPAIGN_MEMBER = SObject(
    name="CampaignMember", label="Campaign Member", plural="Campaign Members", prefix="00v", has_search=False,
    fields=(
        record_id("Campaign Member"), *deleted_fields("CampaignMember", merges=False),
        lookup("CampaignId", "Campaign ID", "Campaign", "CampaignMembers", cascades=True),
        lookup("LeadId", "Lead ID", "Lead", "CampaignMembers", cascades=True),
        lookup("ContactId", "Contact ID", "Contact", "CampaignMembers", cascades=True),
        picklist("Status", "Status", 40, MEMBER_STATUSES),
        checkbox("HasResponded", "Responded", writable=False, derive=lambda row, _: row["Status"] == "Responded"),
        *AUDIT_FIELDS, read_only("FirstRespondedDate", "First Responded Date", "date"),
    ),
)  # fmt: skip

PRODUCT = SObject(
    name="Product2", label="Product", plural="Products", prefix="01t",
    fields=(
        record_id("Product"), name_field("Product Name", 255), text("ProductCode", "Product Code", 255),
        text("Description", "Product Description", 4000, "textarea"), checkbox("IsActive", "Active"), *AUDIT_FIELDS,
        picklist("Family", "Product Family", 40, FAMILIES),
        text("QuantityUnitOfMeasure", "Quantity Unit Of Measure", 40),
        text("StockKeepingUnit", "Product SKU", 180), text("DisplayUrl", "Display URL", 1000, "url"),
        *deleted_fields("Product2", merges=False), checkbox("IsArchived", "Archived", writable=False),
    ),
)  # fmt: skip
