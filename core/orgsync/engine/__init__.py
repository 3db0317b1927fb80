"""One run: a sync on a connection, each batch committed before the next is asked for."""

from .run import Outcome, Progress, RunOptions, run_sync

__all__ = ["Outcome", "Progress", "RunOptions", "run_sync"]
