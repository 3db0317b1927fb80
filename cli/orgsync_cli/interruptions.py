"""What is said where Ctrl-C or SIGTERM stops something: at the first signal, and at the second, which ends all."""

from dataclasses import dataclass, replace
from typing import Protocol

from .commands import wait_for

__all__ = [
    "ACTION",
    "ACTION_INTERRUPTED",
    "CLOSING",
    "DRY_RUN",
    "NOTHING_RUN",
    "NOT_BEGUN",
    "ON_WORKERS",
    "RECORDING",
    "RECORDING_ACTION",
    "RUN",
    "RUNS_RECORDED",
    "SERVER",
    "SERVER_WITH_RUNS",
    "WRITE",
    "WRITE_CLOSING",
    "WRITE_INTERRUPTED",
    "WRITE_NOT_BEGUN",
    "WRITE_NOT_SENT",
    "Stopping",
    "service_stopping",
    "sync_stopping",
    "wait_for_runs",
]


@dataclass(frozen=True, slots=True)
class Stopping:
    """What is said where something is being stopped.

    `first` is said at the first signal. `kept` says, after `Stopped at once; `, what a second signal leaves behind.
    """

    first: str = "Stopping; once more to stop at once."
    kept: str = "only what was committed by then is kept."


NOTHING_RUN = "Interrupted before anything was run."
CLOSING = "Interrupted while closing the project; no more was run."
"""What is said where Ctrl-C comes after the last run."""

RUNS_RECORDED = "the end of each run that had begun is recorded."
"""What is said, where no run is under way any more, of a project that was not closed to the end."""

_LOOK = "what was sent may have been carried out: look in the org before it is repeated."
_SHOWN_AS = "A run that had begun is shown as failed, as its end is not recorded."

ACTION_INTERRUPTED = f"Interrupted; {_LOOK}"

NOT_BEGUN = Stopping(kept="nothing was run.")
RUN = Stopping(
    "Stopping at the next batch boundary; once more to stop at once.",
    f"what was committed is kept, and the next run resumes there. {_SHOWN_AS}",
)
DRY_RUN = RECORDING = Stopping(kept="nothing was written.")
ON_WORKERS = Stopping(kept="a worker may run it all the same.")
ACTION = Stopping("Stopping; what was sent may be carried out. Once more to stop at once.", f"{_LOOK} {_SHOWN_AS}")
RECORDING_ACTION = replace(ACTION, kept="nothing was written, but what was sent may have been carried out.")
WRITE = Stopping(
    "Stopping when the call under way is answered; once more to stop at once.",
    "the same command resumes the write, and writes no row twice.",
)
WRITE_INTERRUPTED = f"Interrupted; {WRITE.kept}"
WRITE_NOT_BEGUN = Stopping(kept="nothing was sent now; the same command writes the file, or resumes it.")
WRITE_NOT_SENT = f"Interrupted; {WRITE_NOT_BEGUN.kept}"
WRITE_CLOSING = "Interrupted while closing the project; no more was sent."
SERVER = Stopping(
    "Stopping when the calls under way are answered; once more to stop at once.",
    "calls that were under way are not answered.",
)
SERVER_WITH_RUNS = Stopping(
    "Stopping when the calls under way are answered, and runs at their next batch boundary; once more to stop at once.",
    f"{SERVER.kept} What runs had committed is kept. {_SHOWN_AS}",
)


def sync_stopping(*, dry_run: bool, on_workers: bool) -> Stopping:
    """Return what is said where a run of a sync is being stopped, by how it is executed."""
    return ON_WORKERS if on_workers else DRY_RUN if dry_run else RUN


def service_stopping(under_way: int) -> Stopping:
    """Return what is said where `orgsync up` or a worker is stopped that has so many runs under way."""
    if under_way:
        return RUN
    return Stopping("Stopping; no run is under way. Once more to stop at once.", "no run was under way.")


class Runs(Protocol):
    """Runs of a command; `begun` is whether it has come to one."""

    @property
    def begun(self) -> bool:
        """Whether a run may have begun."""
        ...

    async def run(self) -> int:
        """Run them, and return the exit code."""
        ...


def wait_for_runs(runs: Runs) -> int:
    """Execute runs, and return the exit code; Ctrl-C before and after them says so."""
    return wait_for(runs.run, interrupted=lambda: CLOSING if runs.begun else NOTHING_RUN)
