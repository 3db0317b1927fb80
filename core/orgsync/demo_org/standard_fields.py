"""Fields that several standard objects have, with the types, sizes and flags that real describes give."""

from dataclasses import replace

from .fields import Derive, Derived, Field, Row, Scope
from .formulas import person_name

SALUTATIONS = ("Mr.", "Ms.", "Mrs.", "Dr.", "Prof.")
SOURCES = ("Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Other")
INDUSTRIES = (
    "Banking", "Biotechnology", "Construction", "Education", "Energy", "Food & Beverage", "Healthcare",
    "Manufacturing", "Not For Profit", "Retail", "Technology", "Other",
)  # fmt: skip
RATINGS = ("Hot", "Warm", "Cold")
ACCURACIES = ("Address", "NearAddress", "Block", "Street", "Zip", "City", "State", "Unknown")
ADDRESS_PARTS = ("City", "Country", "GeocodeAccuracy", "Latitude", "Longitude", "PostalCode", "State", "Street")


def record_id(label: str) -> Field:
    """Return the field Id."""
    return Field(
        name="Id", label=f"{label} ID", type="id", length=18, nillable=False, createable=False, updateable=False,
        permissionable=False, defaulted=True, id_lookup=True,
    )  # fmt: skip


def deleted_fields(sobject: str, *, merges: bool) -> tuple[Field, ...]:
    """Return IsDeleted, and MasterRecordId where records of the object can be merged."""
    deleted = Field(
        name="IsDeleted", label="Deleted", type="boolean", nillable=False, createable=False, updateable=False,
        permissionable=False, defaulted=True,
    )  # fmt: skip
    master = Field(
        name="MasterRecordId", label="Master Record ID", type="reference", length=18, createable=False,
        updateable=False, permissionable=False, refers_to=sobject, relationship="MasterRecord",
    )  # fmt: skip
    return (deleted, master) if merges else (deleted,)


def user(name: str, label: str, relationship: str) -> Field:
    """Return a stamp field that names a user."""
    return Field(
        name=name, label=label, type="reference", length=18, nillable=False, createable=False, updateable=False,
        permissionable=False, defaulted=True, refers_to="User", relationship=relationship,
    )  # fmt: skip


def stamp(name: str, label: str) -> Field:
    """Return a stamp field that holds an instant."""
    return Field(
        name=name, label=label, type="datetime", nillable=False, createable=False, updateable=False,
        permissionable=False, defaulted=True,
    )  # fmt: skip


AUDIT_FIELDS = (
    stamp("CreatedDate", "Created Date"),
    user("CreatedById", "Created By ID", "CreatedBy"),
    stamp("LastModifiedDate", "Last Modified Date"),
    user("LastModifiedById", "Last Modified By ID", "LastModifiedBy"),
    stamp("SystemModstamp", "System Modstamp"),
)

OWNER = Field(
    name="OwnerId", label="Owner ID", type="reference", length=18, nillable=False, permissionable=False,
    defaulted=True, refers_to="User", relationship="Owner",
)  # fmt: skip


def subject() -> Field:
    """Return what an activity is about, which stands for its name."""
    return Field(name="Subject", label="Subject", type="combobox", length=255, name_field=True)


def text(name: str, label: str, length: int, kind: str = "string", *, compound: str | None = None) -> Field:
    """Return a text field."""
    return Field(name=name, label=label, type=kind, length=length, compound=compound)


def picklist(name: str, label: str, length: int, values: tuple[str, ...]) -> Field:
    """Return a picklist with its values."""
    return Field(name=name, label=label, type="picklist", length=length, values=values)


def description(label: str) -> Field:
    """Return the long text Description."""
    return Field(name="Description", label=label, type="textarea", length=32000, extra_type="plaintextarea")


