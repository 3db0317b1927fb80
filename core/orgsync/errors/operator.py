"""Errors that whoever runs orgsync can solve: configuration, machine, sign-in, limits."""

from collections.abc import Iterable
from typing import Self

from ..printable import first_names
from ..suggest import nearest
from .base import OrgsyncError

__all__ = [
    "AlreadyRunning",
    "ApiVersionUnsupported",
    "ArgumentInvalid",
    "BulkQuotaSpent",
    "CassetteInvalid",
    "ConfigurationProblem",
    "CredentialsInvalid",
    "FileUnusable",
    "HostNotAllowed",
    "KeyUnusable",
    "LimitReached",
    "MappingInvalid",
    "MetadataInvalid",
    "NameTaken",
    "NameUnknown",
    "NoConnection",
    "NoWorker",
    "NotDelivered",
    "NothingScheduled",
    "OperatorProblem",
    "OrgMismatch",
    "PackageMissing",
    "PortUnavailable",
    "PostgresNeeded",
    "ProjectNotFound",
    "ProxyRefused",
    "Refused",
    "SessionInvalid",
    "SettingInvalid",
    "SignInNeeded",
    "StoreMoved",
    "StoreReplaced",
    "StoreUnavailable",
    "UsageInvalid",
]


class OperatorProblem(OrgsyncError, code="operator_problem"):
    """Whoever runs orgsync must act."""


class ConfigurationProblem(OperatorProblem, code="configuration_problem", exit_code=2):
    """A setting, an argument or the machine is not as orgsync needs it."""


class SettingInvalid(ConfigurationProblem, code="setting_invalid"):
    """A setting in orgsync.toml or an environment variable has a wrong value or an unknown name."""


class ProjectNotFound(ConfigurationProblem, code="project_not_found"):
    """The current folder is not part of a project, or ORGSYNC_PROJECT does not name a folder."""


class ArgumentInvalid(ConfigurationProblem, code="argument_invalid"):
    """An argument of a function or an option of the command has a value that cannot be used."""


class MetadataInvalid(ConfigurationProblem, code="metadata_invalid"):
    """A connection's metadata does not fit the model that a sync declares for it."""


class UsageInvalid(ConfigurationProblem, code="usage_invalid"):
    """The command was called with an unknown option, or without one that it needs."""


class MappingInvalid(ConfigurationProblem, code="mapping_invalid"):
    """A connection's field mapping names a column that no script has, or a field that does not fit it."""


_LISTED_BY = {
    "action": "orgsync actions",
    "connection": "orgsync connections",
    "connection with the tag": "orgsync connections",
    "copy of a sync": "orgsync status",
    "sync": "orgsync syncs",
    "token": "orgsync tokens list",
    "webhook": "orgsync webhooks list",
}
_MOST_NAMES = 30  # in a message


class NameUnknown(ConfigurationProblem, code="name_unknown"):
    """No connection, sync, table, run, object or field has this name."""

    @classmethod
    def among(
        cls,
        kind: str,
        name: str,
        known: Iterable[str],
        *,
        none_yet: str,
        database: str | None = None,
        hint: str = "",
        where: str = "",
        listed_by: str | None = None,
    ) -> "NameUnknown":
        """Build it from the names that exist; `none_yet` is the remedy when there are none, `hint` precedes either.

        `database` is where they were looked up: an application started in another folder finds another project. `where`
        is a sentence that says so of what is in no database. `listed_by` is a call that lists what exists, "" for none;
        without it, it is the command for that.
        """
        names = sorted({*known})
        near = nearest(name, names)
        guess = f"; did you mean {near!r}?" if near else "."
        remedy = f"What exists: {first_names(names, _MOST_NAMES)}." if names else none_yet
        if listed_by and names:
            remedy += f" List them: {listed_by}."
        command = _LISTED_BY.get(kind) if names and listed_by is None else None
        elsewhere = "for another project, set ORGSYNC_PROJECT to its folder."
        here = [
            f"List them: {command}." if command else "",
            f"The database is {database}; {elsewhere}" if database else where,
        ]
        place = " ".join(filter(None, here))
        error = cls(f"There is no {kind} {name!r}{guess}", " ".join(filter(None, [hint, remedy, place])))
        error.place = place
        return error


class NameTaken(ConfigurationProblem, code="name_taken"):
    """A connection, a sync, a table or a file of this name exists already."""


class NoConnection(ConfigurationProblem, code="no_connection"):
    """The project has no connection yet."""

    def __init__(self, place: str = "") -> None:
        remedy = "Create one: orgsync connect NAME. To look around first: orgsync demo."
        super().__init__("There is no connection yet.", f"{remedy} {place}".strip())


