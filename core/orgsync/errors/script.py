"""Errors that the author of a script can solve."""

from typing import Self

from .base import OrgsyncError

__all__ = [
    "BatchInvalid",
    "BulkRefused",
    "DeleteLogPurged",
    "FilterRequired",
    "NotFound",
    "NotRecorded",
    "NotReplicateable",
    "NotServed",
    "PartlyDone",
    "QueryRefused",
    "RecordClassInvalid",
    "ResultInvalid",
    "ScriptNotLoaded",
    "ScriptProblem",
    "ScriptRaised",
    "SnapshotRefused",
    "TooManyDeletions",
    "WindowRefused",
]


class ScriptProblem(OrgsyncError, code="script_problem"):
    """The author of a script must act.

    `detail` is for the author alone, at a terminal: the line of the script and the text of its exception, which may
    hold a customer's data. It is not part of the error's text.
    """

    detail: str = ""


class ScriptNotLoaded(ScriptProblem, code="script_not_loaded", exit_code=2):
    """A script does not import, or its function is not a sync or an action."""


class ScriptRaised(ScriptProblem, code="script_raised"):
    """A script raised an exception of its own."""


class ResultInvalid(ScriptProblem, code="result_invalid"):
    """An action returned something else than its signature says."""


class PartlyDone(ScriptProblem, code="partly_done"):
    """An action has not carried out all that it was given; its result says what."""


class RecordClassInvalid(ScriptProblem, code="record_class_invalid", exit_code=2):
    """A record class cannot be a table, or two record classes claim one table."""


class BatchInvalid(ScriptProblem, code="batch_invalid"):
    """A row, batch, deletion or checkpoint of a script cannot be stored, or would lose rows or positions."""


class SnapshotRefused(ScriptProblem, code="snapshot_refused"):
    """A snapshot would mark more than half of the copy's rows deleted."""


class NotRecorded(ScriptProblem, code="not_recorded"):
    """A replayed script sends a request that its cassette does not hold, or leaves out one that it holds."""


class QueryRefused(ScriptProblem, code="query_refused"):
    """A query or request is refused as it is written."""

    @classmethod
    def by_salesforce(cls, request: str, shown: str, remedy: str) -> Self:
        """Build it from a request and from what may be shown of Salesforce's answer."""
        return cls(f"Salesforce refuses {request} ({shown}).", remedy)


class NotFound(QueryRefused, code="not_found"):
    """A row or resource of the org does not exist, or is not visible to the connection's user."""


class NotServed(QueryRefused, code="not_served"):
    """The demo org does not support what Salesforce does here."""


class NotReplicateable(QueryRefused, code="not_replicateable"):
    """Salesforce's getUpdated and getDeleted do not cover the object."""


class FilterRequired(QueryRefused, code="filter_required"):
    """The object can only be queried with a certain filter, such as one parent's Id."""


class BulkRefused(QueryRefused, code="bulk_refused"):
    """Bulk API 2.0 does not accept the query, the object or the user; the REST API may."""


class DeleteLogPurged(QueryRefused, code="delete_log_purged"):
    """Salesforce's log of deletions does not reach back far enough (15 days, or less where it was purged)."""


class WindowRefused(QueryRefused, code="window_refused"):
    """Salesforce takes a window for one that lies in the future or more than 30 days back: a clock is wrong."""


class TooManyDeletions(QueryRefused, code="too_many_deletions"):
    """A time window holds more deletions than one response of getDeleted may (600,000)."""
