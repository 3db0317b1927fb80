"""One connection's API on loopback, for a person's own REST client: no token of the HTTP API is needed there."""

import hmac
import secrets
import socket as sockets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response

from orgsync.errors import Forbidden, SignInNeeded, Unauthorized
from orgsync.project import open_project
from orgsync.settings import Settings

from .forwarding import forwarded
from .guards import HostGuard
from .jobs import Jobs
from .options import LOOPBACK, ServerOptions
from .problems import add_problem_handlers
from .running import serve_app
from .served import Served, served_by
from .views import Views

__all__ = ["new_secret", "proxying"]

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]


def new_secret() -> str:
    """Return a token for one run of the proxy."""
    return secrets.token_urlsafe(24)


async def proxying(
    socket: sockets.socket, connection: str, *, secret: str | None = None, settings: Settings | None = None
) -> None:
    """Pass calls to an org's API on until cancelled; those that show the secret alone, where there is one."""
    await serve_app(socket, _app(connection, secret, settings))


def _app(name: str, secret: str | None, settings: Settings | None) -> FastAPI:
    @asynccontextmanager
    async def opened(app: FastAPI) -> AsyncGenerator[None]:
        import anyio

        async with open_project(settings) as project, anyio.create_task_group() as group:
            app.state.served = Served(project, ServerOptions(), Jobs(project, group), Views(project.settings))
            yield

    app = FastAPI(title="orgsync proxy", lifespan=opened, openapi_url=None, docs_url=None, redoc_url=None)
    app.add_middleware(HostGuard, hosts=LOOPBACK)
    add_problem_handlers(app)

    @app.api_route("/{path:path}", methods=_METHODS, response_model=None)
    async def call(request: Request) -> Response:
        _require_own(request, secret)
        served = served_by(request)
        found = await served.project.store.connections.get(name)
        if found.status != "ready":
            raise SignInNeeded.again(name, found.status_reason)
        path = request.scope["raw_path"].decode("ascii")
        return await forwarded(served.client_of(found), request, path, base="")

    return app


def _require_own(request: Request, secret: str | None) -> None:
    """Raise Forbidden for a call that a web page makes a browser send, and Unauthorized without the secret."""
    if "origin" in request.headers or request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        raise Forbidden("A web page has sent this call.", "Call it from a REST client; pages are not answered.")
    if secret is not None:
        shown = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(shown.encode(), secret.encode()):
            raise Unauthorized(
                "This call needs the token that orgsync proxy has printed, and no other.",
                "Send `Authorization: Bearer TOKEN` with that one.",
            )
