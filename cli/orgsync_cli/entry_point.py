"""Where the command starts: Ctrl-C while Python imports the rest of it ends the process without a traceback.

An exception in the middle of an import may be swallowed, or be taken for a package that is missing; so for that long
the signal is handled without one. Before that nothing is imported that is not built into Python or loaded by it, as
`signal` is not: Ctrl-C while the interpreter itself starts is all that is left to end in its traceback.
"""

import gc
import os

TYPE_CHECKING = False  # `typing` is not loaded yet either
if TYPE_CHECKING:
    from signal import SIG_DFL, SIGINT, default_int_handler, getsignal, signal
else:
    from _signal import SIG_DFL, SIGINT, default_int_handler, getsignal, signal

__all__ = ["collect_seldom", "main"]

_INTERRUPTED = 130  # as `commands` has it, which is not imported yet
_THRESHOLDS = (50_000, 20, 100)


def main() -> None:
    """Import the command, and run it."""
    collect_seldom()
    is_heeded = getsignal(SIGINT) is default_int_handler  # a job in the background ignores it
    if is_heeded:
        signal(SIGINT, _end)
    from .main import main as run

    if is_heeded:
        signal(SIGINT, default_int_handler)
    try:
        run()
    finally:
        if is_heeded:
            signal(SIGINT, SIG_DFL)  # no traceback of Python's own end
        gc.freeze()  # Python's end would look for cycles in all that was imported: a fifth of a short command


def collect_seldom() -> None:
    """Let Python look for cycles less often, in the whole process.

    It looks after every 700 new containers. Imports make half a million and hardly a cycle, a batch of rows 20,000 and
    none: a tenth of the start of `orgsync run`, and a fifth of a first pass. Other cycles are found a little later.
    """
    gc.set_threshold(*_THRESHOLDS)


def _end(_number: int, _frame: object) -> None:  # pragma: no cover - a process that ends so writes no coverage
    try:
        os.write(2, b"Interrupted; nothing was done.\n")
    finally:
        os._exit(_INTERRUPTED)
