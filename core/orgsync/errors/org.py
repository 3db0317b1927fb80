"""Errors that the org's administrator can solve."""

from collections.abc import Sequence
from typing import Literal

from .base import OrgsyncError

__all__ = [
    "AccessRefused",
    "ChangesNotReadable",
    "ExternalIdNotFound",
    "FieldNotFound",
    "ObjectNotFound",
    "ObjectNotQueryable",
    "OrgProblem",
    "SessionBlocked",
]


class OrgProblem(OrgsyncError, code="org_problem"):
    """The org's administrator must act."""


class FieldNotFound(OrgProblem, code="field_not_found"):
    """A field does not exist, or is not visible to the connection's user.

    `needed_by` is the attribute of a record class that reads it, by its class or as its connection has `mapped` it;
    `reported_as` Salesforce's own code, `near` the field
    that was probably meant, `right` what a permission set has to give.
    """

    def __init__(
        self,
        sobject: str,
        field: str,
        *,
        needed_by: str = "",
        reported_as: str = "",
        near: str | None = None,
        right: Literal["Read", "Edit"] = "Read",
        mapped: bool = False,
    ) -> None:
        self.sobject, self.field = sobject, field
        needed_by = f"{needed_by}, which the connection maps to it," if mapped else needed_by
        reason = f"; {needed_by} needs it" if needed_by else f" ({reported_as})" if reported_as else ""
        instead = "; or declare it with field(optional=True)" if needed_by else ""
        instead = "; or map another field: orgsync connections map" if mapped else instead
        super().__init__(
            f"{sobject} has no field {field}, or the connection's user may not see it{reason}.{_meant(near)}",
            f"Check the spelling, and that a permission set of the user gives {right} on {sobject}.{field}{instead}.",
        )


class ExternalIdNotFound(FieldNotFound, code="external_id_not_found"):
    """A field by which rows are to be found is absent, or `exists` and finds none; `known` are those that do."""

    def __init__(
        self, sobject: str, field: str, *, exists: bool, known: Sequence[str], near: str | None = None
    ) -> None:
        self.sobject, self.field = sobject, field
        neither = f"{sobject}.{field} is neither an external id nor a standard field that finds rows (idLookup)"
        OrgProblem.__init__(
            self,
            f"{neither if exists else f'{sobject} has no field {field}'}, so no row can be found by it.{_meant(near)}",
            f"Name a field of {sobject} that finds rows: {', '.join(known)}."
            if known
            else f"{sobject} has no such field: mark a custom field as an external id in Setup, or use update, by Id.",
        )


class ObjectNotFound(OrgProblem, code="object_not_found"):
    """An object does not exist in the org, or is not visible to the connection's user.

    `sobject` is None where Salesforce does not name it, `reported_as` Salesforce's own code, `near` the object that was
    probably meant.
    """

    def __init__(self, sobject: str | None, *, reported_as: str = "", near: str | None = None) -> None:
        self.sobject = sobject
        what = f"no object {sobject}" if sobject else "no such object"
        reason = f" ({reported_as})" if reported_as else ""
        super().__init__(
            f"The org has {what}, or the connection's user may not see it{reason}.{_meant(near)}",
            "Check the spelling (custom objects end in __c), and that a permission set of the user gives Read on it.",
        )


class ObjectNotQueryable(ObjectNotFound, code="object_not_queryable"):
    """Salesforce returns no rows of the object to queries."""

    def __init__(self, sobject: str) -> None:
        self.sobject = sobject
        OrgProblem.__init__(self, f"{sobject} cannot be queried.", "Salesforce returns no rows of this object.")


class ChangesNotReadable(ObjectNotFound, code="changes_not_readable"):
    """The object has no field that its changes can be read by; `instead` is how it can be read."""

    def __init__(self, sobject: str, *, instead: str) -> None:
        self.sobject = sobject
        OrgProblem.__init__(self, f"{sobject} has no field that its changes can be read by.", instead)


class AccessRefused(OrgProblem, code="access_refused"):
    """API access is disabled in the org, or the user lacks a permission."""


class SessionBlocked(AccessRefused, code="session_blocked"):
    """The session is valid, but a policy of the org or the token's scope keeps it out of the API."""


def _meant(near: str | None) -> str:
    return f" Did you mean {near}?" if near else ""
