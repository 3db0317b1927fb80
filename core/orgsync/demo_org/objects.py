"""The objects of the demo org, with the types, sizes and flags that real describes give."""

from dataclasses import replace

from .activities import CONTENT_DOCUMENT, CONTENT_DOCUMENT_LINK, EVENT, TASK
from .deals import (
    OPPORTUNITY_CONTACT_ROLE,
    OPPORTUNITY_FIELD_HISTORY,
    OPPORTUNITY_LINE_ITEM,
    PRICEBOOK,
    PRICEBOOK_ENTRY,
)
from .fields import Field, Row, Scope, SObject, Value
from .files import ATTACHMENT, CONTENT_VERSION, DOCUMENT
from .formulas import ACCOUNT_RATING, AGE, expected_revenue
from .selling import CAMPAIGN, CAMPAIGN_MEMBER, CASE, LEAD, PRODUCT
from .staff import PROFILE, SETUP_AUDIT_TRAIL, USER, USER_ROLE
from .standard_fields import (
    AUDIT_FIELDS,
    INDUSTRIES,
    OWNER,
    RATINGS,
    SALUTATIONS,
    SOURCES,
    address,
    checkbox,
    deleted_fields,
    description,
    lookup,
    name_field,
    person,
    picklist,
    read_only,
    record_id,
    text,
)
from .support import CASE_COMMENT, CASE_FEED, FEED_ITEM

ACCOUNT_TYPES = ("Prospect", "Customer - Direct", "Customer - Channel", "Technology Partner", "Other")
DEAL_TYPES = (
    "Existing Customer - Upgrade", "Existing Customer - Replacement", "Existing Customer - Downgrade", "New Customer",
)  # fmt: skip
STAGES = ("Prospecting", "Qualification", "Proposal/Price Quote", "Closed Won", "Closed Lost")

ACCOUNT = SObject(
    name="Account", label="Account", plural="Accounts", prefix="001", mergeable=True,
    fields=(
        record_id("Account"), *deleted_fields("Account", merges=True),
        name_field("Account Name", 255, extra_type="switchablepersonname"),
        picklist("Type", "Account Type", 40, ACCOUNT_TYPES),
        lookup("ParentId", "Parent Account ID", "Account", "ChildAccounts"),
        *address("Billing"),
        text("Phone", "Account Phone", 40, "phone"),
        text("AccountNumber", "Account Number", 40),
        text("Website", "Website", 255, "url"),
        picklist("Industry", "Industry", 40, INDUSTRIES),
        Field(name="AnnualRevenue", label="Annual Revenue", type="currency", precision=18),
        Field(name="NumberOfEmployees", label="Employees", type="int"),
        description("Account Description"),
        picklist("Rating", "Account Rating", 40, RATINGS),
        OWNER, *AUDIT_FIELDS,
    ),
)  # fmt: skip

CONTACT = SObject(
    name="Contact", label="Contact", plural="Contacts", prefix="003", mergeable=True,
    fields=(
        record_id("Contact"), *deleted_fields("Contact", merges=True),
        lookup("AccountId", "Account ID", "Account", "Contacts", cascades=True),
        *person(121)[:2],
        Field(
            name="Salutation", label="Salutation", type="picklist", length=40, values=SALUTATIONS, compound="Name",
            extra_type="personname", permissionable=False,
        ),
        person(121)[2],
        *address("Mailing"),
        text("Phone", "Business Phone", 40, "phone"),
        text("MobilePhone", "Mobile Phone", 40, "phone"),
        lookup("ReportsToId", "Reports To ID", "Contact"),
        Field(name="Email", label="Email", type="email", length=80, id_lookup=True),
        text("Title", "Title", 128),
        text("Department", "Department", 80),
        picklist("LeadSource", "Lead Source", 255, SOURCES),
        Field(name="Birthdate", label="Birthdate", type="date"),
        description("Contact Description"),
        OWNER,
        Field(
            name="HasOptedOutOfEmail", label="Email Opt Out", type="boolean", nillable=False, defaulted=True,
        ),
        *AUDIT_FIELDS, ACCOUNT_RATING, AGE,
    ),
)  # fmt: skip

