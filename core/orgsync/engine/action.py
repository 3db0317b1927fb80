"""One run of an action on a connection: its arguments are checked, then its result, and how it ended is kept.

What it was given and what it returned are a customer's data, and are kept nowhere. No lease covers it: an action writes
no table, and two runs of it at once are two requests of somebody's.
"""

from typing import Any

import anyio

from orgsync.errors import ActionInterrupted, LimitReached, OrgsyncError, PartlyDone
from orgsync.logs import get_logger
from orgsync.scripts import Action, ActionResult, Org, open_org
from orgsync.store import Run, RunStatus

from .events import Ended, Observer, Started, nobody
from .job import Job
from .outcome import Outcome
from .resources import Resources
from .script_errors import problem_of

__all__ = ["run_action"]


async def run_action(
    action: Action[..., Any], job: Job, resources: Resources, *, observe: Observer = nobody
) -> Outcome:
    """Run an action with a job's arguments, reporting begin and end to the observer.

    A run that begins always ends in an Outcome; only being cancelled passes through, with the run marked stopped.
    Raises ArgumentInvalid for wrong arguments and NameUnknown for an unknown connection, before anything is sent.
    """
    arguments = action.bound(job.arguments)
    store = resources.store
    connection = await store.connections.get(job.connection)
    run = await store.runs.start_action(action.name, job.connection)
    observe(Started(run.id, job, run.started_at))
    vaults, org = resources.credentials, None
    try:
        org = await open_org(
            connection,
            store=store,
            http=resources.http,
            settings=resources.settings,
            clock=resources.clock,
            vault=vaults(connection.name) if vaults else None,
        )
        org.log = get_logger("orgsync.script").bind(connection=job.connection, action=action.name, run=run.id)
        result, document = action.types.returned(await action(org, **arguments))
    except anyio.get_cancelled_exc_class():
        await _finish(resources, run, org, observe, ActionInterrupted())
        raise
    except (Exception, SystemExit) as error:  # a script is anybody's code: what it raises ends this run alone
        problem = problem_of(action, error)
        return Outcome(await _finish(resources, run, org, observe, problem), problem)
    refused = _partly_done(action, result)
    return Outcome(await _finish(resources, run, org, observe, refused), refused, result=result, document=document)


def _partly_done(action: Action[..., Any], result: object) -> PartlyDone | None:
    if not isinstance(result, ActionResult) or result.success:
        return None
    return PartlyDone(
        f"The action {action.name} did not succeed: {result.failure}", "Its result has the error of each part."
    )


async def _finish(
    resources: Resources, run: Run, org: Org | None, observe: Observer, problem: OrgsyncError | None
) -> Run:
    """Close the run's row, whatever is being cancelled around it, and report the end."""
    status: RunStatus = "done" if problem is None else "failed"
    if isinstance(problem, ActionInterrupted | LimitReached):
        status = "stopped"
    calls, usage = (org.api_calls, org.api_usage.reading) if org else (0, None)
    with anyio.CancelScope(shield=True):
        run = await resources.store.runs.finish_action(run, status=status, error=problem, api_calls=calls, usage=usage)
    observe(Ended(run.id, run.status, run.api_calls, None, run.error, run.error_code))
    return run
