"""Actions in an application: `orgsync.do`."""

from typing import Any, TypeVar, cast, overload

from orgsync.engine import Job, Observer, nobody
from orgsync.errors import ArgumentInvalid, PartlyDone
from orgsync.project import GivenScripts, open_project, require_connection
from orgsync.records import Record
from orgsync.scripts import Action, Sync
from orgsync.settings import Settings

__all__ = ["do"]

T = TypeVar("T")


@overload
async def do(
    action: Action[..., T],
    /,
    *,
    connection: str,
    observe: Observer = nobody,
    settings: Settings | None = None,
    **arguments: Any,
) -> T: ...


@overload
async def do(
    action: str,
    /,
    *,
    connection: str,
    observe: Observer = nobody,
    settings: Settings | None = None,
    **arguments: Any,
) -> Any: ...


async def do(
    action: Action[..., Any] | str,
    /,
    *,
    connection: str,
    observe: Observer = nobody,
    settings: Settings | None = None,
    **arguments: Any,
) -> Any:
    """Run an action on a connection, as `orgsync do` does, and return its result: `await orgsync.do(close_case, ...)`.

    The action is named, as `orgsync actions` lists it, or given itself. Each run of it is listed in `orgsync runs`,
    without its arguments. An ActionResult that did not succeed is returned like any other.

    Raises the OrgsyncError that ended the run; NameUnknown for an unknown action or connection, and ArgumentInvalid for
    an unknown, missing or mistyped argument, before anything is sent.
    """
    if isinstance(cast("object", action), Sync):
        name = cast("Sync[Record]", action).name
        raise ArgumentInvalid(f"{name} is a sync, not an action.", f"Run it: await orgsync.run({name}, connection=...)")
    await require_connection(connection, settings)
    scripts = None if isinstance(action, str) else GivenScripts(actions=[action])
    job = Job("action", action if isinstance(action, str) else action.name, connection, arguments=arguments)
    async with open_project(settings, scripts=scripts) as project:
        outcome = await project.execute(job, observe=observe)
    if outcome.problem and not isinstance(outcome.problem, PartlyDone):
        raise outcome.problem
    return outcome.result
