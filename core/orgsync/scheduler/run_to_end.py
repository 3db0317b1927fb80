"""A job run to its end, whatever that is, in its slot; and what is reported of runs that take long."""

import math
import traceback
from collections.abc import Iterable
from pathlib import Path

import anyio

from orgsync.engine import Event, Job, Observer, Outcome
from orgsync.errors import OrgsyncError, ScriptProblem, ScriptRaised, StoreReplaced
from orgsync.project import Project
from orgsync.salesforce.http.slots import SLOT

from .log import SchedulerLog
from .run_slots import RunSlot

__all__ = ["report_long_runs", "run_to_end"]


async def run_to_end(project: Project, job: Job, slot: RunSlot, observe: Observer) -> Outcome | OrgsyncError:
    """Run a job in its slot, and return its outcome, or what kept it from beginning or from being stored.

    Whatever a script ends in is an outcome; only the cancellation of this task passes through.
    """
    SLOT.set(slot)

    def observed(event: Event) -> None:
        slot.observe(event)
        observe(event)

    try:
        try:
            return await project.execute(job, observe=observed)
        finally:
            slot.close()
    except OrgsyncError as problem:
        return problem
    except BaseException as error:
        if anyio.current_effective_deadline() == -math.inf:  # it is we who are being stopped
            raise
        # A script may end in SystemExit, or in a cancellation of its own: that is its end, not ours.
        return _unforeseen(job, error)


def _unforeseen(job: Job, error: BaseException) -> ScriptProblem:
    """Return the error for an unforeseen end of a run, by type and place; the exception's text may hold data."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{Path(frames[-1].filename).name}, line {frames[-1].lineno}"
    problem = ScriptRaised(
        f"The sync {job.name} ended in {type(error).__name__} at {place}.",
        "Correct the script if it is its own line; --debug shows the traceback.",
    )
    problem.__cause__ = error
    return problem


async def report_long_runs(slots: Iterable[RunSlot], project: Project, log: SchedulerLog) -> None:
    """Report runs that have been under way for long, and store with each what it waits for.

    Raises StoreReplaced when the database was deleted or replaced.
    """
    for slot in [*slots]:
        complaint, run = slot.complaint, slot.run
        if slot.is_to_be_reported(complaint):
            log.takes_long(slot.job, slot.rows, slot.seconds, complaint)
        elif complaint or not slot.noted:
            continue
        if run is not None and complaint != slot.noted:
            slot.noted = complaint
            try:
                await project.store.runs.note(run, complaint)
            except StoreReplaced:
                raise
            except OrgsyncError as problem:
                log.store(problem)
