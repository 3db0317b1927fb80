"""`orgsync worker`: runs jobs on one of any number of machines, over one PostgreSQL database."""

from typing import Annotated

import typer

from .commands import INTERRUPTED_ALONE, wait_for
from .completion import sync_names
from .options import AsJson, connection_option
from .output import examples
from .up import Service

__all__ = ["EXAMPLES", "worker"]

EXAMPLES = examples(
    "orgsync worker                     until it is stopped; on as many machines as there are",
    "orgsync worker --concurrency 16    sixteen runs at once, here",
    "orgsync worker --json              one JSON object a line on stdout, for a log collector",
)


def worker(
    concurrency: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Runs that work at once, here; as the setting concurrency by default."),
    ] = None,
    sync: Annotated[
        list[str] | None,
        typer.Option("--sync", metavar="SYNC", help="Only this sync; may be repeated.", autocompletion=sync_names),
    ] = None,
    connection: Annotated[list[str] | None, connection_option("Only on this connection; may be repeated.")] = None,
    as_json: AsJson = False,
) -> None:
    """Run what is due, together with every other worker on the same PostgreSQL database.

    One of them plans: it decides what is due, as `orgsync up` does, and when it is gone another takes over within
    seconds; so start all of them with the same scripts, and the same --sync and -c if any. A worker that dies is
    noticed, and what it was running is run by another. The first SIGTERM or Ctrl-C stops the runs under way and hands
    them to the others. Needs the extra: pip install 'orgsync[workers]'. Exit code: 0 when SIGTERM has stopped it, 130
    after Ctrl-C, 2 for what keeps it from starting.
    """
    service = Service(
        list(dict.fromkeys(sync or [])),
        list(dict.fromkeys(connection or [])),
        as_json=as_json,
        as_worker=True,
        concurrency=concurrency,
    )
    raise typer.Exit(wait_for(service.run, interrupted=lambda: INTERRUPTED_ALONE))
