"""`orgsync serve`: the HTTP API of a project."""

import signal
from dataclasses import replace
from ipaddress import ip_address
from typing import Annotated

import typer

from .commands import INTERRUPTED_ALONE, wait_for
from .interruptions import SERVER, SERVER_WITH_RUNS
from .output import examples, say, speech
from .signals import Interruption

__all__ = ["EXAMPLES", "serve"]

EXAMPLES = examples(
    "orgsync serve                                  on http://127.0.0.1:8787",
    "orgsync serve --up                             and run the syncs when they are due, in the same process",
    "orgsync serve --host 0.0.0.0 --allow-host orgsync.example.com",
    "                                               behind a proxy that encrypts",
    "orgsync tokens create dashboard --scope read   every call needs a token",
)

_PATIENCE = 8.0
"""Seconds for calls to end: containers are killed ten seconds after SIGTERM."""
_LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - what to call where it listens on all addresses


def serve(
    host: Annotated[str, typer.Option("--host", metavar="ADDRESS", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", metavar="PORT", help="The port to listen on; 0 for a free one.", min=0, max=65535)
    ] = 8787,
    up: Annotated[bool, typer.Option("--up", help="Run the syncs when they are due, too.")] = False,
    allow_host: Annotated[
        list[str] | None,
        typer.Option("--allow-host", metavar="NAME", help="A name under which callers reach it; may be repeated."),
    ] = None,
    root_path: Annotated[
        str, typer.Option("--root-path", metavar="PATH", help="Where a proxy puts it: /orgsync.")
    ] = "",
    trust_proxy: Annotated[
        list[str] | None,
        typer.Option(
            "--trust-proxy", metavar="ADDRESS", help="A proxy whose X-Forwarded headers hold; may be repeated."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Log one JSON object a line, for programs.")] = False,
) -> None:
    """Serve the project over HTTP: its copy and its changes, its connections and its runs, and a page that shows them.

    Every call needs a token. The documents of the API are at /docs and /openapi.json. The first SIGTERM or Ctrl-C ends
    it: calls under way have 8 seconds.
    """
    options = (host, port, up, allow_host or [], root_path, trust_proxy or [], as_json)
    raise typer.Exit(wait_for(lambda: _serve(*options), interrupted=lambda: INTERRUPTED_ALONE))


async def _serve(
    host: str,
    port: int,
    up: bool,
    hosts: list[str],
    root_path: str,
    proxies: list[str],
    as_json: bool,
) -> int:
    import anyio

    from orgsync.errors import PackageMissing
    from orgsync.settings import load_settings

    try:
        from orgsync.server import ServerOptions, listening, running, server_names
    except ImportError as missing:
        raise PackageMissing("The HTTP API needs packages that are not installed.", extra="server") from missing

    from .service_log import configure_service_log

    configure_service_log(as_json=as_json, debug=speech.debug)
    options = ServerOptions(hosts=hosts, root_path=root_path)
    with listening(host, port) as socket:
        address, port = socket.getsockname()[:2]
        everywhere = ip_address(address).is_unspecified
        if not everywhere:
            options = replace(options, hosts=[*hosts, host, address])
        shown = _LOOPBACK[address] if everywhere else f"[{address}]" if ":" in address else address

        def started() -> None:
            say(f"orgsync serves http://{shown}:{port}{root_path} (Ctrl-C ends it).")
            if everywhere:
                names = ", ".join(server_names(load_settings(), options))
                say(f"It listens on all addresses, and answers calls to these names: {names}. More: --allow-host NAME.")
            say("A browser shows a page there; sign in with a token: orgsync tokens create NAME --scope admin")

        stopping = SERVER_WITH_RUNS if up else SERVER
        with (
            anyio.CancelScope() as scope,
            Interruption(scope, lambda: stopping, patience=_PATIENCE) as interruption,
        ):
            await running(socket, options, up=up, proxies=proxies, on_start=started)
    return 0 if interruption.code == 128 + signal.SIGTERM else interruption.code or 0
