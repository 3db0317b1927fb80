"""When a message that failed is tried again: after growing pauses, for a day."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta

__all__ = ["DAY", "PAUSES", "Chance", "next_attempt"]

PAUSES = (5, 30, 120, 600, 1800, 3600, 7200, 14_400)
"""Seconds between attempts; the last pause is repeated. Each is lengthened or shortened by up to a fifth."""

DAY = timedelta(days=1)
"""How long a message is tried: the last attempt is a day after the first."""

Chance = Callable[[], float]
"""Draws a number from 0 to 1."""

_JITTER = 0.2


def next_attempt(
    attempts: int,
    first_tried_at: datetime | None,
    *,
    now: datetime,
    retry_after: float | None,
    chance: Chance = random.random,
) -> datetime | None:
    """Return when a message is due that has just failed, `attempts` of it before this one; None where it is given up.

    A receiver that asks for a longer pause by `retry_after` (seconds) gets it, within the day.
    """
    end = (first_tried_at or now) + DAY
    if now >= end:
        return None
    pause = PAUSES[min(attempts, len(PAUSES) - 1)] * (1 + _JITTER * (2 * chance() - 1))
    return min(now + timedelta(seconds=max(pause, min(retry_after or 0.0, DAY.total_seconds()))), end)
