"""Garbage collection while rows pass through: less often, for rows are many, short-lived and in no cycles.

Python looks for cycles after every 700 new containers, and a batch of 10,000 rows is 20,000 of them: a fifth of a first
pass's time, measured. Cycles that other code makes meanwhile are still found, a little later. The thresholds are those
of the whole process, so they are for a command to set, and not for a library.
"""

import gc
from collections.abc import Generator
from contextlib import contextmanager

__all__ = ["less_collecting"]

_THRESHOLDS = (50_000, 20, 100)


@contextmanager
def less_collecting() -> Generator[None]:
    """Collect less often inside the block."""
    before = gc.get_threshold()
    gc.set_threshold(*_THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
