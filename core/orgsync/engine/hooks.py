"""Calling the hooks of a project with an org; what they raise is an error of the script's."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import anyio

from orgsync.errors import ArgumentInvalid, OrgsyncError, Refused, ScriptNotLoaded, ScriptRaised
from orgsync.records.wording import kind_of
from orgsync.scripts import Hook, Org
from orgsync.scripts.metadata import checked_metadata

from .script_errors import problem_of

__all__ = ["HOOK_SECONDS", "call_on_connect", "call_on_disconnect"]

HOOK_SECONDS = 60.0
"""How long a hook may take before a connection is removed."""

_NOTHING_STORED = "Nothing was stored."


async def call_on_connect(hooks: Sequence[Hook], org: Org) -> dict[str, Any]:
    """Call hooks in turn, and return the metadata that they give, a later one's over an earlier one's.

    Raises Refused where one refuses the org, ScriptRaised for any other exception of its own, and ScriptNotLoaded
    where it returns what is no metadata.
    """
    found: dict[str, Any] = {}
    for hook in hooks:
        try:
            given = await hook(org)
        except anyio.get_cancelled_exc_class():
            raise
        except (Exception, SystemExit) as error:  # a script is anybody's code
            raise _of_connect(hook, org, error) from error
        found |= _metadata_of(hook, given)
    return found


async def call_on_disconnect(hook: Hook, org: Org) -> None:
    """Call a hook before its connection is removed; raises as `call_on_connect`, and ScriptRaised after a minute."""
    try:
        with anyio.move_on_after(HOOK_SECONDS) as scope:
            await hook(org)
    except anyio.get_cancelled_exc_class():
        raise
    except (Exception, SystemExit) as error:  # a script is anybody's code
        raise problem_of(hook, error) from error
    if scope.cancelled_caught:
        raise ScriptRaised(
            f"The hook {hook.name} has not ended within {HOOK_SECONDS:.0f} seconds, so it was stopped.",
            "Try again, or correct the script.",
        )


def _of_connect(hook: Hook, org: Org, error: BaseException) -> OrgsyncError:
    problem = problem_of(hook, error, kept=_NOTHING_STORED)
    if isinstance(problem, Refused):
        remedy = problem.remedy or f"{org.connection.name} was not connected: the hook {hook.name} refuses the org."
        return Refused(problem.cause, remedy)
    return problem


def _metadata_of(hook: Hook, given: object) -> dict[str, Any]:
    if given is None:
        return {}
    if isinstance(given, str) or not isinstance(given, Mapping):
        remedy = 'To refuse the org: raise Refused("...").' if isinstance(given, str | bool) else ""
        raise ScriptNotLoaded(
            f"The hook {hook.name} returns {kind_of(given)}, not metadata. {_NOTHING_STORED}",
            f"Return nothing, or a mapping that is kept in the connection's metadata. {remedy}".strip(),
        )
    try:
        return checked_metadata(cast("object", given))
    except ArgumentInvalid as problem:
        raise ScriptNotLoaded(
            f"The hook {hook.name} returns what cannot be kept: {problem.cause}", problem.remedy
        ) from problem
