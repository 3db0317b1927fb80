"""What happens in a run, as values: JSON carries each of them both ways."""

from collections.abc import Callable
from datetime import datetime
from typing import TypeAlias

import msgspec

from orgsync.extract import Route
from orgsync.store import RunStatus

from .job import Job

__all__ = ["Committed", "Ended", "Event", "Observer", "Planned", "Started", "Warned", "nobody"]


class _Event(msgspec.Struct, frozen=True, tag_field="event", tag=str.lower):
    """Something that happened in the run of this number."""

    run: int


class Started(_Event, frozen=True):
    """The run began, and is listed in the store; `job` says of what and where."""

    job: Job
    at: datetime


class Planned(_Event, frozen=True):
    """How the next rows are read, and how many there will be, each None if unknown.

    `route.api` is rest or bulk, and `route.why` the reason.
    """

    route: Route | None
    rows: int | None


class Committed(_Event, frozen=True):
    """A batch was committed with its position; the counts are those of the run so far.

    `rows` are those that the sync has yielded, also where they are not in the copy: a script left them out, or they
    were deleted before.
    """

    rows: int = 0
    added: int = 0
    updated: int = 0
    deleted: int = 0
    unchanged: int = 0
    api_calls: int = 0

    @property
    def changes(self) -> int:
        """Rows of the copy that the run has changed so far."""
        return self.added + self.updated + self.deleted


class Warned(_Event, frozen=True):
    """Something is not as it should be, and the run continues."""

    message: str


class Ended(_Event, frozen=True):
    """The run ended: done, failed or stopped. Unless done, `error` holds cause and remedy, `error_code` the code."""

    status: RunStatus
    api_calls: int
    watermark: datetime | None
    error: str | None
    error_code: str | None


Event: TypeAlias = Started | Planned | Committed | Warned | Ended
"""What an observer is called with; `run` is the number of the run, which `Started` names the job of."""

Observer: TypeAlias = Callable[[Event], None]
"""Called with each event as it happens, in the task of the run; what it raises ends the run."""


def nobody(_: Event) -> None:
    """Observe nothing."""
