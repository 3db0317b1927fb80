"""What a request must be before anything looks at it, addressed to this server and bounded; where errors end."""

import asyncio
import re
from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from orgsync.errors import ArgumentInvalid, ServerBusy

from .authority import host_name_of
from .problems import problem_response, too_large

__all__ = ["BelowPath", "BodyGuard", "ErrorGuard", "HostGuard", "TargetGuard"]


class ErrorGuard:
    """Keeps errors from the server that the app runs in, which would write their text and traceback, data included.

    By then the app has logged the error by its type, and has answered; a response that had begun is cut off. A call
    that outlasts the server is cancelled by uvicorn, which would write a traceback too: it is answered.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        has_begun = False

        async def noting(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self._app(scope, receive, noting)
        except (Exception, asyncio.CancelledError) as ended:
            if isinstance(ended, asyncio.CancelledError) and not has_begun:
                cause, remedy = "The server stopped before the call had ended.", "See what it has done, then repeat it."
                await problem_response(503, ServerBusy.code, cause, remedy)(scope, receive, send)


class HostGuard:
    """Refuses requests for a host that is not this server's.

    A page that a browser has loaded from elsewhere can make its own name mean 127.0.0.1 (DNS rebinding); the browser
    still sends that name.
    """

    def __init__(self, app: ASGIApp, *, hosts: Collection[str]) -> None:
        self._app = app
        self._hosts = {host.lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 421."""
        if scope["type"] == "http":
            hosts = Headers(scope=scope).getlist("host")
            if len(hosts) != 1 or host_name_of(hosts[0]) not in self._hosts:
                cause = "This server is not reached by that name." if hosts else "The request names no host."
                remedy = "Call it by its own; more names are allowed with: orgsync serve --allow-host NAME."
                await problem_response(421, "host_not_allowed", cause, remedy)(scope, receive, send)
                return
        await self._app(scope, receive, send)


class TargetGuard:
    """Refuses a path or a query with NUL in it: no name and no value has it, and not every database takes it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 400."""
        if scope["type"] == "http" and ("\0" in scope["path"] or b"%00" in scope["query_string"]):
            refusal = ArgumentInvalid("The address holds a NUL character, %00.", "Leave it out.")
            await problem_response(400, refusal.code, refusal.cause, refusal.remedy)(scope, receive, send)
            return
        await self._app(scope, receive, send)


class BelowPath:
    """Says that a proxy has put the server below a path, whether or not it cuts that off of what it passes on."""

    def __init__(self, app: ASGIApp, *, root_path: str) -> None:
        self._app = app
        self._root_path = root_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if self._root_path:
            scope["root_path"] = self._root_path
        await self._app(scope, receive, send)


class BodyGuard:
    """Refuses a request whose body is encoded, or too large, at the latest when it has come so far.

    Some paths are exempt.
    """

    def __init__(self, app: ASGIApp, *, largest: int, exempt: re.Pattern[str]) -> None:
        self._app = app
        self._largest = largest
        self._exempt = exempt

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 413 or 415."""
        if scope["type"] != "http" or self._exempt.match(scope["path"].removeprefix(scope.get("root_path", ""))):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if headers.get("content-encoding", "identity").strip().lower() != "identity":
            cause, remedy = "The body is encoded, by its Content-Encoding.", "Send it as it is."
            await problem_response(415, "encoding_unknown", cause, remedy)(scope, receive, send)
            return
        declared = headers.get("content-length", "0")
        if declared.isdecimal() and int(declared) > self._largest:
            await too_large(self._largest)(scope, receive, send)
            return
        read = 0

        async def bounded() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self._largest:
                raise HTTPException(413)  # what reads a body lets this error pass
            return message

        await self._app(scope, bounded, send)
