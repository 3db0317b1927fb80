"""The sign-in state of one connection: a live token for everyone who asks, and one renewal at a time.

A caller whose token was refused calls `renew` with that token. The first one takes the lock of the
process, then the vault's lock over all processes, and reads the vault again: where another, recent token is stored,
somebody has renewed it already and no request is sent. Else a new token is got, checked and stored, and only then
handed out. Who waited meanwhile shares the outcome, failures included.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import anyio
import anyio.to_thread

from orgsync.clock import utc_now
from orgsync.errors import ConfigurationProblem, NetworkProblem, OrgsyncError, SignInNeeded

from ..http.http import Http
from ..http.slots import SLOT
from .credentials import Credentials, CredentialsVault
from .grants import token_form
from .sign_in import accepted
from .token_endpoint import TOKEN_TIMEOUT, request_token, retried
from .token_response import lifetime_of

__all__ = ["Access", "Session"]

_GRACE = 5.0  # seconds for a token that is on its way when whoever asked for it is cancelled
_MARGIN = timedelta(seconds=60)
_SURELY_ALIVE = timedelta(minutes=10)  # the shortest session timeout that an org can choose is 15 minutes


@dataclass(frozen=True, slots=True)
class Access:
    """A valid access token, the hosts that its response named, and its scopes (None: unknown).

    Requests go to `instance_url`.
    """

    token: str = field(repr=False)
    instance_url: str
    api_instance_url: str | None = None
    scope: str | None = None

    @property
    def hosts(self) -> tuple[str, ...]:
        """Return the origins that the token's response has named."""
        return (self.instance_url, self.api_instance_url) if self.api_instance_url else (self.instance_url,)


