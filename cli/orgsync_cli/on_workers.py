"""`orgsync run --on-workers`: a run that a worker carries out, before what is due, while a person waits."""

from typing import TYPE_CHECKING

from orgsync.errors import OrgsyncError
from orgsync.project.views import not_started_view

from .output import json_line, say, show_problem

if TYPE_CHECKING:
    from orgsync.engine import Job, Outcome
    from orgsync.project import Project

__all__ = ["execute_on_workers"]


async def execute_on_workers(project: "Project", job: "Job", *, as_json: bool) -> "Outcome | int":
    """Have a worker run the job, and return its outcome, or the exit code of one that did not begin."""
    import anyio

    from orgsync.errors import AlreadyRunning, NoWorker
    from orgsync.workers import run_on_workers

    try:
        return await run_on_workers(project, job)
    except (AlreadyRunning, NoWorker) as problem:
        return _not_started(job, problem, as_json=as_json)
    except anyio.get_cancelled_exc_class():
        say("Interrupted; it is withdrawn, unless a worker has begun it: then that one finishes it.")
        raise


def _not_started(job: "Job", problem: OrgsyncError, *, as_json: bool) -> int:
    show_problem(problem)
    if as_json:
        json_line(not_started_view(job, problem))
    return problem.exit_code
