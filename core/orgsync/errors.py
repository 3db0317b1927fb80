"""Everything that orgsync tells a person went wrong, sorted by who must act.

    OrgsyncError
    ├── ScriptProblem            the author: change the script
    │   ├── ScriptNotLoaded        it does not import, or yields the wrong thing
    │   ├── RecordClassInvalid     a record class that cannot be a table, or two for one table
    │   ├── QueryRefused           Salesforce refuses the SOQL or the request
    │   └── NotRecorded            a replayed script asks for what its cassette does not hold
    ├── OrgProblem               the org's administrator: change a permission or a setting
    │   ├── FieldNotFound          a field is absent or invisible to the connection's user
    │   ├── ObjectNotFound         the same for an object
    │   └── AccessRefused          API access is off, or the user may not do this
    ├── OperatorProblem          whoever runs orgsync: change the configuration or the machine
    │   ├── ConfigurationInvalid   settings, options, names, hosts, keys
    │   ├── CassetteInvalid        a cassette that is absent, damaged or incomplete
    │   ├── AlreadyRunning         another process runs this sync on this connection
    │   ├── StoreUnavailable       the database is locked, read-only, full, damaged or of a newer version
    │   │   └── StoreReplaced          its file was deleted or replaced while it was open
    │   ├── SignInNeeded           the connection must be authorized again
    │   └── LimitReached           the API limit, or the share of it that orgsync may use, is spent
    └── TransientProblem         nobody: it passes, and is retried
        ├── NetworkProblem         no connection, a reset, a timeout
        ├── ServerProblem          Salesforce is busy, down or under maintenance
        └── AnswerUnreadable       a body that is not what its request should get (HTML, truncated JSON)

An error's text is two sentences: the cause, and what to do. Neither holds a secret or a customer's data, and whatever
text of others they quote, no control character and no more than 2,000 characters.
"""

from typing import ClassVar

from .printable import printable

__all__ = [
    "AccessRefused",
    "AlreadyRunning",
    "AnswerUnreadable",
    "CassetteInvalid",
    "ConfigurationInvalid",
    "FieldNotFound",
    "LimitReached",
    "NetworkProblem",
    "NotRecorded",
    "ObjectNotFound",
    "OperatorProblem",
    "OrgProblem",
    "OrgsyncError",
    "QueryRefused",
    "RecordClassInvalid",
    "ScriptNotLoaded",
    "ScriptProblem",
    "ServerProblem",
    "SignInNeeded",
    "StoreReplaced",
    "StoreUnavailable",
    "TransientProblem",
]


_LONGEST = 2000


class OrgsyncError(Exception):
    """Anything orgsync reports: one sentence of cause, one of remedy, and the command's exit code."""

    exit_code: ClassVar[int] = 1

    def __init__(self, cause: str, remedy: str = "") -> None:
        cause, remedy = _bounded(cause), _bounded(remedy)
        between = "\n" if "\n" in cause else " "
        super().__init__(f"{cause}{between}{remedy}".strip())
        self.cause = cause
        self.remedy = remedy


def _bounded(text: str) -> str:
    return printable(text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…")


class ScriptProblem(OrgsyncError):
    """The author of a script must act.

    `detail` is for the author's own eyes, at a terminal: the line of the script and the text of its exception, which
    may hold a customer's data. It is no part of the error's text.
    """

    detail: str = ""


class ScriptNotLoaded(ScriptProblem):
    """A script does not import, or its function does not do what a sync does."""

    exit_code = 2


class RecordClassInvalid(ScriptProblem):
    """A record class cannot be a table, or two record classes claim one table."""

    exit_code = 2


class QueryRefused(ScriptProblem):
    """Salesforce refuses a query or a request as it is written."""


class NotRecorded(ScriptProblem):
    """A replayed script asks for what its cassette does not hold, or does not ask for what it holds."""


class OrgProblem(OrgsyncError):
    """The org's administrator must act."""


class FieldNotFound(OrgProblem):
    """A field is absent from the object, or invisible to the connection's user; `field` is its name."""

    def __init__(self, cause: str, remedy: str = "", *, field: str) -> None:
        super().__init__(cause, remedy)
        self.field = field


class ObjectNotFound(OrgProblem):
    """An object is absent from the org, or invisible to the connection's user."""


class AccessRefused(OrgProblem):
    """The org has API access switched off, or the user may not do what was asked."""


class OperatorProblem(OrgsyncError):
    """Whoever runs orgsync must act."""


class ConfigurationInvalid(OperatorProblem):
    """A setting, an option, a name, a host or a key is wrong."""

    exit_code = 2


class CassetteInvalid(OperatorProblem):
    """A cassette is absent, damaged or incomplete."""

    exit_code = 2


class AlreadyRunning(OperatorProblem):
    """Another process runs this sync on this connection."""


class StoreUnavailable(OperatorProblem):
    """The database is locked, read-only, full, damaged or of a newer version."""

    exit_code = 2


class StoreReplaced(StoreUnavailable):
    """The database's file was deleted or replaced while it was open: nothing that is written would be kept."""


class SignInNeeded(OperatorProblem):
    """The connection must be authorized again."""

    exit_code = 3


class LimitReached(OperatorProblem):
    """The API limit, or the share of it that orgsync may use, is spent."""

    exit_code = 4


class TransientProblem(OrgsyncError):
    """It passes by itself; requests that meet it are retried, after `retry_after` seconds where the server says so.

    `retried` says that what met it was tried again often enough, so that whoever asked for that need not.
    """

    retry_after: float | None = None
    retried: bool = False


class NetworkProblem(TransientProblem):
    """No connection, a reset, or a timeout; `sent` tells whether the request may have reached the server."""

    def __init__(self, cause: str, remedy: str = "", *, sent: bool = True) -> None:
        super().__init__(cause, remedy)
        self.sent = sent


class ServerProblem(TransientProblem):
    """Salesforce is busy, down or under maintenance."""


class AnswerUnreadable(TransientProblem):
    """A body is not what its request should get: HTML, or JSON cut short."""
