"""`orgsync mcp`: the copy for agents, by the Model Context Protocol."""

import signal
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Annotated

import typer

from orgsync.errors import PackageMissing

from .commands import INTERRUPTED_ALONE, wait_for
from .interruptions import SERVER
from .output import examples, say, speech, stdout
from .signals import Interruption

if TYPE_CHECKING:
    from mcp.server import MCPServer

__all__ = ["EXAMPLES", "mcp"]

EXAMPLES = examples(
    "orgsync mcp                          for a client that starts it, on stdin and stdout",
    "orgsync mcp --http                   for clients of this machine, on http://127.0.0.1:8790/mcp",
)

_PATIENCE = 8.0


def mcp(
    http: Annotated[bool, typer.Option("--http", help="Serve on loopback, not on stdin and stdout.")] = False,
    port: Annotated[
        int, typer.Option("--port", metavar="PORT", help="The port of --http; 0 for a free one.", min=0, max=65535)
    ] = 8790,
) -> None:
    """Serve the copy to agents, read only: its tables, SQL on them, changes, runs and how each sync stands.

    No tool writes, runs anything or reads credentials. With --http everybody on this machine can read the copy.
    """
    raise typer.Exit(wait_for(lambda: _http(port) if http else _stdio(), interrupted=lambda: INTERRUPTED_ALONE))


async def _stdio() -> int:
    server = _server()
    with redirect_stdout(stdout()):  # which is the client's; what scripts print goes to stderr all the same
        await server.run_stdio_async()
    return 0


async def _http(port: int) -> int:
    import anyio

    server = _server()
    try:
        from orgsync.server import listening, serve_app
    except ImportError as missing:
        raise PackageMissing("--http needs packages that are not installed.", extra="mcp,server") from missing
    from .service_log import configure_service_log

    configure_service_log(as_json=False, debug=speech.debug)
    with listening("127.0.0.1", port, command="orgsync mcp --http") as socket:
        say(f"The copy is at http://127.0.0.1:{socket.getsockname()[1]}/mcp (Ctrl-C ends it).")
        with anyio.CancelScope() as scope, Interruption(scope, lambda: SERVER, patience=_PATIENCE) as interruption:
            await serve_app(socket, server.streamable_http_app())
    return 0 if interruption.code == 128 + signal.SIGTERM else interruption.code or 0


def _server() -> "MCPServer":
    from orgsync.settings import load_settings

    try:
        from orgsync.mcp_server import mcp_server
    except ImportError as missing:
        raise PackageMissing("This command needs a package that is not installed.", extra="mcp") from missing
    return mcp_server(load_settings())
