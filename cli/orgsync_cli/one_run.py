"""One run of a sync, and what `orgsync run` shows of it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orgsync.errors import AlreadyRunning
from orgsync.printable import counted
from orgsync.project.views import finished_run_view, not_started_view

from .output import json_line, result, say, show_problem, stdout
from .progress import shown_progress
from .run_lines import outcome_line, owed_line

if TYPE_CHECKING:
    from orgsync.engine import Event, Job, Outcome
    from orgsync.project import Project

__all__ = ["OneRun", "show_run"]


@dataclass(slots=True)
class OneRun:
    """One run of a job, and what is shown of it."""

    project: "Project"
    job: "Job"
    as_json: bool
    run: int | None = None
    has_committed: bool = False

    async def execute(self) -> int:
        """Run the job, show how it ended, and return the exit code."""
        import anyio

        from orgsync.engine import Committed

        title = f"{self.job.name} on {self.job.connection}"
        try:
            with shown_progress(title, show=not self.as_json) as show:

                def observe(event: "Event") -> None:
                    self.run = event.run
                    self.has_committed |= isinstance(event, Committed)
                    show(event)

                outcome = await self.project.execute(self.job, observe=observe)
        except AlreadyRunning as problem:
            show_problem(problem)
            if self.as_json:
                json_line(not_started_view(self.job, problem))
            return problem.exit_code
        except anyio.get_cancelled_exc_class():
            with anyio.CancelScope(shield=True):
                await self._show_stopped()
            raise
        code = show_run(outcome, as_json=self.as_json)
        if outcome.problem is not None and not self.has_committed and (then := owed_line(self.job)):
            say(f"Nothing was committed, and {then}.")
        return code

    async def _show_stopped(self) -> None:
        """Show what an interrupted run has committed, if it had begun."""
        from orgsync.engine import Outcome

        if self.run is None:
            say(f"Interrupted before {self.job.name} on {self.job.connection} began.")
            return
        stopped = await self.project.runs.get(self.run)
        show_run(Outcome(stopped), as_json=self.as_json)
        kept = stopped.added + stopped.updated + stopped.deleted
        if kept:
            say(f"Interrupted; {counted(kept, 'change')} kept, and the next run resumes there.")
        elif stopped.unchanged or self.has_committed:
            say("Interrupted; no row was changed, and the next run resumes where this one was.")
        else:
            then = owed_line(self.job) or "the next run begins where this one did"
            say(f"Interrupted; nothing was committed, and {then}.")


def show_run(outcome: "Outcome", *, as_json: bool) -> int:
    """Show how a run ended, and return the exit code."""
    if as_json:
        json_line(finished_run_view(outcome))
    else:
        result(outcome_line(outcome.run))
        stdout().flush()
    if outcome.problem is None:
        return 0
    show_problem(outcome.problem, detail=not as_json)
    return outcome.problem.exit_code
