"""How a check ends when the script does not pass it."""

import logging
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import stamina
import structlog
from structlog.testing import capture_logs

from .copies import Copies, Script, opened

__all__ = ["FIRST", "QUERIES", "SECOND", "TABLES", "Check", "NotChecked", "Unfit", "Unserved", "on_copies"]

TABLES = "has valid tables"
QUERIES = "sends queries that parse"
FIRST = "brings every row in a first run"
SECOND = "follows changes in a second run"
"""Names of checks before which others stand back: a script without a first run is reported once."""

Check = Callable[[Script, Path], None]
"""Looks at one script, with a folder of its own."""

_ATTEMPTS = 7


class Unfit(Exception):
    """The script does not do what the check requires; the text says what it does."""


class Unserved(Exception):
    """The check has no result, because the demo org does not support what the script requests; the text names it."""


class NotChecked(Exception):
    """The check has no result, because another one fails first; this holds its name."""


def on_copies(check: Callable[[Copies], Coroutine[Any, Any, None]], *, orgs: int = 1) -> Check:
    """Return a check made of a function of copies of demo orgs; requests are retried without waiting."""

    async def checked(script: Script, folder: Path) -> None:
        async with opened(script, folder, orgs=orgs) as copies:
            try:
                await check(copies)
            finally:
                # Passed or failed, it would be by the demo org's fault.
                for unserved in [each for stocked in copies.stocked for each in stocked.org.unserved][:1]:
                    raise Unserved(unserved)

    def run(script: Script, folder: Path) -> None:
        with stamina.set_testing(True, attempts=_ATTEMPTS, cap=True), _quiet():
            anyio.run(partial(checked, script, folder))

    return run


@contextmanager
def _quiet() -> Generator[None]:
    """Suppress what runs log, such as injected faults, so that a failure's message stands out."""
    pool = logging.getLogger("sqlalchemy.pool")
    level = pool.level
    pool.setLevel(logging.CRITICAL + 1)
    configured = structlog.is_configured()
    try:
        with capture_logs():
            yield
    finally:
        pool.setLevel(level)
        if not configured:  # capturing leaves structlog configured, and writing to stdout
            structlog.reset_defaults()
