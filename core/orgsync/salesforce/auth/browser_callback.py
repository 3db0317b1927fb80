"""The browser flow of a command: a loopback address that waits for Salesforce to send the browser back.

The listener answers one path of one port, for one sign-in, and reads no more than it needs: anything that is not the
expected callback (an icon, a port scan, a forged state) gets an error page and changes nothing.
"""

import contextlib
import errno
import os
import secrets
import sys
import threading
import webbrowser
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection
from typing import Generic, TypeVar

import anyio
from anyio.abc import ByteReceiveStream, ByteStream, SocketAttribute, SocketStream
from anyio.streams.stapled import MultiListener

from orgsync.errors import OrgsyncError, PortUnavailable, SignInNeeded

from ..http.http import Http
from .callback_pages import BROKEN, FOREIGN, GARBAGE, NOT_ALLOWED, NOT_FOUND, SIGNED_IN, TWICE, Page
from .credentials import Credentials
from .sign_in import sign_in
from .web_flow import begin, finish, state_of

__all__ = ["CALLBACK_PORT", "CallbackListener", "listen", "open_in_browser", "sign_in_by_browser"]

CALLBACK_PORT = 8788
"""The port of the default callback URL, http://localhost:8788/callback, which the app must know."""

_PATH = "/callback"
_START = "/start/"
_FREE_PORTS_TRIED = 8
_LARGEST_REQUEST = 16_384
_READ_SECONDS = 10.0

T = TypeVar("T")


class CallbackListener:
    """Wait on a loopback port for the browser to come back; made by `listen`."""

    def __init__(self, listener: MultiListener[SocketStream], port: int) -> None:
        self._listener = listener
        self._start = f"{_START}{secrets.token_urlsafe(24)}"
        self.redirect_uri = f"http://localhost:{port}{_PATH}"
        self.start_url = f"http://localhost:{port}{self._start}"
        """An address that leads to the sign-in once. Others see it in the list of processes, where a browser is
        started with it, and not the sign-in's own."""

    async def wait(
        self, state: str, complete: Callable[[str], Awaitable[T]], *, url: str = "", within: float = 300
    ) -> T:
        """Await the callback that carries `state`, and give what `complete` makes of its URL.

        `url` is where `start_url` leads. The browser is told how `complete` ended, and its error is raised here. Raises
        SignInNeeded where nobody comes within so many seconds, and where `start_url` is asked for twice.
        """
        arrival = _Arrival(self.redirect_uri, state, complete, {self._start: url})
        with anyio.move_on_after(within):
            async with anyio.create_task_group() as group:

                async def answer(stream: SocketStream) -> None:
                    async with stream:
                        await arrival.answer(stream)
                    if arrival.over:
                        group.cancel_scope.cancel()

                await self._listener.serve(answer, group)
        return arrival.outcome(within)


class _Arrival(Generic[T]):
    """Answer the requests of one waiting sign-in until the expected one has come."""

    def __init__(
        self, redirect_uri: str, state: str, complete: Callable[[str], Awaitable[T]], starts: dict[str, str]
    ) -> None:
        self._starts = starts
        self._redirect_uri = redirect_uri
        self._state = state
        self._complete = complete
        self._taken = False
        self._results: list[T] = []
        self._error: Exception | None = None

    @property
    def over(self) -> bool:
        return bool(self._results) or self._error is not None

    def outcome(self, seconds: float) -> T:
        if self._error is not None:
            raise self._error
        if self._results:
            return self._results[0]
        raise SignInNeeded(
            f"Nobody finished the sign-in in the browser within {seconds:g} seconds.",
            "Start it again. If Salesforce showed an error page instead, its text names the cause: most often the "
            f"client id, or the callback URL {self._redirect_uri}, which must be exactly as in the app.",
        )

    async def answer(self, stream: ByteStream) -> None:
        with contextlib.suppress(anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream):
            page = await self._page(await _read_head(stream))
            await stream.send(page.bytes())

    async def _page(self, head: bytes) -> Page:
        method, _, rest = head.partition(b"\r\n")[0].partition(b" ")
        target, _, protocol = rest.partition(b" ")
        if b"\r\n\r\n" not in head or not protocol.startswith(b"HTTP/1.") or not target.startswith(b"/"):
            return GARBAGE
        path, _, query = target.decode("latin-1").partition("?")
        if method == b"GET" and self._starts.get(path) is not None:
            return self._begin(path)
        if path != _PATH:
            return NOT_FOUND
        if method != b"GET":
            return NOT_ALLOWED
        url = f"{self._redirect_uri}?{query}"
        if not secrets.compare_digest((state_of(url) or "").encode(), self._state.encode()):
            return FOREIGN
        return await self._finish(url)

    def _begin(self, path: str) -> Page:
        """Lead to the sign-in, once: whoever asks again, or asked before, may be another user of this machine."""
        url, self._starts[path] = self._starts[path], ""
        if url:
            return Page("302 Found", "Sign in", "Salesforce's page follows.", location=url)
        self._error = SignInNeeded(
            "The address that opens the sign-in was used twice, so somebody else may have it.",
            "Start the sign-in again, and do not reload its first page.",
        )
        return Page("200 OK", "Not signed in", str(self._error))

    async def _finish(self, url: str) -> Page:
        if self._taken:  # a reloaded page must not use the code a second time
            return TWICE
        self._taken = True
        try:
            self._results.append(await self._complete(url))
        except OrgsyncError as error:
            self._error = error
            return Page("200 OK", "Not signed in", str(error))
        except Exception as error:
            self._error = error
            return BROKEN
        return SIGNED_IN