OPPORTUNITY = SObject(
    name="Opportunity", label="Opportunity", plural="Opportunities", prefix="006",
    fields=(
        record_id("Opportunity"), *deleted_fields("Opportunity", merges=False),
        lookup("AccountId", "Account ID", "Account", "Opportunities", cascades=True),
        name_field("Name", 120),
        description("Description"),
        Field(
            name="StageName", label="Stage", type="picklist", length=255, nillable=False, permissionable=False,
            values=STAGES,
        ),
        Field(name="Amount", label="Amount", type="currency", precision=18, scale=2),
        Field(name="Probability", label="Probability (%)", type="percent", precision=3, defaulted=True),
        Field(
            name="ExpectedRevenue", label="Expected Amount", type="currency", precision=18, scale=2,
            createable=False, updateable=False, derive=expected_revenue,
        ),
        Field(name="CloseDate", label="Close Date", type="date", nillable=False, permissionable=False),
        picklist("Type", "Opportunity Type", 255, DEAL_TYPES),
        text("NextStep", "Next Step", 255),
        picklist("LeadSource", "Lead Source", 255, SOURCES),
        checkbox("IsClosed", "Closed", writable=False, derive=lambda row, _: row["StageName"] in STAGES[-2:]),
        checkbox("IsWon", "Won", writable=False, derive=lambda row, _: row["StageName"] == "Closed Won"),
        OWNER, *AUDIT_FIELDS,
        Field(
            name="ContactId", label="Contact ID", type="reference", length=18, updateable=False,
            permissionable=False, refers_to="Contact", child_relationship="Opportunities",
        ),
        ACCOUNT_RATING, checkbox("IsPrivate", "Private"),
        lookup("CampaignId", "Campaign ID", "Campaign", "Opportunities"),
        replace(
            lookup("Pricebook2Id", "Price Book ID", "Pricebook2", "Opportunities"), permissionable=False, defaulted=True
        ),
        Field(
            name="ForecastCategoryName", label="Forecast Category", type="picklist", length=255, permissionable=False,
            defaulted=True, restricted=True, values=("Omitted", "Pipeline", "Best Case", "Commit", "Closed"),
        ),
    ),
)  # fmt: skip


def _history(parent: str) -> SObject:
    """Return the object that logs changes of a parent's tracked fields; histories share a prefix that is not shown."""
    return SObject(
        name=f"{parent}History", label=f"{parent} History", plural=f"{parent} History", prefix="017",
        createable=False, updateable=False, deletable=False, has_pages=False, belongs_to=("History", parent),
        fields=(
            record_id(f"{parent} History"), *deleted_fields(parent, merges=False),
            Field(
                name=f"{parent}Id", label=f"{parent} ID", type="reference", length=18, nillable=False,
                createable=False, updateable=False, permissionable=False, refers_to=parent, relationship=parent,
                child_relationship="Histories", cascades=True,
            ),
            AUDIT_FIELDS[1], AUDIT_FIELDS[0],
            read_only("Field", "Changed Field", "picklist", length=255),
            read_only("DataType", "Datatype", "picklist", length=40),
            read_only("OldValue", "Old Value", "anyType"), read_only("NewValue", "New Value", "anyType"),
        ),
    )  # fmt: skip


def _access(name: str, label: str) -> Field:
    return Field(name=name, label=label, type="picklist", length=40, values=("None", "Read", "Edit", "All"))


ACCOUNT_SHARE = SObject(
    name="AccountShare", label="Account Share", plural="Account Share", prefix="00r", replicateable=False,
    has_pages=False, belongs_to=("Share", "Account"),
    fields=(
        record_id("Account Share"),
        lookup("AccountId", "Account ID", "Account", "Shares", cascades=True),
        lookup("UserOrGroupId", "User/Group ID", "User"),
        _access("AccountAccessLevel", "Account Access"), _access("OpportunityAccessLevel", "Opportunity Access"),
        _access("CaseAccessLevel", "Case Access"), _access("ContactAccessLevel", "Contact Access"),
        picklist("RowCause", "Row Cause", 40, ("Owner", "Manual", "Rule")),
        AUDIT_FIELDS[2], AUDIT_FIELDS[3], *deleted_fields("Account", merges=False),
    ),
)  # fmt: skip

