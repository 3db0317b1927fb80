"""Users with their roles and profiles, and the log of what they changed in the org's setup."""

from dataclasses import replace

from .fields import Field, SObject
from .standard_fields import (
    AUDIT_FIELDS,
    choice,
    lookup,
    name_field,
    person,
    read_only,
    record_id,
    text,
)

USER_TYPES = ("Standard", "PowerPartner", "CustomerSuccess", "PowerCustomerSuccess", "CsnOnly", "Guest")

USER = SObject(
    name="User", label="User", plural="Users", prefix="005", deletable=False,
    fields=(
        record_id("User"),
        Field(
            name="Username", label="Username", type="string", length=80, nillable=False, permissionable=False,
            id_lookup=True, unique=True,
        ),
        *person(121),
        Field(
            name="Email", label="Email", type="email", length=128, nillable=False, permissionable=False, id_lookup=True,
        ),
        Field(name="Alias", label="Alias", type="string", length=8, nillable=False, permissionable=False),
        Field(
            name="IsActive", label="Active", type="boolean", nillable=False, permissionable=False, defaulted=True,
        ),
        text("Title", "Title", 80),
        text("Department", "Department", 80),
        *AUDIT_FIELDS,
        lookup("UserRoleId", "Role ID", "UserRole"),
        # Real orgs require a profile; here the one that there is stands in where none is given.
        replace(lookup("ProfileId", "Profile ID", "Profile"), permissionable=False),
        replace(choice("UserType", "User Type", USER_TYPES, "Standard"), createable=False, updateable=False),
        choice("TimeZoneSidKey", "Time Zone", ("GMT", "Europe/Berlin", "America/New_York"), "GMT"),
        read_only("LastLoginDate", "Last Login", "datetime"), lookup("ManagerId", "Manager ID", "User"),
    ),
)  # fmt: skip

USER_ROLE = SObject(
    name="UserRole", label="Role", plural="Role", prefix="00E", has_pages=False, has_search=True,
    has_recent=True,
    fields=(
        record_id("Role"), name_field("Name", 80), lookup("ParentRoleId", "Parent Role ID", "UserRole"),
        text("RollupDescription", "Description", 80), *AUDIT_FIELDS[2:], text("DeveloperName", "Developer Name", 80),
    ),
)  # fmt: skip

PROFILE = SObject(
    name="Profile", label="Profile", plural="Profiles", prefix="00e", has_pages=False, has_search=True,
    has_recent=True, createable=False,
    fields=(
        record_id("Profile"), name_field("Name", 255), *AUDIT_FIELDS,
        text("Description", "Description", 255), read_only("UserType", "User Type", "picklist", length=40),
    ),
)  # fmt: skip

SETUP_AUDIT_TRAIL = SObject(
    name="SetupAuditTrail", label="Setup Audit Trail Entry", plural="Setup Audit Trail Entries", prefix="0Ym",
    createable=False, updateable=False, deletable=False, replicateable=False, has_pages=False, has_search=True,
    fields=(
        record_id("Setup Audit Trail Entry"), read_only("Action", "Action", "string", length=255),
        read_only("Section", "Section", "string", length=255), AUDIT_FIELDS[0],
        replace(AUDIT_FIELDS[1], nillable=True), read_only("Display", "Display", "string", length=1000),
        read_only("DelegateUser", "Delegate User", "string", length=255),
        read_only("ResponsibleNamespacePrefix", "Source Namespace Prefix", "string", length=15),
    ),
)  # fmt: skip
