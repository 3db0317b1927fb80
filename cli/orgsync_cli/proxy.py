"""`orgsync proxy`: an org's API on loopback, signed in, for any REST client."""

import signal
from typing import Annotated

import typer

from .commands import INTERRUPTED_ALONE, wait_for
from .completion import connection_names
from .interruptions import SERVER
from .output import examples, say, speech, stdout, verbatim
from .signals import Interruption

__all__ = ["EXAMPLES", "proxy"]

EXAMPLES = examples(
    "orgsync proxy acme",
    "curl http://127.0.0.1:8789/services/data/v62.0/limits",
    "orgsync proxy acme --private         for those alone who show it: Authorization: Bearer ...",
)

_PATIENCE = 8.0


def proxy(
    connection: Annotated[
        str, typer.Argument(metavar="CONNECTION", help="The connection.", autocompletion=connection_names)
    ],
    port: Annotated[
        int, typer.Option("--port", metavar="PORT", help="The port to listen on; 0 for a free one.", min=0, max=65535)
    ] = 8789,
    private: Annotated[
        bool, typer.Option("--private", help="Answer those alone who show a token, which is printed.")
    ] = False,
) -> None:
    """Serve an org's REST API on this machine, signed in: Postman, curl or a notebook need no token of Salesforce's.

    Whoever can reach the port, everybody on this machine, can do in the org what the connection's user may, unless
    --private is given. The org's token is renewed where it is dead, and is sent to the org alone.
    """
    raise typer.Exit(
        wait_for(lambda: _proxy(connection, port, with_token=private), interrupted=lambda: INTERRUPTED_ALONE)
    )


async def _proxy(connection: str, port: int, *, with_token: bool) -> int:
    import anyio

    from orgsync.errors import PackageMissing
    from orgsync.project import require_connection

    try:
        from orgsync.server import listening, new_secret, proxying
    except ImportError as missing:
        raise PackageMissing("The proxy needs packages that are not installed.", extra="server") from missing

    from .service_log import configure_service_log

    await require_connection(connection)
    configure_service_log(as_json=False, debug=speech.debug)
    secret = new_secret() if with_token else None
    with listening("127.0.0.1", port, command=f"orgsync proxy {connection}") as socket:
        say(f"The API of {connection} is at http://127.0.0.1:{socket.getsockname()[1]}/services/data (Ctrl-C ends it).")
        if secret is not None:
            say("Every call has to show this token:")
            verbatim(secret)
            stdout().flush()  # it serves until it is stopped: a pipe or a file would stay empty
        with (
            anyio.CancelScope() as scope,
            Interruption(scope, lambda: SERVER, patience=_PATIENCE) as interruption,
        ):
            await proxying(socket, connection, secret=secret)
    return 0 if interruption.code == 128 + signal.SIGTERM else interruption.code or 0