USER_PREFERENCE = SObject(
    name="UserPreference", label="User Preference", plural="User Preferences", prefix="03u", replicateable=False,
    has_pages=False,
    fields=(
        record_id("User Preference"), lookup("UserId", "User ID", "User"),
        picklist("Preference", "Preference", 40, ("57", "58")), text("Value", "Value", 255),
    ),
)  # fmt: skip

GROUP = SObject(
    name="Group", label="Group", plural="Group", prefix="00G", has_pages=False, has_search=True,
    fields=(
        record_id("Group"), name_field("Name", 40), text("DeveloperName", "Developer Name", 80),
        picklist("Type", "Type", 40, ("Regular", "Queue")), text("Email", "Email", 255, "email"), *AUDIT_FIELDS,
    ),
)  # fmt: skip

ORGANIZATION = SObject(
    name="Organization", label="Organization", plural="Organizations", prefix="00D", createable=False,
    deletable=False, has_pages=False,
    fields=(
        record_id("Organization"), name_field("Name", 80), text("Division", "Division", 80), *address(""),
        text("Phone", "Phone", 40, "phone"), text("PrimaryContact", "Primary Contact", 80),
        read_only("DefaultLocaleSidKey", "Locale", "picklist", length=40),
        read_only("TimeZoneSidKey", "Time Zone", "picklist", length=40),
        read_only("LanguageLocaleKey", "Language", "picklist", length=40),
        read_only("FiscalYearStartMonth", "Fiscal Year Starts In", "int"),
        read_only("OrganizationType", "Edition", "picklist", length=40),
        read_only("NamespacePrefix", "Namespace Prefix", "string", length=15),
        read_only("InstanceName", "Instance Name", "string", length=5),
        Field(
            name="IsSandbox", label="Is Sandbox", type="boolean", nillable=False, createable=False, updateable=False,
            permissionable=False, defaulted=True,
        ),
        read_only("TrialExpirationDate", "Trial Expiration Date", "datetime"), *AUDIT_FIELDS,
    ),
)  # fmt: skip

NAME = SObject(
    name="Name", label="Name", plural="Names", prefix="---", createable=False, updateable=False, deletable=False,
    replicateable=False, has_pages=False,
    fields=(
        record_id("Name"), *(read_only(name, name, "string", length=255) for name in ("Name", "LastName", "FirstName")),
        read_only("Type", "Type", "picklist", length=40),
        *(read_only(name, name, "string", length=80) for name in ("Alias", "Title", "Phone", "Username")),
        read_only("Email", "Email", "email", length=80), read_only("IsActive", "Active", "boolean"),
    ),
)  # fmt: skip

OBJECTS = (
    ACCOUNT, CONTACT, OPPORTUNITY, USER, _history("Account"), _history("Contact"), ACCOUNT_SHARE, USER_PREFERENCE,
    TASK, EVENT, CONTENT_DOCUMENT, CONTENT_DOCUMENT_LINK, LEAD, CASE, CAMPAIGN, CAMPAIGN_MEMBER, PRODUCT, GROUP,
    ORGANIZATION, CONTENT_VERSION, ATTACHMENT, DOCUMENT, OPPORTUNITY_LINE_ITEM, OPPORTUNITY_CONTACT_ROLE,
    OPPORTUNITY_FIELD_HISTORY, PRICEBOOK, PRICEBOOK_ENTRY, CASE_COMMENT, FEED_ITEM, CASE_FEED, USER_ROLE, PROFILE,
    SETUP_AUDIT_TRAIL,
)  # fmt: skip


def shared_name(sobject: SObject, row: Row, scope: Scope) -> Row:
    """Return a record as the object Name shows it: its kind and what all kinds that are referred to share."""
    named = next((field for field in sobject.fields if field.name_field), None)
    shared: dict[str, Value] = {field.name: row.get(field.name) for field in NAME.fields}
    if named is not None:
        name = named.derive(row, scope) if named.derive else row.get(named.name)
        shared["Name"] = None if isinstance(name, dict) else name
    return {**shared, "Type": sobject.name}
