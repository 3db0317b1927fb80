"""Garbage collection while rows pass through: less often, for rows are many, short-lived and hold no cycles.

Python looks for cycles after every 700 new containers, and a batch of 10,000 rows is 20,000 of them: a fifth of a first
pass's time, measured. Cycles that other code makes meanwhile are still found, a little later.
"""

import gc
from collections.abc import Generator
from contextlib import contextmanager

__all__ = ["less_collecting"]

_THRESHOLDS = (50_000, 20, 100)
_under_way: list[tuple[int, int, int]] = []


@contextmanager
def less_collecting() -> Generator[None]:
    """Collect less often until the last of the runs under way has ended; what was set before is then set again."""
    _under_way.append(_under_way[0] if _under_way else gc.get_threshold())
    gc.set_threshold(*_THRESHOLDS)
    try:
        yield
    finally:
        before = _under_way.pop()
        if not _under_way:
            gc.set_threshold(*before)
