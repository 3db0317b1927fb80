"""Errors that the org's administrator can solve."""

from .base import OrgsyncError

__all__ = [
    "AccessRefused",
    "FieldNotFound",
    "ObjectNotFound",
    "OrgProblem",
    "SessionBlocked",
]


class OrgProblem(OrgsyncError, code="org_problem"):
    """The org's administrator must act."""


class FieldNotFound(OrgProblem, code="field_not_found"):
    """A field does not exist, or is not visible to the connection's user; `field` is its name."""

    def __init__(self, cause: str, remedy: str = "", *, field: str) -> None:
        super().__init__(cause, remedy)
        self.field = field


class ObjectNotFound(OrgProblem, code="object_not_found"):
    """An object does not exist in the org, or is not visible to the connection's user."""


class AccessRefused(OrgProblem, code="access_refused"):
    """API access is disabled in the org, or the user lacks a permission."""


class SessionBlocked(AccessRefused, code="session_blocked"):
    """The session is valid, but a policy of the org or the token's scope keeps it out of the API."""
