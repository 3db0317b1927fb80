"""Every error that orgsync raises, sorted by who must act.

    OrgsyncError
    ├── ScriptProblem            the author: change the script
    │   ├── BatchInvalid, RecordClassInvalid, ScriptNotLoaded, ScriptRaised, SnapshotRefused, NotRecorded
    │   └── QueryRefused             and what it may be: NotFound, FilterRequired, BulkRefused, ...
    ├── OrgProblem               the org's administrator: change a permission or a setting
    │   ├── FieldNotFound (ExternalIdNotFound), ObjectNotFound (ObjectNotQueryable, ChangesNotReadable)
    │   └── AccessRefused (SessionBlocked)
    ├── OperatorProblem          whoever runs orgsync: change the configuration or the machine
    │   ├── ConfigurationProblem     settings, arguments, names, credentials, keys, hosts, files, packages
    │   └── AlreadyRunning, CassetteInvalid, LimitReached, SessionInvalid, SignInNeeded, StoreUnavailable
    ├── TransientProblem         nobody: it passes, and is retried
    │   └── NetworkProblem, ServerProblem, ResponseUnreadable, ContentBroken, TokenLocked, RunInterrupted, ProcessDied
    └── InternalError            orgsync's developers: report it

Classes with subclasses for every purpose (the four problems, and ConfigurationProblem) are caught and never raised.
`code` names a class for programs and does not change; docs/errors.md lists all codes with their remedies.

An error's text is two sentences: the cause, and what to do. Neither holds a secret or a customer's data, and text
quoted from elsewhere holds no control character and is at most 2,000 characters long.
"""

from .base import (
    InternalError,
    OrgsyncError,
)
from .operator import (
    AlreadyRunning,
    ApiVersionUnsupported,
    ArgumentInvalid,
    BulkQuotaSpent,
    CassetteInvalid,
    ConfigurationProblem,
    CredentialsInvalid,
    FileUnusable,
    HostNotAllowed,
    KeyUnusable,
    LimitReached,
    MappingInvalid,
    NameTaken,
    NameUnknown,
    NoConnection,
    NothingScheduled,
    OperatorProblem,
    OrgMismatch,
    PackageMissing,
    PortUnavailable,
    ProjectNotFound,
    ProxyRefused,
    SessionInvalid,
    SettingInvalid,
    SignInNeeded,
    StoreReplaced,
    StoreUnavailable,
    UsageInvalid,
)
from .org import (
    AccessRefused,
    ChangesNotReadable,
    ExternalIdNotFound,
    FieldNotFound,
    ObjectNotFound,
    ObjectNotQueryable,
    OrgProblem,
    SessionBlocked,
)
from .script import (
    BatchInvalid,
    BulkRefused,
    DeleteLogPurged,
    FilterRequired,
    NotFound,
    NotRecorded,
    NotReplicateable,
    NotServed,
    QueryRefused,
    RecordClassInvalid,
    ScriptNotLoaded,
    ScriptProblem,
    ScriptRaised,
    SnapshotRefused,
    TooManyDeletions,
    WindowRefused,
)
from .transient import (
    ContentBroken,
    InstanceMoved,
    JobFailed,
    JobIncomplete,
    LocatorBusy,
    LocatorExpired,
    NetworkProblem,
    NoRoute,
    NotCarriedOut,
    ProcessDied,
    QueryIncomplete,
    QueryTimedOut,
    ResponseTooLarge,
    ResponseUnreadable,
    RunInterrupted,
    ServerProblem,
    TokenLocked,
    TransientProblem,
)

__all__ = [
    "AccessRefused",
    "AlreadyRunning",
    "ApiVersionUnsupported",
    "ArgumentInvalid",
    "BatchInvalid",
    "BulkQuotaSpent",
    "BulkRefused",
    "CassetteInvalid",
    "ChangesNotReadable",
    "ConfigurationProblem",
    "ContentBroken",
    "CredentialsInvalid",
    "DeleteLogPurged",
    "ExternalIdNotFound",
    "FieldNotFound",
    "FileUnusable",
    "FilterRequired",
    "HostNotAllowed",
    "InstanceMoved",
    "InternalError",
    "JobFailed",
    "JobIncomplete",
    "KeyUnusable",
    "LimitReached",
    "LocatorBusy",
    "LocatorExpired",
    "MappingInvalid",
    "NameTaken",
    "NameUnknown",
    "NetworkProblem",
    "NoConnection",
    "NoRoute",
    "NotCarriedOut",
    "NotFound",
    "NotRecorded",
    "NotReplicateable",
    "NotServed",
    "NothingScheduled",
    "ObjectNotFound",
    "ObjectNotQueryable",
    "OperatorProblem",
    "OrgMismatch",
    "OrgProblem",
    "OrgsyncError",
    "PackageMissing",
    "PortUnavailable",
    "ProcessDied",
    "ProjectNotFound",
    "ProxyRefused",
    "QueryIncomplete",
    "QueryRefused",
    "QueryTimedOut",
    "RecordClassInvalid",
    "ResponseTooLarge",
    "ResponseUnreadable",
    "RunInterrupted",
    "ScriptNotLoaded",
    "ScriptProblem",
    "ScriptRaised",
    "ServerProblem",
    "SessionBlocked",
    "SessionInvalid",
    "SettingInvalid",
    "SignInNeeded",
    "SnapshotRefused",
    "StoreReplaced",
    "StoreUnavailable",
    "TokenLocked",
    "TooManyDeletions",
    "TransientProblem",
    "UsageInvalid",
    "WindowRefused",
]