class NothingScheduled(ConfigurationProblem, code="nothing_scheduled"):
    """No sync is ever due, because none has an interval or times (`every=`)."""


class CredentialsInvalid(ConfigurationProblem, code="credentials_invalid"):
    """Something to sign in with is missing or malformed."""


class KeyUnusable(ConfigurationProblem, code="key_unusable"):
    """The key that encrypts credentials is missing, malformed or not the one that they were encrypted with."""


class HostNotAllowed(ConfigurationProblem, code="host_not_allowed"):
    """A host is not Salesforce's and is not allowed by name, or its URL is not safe; it gets no token."""


class OrgMismatch(ConfigurationProblem, code="org_mismatch"):
    """A sign-in leads to another org than the connection's."""


class ApiVersionUnsupported(ConfigurationProblem, code="api_version_unsupported"):
    """The org does not offer the API version of the connection."""


class ProxyRefused(ConfigurationProblem, code="proxy_refused"):
    """A proxy demands a password, or does not allow connections to the host."""


class PortUnavailable(ConfigurationProblem, code="port_unavailable"):
    """orgsync cannot listen on a port of this machine."""


class FileUnusable(ConfigurationProblem, code="file_unusable"):
    """A file or folder does not exist, or cannot be read or written."""


class PostgresNeeded(ConfigurationProblem, code="postgres_needed"):
    """Workers were asked for where the database is a file of one host."""

    def __init__(self) -> None:
        super().__init__(
            "Workers need PostgreSQL: several machines cannot share an SQLite file.",
            "Set ORGSYNC_DATABASE_URL=postgresql://...; on one machine, orgsync up needs no worker.",
        )


class NoWorker(OperatorProblem, code="no_worker"):
    """A run was asked of workers, and none is alive."""

    def __init__(self) -> None:
        super().__init__(
            "No worker is alive that could run it.", "Start one: orgsync worker; or run it here, without --on-workers."
        )


class NotDelivered(OperatorProblem, code="not_delivered"):
    """The receiver of a webhook was not reached, or has not accepted a test message."""


class PackageMissing(ConfigurationProblem, code="package_missing"):
    """An optional package is not installed."""

    def __init__(self, cause: str, *, extra: str, otherwise: str = "") -> None:
        super().__init__(cause, f"Install it: pip install 'orgsync[{extra}]'{otherwise}.")


class CassetteInvalid(OperatorProblem, code="cassette_invalid", exit_code=2):
    """A cassette is missing, damaged or incomplete."""


class AlreadyRunning(OperatorProblem, code="already_running"):
    """Another process runs this sync on this connection."""


class StoreUnavailable(OperatorProblem, code="store_unavailable", exit_code=2):
    """The database is locked, read-only, full, damaged or of a newer version."""


class StoreReplaced(StoreUnavailable, code="store_replaced"):
    """The database file was deleted or replaced while it was open: nothing that is written would be kept."""


class StoreMoved(StoreReplaced, code="store_moved"):
    """The database was moved to another one, or is being moved: nothing may be written to it."""


class Refused(OperatorProblem, code="refused", exit_code=2):
    """A hook of the project's (`@on_connect`) refuses to connect the org: raise it there, with the reason.

    `Refused("Your org lacks our package.", "Install it, and connect again.")`: a sentence of cause, and one of remedy.
    """


class SignInNeeded(OperatorProblem, code="sign_in_needed", exit_code=3):
    """The connection must be authorized again."""

    reason: str = ""
    """Why, in a word, where it is known: `denied`, `app_not_installed`, `ip_restricted`."""
    part: str = ""
    """What Salesforce does not accept, where it is one part of the credentials: `client_secret`, `refresh_token`."""
    missing: str = ""
    """The part of the credentials that Salesforce asks for and was not sent."""

    @classmethod
    def again(cls, connection: str, reason: str) -> Self:
        """Build it for a connection that was refused before, for this reason."""
        cause = f"The connection {connection} needs to be signed in again: {reason}"
        return cls(cause, f"Run: orgsync connect {connection}")


class SessionInvalid(OperatorProblem, code="session_invalid", exit_code=3):
    """The access token has expired, or its host is no longer the org's: sign in again and repeat the request."""


class LimitReached(OperatorProblem, code="limit_reached", exit_code=4):
    """The org's API limit, or the share of it that orgsync may use, is used up."""


class BulkQuotaSpent(LimitReached, code="bulk_quota_spent"):
    """The org's Bulk API query jobs, or the results they may store, are used up for 24 hours; REST may work."""
