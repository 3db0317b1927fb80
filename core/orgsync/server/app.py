"""The app: an open project, its routes, and what guards them."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from urllib.parse import urlsplit

import anyio
from fastapi import Depends, FastAPI
from starlette.middleware import Middleware

from orgsync.errors import SettingInvalid
from orgsync.project import open_project
from orgsync.settings import Settings, load_settings
from orgsync.webhooks import deliver

from . import (
    api_connect_sessions,
    api_connections,
    api_health,
    api_jobs,
    api_metrics,
    api_new_connection,
    api_proxy,
    api_records,
    api_runs,
    api_webhooks,
    connect_pages,
    page_api,
    page_connection,
    page_connections,
    page_runs,
    page_sign_in,
)
from .authority import host_name_of
from .document import add_document, operation_id, require_known_query, require_plain_body
from .guards import BelowPath, BodyGuard, HostGuard, TargetGuard
from .jobs import Jobs
from .options import LOOPBACK, ServerOptions
from .page_access import no_such_path
from .problems import RESPONSES, add_problem_handlers
from .served import Served
from .views import Views
from .web import static_files

__all__ = ["create_app", "server_names"]

_API = (
    *(api_records, api_connections, api_new_connection, api_connect_sessions, api_jobs, api_runs, api_webhooks),
    *(api_health, api_metrics),
)
"""The most called come first: the routes are tried one after the other."""

_PAGES = (connect_pages, page_api, page_sign_in, page_connections, page_connection, page_runs)


def server_names(settings: Settings, options: ServerOptions) -> Sequence[str]:
    """Return the names by which a server may be called: loopback's, its public one, and those of the options.

    Raises SettingInvalid where `public_url` has no valid host: each call by that name would be refused.
    """
    public = [_public_host(settings.public_url)] if settings.public_url else []
    return list(dict.fromkeys([*LOOPBACK, *public, *options.hosts]))


def _public_host(url: str) -> str:
    try:
        host = host_name_of(urlsplit(url).netloc)
    except ValueError:  # brackets around what is no address
        host = None
    if host is None:
        raise SettingInvalid(
            "The setting public_url has no valid host, so that no call to its address could be answered.",
            "Write it so: https://sync.example.com; an international host name in its xn-- form.",
        )
    return host


def create_app(settings: Settings | None = None, options: ServerOptions | None = None) -> FastAPI:
    """Make the app that serves a project, the one around the working directory by default.

    It opens the project when it starts and closes it when it ends, so it works in any ASGI server.
    """
    chosen, settings = options or ServerOptions(), settings or load_settings()

    @asynccontextmanager
    async def opened(app: FastAPI) -> AsyncGenerator[None]:
        async with open_project(settings) as project, anyio.create_task_group() as group:
            views = Views(project.settings)
            app.state.served = Served(project, chosen, Jobs(project, group), views)
            group.start_soon(deliver, project.store, project.settings)
            yield
            group.cancel_scope.cancel()
            views.close()

    app = FastAPI(
        title="orgsync",
        version=version("orgsync"),
        summary="Salesforce data in a database of your own, over HTTP.",
        lifespan=opened,
        docs_url=None,  # the pages that FastAPI brings load scripts from elsewhere
        redoc_url=None,
        separate_input_output_schemas=False,
        generate_unique_id_function=operation_id,
        middleware=[
            Middleware(BelowPath, root_path=chosen.root_path),
            Middleware(HostGuard, hosts=server_names(settings, chosen)),
            Middleware(TargetGuard),
            Middleware(BodyGuard, largest=chosen.largest_body, exempt=api_proxy.PATHS),  # whose bodies go to Salesforce
        ],
    )
    add_problem_handlers(app)
    app.exception_handler(404)(no_such_path)
    app.include_router(api_proxy.router)
    for module in _API:
        checks = [Depends(require_known_query), Depends(require_plain_body)]
        app.include_router(module.router, responses=RESPONSES, dependencies=checks)
    add_document(app)
    for pages in _PAGES:
        app.include_router(pages.router, include_in_schema=False)
    app.mount("/static", static_files())
    return app
