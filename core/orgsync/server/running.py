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
from orgsync.errors import OrgsyncError, PortUnavailable
from orgsync.settings import Settings

from .app import create_app
from .guards import ErrorGuard
from .http_protocol import ACCEPTED_AT_ONCE
from .options import ServerOptions
from .plain_port import PlainPortProtocol
from .problems import unexpected

__all__ = ["listening", "running", "serve_app"]

_GRACE = 5
"""Seconds that calls under way have to end."""

_KEEP_ALIVE = 75
"""Seconds for which an idle connection stays open: longer than proxies and clients keep theirs (nginx: 60), for one
that is closed just when a call is sent on it is an error at the other end."""

_WAITING_TO_BE_ACCEPTED = 1024


class _Server(uvicorn.Server):
    """A server that leaves signals to whoever runs it, and says when it stops."""

    def __init__(self, config: uvicorn.Config, on_stop: Callable[[], object]) -> None:
        super().__init__(config)
        self._on_stop = on_stop
        self._told = anyio.Event()

    def stop(self) -> None:
        """Have it stop."""
        self.should_exit = True
        self._told.set()

    async def main_loop(self) -> None:
        """Keep the date that answers bear, and go on until it is told to stop; uvicorn looks ten times a second."""
        while not await self.on_tick(0):
            with anyio.move_on_after(1):
                await self._told.wait()

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
    on_start: Callable[[], object] = lambda: None,
) -> None:
    """Serve until cancelled: then calls under way have five seconds. With `up` due syncs run in this process.

    `proxies` are the addresses whose X-Forwarded headers hold; `on_start` is called once the database is open. Raises
    as the project does where it cannot be opened.
    """

    async def schedule() -> None:
        async with open_scheduler(settings=settings) as scheduler:
            await scheduler.run()

    try:
        async with anyio.create_task_group() as group:

            def start() -> None:
                on_start()
                if up:
                    group.start_soon(schedule)

            def stop() -> None:
                app.state.served.end_waits()

            app = create_app(settings, options)
            await serve_app(socket, app, proxies=proxies, on_start=start, on_stop=stop)
            group.cancel_scope.cancel()
    except BaseExceptionGroup as failed:
        raise _first_known(failed) from None


def _first_known(failed: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the first error of a group that has only orgsync's: the scheduler and the server may raise one each."""
    known, others = failed.split(OrgsyncError)
    if known is None or others is not None:
        return failed
    error: BaseException = known
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


async def serve_app(
    socket: socketlib.socket,
    app: Starlette,
    *,
    proxies: Sequence[str] = (),
    on_start: Callable[[], object] = lambda: None,
    on_stop: Callable[[], object] = lambda: None,
) -> None:
    """Serve an app until cancelled; raises what its lifespan raises.

    `on_start` is called when the lifespan has begun, `on_stop` before calls under way are waited for.
    """
    app.add_exception_handler(Exception, unexpected)  # which logs what the guard keeps from uvicorn
    config = uvicorn.Config(
        ErrorGuard(app),
        http=PlainPortProtocol,
        backlog=ACCEPTED_AT_ONCE,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=list(proxies),
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=_GRACE,
        ws="none",
        lifespan="off",  # uvicorn would write what it raises, with its traceback
    )
    server = _Server(config, on_stop)

    async def stop_in_the_end() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            server.stop()

    # Ctrl-C during the imports cancels the task from here on: uvicorn would log that as an app that fails to start.
    await anyio.lowlevel.checkpoint()
    async with anyio.create_task_group() as group:
        group.start_soon(stop_in_the_end)
        with anyio.CancelScope(shield=True):
            async with app.router.lifespan_context(app):
                if not server.should_exit:  # it may have been cancelled while the app began
                    on_start()
                    await server.serve(sockets=[socket])
        group.cancel_scope.cancel()
