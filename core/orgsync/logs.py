"""Where log lines go: to structlog where the application has set it up, else to the standard library's logging.

structlog writes to stdout as long as nobody has configured it, and a library has no business there. The loggers are
called `orgsync` and, for what scripts log with `ctx.log`, `orgsync.script`.
"""

import logging
from collections.abc import MutableMapping
from typing import Any

import structlog
from stamina import instrumentation

from .printable import printable

__all__ = ["BESIDE_OTHER_TABLES", "CLOSED_TO_OTHERS", "PLANNED", "RETRYING", "get_logger", "keep_retries_off_stdout"]

PLANNED = "plan"
"""How the rows of a pass are read: `plan`."""

RETRYING = "retrying"
"""A request or a sign-in is tried again: `seconds` until then, and the `error`."""

CLOSED_TO_OTHERS = "a file was open to other users of this machine; it is closed to them now"
"""A database or a key file has been made its owner's alone: `file`."""

BESIDE_OTHER_TABLES = (
    "orgsync has made its tables in a database that holds tables of something else; ORGSYNC_DATABASE_URL names another"
)
"""A database is orgsync's from now on, too: `database`, and the first of the `tables` that were there."""


def get_logger(name: str = "orgsync") -> structlog.stdlib.BoundLogger:
    """Return a structlog logger; unless structlog is configured, its lines are those of `logging.getLogger(name)`."""
    if structlog.is_configured():
        return structlog.get_logger(name)  # type: ignore[no-any-return]
    return structlog.wrap_logger(  # type: ignore[no-any-return]
        logging.getLogger(name),
        processors=[structlog.stdlib.filter_by_level, structlog.contextvars.merge_contextvars, _text],
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def keep_retries_off_stdout() -> None:
    """Let stamina report retries by logging where it would by a structlog that nobody has configured."""
    if structlog.is_configured():
        return
    hooks = instrumentation.get_on_retry_hooks()
    by_structlog = [hook for hook in hooks if getattr(hook, "__module__", "").endswith("._structlog")]
    if by_structlog:
        others = [hook for hook in hooks if hook not in by_structlog]
        instrumentation.set_on_retry_hooks([*others, instrumentation.LoggingOnRetryHook])


def _text(_logger: object, _method: str, event: MutableMapping[str, Any]) -> tuple[tuple[str], dict[str, Any]]:
    """Write `event (key=value, ...)`."""
    text, trace = str(event.pop("event", "")), event.pop("exc_info", None)
    facts = ", ".join(f"{key}={value}" for key, value in event.items())
    return (printable(f"{text} ({facts})" if facts else text),), {"exc_info": trace} if trace else {}
