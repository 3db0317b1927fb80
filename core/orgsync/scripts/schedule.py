"""When a sync is due: after an interval since its last start, or at the times of a cron expression, in UTC."""

import re
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from cronsim import CronSim

from orgsync.errors import ScriptNotLoaded

__all__ = ["Cron", "Every", "Interval", "due_again", "jitter", "parse_every", "parse_interval"]

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_SIZES = (("d", 86_400), ("h", 3_600), ("m", 60))
_LONGEST = timedelta(days=366)
_FIELDS = 5
_LONGEST_PAUSE = timedelta(hours=1)
_JITTER = 0.25  # the share of a pause that jitter may take off, so that what failed together is not tried together
_ANY_DAY = datetime(2026, 1, 31, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Interval:
    """The time between two starts; `str` writes it as the decorator accepts it, `15m`."""

    length: timedelta

    def next_after(self, instant: datetime) -> datetime:
        """Return when a sync that started at an instant is due again."""
        return instant + self.length

    def at_or_after(self, instant: datetime) -> datetime:
        """Return the first time from an instant on at which a sync may start: the instant itself."""
        return instant

    def __str__(self) -> str:
        seconds = int(self.length.total_seconds())
        return next((f"{seconds // size}{unit}" for unit, size in _SIZES if seconds % size == 0), f"{seconds}s")


@dataclass(frozen=True, slots=True)
class Cron:
    """The times of a five-field cron expression, in UTC, which has no summer time: each occurs once."""

    expression: str

    def next_after(self, instant: datetime) -> datetime:
        """Return when a sync that started at an instant is due again: at the next time of the expression."""
        return next(CronSim(self.expression, instant.astimezone(UTC)))

    def at_or_after(self, instant: datetime) -> datetime:
        """Return the first time of the expression from an instant on."""
        return self.next_after(instant - timedelta(microseconds=1))

    def __str__(self) -> str:
        return self.expression


Every: TypeAlias = Interval | Cron
"""When a sync is due."""


def due_again(every: Every, started: datetime, *, failures: int = 0, chance: float = 0.0) -> datetime:
    """Return when a job that started at an instant is due again, after so many failures in a row.

    Each failure doubles its interval, up to an hour or its interval, whichever is longer. `chance` is between 0 and 1
    and shortens the pause by up to a quarter, but never below the interval.
    """
    due = every.next_after(started)
    if not failures:
        return due
    interval = due - started
    doubled = interval * 2 ** min(failures, 20)  # twenty doublings of a second are twelve days: any more would overflow
    pause = min(doubled, max(_LONGEST_PAUSE, interval))
    return every.at_or_after(started + max(interval, pause * (1 - _JITTER * chance)))


def jitter(sync: str, connection: str, failures: int) -> float:
    """Return a number between 0 and 1 for `chance`: another one for each job and failure, and always the same.

    So whoever looks at the runs knows when the scheduler tries again.
    """
    return zlib.crc32(f"{sync} on {connection}, {failures}".encode()) / 2**32


def parse_every(text: str) -> Every:
    """Parse `15m` or `0 6 * * 1-5`; raise ScriptNotLoaded for what is neither, or never occurs."""
    _require_text(text, "every")
    if len(text.split()) <= 2:  # a number and a unit, perhaps apart
        return parse_interval(text)
    return _cron(text)


def parse_interval(text: str, *, of: str = "every") -> Interval:
    """Parse `15m`; raise ScriptNotLoaded for what is no interval, with `of` as the name of the option."""
    _require_text(text, of)
    found = re.fullmatch(r"\s*(\d{1,9})\s*([smhd])\s*", text, re.ASCII)
    length = timedelta(0) if not found else int(found.group(1)) * timedelta(**{_UNITS[found.group(2)]: 1})
    if not timedelta(0) < length <= _LONGEST:
        raise ScriptNotLoaded(
            f"{of}={text!r} is not an interval.",
            'Write a number and a unit, up to 366 days: "30s", "15m", "1h", "1d"'
            + ('; or a cron expression: "0 6 * * 1-5".' if of == "every" else "."),
        )
    return Interval(length)


def _require_text(text: object, of: str) -> None:
    if isinstance(text, str):
        return
    if isinstance(text, int) and not isinstance(text, bool):
        raise ScriptNotLoaded(f"{of}={text} has no unit.", f'Write it with one, as a str: {of}="{text}m" or "{text}s".')
    raise ScriptNotLoaded(f"{of} is a {type(text).__name__}, not a str.", f'Write a number and a unit: {of}="15m".')


def _cron(text: str) -> Cron:
    fields = text.split()
    cron = Cron(" ".join(fields))
    try:
        occurs = len(fields) == _FIELDS and cron.next_after(_ANY_DAY) > _ANY_DAY
    except Exception:  # besides its own error, cronsim raises AssertionError and StopIteration
        occurs = False
    if not occurs:
        raise ScriptNotLoaded(
            f"every={text!r} is not a cron expression, or one that never occurs.",
            'Write minute, hour, day, month and day of week, in UTC: "0 6 * * 1-5" is 6:00 from Monday to Friday.',
        )
    return cron
