"""Where the command starts: Ctrl-C while Python imports the rest of it ends the process without a traceback.

An exception in the middle of an import may be swallowed, or be taken for a package that is missing; so for that long
the signal is handled without one.
"""

import os
import signal

__all__ = ["main"]

_INTERRUPTED = 130  # as `commands` has it, which is not imported yet


def main() -> None:
    """Import the command, and run it."""
    is_heeded = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # a job in the background ignores it
    if is_heeded:
        signal.signal(signal.SIGINT, _end)
    from .main import main as run

    if is_heeded:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        run()
    finally:
        if is_heeded:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # no traceback of Python's own end


def _end(_number: int, _frame: object) -> None:  # pragma: no cover - a process that ends so writes no coverage
    try:
        os.write(2, b"Interrupted; nothing was done.\n")
    finally:
        os._exit(_INTERRUPTED)
