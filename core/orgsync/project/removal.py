"""Removing a connection: first the project's hooks and the revocation of its token, then what is stored."""

from collections.abc import Awaitable, Callable, Sequence
from copy import copy
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import anyio

from orgsync.engine.hooks import call_on_disconnect
from orgsync.errors import ArgumentInvalid, KeyUnusable, OrgsyncError, ServerProblem
from orgsync.salesforce.auth.credentials import Credentials
from orgsync.salesforce.auth.revocation import revoke
from orgsync.scripts import Hook, StoredVault, open_org

from .access import access_to
from .script_sources import WithScripts

__all__ = ["Removal", "remove"]

T = TypeVar("T")

_REVOCATION_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Removal:
    """What was removed.

    `revoked` says whether the token was, None where that was not asked for, or failed; `problems` are what went wrong
    before a removal that was forced.
    """

    connection: str
    rows_kept: bool
    revoked: bool | None = None
    problems: tuple[OrgsyncError, ...] = ()


async def remove(project: WithScripts, name: str, *, keep_rows: bool, revoked: bool, force: bool) -> Removal:
    """Call the hooks, revoke the token if it is to be `revoked`, and remove the connection.

    Where any of it fails, the connection is kept as it is, unless the removal is forced.
    """
    connection = await project.store.connections.get(name)
    problems: list[OrgsyncError] = []

    async def guarded(work: Callable[[], Awaitable[T]]) -> T | None:
        try:
            return await work()
        except OrgsyncError as problem:
            if not force:
                raise _kept(name, problem) from problem
            problems.append(problem)
            return None

    async def hooks() -> Sequence[Hook]:
        return project.scripts.connection_rules().on_disconnect

    for hook in await guarded(hooks) or ():
        org = await open_org(connection, even_refused=True, **access_to(name, project))
        await guarded(partial(call_on_disconnect, hook, org))
    was_revoked = await guarded(lambda: _revoke(project, name)) if revoked else None
    await project.store.connections.remove(name, keep_rows=keep_rows)
    return Removal(name, keep_rows, was_revoked, tuple(problems))


async def _revoke(project: WithScripts, name: str) -> bool:
    with anyio.move_on_after(_REVOCATION_SECONDS):
        async with StoredVault(project.store, name).lock():  # nobody gets a new token from it meanwhile
            credentials = await StoredVault(project.store, name).load()
            await _require_own(project, name, credentials)
            return await revoke(project.http, credentials)
    raise ServerProblem(
        f"The token of {name} was not revoked within {_REVOCATION_SECONDS:.0f} seconds.", "Try again later."
    )


async def _require_own(project: WithScripts, name: str, credentials: Credentials) -> None:
    """Raise ArgumentInvalid where another connection signs in with the same refresh token."""
    if credentials.refresh_token is None:
        return
    for other in await project.store.connections.list():
        if other.name == name:
            continue
        try:
            secrets = project.store.connections.decrypt(other)
        except KeyUnusable:
            continue  # it cannot sign in whatever happens to the token
        if secrets.get("refresh_token") == credentials.refresh_token:
            raise ArgumentInvalid(
                f"The connection {other.name} signs in with the same refresh token as {name}: revoking it ends both.",
                f"Remove {name} without revoking.",
            )


def _kept(name: str, problem: OrgsyncError) -> OrgsyncError:
    """Return a problem that also says what it has kept from happening."""
    kept = copy(problem)
    kept.remedy = f"{problem.remedy} {name} was not removed; --force removes it all the same.".strip()
    kept.args = (f"{kept.cause} {kept.remedy}",)
    return kept
