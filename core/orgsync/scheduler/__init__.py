"""The scheduler: every due sync on every connection, fairly, bounded, for months."""

from .job_end import end_of, settle
from .log import RUN_ENDED, SchedulerLog
from .project_watcher import ProjectWatcher
from .run_slots import Patience, RunSlot
from .run_to_end import report_long_runs, run_to_end
from .scheduler import Scheduler
from .script_watcher import ScriptWatcher

__all__ = [
    "RUN_ENDED",
    "Patience",
    "ProjectWatcher",
    "RunSlot",
    "Scheduler",
    "SchedulerLog",
    "ScriptWatcher",
    "end_of",
    "report_long_runs",
    "run_to_end",
    "settle",
]
