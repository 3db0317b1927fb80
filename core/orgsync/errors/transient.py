"""Errors that pass by themselves: the network, and servers that are busy or down."""

from .base import OrgsyncError

__all__ = [
    "ActionInterrupted",
    "ContentBroken",
    "InstanceMoved",
    "JobFailed",
    "JobIncomplete",
    "LocatorBusy",
    "LocatorExpired",
    "NetworkProblem",
    "NoRoute",
    "NotCarriedOut",
    "ProcessDied",
    "QueryIncomplete",
    "QueryTimedOut",
    "ResponseTooLarge",
    "ResponseUnreadable",
    "RunInterrupted",
    "ServerProblem",
    "TokenLocked",
    "TransientProblem",
]


_LOOK_FIRST = "Look in the org before it is repeated."


class TransientProblem(OrgsyncError, code="transient_problem"):
    """It passes by itself; such requests are retried, after `retry_after` seconds where the server says so.

    `retried` says that it has been retried often enough, so that callers need not.
    """

    retry_after: float | None = None
    retried: bool = False


class NetworkProblem(TransientProblem, code="network_problem"):
    """No connection, a reset, or a timeout; `sent` says whether the request may have reached the server.

    `needs_action` says that it passes only when somebody acts: a program of its own waits for that, a person does not.
    """

    def __init__(self, cause: str, remedy: str = "", *, sent: bool = True, needs_action: bool = False) -> None:
        super().__init__(cause, remedy)
        self.sent = sent
        self.needs_action = needs_action

    def name_connection(self, name: str) -> None:
        """Add the command that gives the connection another login URL, where the host or the port may be wrong."""
        command = f"orgsync connect {name} --login-url URL"
        if self.needs_action and command not in self.remedy:
            self.place = f"To give another login URL: {command}."
            self.replace_remedy(f"{self.remedy} {self.place}")


class ResponseUnreadable(TransientProblem, code="response_unreadable"):
    """A response is not what its request should get: HTML, or JSON cut short."""


class ResponseTooLarge(ResponseUnreadable, code="response_too_large"):
    """A response that must fit into memory is larger than allowed; another try would cost as much again."""


class ContentBroken(TransientProblem, code="content_broken"):
    """A file's content is not the one that its record describes, or changed while it was downloaded."""


class TokenLocked(TransientProblem, code="token_locked"):
    """Another process has been renewing the connection's token for too long."""


class RunInterrupted(TransientProblem, code="run_interrupted"):
    """A run was cancelled, by a person or by the end of its process."""

    def __init__(self) -> None:
        super().__init__("The run was interrupted; the next one resumes where it stopped.")


class ActionInterrupted(TransientProblem, code="action_interrupted"):
    """An action was cancelled, by a person or by the end of its process."""

    def __init__(self) -> None:
        super().__init__(
            "The action was interrupted; what it had sent may have been carried out.",
            _LOOK_FIRST,
        )


class ProcessDied(TransientProblem, code="process_died"):
    """A process ended without ending its run, or could not write to the database that it had.

    The remedy is that of a run of a sync whose copy is as it was left.
    """

    def __init__(self, remedy: str = "What it had committed is kept, and the next run resumes there.") -> None:
        super().__init__(
            "The run's end was not noted: its process ended before, or could not write to the database.", remedy
        )

    @classmethod
    def in_action(cls) -> "ProcessDied":
        """Return it for a run of an action, which no other resumes."""
        return cls(f"What it had sent may have been carried out. {_LOOK_FIRST}")


class ServerProblem(TransientProblem, code="server_problem"):
    """Salesforce is busy, down or under maintenance."""


class NotCarriedOut(ServerProblem, code="not_carried_out"):
    """Salesforce says that it did nothing, for now: even a write may be sent again."""


class InstanceMoved(NotCarriedOut, code="instance_moved"):
    """The host redirects to another of Salesforce's: a new token says where the org is now."""


class NoRoute(ServerProblem, code="no_route"):
    """Salesforce's edge does not know the host: an org that is moving, or a sandbox or scratch org that is deleted."""


class QueryTimedOut(ServerProblem, code="query_timed_out"):
    """The query runs longer than Salesforce allows (2 minutes to find its rows); the same query would again."""


class QueryIncomplete(ServerProblem, code="query_incomplete"):
    """A query ended with fewer rows than Salesforce says it found."""


class LocatorExpired(ServerProblem, code="locator_expired"):
    """The remaining pages of a query have expired; a query from the last row on reads them."""


class LocatorBusy(LocatorExpired, code="locator_busy"):
    """The remaining pages of a query are not available at the moment, and may have expired."""


class JobFailed(ServerProblem, code="job_failed"):
    """A Bulk job has no result: it failed, was aborted, stalled or does not exist any more."""

    def __init__(self, cause: str, remedy: str = "", *, job_id: str) -> None:
        super().__init__(cause, remedy)
        self.job_id = job_id


class JobIncomplete(ServerProblem, code="job_incomplete"):
    """The pages of a Bulk job hold more or fewer rows than the job says it found."""
