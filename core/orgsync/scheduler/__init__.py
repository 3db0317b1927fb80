"""The scheduler: every due sync on every connection, fairly, bounded, for months."""

from .log import RUN_ENDED
from .run_slots import Patience
from .scheduler import Scheduler
from .script_watcher import ScriptWatcher

__all__ = ["RUN_ENDED", "Patience", "Scheduler", "ScriptWatcher"]