@contextlib.asynccontextmanager
async def listen(port: int = CALLBACK_PORT) -> AsyncGenerator[CallbackListener]:
    """Listen on loopback; port 0 takes any free one, for apps that know every port (the demo org's does).

    Both of localhost's addresses are listened on, for a browser may try either: who has the other one could get the
    code. Raises PortUnavailable where the port is taken on one of them.
    """
    try:
        listener, bound = await (_both_addresses(port) if port else _free_on_both_addresses())
    except OSError as error:
        raise PortUnavailable(
            f"orgsync cannot listen on port {port} of this machine, on 127.0.0.1 and ::1: {error.strerror}.",
            "Stop what uses it, or choose another port and add its callback URL to the app.",
        ) from error
    async with listener:
        yield CallbackListener(listener, bound)


async def _free_on_both_addresses() -> tuple[MultiListener[SocketStream], int]:
    """Listen on any port that is free on both; one that is free on the first may be taken on the second."""
    for _ in range(_FREE_PORTS_TRIED):
        with contextlib.suppress(OSError):
            return await _both_addresses(0)
    return await _both_addresses(0)


async def _both_addresses(port: int) -> tuple[MultiListener[SocketStream], int]:
    first = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=port)
    bound = int(first.extra(SocketAttribute.local_port))  # noqa: S610 - a socket's extra, not a database's
    try:
        second = await anyio.create_tcp_listener(local_host="::1", local_port=bound)
    except OSError as error:
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            await first.aclose()
            raise
        return first, bound  # a machine without IPv6
    return MultiListener([*first.listeners, *second.listeners]), bound


async def sign_in_by_browser(
    http: Http,
    app: Credentials,
    *,
    announce: Callable[[str], None],
    open_url: Callable[[str], object] | None = None,
    port: int = CALLBACK_PORT,
    within: float = 300,
    allowed_hosts: Collection[str] = (),
) -> Credentials:
    """Let a person sign in with their browser and give complete credentials, ready to be stored.

    `app` holds the login URL, the client id and, where the app wants it, the secret; its org id, if set, is the org
    that must answer. `announce` is given the URL to show; `open_url` is given a local one that leads there
    once (`open_in_browser`): it may become the argument of a process, which other users see.
    Raises SignInNeeded, ConfigurationProblem or a TransientProblem.
    """
    async with listen(port) as listener:
        authorization = begin(app.login_url, app.client_id, listener.redirect_uri, login_hint=app.username)

        async def complete(callback_url: str) -> Credentials:
            credentials = await finish(
                http,
                authorization,
                callback_url,
                client_secret=app.client_secret,
                org_id=app.org_id,
                allowed_hosts=allowed_hosts,
            )
            return await sign_in(http, credentials, allowed_hosts=allowed_hosts)

        announce(authorization.url)
        if open_url is not None:
            open_url(listener.start_url)
        return await listener.wait(authorization.state, complete, url=authorization.url, within=within)


def open_in_browser(url: str) -> bool:
    """Open the URL in the person's browser without waiting for it; tell whether there is one to try."""
    graphical = sys.platform in ("darwin", "win32") or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    )
    if graphical:  # without a screen, webbrowser would start a text browser over the terminal
        threading.Thread(target=_open, args=(url,), daemon=True).start()
    return graphical


def _open(url: str) -> None:
    with contextlib.suppress(webbrowser.Error, OSError):  # the URL has been shown as well
        webbrowser.open(url)


async def _read_head(stream: ByteReceiveStream) -> bytes:
    """Read a request up to its empty line, or as much as comes in time and fits."""
    head = b""
    with anyio.move_on_after(_READ_SECONDS):
        while b"\r\n\r\n" not in head and len(head) < _LARGEST_REQUEST:
            head += await stream.receive(4096)
    return head
