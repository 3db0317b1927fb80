"""Actions that run what the org's people have made: quick actions, flows, and Apex methods."""

from typing import Any, Literal

from pydantic import BaseModel

from orgsync import ActionResult, Org, action
from orgsync.errors import NotFound
from orgsync.suggest import nearest

from .objects import get_of_object, segment

__all__ = ["quick_action_defaults", "quick_actions", "run_apex", "run_flow"]


class InvokedOnce(BaseModel):
    """What became of one input; `errors` are Salesforce's."""

    success: bool
    outputs: dict[str, Any]
    errors: list[dict[str, Any]]


class Invoked(ActionResult):
    """What became of each input, in their order."""

    runs: list[InvokedOnce]

    @property
    def failure(self) -> str:
        """How many inputs failed."""
        return f"{sum(not each.success for each in self.runs)} of {len(self.runs)} inputs failed."


@action
async def quick_actions(org: Org, sobject: str | None = None) -> list[dict[str, Any]]:
    """List the quick actions of an object's records, or those that belong to no object."""
    found: list[dict[str, Any]] = await _read(org, sobject, "/quickActions")
    return found


@action
async def quick_action_defaults(
    org: Org, name: str, sobject: str | None = None, record_id: str | None = None
) -> dict[str, Any]:
    """Read the values that a quick action begins with, on an object or on one record of it."""
    path = f"/quickActions/{segment(name)}/defaultValues" + (f"/{segment(record_id)}" if record_id else "")
    found: dict[str, Any] = await _read(org, sobject, path)
    return found


@action
async def run_flow(org: Org, name: str, inputs: list[dict[str, Any]]) -> Invoked:
    """Run a flow, once for each input."""
    return await _invoked(org, "flow", name, inputs)


@action
async def run_apex(org: Org, name: str, inputs: list[dict[str, Any]]) -> Invoked:
    """Run an invocable Apex method, once for each input."""
    return await _invoked(org, "apex", name, inputs)


async def _read(org: Org, sobject: str | None, path: str) -> Any:
    """Read a resource of an object, or one that belongs to none."""
    return await (org.get(path.removeprefix("/")) if sobject is None else get_of_object(org, sobject, path))


async def _invoked(org: Org, kind: Literal["flow", "apex"], name: str, inputs: list[dict[str, Any]]) -> Invoked:
    try:
        body: dict[str, Any] = {"inputs": inputs}
        bodies = await org.post(f"actions/custom/{kind}/{segment(name)}", body)
    except NotFound:
        listed = await org.get(f"actions/custom/{kind}")
        near = nearest(name, [each["name"] for each in listed["actions"]])
        raise NotFound(
            f"The org has no {kind} {name} that can be called, or the user may not run it.",
            f"Did you mean {near}?" if near else f"See: orgsync api GET actions/custom/{kind}",
        ) from None
    runs = [
        InvokedOnce(success=each["isSuccess"], outputs=each["outputValues"] or {}, errors=each["errors"] or [])
        for each in bodies
    ]
    return Invoked(success=all(each.success for each in runs), runs=runs)
