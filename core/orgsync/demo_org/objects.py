"""The objects of the demo org, with the types, sizes and flags that real describes give."""

from .fields import Derived, Field, Row, Scope, SObject
from .formulas import ACCOUNT_RATING, AGE, expected_revenue, person_name

SALUTATIONS = ("Mr.", "Ms.", "Mrs.", "Dr.", "Prof.")
SOURCES = ("Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Other")
ACCOUNT_TYPES = ("Prospect", "Customer - Direct", "Customer - Channel", "Technology Partner", "Other")
INDUSTRIES = (
    "Banking", "Biotechnology", "Construction", "Education", "Energy", "Food & Beverage", "Healthcare",
    "Manufacturing", "Not For Profit", "Retail", "Technology", "Other",
)  # fmt: skip
RATINGS = ("Hot", "Warm", "Cold")
STAGES = ("Prospecting", "Qualification", "Proposal/Price Quote", "Closed Won", "Closed Lost")
ACCURACIES = ("Address", "NearAddress", "Block", "Street", "Zip", "City", "State", "Unknown")
ADDRESS_PARTS = ("City", "Country", "GeocodeAccuracy", "Latitude", "Longitude", "PostalCode", "State", "Street")


def _record_id(label: str) -> Field:
    return Field(
        name="Id", label=f"{label} ID", type="id", length=18, nillable=False, createable=False, updateable=False,
        permissionable=False, defaulted=True, id_lookup=True,
    )  # fmt: skip


def _deleted_fields(sobject: str, *, merges: bool) -> tuple[Field, ...]:
    deleted = Field(
        name="IsDeleted", label="Deleted", type="boolean", nillable=False, createable=False, updateable=False,
        permissionable=False, defaulted=True,
    )  # fmt: skip
    master = Field(
        name="MasterRecordId", label="Master Record ID", type="reference", length=18, createable=False,
        updateable=False, permissionable=False, refers_to=sobject, relationship="MasterRecord",
    )  # fmt: skip
    return (deleted, master) if merges else (deleted,)


def _user(name: str, label: str, relationship: str) -> Field:
    return Field(
        name=name, label=label, type="reference", length=18, nillable=False, createable=False, updateable=False,
        permissionable=False, defaulted=True, refers_to="User", relationship=relationship,
    )  # fmt: skip


def _stamp(name: str, label: str) -> Field:
    return Field(
        name=name, label=label, type="datetime", nillable=False, createable=False, updateable=False,
        permissionable=False, defaulted=True,
    )  # fmt: skip


AUDIT_FIELDS = (
    _stamp("CreatedDate", "Created Date"),
    _user("CreatedById", "Created By ID", "CreatedBy"),
    _stamp("LastModifiedDate", "Last Modified Date"),
    _user("LastModifiedById", "Last Modified By ID", "LastModifiedBy"),
    _stamp("SystemModstamp", "System Modstamp"),
)

_OWNER = Field(
    name="OwnerId", label="Owner ID", type="reference", length=18, nillable=False, permissionable=False,
    defaulted=True, refers_to="User", relationship="Owner",
)  # fmt: skip


def _text(name: str, label: str, length: int, kind: str = "string", *, compound: str | None = None) -> Field:
    return Field(name=name, label=label, type=kind, length=length, compound=compound)


def _picklist(name: str, label: str, length: int, values: tuple[str, ...]) -> Field:
    return Field(name=name, label=label, type="picklist", length=length, values=values)


def _description(label: str) -> Field:
    return Field(name="Description", label=label, type="textarea", length=32000, extra_type="plaintextarea")


def _address(prefix: str) -> tuple[Field, ...]:
    compound = f"{prefix}Address"

    def whole(row: Row, scope: Scope) -> Derived:
        parts = {part[0].lower() + part[1:]: row.get(prefix + part) for part in ADDRESS_PARTS}
        return parts if any(value is not None for value in parts.values()) else None

    def degrees(part: str) -> Field:
        name, label = f"{prefix}{part}", f"{prefix} {part}"
        return Field(name=name, label=label, type="double", precision=18, scale=15, compound=compound)

    return (
        Field(
            name=f"{prefix}Street", label=f"{prefix} Street", type="textarea", length=255, compound=compound,
            extra_type="plaintextarea",
        ),
        _text(f"{prefix}City", f"{prefix} City", 40, compound=compound),
        _text(f"{prefix}State", f"{prefix} State/Province", 80, compound=compound),
        _text(f"{prefix}PostalCode", f"{prefix} Zip/Postal Code", 20, compound=compound),
        _text(f"{prefix}Country", f"{prefix} Country", 80, compound=compound),
        degrees("Latitude"),
        degrees("Longitude"),
        Field(
            name=f"{prefix}GeocodeAccuracy", label=f"{prefix} Geocode Accuracy", type="picklist", length=40,
            values=ACCURACIES, restricted=True, compound=compound,
        ),
        Field(
            name=compound, label=f"{prefix} Address", type="address", createable=False, updateable=False,
            derive=whole,
        ),
    )  # fmt: skip