class Session:
    """Sign one connection in and keep it signed in; safe for any number of tasks.

    `known` returns the credentials as they were read from the vault a moment ago, which spares reading them again.
    `clock` is this machine's time, aware. `token_timeout` is in seconds, for a whole token response;
    `grace` is how many of them remain to one that is on its way when the task is cancelled. `interactive` says that a
    person waits for the answer: what is proven to last until somebody acts is not tried again then. The attribute
    `connection` is the connection's name for messages, where it is set.
    """

    def __init__(
        self,
        http: Http,
        vault: CredentialsVault,
        *,
        known: Callable[[], Credentials] | None = None,
        allowed_hosts: Collection[str] = (),
        clock: Callable[[], datetime] = utc_now,
        token_timeout: float = TOKEN_TIMEOUT,
        grace: float = _GRACE,
        interactive: bool = False,
    ) -> None:
        self.interactive = interactive
        self.connection = ""
        self._http = http
        self._vault = vault
        self._known = known
        self._allowed_hosts = tuple(allowed_hosts)
        self._clock = clock
        self._token_timeout = token_timeout
        self._grace = grace
        self._lock = anyio.Lock()
        self._credentials: Credentials | None = None
        self._unsaved: tuple[Credentials, Credentials] | None = None
        self._refused: tuple[Credentials, SignInNeeded] | None = None
        self._failures = 0
        self._failure: OrgsyncError | None = None

    async def access(self) -> Access:
        """Return a valid token, renewed if it is known to expire soon.

        Raises SignInNeeded where Salesforce refuses the sign-in, and a TransientProblem where it could not be asked.
        """
        access = self._usable(self._credentials) or await self._stored()
        return access if access is not None else await self._renewed(None)

    async def renew(self, refused: Access) -> Access:
        """Return another token than the one that Salesforce refused with a 401; raises as `access` does."""
        return await self._renewed(refused)

    async def _stored(self) -> Access | None:
        """Take up what is stored, if that is alive: most runs begin with a token that an earlier one got."""
        if self._credentials is None and self._refused is None and self._unsaved is None:
            self._credentials = self._known() if self._known else await self._vault.load()
        return self._usable(self._credentials)

    async def _renewed(self, refused: Access | None) -> Access:
        access = await self._renewed_in_turn(refused)
        await SLOT.get().acquire()  # not while the lock is held: others wait for it, and a slot may be long in coming
        return access

    async def _renewed_in_turn(self, refused: Access | None) -> Access:
        failures_before = self._failures
        async with self._lock:
            access = self._usable(self._credentials, refused)
            if access is not None:
                return access
            if self._failure is not None and self._failures > failures_before:
                raise _again(self._failure)
            try:
                async with self._vault.lock():
                    return await self._renewed_alone(refused)
            except OrgsyncError as error:
                self._failures, self._failure = self._failures + 1, error
                raise

    async def _renewed_alone(self, refused: Access | None) -> Access:
        stored = await self._vault.load()
        if self._refused is not None and self._refused[0] == stored:
            raise _again(self._refused[1])
        access = self._usable(stored, refused)
        if access is not None:
            self._credentials = stored
            return access
        if self._unsaved is not None and self._unsaved[0] == stored:
            return await self._keep(stored, self._unsaved[1])
        tried = False

        async def attempt() -> Access:
            # While this waited, the lock may have been lost, and another may have renewed them: a refresh token that
            # was replaced must not be sent, for that ends its successor.
            nonlocal stored, tried
            if tried:
                stored = await self._vault.load()
                if (theirs := self._usable(stored, refused)) is not None:
                    self._credentials = stored
                    return theirs
            tried = True
            return await self._attempt(stored)

        try:
            return await retried(attempt, interactive=self.interactive)
        except SignInNeeded as error:
            self._credentials = None
            kept = await self._vault.refused(error, renewed=stored)
            if kept == stored:
                self._refused = stored, error
            elif (access := self._usable(kept, refused)) is not None:  # another has renewed them meanwhile
                self._credentials = kept
                return access
            raise

    async def _attempt(self, stored: Credentials) -> Access:
        """Request a token once, in a task of its own: a rotated refresh token that arrives must be stored, too.

        So a cancelled caller waits for a response that is on its way, and for its storing, but `grace` seconds at most.
        """
        asked_at, asking = self._clock(), anyio.CancelScope()
        form = await anyio.to_thread.run_sync(token_form, stored, asked_at)
        renewal = asyncio.create_task(self._asked(stored, form, asked_at, asking))
        try:
            return await asyncio.shield(renewal)
        except asyncio.CancelledError:
            asking.deadline = min(asking.deadline, anyio.current_time() + self._grace)
            with anyio.CancelScope(shield=True):
                await asyncio.gather(renewal, return_exceptions=True)
            raise

    async def _asked(
        self, stored: Credentials, form: Mapping[str, str], asked_at: datetime, asking: anyio.CancelScope
    ) -> Access:
        response = None
        with asking:
            response = await request_token(self._http, stored.login_url, form, within=self._token_timeout)
        if response is None:
            raise NetworkProblem("The sign-in was cancelled before its response arrived.", "Run it again.")
        try:
            fresh = accepted(stored, response, asked_at, allowed_hosts=self._allowed_hosts)
        except ConfigurationProblem:
            if response.refresh_token is not None:  # the old one is dead, whatever we think of the instance
                rotated = replace(stored, refresh_token=response.refresh_token, access_token=None)
                await self._vault.save(rotated, renewed=stored)
            raise
        return await self._keep(stored, fresh)

    async def _keep(self, stored: Credentials, fresh: Credentials) -> Access:
        """Store the fresh credentials before their token is used; if that fails, try it before asking for others.

        Where another has renewed the stored ones meanwhile, theirs are used.
        """
        self._unsaved = (stored, fresh)
        kept = await self._vault.save(fresh, renewed=stored)
        self._unsaved = None
        self._credentials = kept
        return self._usable(kept) or _access(fresh)

    def _usable(self, credentials: Credentials | None, refused: Access | None = None) -> Access | None:
        if credentials is None or credentials.access_token is None or credentials.instance_url is None:
            return None
        if refused is not None and not self._replaces(credentials, refused):
            return None
        return None if self._ends_soon(credentials) else _access(credentials)

    def _replaces(self, credentials: Credentials, refused: Access) -> bool:
        """Return whether these hold another token than the refused one, issued so recently that it must be valid."""
        if credentials.access_token == refused.token:
            return False
        return credentials.issued_at is None or abs(self._clock() - credentials.issued_at) < _SURELY_ALIVE

    def _ends_soon(self, credentials: Credentials) -> bool:
        if credentials.issued_at is None or lifetime_of(credentials.lifetime) is None or credentials.lifetime is None:
            return False
        lifetime = timedelta(seconds=credentials.lifetime)
        return self._clock() >= credentials.issued_at + lifetime - min(_MARGIN, lifetime / 10)


def _access(credentials: Credentials) -> Access:
    return Access(
        credentials.access_token or "",
        credentials.instance_url or "",
        credentials.api_instance_url,
        credentials.scope,
    )


def _again(error: OrgsyncError) -> OrgsyncError:
    """Return a new error that says the same, so that two tasks do not share one traceback."""
    return copy(error)