def address(prefix: str) -> tuple[Field, ...]:
    """Return the parts of an address and the compound of them; without a prefix they are Street, City and so on."""
    compound = f"{prefix}Address"

    def whole(row: Row, scope: Scope) -> Derived:
        parts = {part[0].lower() + part[1:]: row.get(prefix + part) for part in ADDRESS_PARTS}
        return parts if any(value is not None for value in parts.values()) else None

    def label(part: str) -> str:
        return f"{prefix} {part}".strip()

    def degrees(part: str) -> Field:
        name = f"{prefix}{part}"
        return Field(name=name, label=label(part), type="double", precision=18, scale=15, compound=compound)

    return (
        Field(
            name=f"{prefix}Street", label=label("Street"), type="textarea", length=255, compound=compound,
            extra_type="plaintextarea",
        ),
        text(f"{prefix}City", label("City"), 40, compound=compound),
        text(f"{prefix}State", label("State/Province"), 80, compound=compound),
        text(f"{prefix}PostalCode", label("Zip/Postal Code"), 20, compound=compound),
        text(f"{prefix}Country", label("Country"), 80, compound=compound),
        degrees("Latitude"),
        degrees("Longitude"),
        Field(
            name=f"{prefix}GeocodeAccuracy", label=label("Geocode Accuracy"), type="picklist", length=40,
            values=ACCURACIES, restricted=True, compound=compound,
        ),
        Field(
            name=compound, label=label("Address"), type="address", createable=False, updateable=False,
            derive=whole,
        ),
    )  # fmt: skip


def lookup(name: str, label: str, parent: str, children: str | None = None, *, cascades: bool = False) -> Field:
    """Return a reference to a parent; `children` is what the parent calls the rows that refer to it."""
    return Field(
        name=name, label=label, type="reference", length=18, refers_to=parent, relationship=name.removesuffix("Id"),
        child_relationship=children, cascades=cascades,
    )  # fmt: skip


def person(length: int) -> tuple[Field, ...]:
    """Return last name, first name and the full name that is made of them."""
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


def name_field(label: str, length: int, *, extra_type: str | None = None) -> Field:
    """Return the field Name."""
    return Field(
        name="Name", label=label, type="string", length=length, nillable=False, permissionable=False,
        name_field=True, id_lookup=extra_type is None, extra_type=extra_type,
        compound="Name" if extra_type else None,
    )  # fmt: skip


def read_only(name: str, label: str, kind: str, *, length: int = 0) -> Field:
    """Return a field that only the org writes."""
    return Field(
        name=name, label=label, type=kind, length=length, createable=False, updateable=False, permissionable=False
    )


def checkbox(name: str, label: str, *, writable: bool = True, derive: Derive | None = None) -> Field:
    """Return a checkbox, which is never null."""
    return Field(
        name=name, label=label, type="boolean", nillable=False, defaulted=True, createable=writable,
        updateable=writable, permissionable=writable, derive=derive,
    )  # fmt: skip


def choice(name: str, label: str, values: tuple[str, ...], default: str) -> Field:
    """Return a picklist that always has a value."""
    return Field(
        name=name, label=label, type="picklist", length=255, values=values, nillable=False, defaulted=True,
        default=default,
    )  # fmt: skip


def plain(name: str, label: str, kind: str, *, scale: int = 0) -> Field:
    """Return a field without a length: a date, an instant or a number."""
    return Field(name=name, label=label, type=kind, precision=18 if kind in {"currency", "double"} else 0, scale=scale)


def link(name: str, label: str, kinds: tuple[str, ...], children: str, *, required: bool = False) -> Field:
    """Return a reference that may point to records of several objects, and goes with the record it points to."""
    return Field(
        name=name, label=label, type="reference", length=18, refers_to="Name", kinds=kinds, nillable=not required,
        relationship=name.removesuffix("Id"), child_relationship=children, cascades=True,
    )  # fmt: skip


OWNER_OR_QUEUE = replace(OWNER, refers_to="Name", kinds=("Group", "User"))