def _lookup(name: str, label: str, parent: str, children: str | None = None, *, cascades: bool = False) -> Field:
    return Field(
        name=name, label=label, type="reference", length=18, refers_to=parent, relationship=name.removesuffix("Id"),
        child_relationship=children, cascades=cascades,
    )  # fmt: skip


def _person(length: int) -> tuple[Field, ...]:
    return (
        Field(
            name="LastName", label="Last Name", type="string", length=80, nillable=False, compound="Name",
            extra_type="personname", permissionable=False,
        ),
        Field(
            name="FirstName", label="First Name", type="string", length=40, compound="Name",
            extra_type="personname", permissionable=False,
        ),
        Field(
            name="Name", label="Full Name", type="string", length=length, nillable=False, createable=False,
            updateable=False, permissionable=False, name_field=True, extra_type="personname", derive=person_name,
        ),
    )  # fmt: skip


def _name(label: str, length: int, *, extra_type: str | None = None) -> Field:
    return Field(
        name="Name", label=label, type="string", length=length, nillable=False, permissionable=False,
        name_field=True, id_lookup=extra_type is None, extra_type=extra_type,
        compound="Name" if extra_type else None,
    )  # fmt: skip


ACCOUNT = SObject(
    name="Account", label="Account", plural="Accounts", prefix="001", mergeable=True,
    fields=(
        _record_id("Account"), *_deleted_fields("Account", merges=True),
        _name("Account Name", 255, extra_type="switchablepersonname"),
        _picklist("Type", "Account Type", 40, ACCOUNT_TYPES),
        _lookup("ParentId", "Parent Account ID", "Account", "ChildAccounts"),
        *_address("Billing"),
        _text("Phone", "Account Phone", 40, "phone"),
        _text("AccountNumber", "Account Number", 40),
        _text("Website", "Website", 255, "url"),
        _picklist("Industry", "Industry", 40, INDUSTRIES),
        Field(name="AnnualRevenue", label="Annual Revenue", type="currency", precision=18),
        Field(name="NumberOfEmployees", label="Employees", type="int"),
        _description("Account Description"),
        _picklist("Rating", "Account Rating", 40, RATINGS),
        _OWNER, *AUDIT_FIELDS,
    ),
)  # fmt: skip

CONTACT = SObject(
    name="Contact", label="Contact", plural="Contacts", prefix="003", mergeable=True,
    fields=(
        _record_id("Contact"), *_deleted_fields("Contact", merges=True),
        _lookup("AccountId", "Account ID", "Account", "Contacts", cascades=True),
        *_person(121)[:2],
        Field(
            name="Salutation", label="Salutation", type="picklist", length=40, values=SALUTATIONS, compound="Name",
            extra_type="personname", permissionable=False,
        ),
        _person(121)[2],
        *_address("Mailing"),
        _text("Phone", "Business Phone", 40, "phone"),
        _text("MobilePhone", "Mobile Phone", 40, "phone"),
        _lookup("ReportsToId", "Reports To ID", "Contact"),
        Field(name="Email", label="Email", type="email", length=80, id_lookup=True),
        _text("Title", "Title", 128),
        _text("Department", "Department", 80),
        _picklist("LeadSource", "Lead Source", 255, SOURCES),
        Field(name="Birthdate", label="Birthdate", type="date"),
        _description("Contact Description"),
        _OWNER,
        Field(
            name="HasOptedOutOfEmail", label="Email Opt Out", type="boolean", nillable=False, defaulted=True,
        ),
        *AUDIT_FIELDS, ACCOUNT_RATING, AGE,
    ),
)  # fmt: skip

