"""One org's REST API: a live token on every request, one renewal after a 401, retries, and the daily limit watched."""

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta
from types import EllipsisType
from typing import Any, TypedDict, TypeVar, Unpack
from urllib.parse import urljoin

import stamina

from orgsync.errors import AccessRefused, OrgsyncError, TransientProblem

from .answers import SessionInvalid, problem_of
from .hosts import require_api_host
from .http import JSON, Answer, Http
from .limits import ApiUsage
from .retry import may_repeat
from .session import Access, Session

__all__ = ["DEFAULT_API_VERSION", "Client"]

DEFAULT_API_VERSION = "62.0"

_REDIRECTIONS = frozenset({301, 302, 303, 307, 308})
_HOPS = 3
_ATTEMPTS = 7
_WAIT_INITIAL = 0.5  # seconds; doubled on each try, with jitter
_WAIT_MAX = 20.0
_RETRY_AFTER_MAX = 300.0


T = TypeVar("T")


class Body(TypedDict, total=False):
    """What a request may carry besides its method and path."""

    params: Mapping[str, str] | None
    headers: Mapping[str, str] | None
    json: JSON | EllipsisType


class Client:
    """Calls one org's API as one connection. Not to be shared by connections; the Http below it is.

    `usage` counts the calls and knows the limit. `api_version` looks like "62.0".
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
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.api_version = api_version
        self.usage = ApiUsage(limit_share)
        self._http = http
        self._session = session
        self._login_url = login_url
        self._allowed_hosts = allowed_hosts
        self._retry_for = retry_for
        self._clock = clock
        self._ahead = timedelta(0)
        self._told_time = False

    @property
    def now(self) -> datetime:
        """The org's time: this machine's, corrected by the `Date` of the last answer."""
        return self._clock() + self._ahead

    async def server_now(self) -> datetime:
        """Answer with the org's time, asking for it if no answer has told it yet."""
        if not self._told_time:
            await self.request("GET", "/services/data")
        return self.now

    async def request(self, method: str, path: str, **body: Unpack[Body]) -> Answer:
        """Send one request and answer with success; see `call`."""
        return await self.call(method, path, _itself, **body)

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        """Read a resource as JSON."""
        return await self.call("GET", path, Answer.json, params=params)

    async def call(self, method: str, path: str, read: Callable[[Answer], T], **body: Unpack[Body]) -> T:
        """Send one request and answer with what `read` makes of its success, or raise the error that says who must act.

        A path that starts with `/services/` is taken as it is; any other is below `/services/data/vNN.N/`. What
        passes by itself is tried again, writes only where that can do no harm, for a minute by default; `read`
        may raise AnswerUnreadable, which counts as passing.
        Raises ConfigurationInvalid for a path on a host that is not the org's: a token is never sent there.
        """

        tries = 0

        def wait_for(error: Exception) -> bool | float:
            """Tell stamina whether to try again, and how long to wait where the server has said so."""
            nonlocal tries
            tries += 1
            if not isinstance(error, OrgsyncError) or not may_repeat(error, method, tries=tries):
                return False
            return getattr(error, "retry_after", None) or True

        async for attempt in stamina.retry_context(
            on=wait_for,
            attempts=_ATTEMPTS,
            timeout=self._retry_for,
            wait_initial=_WAIT_INITIAL,
            wait_max=_WAIT_MAX,
            wait_jitter=_WAIT_INITIAL,
        ):
            with attempt:
                return read(await self._signed_in(method, path, **body))
        raise AssertionError("stamina leaves its loop by return or raise")  # pragma: no cover

    async def _signed_in(self, method: str, path: str, **body: Unpack[Body]) -> Answer:
        """Send with a live token; when Salesforce calls it dead, renew it once and send the same again."""
        self.usage.require_room()
        access = await self._session.access()
        try:
            return await self._send(method, path, access, **body)
        except SessionInvalid:
            access = await self._session.renew(access)
        try:
            return await self._send(method, path, access, **body)
        except SessionInvalid:
            raise AccessRefused(
                "Salesforce calls a new session invalid at once.",
                "Look at the user's login history: locked IP ranges, a high-assurance session policy or a "
                "blocked app do this.",
            ) from None

    async def _send(self, method: str, path: str, access: Access, **body: Unpack[Body]) -> Answer:
        url, params = self._url(path, access), body.get("params")
        headers = {"Accept": "application/json", **(body.get("headers") or {})}
        headers["Authorization"] = f"Bearer {access.token}"
        hops = _HOPS if method == "GET" else 0
        while True:
            self.usage.calls += 1
            answer = await self._http.send(method, url, params=params, headers=headers, json=body.get("json", ...))
            self._note(answer)
            if not hops or answer.status not in _REDIRECTIONS or "location" not in answer.headers:
                return _successful(answer)
            url, params, hops = self._checked(urljoin(url, answer.headers["location"])), None, hops - 1

    def _note(self, answer: Answer) -> None:
        self.usage.note(answer.headers)
        if answer.date:
            self._ahead = answer.date - self._clock()
            self._told_time = True

    def _url(self, path: str, access: Access) -> str:
        """Make the address of a path, and refuse one that leads to a host that is not the org's."""
        if "://" in path or path.startswith("//"):
            return self._checked(path)
        root = "" if path.startswith("/services/") else f"/services/data/v{self.api_version}/"
        return self._checked(f"{access.instance_url}{root}{path.removeprefix('/') if root else path}")

    def _checked(self, url: str) -> str:
        require_api_host(url, login_url=self._login_url, allowed_hosts=self._allowed_hosts)
        return url


def _itself(answer: Answer) -> Answer:
    return answer


def _successful(answer: Answer) -> Answer:
    problem = problem_of(answer)
    if problem is None:
        return answer
    if isinstance(problem, TransientProblem):
        problem.retry_after = _retry_after(answer)
    raise problem


def _retry_after(answer: Answer) -> float | None:
    """Read `Retry-After` in seconds. No recording shows Salesforce sending it, but proxies on the way do."""
    text = answer.headers.get("retry-after", "")
    return min(float(text), _RETRY_AFTER_MAX) if text.isdigit() and int(text) else None
