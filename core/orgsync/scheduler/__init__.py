"""The scheduler: every due sync on every connection, fairly, bounded, for months."""

from .scheduler import Scheduler
from .scripts import Scripts
from .slots import Patience
from .telling import RUN_ENDED

__all__ = ["RUN_ENDED", "Patience", "Scheduler", "Scripts"]
