"""Jobs and their runs: each batch is committed before the next is asked for, and what happens is an event."""

from typing import TYPE_CHECKING

from orgsync.lazy import importer

if TYPE_CHECKING:
    from .action import run_action
    from .events import Committed, Ended, Event, Observer, Planned, Started, Warned, nobody
    from .job import Job, JobKind
    from .outcome import Outcome
    from .resources import Clock, MaskingKeys, Resources, Vaults
    from .run import run_sync

__all__ = [
    "Clock",
    "Committed",
    "Ended",
    "Event",
    "Job",
    "JobKind",
    "MaskingKeys",
    "Observer",
    "Outcome",
    "Planned",
    "Resources",
    "Started",
    "Vaults",
    "Warned",
    "nobody",
    "run_action",
    "run_sync",
]

__getattr__ = importer(
    __name__,
    {
        **dict.fromkeys(
            ("Committed", "Ended", "Event", "Observer", "Planned", "Started", "Warned", "nobody"), "events"
        ),
        **dict.fromkeys(("Job", "JobKind"), "job"),
        **dict.fromkeys(("Clock", "MaskingKeys", "Resources", "Vaults"), "resources"),
        "Outcome": "outcome",
        "run_action": "action",
        "run_sync": "run",
    },
)
