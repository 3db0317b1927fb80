"""Who calls, and what they may do: a bearer token, its scopes, and the connections that it is limited to."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any

import anyio
from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from orgsync.errors import Forbidden, NameUnknown, TooManyAttempts, Unauthorized
from orgsync.project import ApiTokenRow, Scope
from orgsync.store.view import RunRow

from .served import Served, served_by

__all__ = ["Caller", "may", "note_use", "visible_run"]

_bearer = HTTPBearer(auto_error=False, description="A token from `orgsync tokens create`.")

_USE_EVERY = 60.0
"""Seconds after which the use of a token is stamped again."""

_GONE = "The connections that it is limited to are gone: make another token."


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls."""

    token: ApiTokenRow

    def has(self, scope: Scope) -> bool:
        """Return whether the token has a scope; admin has all."""
        return scope in self.token.scopes or "admin" in self.token.scopes

    def require(self, scope: Scope) -> None:
        """Raise Forbidden where the token does not have a scope."""
        if not self.has(scope):
            raise Forbidden(
                f"The token {self.token.name} does not have the scope {scope}.",
                f"Create one that has it: orgsync tokens create NAME --scope {scope}.",
            )

    def sees(self, connection: str) -> bool:
        """Return whether the token may work on a connection."""
        return self.token.connections is None or connection in self.token.connections

    def require_connection(self, connection: str) -> None:
        """Raise Forbidden for a connection that the token may not work on, whether it is there or not."""
        if not self.sees(connection):
            raise Forbidden(
                f"The token {self.token.name} may not work on the connection {connection}.",
                f"It is limited to: {', '.join(self.token.connections)}." if self.token.connections else _GONE,
            )

    def one_connection(self, connection: str | None) -> str | None:
        """Return the connection whose rows are read, None for all; raises Forbidden for one that is not the caller's.

        A token that is limited to one connection means that one; one that is limited to several has to name one.
        """
        if connection is not None:
            self.require_connection(connection)
            return connection
        limits = self.token.connections
        if limits is None or len(limits) == 1:
            return None if limits is None else limits[0]
        raise Forbidden(
            f"The token {self.token.name} may not read the rows of every connection.",
            f"Name one of its own: {', '.join(limits)}." if limits else _GONE,
        )


def may(scope: Scope) -> Callable[..., Coroutine[Any, Any, Caller]]:
    """Return a dependency that finds out who calls, and refuses those who may not."""

    async def caller(
        request: Request, shown: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
    ) -> Caller:
        served = served_by(request)
        found = await _caller(
            served, request.client.host if request.client else "", shown.credentials if shown else None
        )
        found.require(scope)
        return found

    return caller


async def _caller(served: Served, address: str, token: str | None) -> Caller:
    """Find out who calls; whoever has a token is not kept waiting by what others at the same address have guessed."""
    found = await served.project.tokens.find(token, known_for=served.options.token_seconds) if token else None
    if found is None:
        if token and (seconds := served.attempts.wait_for(address)):
            raise TooManyAttempts(seconds)
        if token:
            served.attempts.note(address)
            raise Unauthorized("The token is unknown, revoked or expired.")
        raise Unauthorized
    await note_use(served, found)
    return Caller(found)


async def visible_run(
    served: Served,
    caller: Caller,
    run_id: int,
    *,
    remedy: str = "List the runs that the token may see: GET /api/v1/runs.",
) -> RunRow:
    """Read a run; raises NameUnknown, and says nothing more, also for one of a connection that is not the caller's."""
    try:
        found = await served.view(lambda view: view.run(run_id))
    except NameUnknown:
        found = None
    if found is None or not caller.sees(found.connection):
        raise NameUnknown(f"There is no run {run_id}.", remedy)
    return found


async def note_use(served: Served, token: ApiTokenRow) -> None:
    """Keep that a token was used, at most once a minute."""
    now = anyio.current_time()
    if now - served.used.get(token.id, -_USE_EVERY) >= _USE_EVERY:
        served.used[token.id] = now
        await served.project.tokens.note_use(token.id)
