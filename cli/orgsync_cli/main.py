"""The `orgsync` command: its commands by name, in the order in which a person needs them."""

import io
import sys
from typing import Annotated

import typer

from . import (
    actions,
    api,
    backup,
    cassettes,
    connect,
    connections,
    demo,
    do,
    doctor,
    drift,
    init,
    keys,
    mcp,
    move,
    new,
    proxy,
    record,
    records,
    reset,
    run,
    runs,
    schedule,
    serve,
    status,
    syncs,
    tokens,
    up,
    webhooks,
    worker,
    write,
)
from .commands import INTERRUPTED, Commands, Program
from .help_text import PlainCommand
from .output import examples, result, say, show_unexpected

__all__ = ["app", "main"]

_EXAMPLES = examples(
    "orgsync demo                     see it work, without an account",
    "orgsync init acme-data           start a project",
    "orgsync connect acme             sign in to an org",
    "orgsync run contacts -c acme     copy what changed",
    "orgsync records contact          look at the copy",
)

app = Program(
    name="orgsync",
    cls=Commands,
    rich_markup_mode=None,  # rich help costs as much as all the rest of --help, twice over
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    epilog=_EXAMPLES,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        result(f"orgsync {version('orgsync')}")
        raise typer.Exit


@app.callback()
def orgsync(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show tracebacks and every log line; may stand anywhere.")
    ] = False,
) -> None:
    """Keep a copy of Salesforce data in a database that you own."""


_anywhere = PlainCommand  # these two need no project
app.command("demo", cls=_anywhere, short_help="See it work on a demo org, without an account.", epilog=demo.EXAMPLES)(
    demo.demo
)
app.command("init", cls=_anywhere, short_help="Start a project.", epilog=init.EXAMPLES)(init.init)
app.command("connect", short_help="Sign in to an org, and keep the connection.", epilog=connect.EXAMPLES)(
    connect.connect
)
app.add_typer(connections.app, name="connections", short_help="List, show, rename, remove and test connections.")
app.command("doctor", short_help="Look for problems: cause and remedy of each.", epilog=doctor.EXAMPLES)(doctor.doctor)
app.add_typer(new.app, name="new", short_help="Write a new script from an org's metadata.")
app.command("syncs", short_help="List the syncs.", epilog=syncs.EXAMPLES)(syncs.syncs)
app.command("run", short_help="Run syncs: copy what changed since the last run.", epilog=run.EXAMPLES)(run.run)
app.command("up", short_help="Run every due sync on every connection.", epilog=up.EXAMPLES)(up.up)
app.command("worker", short_help="Run what is due on any number of machines.", epilog=worker.EXAMPLES)(worker.worker)
app.command("status", short_help="Show how each sync stands; exits 1 if one needs you.", epilog=status.EXAMPLES)(
    status.status
)
app.command("drift", short_help="Show which fields of the orgs have changed since yesterday.", epilog=drift.EXAMPLES)(
    drift.drift
)
app.command("schedule", short_help="Set when syncs are due on a connection.", epilog=schedule.EXAMPLES)(
    schedule.schedule
)
app.command("runs", short_help="List the latest runs, or show one.", epilog=runs.EXAMPLES)(runs.runs)
app.command("records", short_help="Look at the copy, or follow its changes.", epilog=records.EXAMPLES)(records.records)
app.command("backup", short_help="Copy the database to a file, while syncs run.", epilog=backup.EXAMPLES)(backup.backup)
app.command("move", short_help="Move the copy to another database: PostgreSQL, SQLite.", epilog=move.EXAMPLES)(
    move.move
)
app.add_typer(keys.app, name="keys", short_help="Exchange the key of the credentials, while syncs run.")
app.command("reset", short_help="Discard what a sync has copied.", epilog=reset.EXAMPLES)(reset.reset)
app.command("record", short_help="Record a sync as a cassette for tests.", epilog=record.EXAMPLES)(record.record)
app.add_typer(cassettes.app, name="cassettes", short_help="Look for what must not be in a cassette.")
app.command("write", short_help="Write the rows of a file to an org.", epilog=write.EXAMPLES)(write.write)
app.command("actions", short_help="List the actions, or show one.", epilog=actions.EXAMPLES)(actions.actions)
app.command("do", short_help="Run an action: do something in an org.", epilog=do.EXAMPLES)(do.do)
app.command("api", short_help="Make one call to an org's REST API.", epilog=api.EXAMPLES)(api.api)
app.command("serve", short_help="Serve the copy over HTTP.", epilog=serve.EXAMPLES)(serve.serve)
app.command("proxy", short_help="Serve an org's API on this machine, signed in.", epilog=proxy.EXAMPLES)(proxy.proxy)
app.command("mcp", short_help="Serve the copy to agents, read only.", epilog=mcp.EXAMPLES)(mcp.mcp)
app.add_typer(tokens.app, name="tokens", short_help="Make, list and revoke tokens of the HTTP API.")
app.add_typer(webhooks.app, name="webhooks", short_help="Tell other systems what happens, by HTTP.")
app.build_when_named()


def main() -> None:
    """Run the command; an unforeseen error is shown in two lines as well."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a narrow encoding shows what it lacks, and ends nothing
    try:
        app()
    except KeyboardInterrupt:  # before a command was begun: what comes later is caught there
        say("Interrupted.")
        sys.exit(INTERRUPTED)
    except Exception as error:  # a traceback is for --debug
        show_unexpected(error)
        sys.exit(1)
