"""One org's REST API: a live token on every request, one renewal after a 401, retries, and the daily limit watched."""

import re
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import datetime, timedelta
from typing import Any, TypeVar, Unpack

import anyio
import stamina

from orgsync.clock import utc_now
from orgsync.errors import (
    ConfigurationProblem,
    InstanceMoved,
    NetworkProblem,
    NoRoute,
    OrgsyncError,
    SessionBlocked,
    SessionInvalid,
    TransientProblem,
)
from orgsync.errors.connection import naming_connection

from ..auth.session import Access, Session
from ..errors.access import remedy_of_scope
from ..errors.body import read_with
from ..errors.judge import problem_of
from ..errors.retry import ATTEMPTS, IDEMPOTENT, Tries
from ..hosts import require_named_host
from ..http.http import Http, Response, Stream
from ..http.slots import SLOT, waiting
from .exchange import Body, Judge, headers_with, ignored, itself, successful, token_of
from .usage import ApiUsage

__all__ = ["DEFAULT_API_VERSION", "Body", "Client", "Judge"]

DEFAULT_API_VERSION = "62.0"
_SECONDS_TO_FORWARD = 600.0  # for an upload of 100 MB over a slow line
_SECONDS_TO_ASK = 3.0  # for a token that says where an org has moved, while its old address cannot be reached
_ABSOLUTE = re.compile(r"(?:[a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)  # and not a path with a URL in its query

T = TypeVar("T")


class Client:
    """Calls one org's API as one connection. Not to be shared by connections; the Http below it is.

    `usage` counts the calls and knows the limit. `api_version` looks like "62.0". `warn` takes a sentence for the
    operator, about a response that is used though something is wrong with it.
    """

    def __init__(
        self,
        http: Http,
        session: Session,
        *,
        api_version: str = DEFAULT_API_VERSION,
        login_url: str,
        allowed_hosts: Collection[str] = (),
        limit_share: float = 0.8,
        retry_for: float = 60.0,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.api_version = api_version
        self.usage = ApiUsage(limit_share)
        self.warn: Callable[[str], None] = ignored
        self._http = http
        self._session = session
        self._login_url = login_url
        self._allowed_hosts = allowed_hosts
        self._retry_for = retry_for
        self._clock = clock
        self._ahead = timedelta(0)
        self._told_time = False
        self._gone: set[str] = set()
        self._moving = anyio.Lock()

    @property
    def now(self) -> datetime:
        """The org's time: this machine's, corrected by the `Date` of the last response."""
        return self._clock() + self._ahead

    @property
    def machine_now(self) -> datetime:
        """This machine's own time, whatever responses say."""
        return self._clock()

    async def server_now(self) -> datetime:
        """Return the org's time, requesting it if no response has had it yet."""
        if not self._told_time:
            await self.request("GET", "/services/data")
        return self.now

    async def request(self, method: str, path: str, **body: Unpack[Body]) -> Response:
        """Send one request and return its successful response; see `call`."""
        return await self.call(method, path, itself, **body)

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        """Read a resource as JSON."""
        return await self.call("GET", path, Response.json, params=params)

    async def call(
        self,
        method: str,
        path: str,
        read: Callable[[Response], T],
        *,
        judge: Judge = problem_of,
        idempotent: bool | None = None,
        **body: Unpack[Body],
    ) -> T:
        """Send one request and return what `read` makes of its successful response, or raise the error that it is.

        A path that starts with `/services/` is taken as it is; any other is below `/services/data/vNN.N/`. What
        passes by itself is tried again, writes only where that can do no harm, for a minute by default; what `read`
        raises of a response that is not as it should be becomes ResponseUnreadable, which counts as passing. `judge`
        decides what a response means; `idempotent` says that carrying the request out twice does no harm, if its method
        does not imply that.
        Raises HostNotAllowed for a path on a host that is not the org's: a token is never sent there.
        """

        async def attempt() -> T:
            response = await self._signed_in(lambda access: self._send(method, path, access, judge, **body))
            return read_with(read, response)

        return await self._retried(attempt, idempotent=method in IDEMPOTENT if idempotent is None else idempotent)

    @asynccontextmanager
    async def stream(
        self,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> AsyncGenerator[Stream]:
        """Open a resource whose body is read as it arrives, with the token and the retries of `call`.

        What breaks later, while the body is read, is the caller's to handle: only it knows what it has received.
        """
        async with AsyncExitStack() as stack:

            async def attempt() -> Stream:
                return await self._signed_in(lambda access: self._open(stack, path, access, params, headers))

            yield await self._retried(attempt, idempotent=True)

    @asynccontextmanager
    async def forward(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        body: Callable[[], bytes | AsyncIterable[bytes] | None],
    ) -> AsyncGenerator[Stream]:
        """Send somebody else's request with the org's token, and yield its response whatever its status.

        Nothing is tried again but what a dead token has kept from being carried out: `body` returns the same once more
        then. Raises as `call` does where there is no response to pass on.
        """
        async with AsyncExitStack() as stack:

            async def send(access: Access) -> Stream:
                url, sent = self._url(path, access), headers_with(access, headers)
                with waiting(), self.usage.counted():
                    opening = self._http.stream(method, url, headers=sent, body=body(), timeout=_SECONDS_TO_FORWARD)
                    stream = await stack.enter_async_context(opening)
                self._note(stream)
                if stream.status != 401:
                    return stream
                refused = await stream.read()
                successful(refused, problem_of)
                raise AssertionError("401 is a problem")  # pragma: no cover

            yield await self._signed_in(send)

    async def _retried(self, attempt: Callable[[], Awaitable[T]], *, idempotent: bool) -> T:
        tries = Tries(idempotent, self._session.interactive, anyio.current_time() + self._retry_for)
        slot = SLOT.get()

        def wait_after(error: Exception) -> bool | float:
            """Return how long to wait before the next try; False where there is none."""
            if not isinstance(error, OrgsyncError) or (wait := tries.wait_after(error)) is None:
                return False
            slot.release(error)
            return wait

        await slot.acquire()
        failed: list[Exception] = []
        try:
            return await attempt()  # mostly that is all; stamina's loop is a twentieth of a run that finds nothing new
        except Exception as error:
            failed.append(error)
        async for trial in stamina.retry_context(on=wait_after, attempts=ATTEMPTS, timeout=self._retry_for):
            await slot.acquire()
            with trial:
                if failed:
                    raise failed.pop()
                return await attempt()
        raise AssertionError("stamina leaves its loop by return or raise")  # pragma: no cover

    async def _signed_in(self, send: Callable[[Access], Awaitable[T]]) -> T:
        """Send with a live token; when Salesforce calls it dead, renew it once and send the same again."""
        with naming_connection(self._session.connection):
            self.usage.require_room()
            access = await token_of(self._session.access())
            try:
                return await send(access)
            except SessionInvalid:
                access = await token_of(self._session.renew(access))
            except SessionBlocked as refused:
                raise SessionBlocked(refused.cause, remedy_of_scope(access.scope)) from None
            except (InstanceMoved, NoRoute, NetworkProblem) as problem:
                access = await self._moved(access, problem)
            try:
                return await send(access)
            except SessionBlocked as refused:
                raise SessionBlocked(refused.cause, remedy_of_scope(access.scope)) from None
            except SessionInvalid as refused:
                raise SessionBlocked(
                    f"Salesforce rejects a new session at once: {refused.cause}", remedy_of_scope(access.scope)
                ) from None

    async def _moved(self, access: Access, problem: InstanceMoved | NoRoute | NetworkProblem) -> Access:
        """Find out from a new token where the org is, once for each address that leads nowhere or elsewhere.

        Only a token's response says where an org has moved. Raises the problem itself where the org has not moved, and
        soon where the login host cannot be reached either: then it is the network that fails.
        """
        if isinstance(problem, NetworkProblem) and problem.sent:
            raise problem
        async with self._moving:  # others with the old address wait for the same response meanwhile
            if access.instance_url in self._gone:
                renewed = await token_of(self._session.access())
            else:
                self._gone.add(access.instance_url)
                renewed = access
                if isinstance(problem, InstanceMoved):  # the host responds, so an error of the renewal is raised
                    renewed = await token_of(self._session.renew(access))
                else:
                    with anyio.move_on_after(_SECONDS_TO_ASK), suppress(TransientProblem, ConfigurationProblem):
                        renewed = await self._session.renew(access)
        if renewed.instance_url == access.instance_url:
            raise problem
        return renewed

    async def _send(self, method: str, path: str, access: Access, judge: Judge, **body: Unpack[Body]) -> Response:
        url, headers = self._url(path, access), headers_with(access, body.get("headers"))
        params, form, json = body.get("params"), body.get("upload"), body.get("json", ...)
        with waiting(), self.usage.counted():
            response = await self._http.send(method, url, params=params, headers=headers, form=form, json=json)
        self._note(response)
        return successful(response, judge)

    async def _open(
        self,
        stack: AsyncExitStack,
        path: str,
        access: Access,
        params: Mapping[str, str] | None,
        headers: Mapping[str, str] | None,
    ) -> Stream:
        """Open a stream that stays open until the stack is left; one that is no success is closed at once."""
        url = self._url(path, access)
        async with AsyncExitStack() as opening:
            with waiting(), self.usage.counted():
                stream = await opening.enter_async_context(
                    self._http.stream("GET", url, params=params, headers=headers_with(access, headers))
                )
            self._note(stream)
            if not stream.ok:
                successful(await stream.read(), problem_of)
            stack.push_async_callback(opening.pop_all().aclose)
            return stream

    def _note(self, response: Response | Stream) -> None:
        self.usage.note(response.headers)
        if response.date and response.headers.get("age", "0") == "0":  # a cache's copy tells when it was made
            self._ahead = response.date - self._clock()
            self._told_time = True

    def _url(self, path: str, access: Access) -> str:
        """Return the address of a path; raise HostNotAllowed for a host that is not the org's."""
        if _ABSOLUTE.match(path):
            self._require_named(path, access)
            return path
        self._require_named(access.instance_url, access)
        root = "" if path.startswith("/services/") else f"/services/data/v{self.api_version}/"
        return f"{access.instance_url}{root}{path.removeprefix('/') if root else path}"

    def _require_named(self, url: str, access: Access) -> None:
        require_named_host(url, login_url=self._login_url, named=access.hosts, allowed_hosts=self._allowed_hosts)
