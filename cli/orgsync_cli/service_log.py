"""The log of `orgsync up`: a line for each event that a person must know of, on stderr, or JSON on stdout."""

import logging
import sys
from collections.abc import Mapping, MutableMapping
from datetime import datetime, timedelta
from typing import Any

import structlog
from stamina.instrumentation import set_on_retry_hooks

from orgsync.clock import utc_now
from orgsync.errors import SignInNeeded
from orgsync.printable import counted, printable
from orgsync.project.views import instant
from orgsync.scheduler import RUN_ENDED

from .output import brief, stdout, to_json

__all__ = ["configure_service_log"]

_QUIET = timedelta(minutes=1)
_CHANGES = ("added", "updated", "deleted")
_SHOWN = ("event", "level", "at", "exception", "sync", "connection", "run", "error", "error_code")


def configure_service_log(*, as_json: bool, debug: bool) -> None:
    """Send every event of the library to stdout as JSON, or to stderr as lines."""
    write = _Json() if as_json else Lines()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info if debug else _without_traceback,
            _timed,
            write,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG if debug else logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(stdout() if as_json else sys.stderr),
        cache_logger_on_first_use=False,
    )
    if not debug:
        set_on_retry_hooks([])  # the scheduler reports what is retried, once


def _without_traceback(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    event.pop("exc_info", None)
    return event


def _timed(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    event["at"] = utc_now()
    return event


class _Json:
    """One object a line: every run, also one that has found nothing new."""

    def __call__(self, _logger: object, _method: str, event: Mapping[str, Any]) -> str:
        at, level, name = event["at"], event["level"], event["event"]
        rest = {key: value for key, value in event.items() if key not in ("at", "level", "event")}
        return to_json({"at": instant(at), "level": level, "event": name, **rest})


class Lines:
    """A line for each event; runs that have nothing to report are counted in a line a minute at most."""

    def __init__(self) -> None:
        self._quiet = self._failed_again = 0
        self._since: datetime | None = None

    def __call__(self, _logger: object, _method: str, event: Mapping[str, Any]) -> str:
        """Write an event as a line, or raise structlog's DropEvent."""
        at: datetime = event["at"]
        if event["event"] != RUN_ENDED:
            return _line(at, event["level"], _text(event), event)
        if self._is_quiet(event) and self._since is not None and at - self._since < _QUIET:
            self._quiet += 1
            self._failed_again += bool(event.get("repeated"))
            raise structlog.DropEvent
        summed, failed = self._quiet, self._failed_again
        self._quiet, self._failed_again, self._since = 0, 0, at
        line = _line(at, event["level"], _ending(event), event)
        if not summed:
            return line
        found = [f"{failed} failed again"] if failed else []
        found += ["nothing new" if not failed else f"{summed - failed} found nothing new"] if summed > failed else []
        total = f"{counted(summed, 'other run')}: {', '.join(found)}"
        return f"{_line(at, 'info', total, {})}\n{line}"

    @staticmethod
    def _is_quiet(event: Mapping[str, Any]) -> bool:
        """Return whether a run has changed nothing, or failed as it did before."""
        if event.get("works_again") or event["level"] != "info":
            return False
        return bool(event.get("repeated")) or not any(event[kind] for kind in _CHANGES)


def _ending(event: Mapping[str, Any]) -> str:
    """Return how a run ended."""
    changes = [f"{event[kind]:,} {kind}" for kind in _CHANGES if event[kind]]
    changes += [f"{event['unchanged']:,} unchanged"] if changes and event["unchanged"] else []  # as `orgsync run` does
    text = ", ".join(changes) or "nothing new"
    if event["status"] != "done":
        text = ", ".join([event["status"], *changes, "again" if event.get("repeated") else ""]).removesuffix(", ")
    elif event.get("works_again"):
        text = f"works again, {text}"
    cost = f"{counted(event['api_calls'], 'API call')}, {brief(event['seconds'])}"
    return f"{event['sync']} on {event['connection']}: {text} ({cost})"


def _text(event: Mapping[str, Any]) -> str:
    """Return any other event: where it is from, its text, and its other fields."""
    about = " on ".join(str(event[name]) for name in ("sync", "connection") if name in event)
    more = ", ".join(f"{key}={_plain(value)}" for key, value in event.items() if key not in _SHOWN)
    return f"{about}: {event['event']}".removeprefix(": ") + (f" ({more})" if more else "")


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)  # pyright: ignore


def _is_said_of_connection(event: Mapping[str, Any]) -> bool:
    """Return whether a run's error is one of its connection, which has a line of its own: as many runs may end so."""
    return event["event"] == RUN_ENDED and event.get("error_code") == SignInNeeded.code


def _line(at: datetime, level: str, text: str, event: Mapping[str, Any]) -> str:
    """Return a line: when, how grave, what; after it the error's cause and remedy."""
    mark = "" if level == "info" else f"{level}: "
    line = f"{at:%Y-%m-%dT%H:%M:%SZ} {mark}{text}"
    if event.get("error") and not (event.get("repeated") or _is_said_of_connection(event)):
        line += f": {' '.join(str(event['error']).split())}"
    return printable(f"{line}\n{event['exception']}" if "exception" in event else line)
