"""The server itself: a socket, uvicorn on it, and the scheduler beside it."""

import errno
import socket as socketlib
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager

import anyio
import anyio.lowlevel
import uvicorn
from starlette.applications import Starlette

from orgsync.application import open_scheduler
from orgsync.errors import PortUnavailable
from orgsync.settings import Settings

from .app import create_app
from .guards import ErrorGuard
from .http_protocol import ACCEPTED_AT_ONCE, BoundedProtocol
from .options import ServerOptions
from .problems import unexpected

__all__ = ["listening", "running", "serve_app"]

_GRACE = 5
"""Seconds that calls under way have to end."""

_KEEP_ALIVE = 75
"""Seconds for which an idle connection stays open: longer than proxies and clients keep theirs (nginx: 60), for one
that is closed just when a call is sent on it is an error at the other end."""

_LARGEST_HEAD = 32_768
_WAITING_TO_BE_ACCEPTED = 1024


class _Server(uvicorn.Server):
    """A server that leaves signals to whoever runs it, and says when it stops."""

    def __init__(self, config: uvicorn.Config, on_stop: Callable[[], object]) -> None:
        super().__init__(config)
        self._on_stop = on_stop

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Take no signals."""
        yield

    async def startup(self, sockets: list[socketlib.socket] | None = None) -> None:
        """Start; of the backlog, asyncio has taken how many to accept at once, and so has made the queue as short."""
        await super().startup(sockets)
        for each in sockets or ():
            each.listen(_WAITING_TO_BE_ACCEPTED)

    async def shutdown(self, sockets: list[socketlib.socket] | None = None) -> None:
        """Stop; what callers wait for is not waited for."""
        self._on_stop()
        await super().shutdown(sockets)


@contextmanager
def listening(host: str, port: int, *, command: str = "orgsync serve") -> Generator[socketlib.socket]:
    """Listen on an address; raises PortUnavailable where that cannot be."""
    family = socketlib.AF_INET6 if ":" in host else socketlib.AF_INET
    # asyncio sends at once (TCP_NODELAY) only where the protocol is said; else small writes wait 40 ms for one another.
    with socketlib.socket(family, socketlib.SOCK_STREAM, socketlib.IPPROTO_TCP) as opened:
        opened.setsockopt(socketlib.SOL_SOCKET, socketlib.SO_REUSEADDR, 1)
        try:
            opened.bind((host, port))
            opened.listen(_WAITING_TO_BE_ACCEPTED)
        except OSError as error:
            raise PortUnavailable(
                f"orgsync cannot listen on {host}, port {port}: {error.strerror or error}.",
                f"Choose another: {command} --port 0 takes a free one."
                if error.errno in (errno.EADDRINUSE, errno.EACCES)
                else "Give an address of this machine, or leave --host out.",
            ) from None
        yield opened


async def running(
    socket: socketlib.socket,
    options: ServerOptions,
    *,
    up: bool = False,
    proxies: Sequence[str] = (),
    settings: Settings | None = None,
) -> None:
    """Serve until cancelled: then calls under way have five seconds. With `up` due syncs run in this process.

    `proxies` are the addresses whose X-Forwarded headers hold.
    """

    async def schedule() -> None:
        async with open_scheduler(settings=settings) as scheduler:
            await scheduler.run()

    await anyio.lowlevel.checkpoint()  # as below: the scheduler would be cut off while it opens the database
    async with anyio.create_task_group() as group:
        if up:
            group.start_soon(schedule)
        app = create_app(settings, options)
        await serve_app(socket, app, proxies=proxies, on_stop=lambda: app.state.served.end_waits())
        group.cancel_scope.cancel()


async def serve_app(
    socket: socketlib.socket,
    app: Starlette,
    *,
    proxies: Sequence[str] = (),
    on_stop: Callable[[], object] = lambda: None,
) -> None:
    """Serve an app until cancelled; `on_stop` is called before calls under way are waited for."""
    app.add_exception_handler(Exception, unexpected)  # which logs what the guard keeps from uvicorn
    config = uvicorn.Config(
        ErrorGuard(app),
        http=BoundedProtocol,
        backlog=ACCEPTED_AT_ONCE,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=list(proxies),
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=_GRACE,
        h11_max_incomplete_event_size=_LARGEST_HEAD,
        ws="none",
        lifespan="on",
    )
    server = _Server(config, on_stop)

    async def stop_in_the_end() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            server.should_exit = True

    # Ctrl-C during the imports cancels the task from here on: uvicorn would log that as an app that fails to start.
    await anyio.lowlevel.checkpoint()
    async with anyio.create_task_group() as group:
        group.start_soon(stop_in_the_end)
        with anyio.CancelScope(shield=True):
            await server.serve(sockets=[socket])
        group.cancel_scope.cancel()
