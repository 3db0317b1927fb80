"""The library's log lines on stderr: its warnings and what scripts log; all of them with --debug."""

import logging
import sys
from collections.abc import MutableMapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import structlog
from stamina.instrumentation import set_on_retry_hooks

from orgsync.errors import OrgsyncError
from orgsync.logs import RETRYING
from orgsync.printable import printable

from .output import brief, speech
from .wrapping import terminal_width, wrapped

if TYPE_CHECKING:
    from stamina.instrumentation import RetryDetails

__all__ = ["configure_logs"]

_WARNING = "warning: "
_retried: ContextVar[str] = ContextVar("retried", default="")
"""The error of the retry that was shown last."""

_KNOWN = ("event", "level", "connection", "sync", "run", "exc_info")


def configure_logs(*, debug: bool) -> None:
    """Send the library's log lines and its retries to stderr."""
    structlog.configure(
        processors=[
            *([] if debug else [_worth_showing]),
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info if debug else _without_traceback,
            _line,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG if debug else logging.INFO),
        logger_factory=_stderr,
        cache_logger_on_first_use=False,
    )
    set_on_retry_hooks([_retrying])


class _Stderr:
    """Write to whatever stderr is at the moment: a progress display takes it over for a while."""

    def __init__(self, name: str) -> None:
        self.name = name

    def msg(self, line: str) -> None:
        sys.stderr.write(f"{_broken(printable(line))}\n")
        sys.stderr.flush()

    debug = info = warning = warn = error = critical = fatal = failure = exception = log = msg


def _broken(line: str) -> str:
    """Return a warning broken between words where a terminal's line ends; a traceback keeps its lines."""
    if "\n" in line or not line.startswith(_WARNING) or not sys.stderr.isatty():
        return line
    return "\n".join(wrapped(line, terminal_width(), indent=len(_WARNING)))


def _stderr(*names: object) -> _Stderr:
    return _Stderr(str(names[0]) if names else "")


def _worth_showing(logger: _Stderr, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Leave out the library's lines of level info; a script's are meant for the person who runs it.

    Alerts are left out, too: what one is raised for, the command itself says.
    """
    if (method == "info" and logger.name != "orgsync.script") or logger.name == "orgsync.alerts":
        raise structlog.DropEvent
    return event


def _without_traceback(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    event.pop("exc_info", None)
    return event


def _line(_logger: object, _method: str, event: MutableMapping[str, Any]) -> str:
    """Write `warning: text (key=value, ...)`, the connection first, unless the text names it."""
    connection, text = event.get("connection"), _text(event)
    facts = [str(connection)] if connection is not None and f" on {connection}: " not in text else []
    shown = ("seconds", "error") if event.get("event") == RETRYING else ()
    facts += [f"{name}={value}" for name, value in event.items() if name not in (*_KNOWN, *shown, "exception")]
    line = f"{event.get('level', 'info')}: {text}"
    line += f" ({', '.join(facts)})" if facts else ""
    return f"{line}\n{event['exception']}" if "exception" in event else line


def _text(event: MutableMapping[str, Any]) -> str:
    """Return what an event says; of a retry for which sync and connection it is."""
    if event.get("event") != RETRYING:
        return str(event.get("event", ""))
    about = " on ".join(str(event[name]) for name in ("sync", "connection") if name in event)
    what = f"{about}: {RETRYING}" if about else RETRYING
    return f"{what} in {brief(event['seconds'])}: {event['error']}"


def _retrying(details: "RetryDetails") -> None:
    """Log a retry; of an error that is not orgsync's own its type alone.

    One with the error of the retry before it is a line for --debug: it says nothing new.
    """
    error = details.caused_by
    cause = error.cause if isinstance(error, OrgsyncError) else f"{type(error).__name__}."
    if details.retry_num > 1 and _retried.get() == cause and not speech.debug:
        return
    _retried.set(cause)
    structlog.get_logger("orgsync").warning(RETRYING, seconds=details.wait_for, error=cause)