OPPORTUNITY = SObject(
    name="Opportunity", label="Opportunity", plural="Opportunities", prefix="006",
    fields=(
        _record_id("Opportunity"), *_deleted_fields("Opportunity", merges=False),
        _lookup("AccountId", "Account ID", "Account", "Opportunities", cascades=True),
        _name("Name", 120),
        _description("Description"),
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
        _picklist("LeadSource", "Lead Source", 255, SOURCES),
        _OWNER, *AUDIT_FIELDS,
        Field(
            name="ContactId", label="Contact ID", type="reference", length=18, updateable=False,
            permissionable=False, refers_to="Contact", child_relationship="Opportunities",
        ),
        ACCOUNT_RATING,
    ),
)  # fmt: skip

USER = SObject(
    name="User", label="User", plural="Users", prefix="005", deletable=False,
    fields=(
        _record_id("User"),
        Field(
            name="Username", label="Username", type="string", length=80, nillable=False, permissionable=False,
            id_lookup=True, unique=True,
        ),
        *_person(121),
        Field(name="Email", label="Email", type="email", length=128, nillable=False, permissionable=False),
        Field(name="Alias", label="Alias", type="string", length=8, nillable=False, permissionable=False),
        Field(
            name="IsActive", label="Active", type="boolean", nillable=False, permissionable=False, defaulted=True,
        ),
        _text("Title", "Title", 80),
        _text("Department", "Department", 80),
        *AUDIT_FIELDS,
    ),
)  # fmt: skip


def _read_only(name: str, label: str, kind: str, *, length: int = 0) -> Field:
    return Field(
        name=name, label=label, type=kind, length=length, createable=False, updateable=False, permissionable=False
    )


def _history(parent: str) -> SObject:
    """Return the object that logs changes of a parent's tracked fields; histories share a prefix they do not tell."""
    return SObject(
        name=f"{parent}History", label=f"{parent} History", plural=f"{parent} History", prefix="017",
        createable=False, updateable=False, deletable=False, has_pages=False, belongs_to=("History", parent),
        fields=(
            _record_id(f"{parent} History"), *_deleted_fields(parent, merges=False),
            Field(
                name=f"{parent}Id", label=f"{parent} ID", type="reference", length=18, nillable=False,
                createable=False, updateable=False, permissionable=False, refers_to=parent, relationship=parent,
                child_relationship="Histories", cascades=True,
            ),
            AUDIT_FIELDS[1], AUDIT_FIELDS[0],
            _read_only("Field", "Changed Field", "picklist", length=255),
            _read_only("DataType", "Datatype", "picklist", length=40),
            _read_only("OldValue", "Old Value", "anyType"), _read_only("NewValue", "New Value", "anyType"),
        ),
    )  # fmt: skip


def _access(name: str, label: str) -> Field:
    return Field(name=name, label=label, type="picklist", length=40, values=("None", "Read", "Edit", "All"))


ACCOUNT_SHARE = SObject(
    name="AccountShare", label="Account Share", plural="Account Share", prefix="00r", replicateable=False,
    has_pages=False, belongs_to=("Share", "Account"),
    fields=(
        _record_id("Account Share"),
        _lookup("AccountId", "Account ID", "Account", "Shares", cascades=True),
        _lookup("UserOrGroupId", "User/Group ID", "User"),
        _access("AccountAccessLevel", "Account Access"), _access("OpportunityAccessLevel", "Opportunity Access"),
        _access("CaseAccessLevel", "Case Access"), _access("ContactAccessLevel", "Contact Access"),
        _picklist("RowCause", "Row Cause", 40, ("Owner", "Manual", "Rule")),
        AUDIT_FIELDS[2], AUDIT_FIELDS[3], *_deleted_fields("Account", merges=False),
    ),
)  # fmt: skip

USER_PREFERENCE = SObject(
    name="UserPreference", label="User Preference", plural="User Preferences", prefix="03u", replicateable=False,
    has_pages=False,
    fields=(
        _record_id("User Preference"), _lookup("UserId", "User ID", "User"),
        _picklist("Preference", "Preference", 40, ("57", "58")), _text("Value", "Value", 255),
    ),
)  # fmt: skip

OBJECTS = (
    ACCOUNT, CONTACT, OPPORTUNITY, USER, _history("Account"), _history("Contact"), ACCOUNT_SHARE, USER_PREFERENCE,
)  # fmt: skip
