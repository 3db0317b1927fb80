"""`orgsync connections`: list, show, update, rename, remove and test connections."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from orgsync.errors import ArgumentInvalid
from orgsync.project.health_views import error_view
from orgsync.project.views import connection_view

from .commands import NOTHING_CHANGED, Program, enter_project, open_view, wait_for
from .completion import connection_names, tag_names
from .connect import metadata_of
from .connection_choice import require_connected
from .mapping import EXAMPLES as MAP_EXAMPLES
from .mapping import map_fields
from .options import AsJson
from .output import confirmed, examples, json_line, result, say, to_json
from .tables import show_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orgsync.project import ConnectionRow, Removal

__all__ = ["EXAMPLES", "app"]

EXAMPLES = examples(
    "orgsync connections                 list them",
    "orgsync connections show acme       all that is known of one",
    "orgsync connections test acme       one call to its org",
    "orgsync connections update acme --tag eu --untag trial",
    "orgsync connections map acme Contact.level=Tier__c",
    "orgsync connections rename acme acme-eu",
    "orgsync connections remove acme --keep-rows",
)

app = Program(rich_markup_mode=None, epilog=EXAMPLES)
Name = Annotated[
    str, typer.Argument(metavar="CONNECTION", help="The connection's name.", autocompletion=connection_names)
]


@app.callback(invoke_without_command=True)
def connections(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List the connections, or do something with one."""
    if ctx.invoked_subcommand is not None:
        if as_json:
            behind = f"put it behind the command: orgsync connections {ctx.invoked_subcommand} --json"
            raise typer.BadParameter(behind, param_hint="--json")
    else:
        enter_project()
        _list(as_json=as_json)


@app.command("list", epilog=examples("orgsync connections list", "orgsync connections list --json"))
def list_them(as_json: AsJson = False) -> None:
    """List the connections, as `orgsync connections` alone does."""
    _list(as_json=as_json)


@app.command(epilog=examples("orgsync connections show acme", "orgsync connections show acme --json"))
def show(name: Name, as_json: AsJson = False) -> None:
    """Show all that is known of a connection, but no secret."""
    _show(name, as_json=as_json)


@app.command(
    epilog=examples(
        "orgsync connections update acme --tag eu --untag trial",
        'orgsync connections update acme --metadata \'{"plan": "gold"}\' --json',
    )
)
def update(
    name: Name,
    tag: Annotated[list[str] | None, typer.Option(metavar="TAG", help="A tag to add; may be repeated.")] = None,
    untag: Annotated[
        list[str] | None,
        typer.Option(metavar="TAG", help="A tag to take away; may be repeated.", autocompletion=tag_names),
    ] = None,
    metadata: Annotated[
        str | None, typer.Option(metavar="JSON", help="The JSON to keep with it, in place of what it has.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Change the tags and the metadata of a connection.

    Scripts find them in `ctx.connection`; `orgsync run --tag` runs syncs on the connections that have a tag.
    """
    if not (tag or untag or metadata is not None):
        raise ArgumentInvalid("There is nothing to change.", f"Give a tag: orgsync connections update {name} --tag eu.")
    document = None if metadata is None else metadata_of(metadata)
    updated = wait_for(lambda: _update(name, tag or [], untag or [], document))
    if as_json:
        json_line(connection_view(updated))
        return
    tags = ", ".join(updated.tags) or "none"
    result(f"{name} is updated; its tags: {tags}.")


app.command("map", epilog=MAP_EXAMPLES)(map_fields)


@app.command(
    epilog=examples("orgsync connections rename acme acme-eu", "orgsync connections rename acme acme-eu --json")
)
def rename(
    name: Name, new: Annotated[str, typer.Argument(metavar="NEW", help="The new name.")], as_json: AsJson = False
) -> None:
    """Give a connection another name.

    Its rows, runs and checkpoints go with it.
    """
    _read(name)
    wait_for(lambda: _rename(name, new))
    if as_json:
        json_line(connection_view(_read(new)))
        return
    result(f"{name} is called {new} now.")


@app.command(
    epilog=examples(
        "orgsync connections remove acme",
        "orgsync connections remove acme --keep-rows --yes",
        "orgsync connections remove acme --revoke    and end its sign-in in Salesforce",
    )
)
def remove(
    name: Name,
    keep_rows: Annotated[bool, typer.Option("--keep-rows", help="Keep the rows and the list of runs.")] = False,
    revoke: Annotated[bool, typer.Option("--revoke", help="Revoke its refresh token in Salesforce.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Remove it even where a hook or the revocation fails.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove a connection and its rows.

    Its credentials and checkpoints go in any case; --keep-rows keeps its rows and the list of its runs. A script's
    @on_disconnect is called before. --revoke also revokes the refresh token: all sessions that came of it end, here and
    wherever else the token is used; other approvals of the app stay. Without it the token stays valid until it is
    revoked in Setup > Connected Apps OAuth Usage. Where a hook or Salesforce fails, nothing is removed, unless --force
    is given.
    """
    _read(name)
    rows = "Its rows are kept" if keep_rows else "Its rows are deleted from the copy"
    org = "its sign-in is revoked in Salesforce" if revoke else "the org is not touched"
    if not yes and not confirmed(f"Remove {name}? {rows}; {org}."):
        if as_json:
            json_line({"connection": name, "removed": False, "rows_kept": True, "revoked": None, "problems": []})
        else:
            result("Nothing was removed.")
        raise typer.Exit(1)
    removed = wait_for(lambda: _remove(name, keep_rows=keep_rows, revoke=revoke, force=force))
    for problem in removed.problems:
        say(f"warning: {problem}")
    if as_json:
        problems = [error_view(problem) for problem in removed.problems]
        facts = {"connection": name, "removed": True, "rows_kept": keep_rows, "revoked": removed.revoked}
        json_line({**facts, "problems": problems})
        return
    token = {True: "; its token is revoked", False: "; its token was not valid any more", None: ""}[removed.revoked]
    result(f"{name} is removed{', its rows are kept' if keep_rows else ', and its rows with it'}{token}.")


@app.command("test", epilog=examples("orgsync connections test acme", "orgsync connections test acme --json"))
def check(name: Name, as_json: AsJson = False) -> None:
    """Make one API call to a connection's org.

    A connection that needed sign-in and works again, because an administrator has undone what ended it, is ready
    again.
    """
    _read(name)
    calls = wait_for(lambda: _test(name), interrupted=lambda: NOTHING_CHANGED)
    if as_json:
        json_line({**connection_view(_read(name)), "api_calls": calls})
        return
    result(f"{name} works: the org answered{' with a new token' if calls > 1 else ''}.")


def _list(*, as_json: bool) -> None:
    with open_view() as view:
        found = view.connections()
    if as_json:
        for each in found:
            json_line(connection_view(each))
    elif not found:
        say("There is no connection yet. Create one: orgsync connect NAME")
    else:
        rows = [[e.name, e.environment, e.org_id or "", e.username or "", e.grant, e.status] for e in found]
        headings = ["name", "environment", "org", "user", "flow", "status"]
        if any(each.tags for each in found):
            headings.append("tags")
            rows = [[*row, ", ".join(each.tags)] for row, each in zip(rows, found, strict=True)]
        show_table(headings, rows, spare=["flow", "environment"], elastic="user")


def _read(name: str) -> "ConnectionRow":
    with open_view() as view:
        return view.connection(name)


def _show(name: str, *, as_json: bool) -> None:
    connection = _read(name)
    if as_json:
        json_line(connection_view(connection))
        return
    for label, value in connection_view(connection).items():
        plain = value if isinstance(value, str) else "" if value is None else to_json(value)
        result(f"{label:<15}{plain}".rstrip(), indent=15)


async def _update(
    name: str, add: "Sequence[str]", remove: "Sequence[str]", metadata: "dict[str, Any] | None"
) -> "ConnectionRow":
    from orgsync.project import open_project

    await require_connected([name])
    async with open_project() as project:
        return await project.connections.update(name, metadata=metadata, add_tags=add, remove_tags=remove)


async def _rename(old: str, new: str) -> None:
    from orgsync.project import open_project

    async with open_project() as project:
        await project.connections.rename(old, new)


async def _remove(name: str, *, keep_rows: bool, revoke: bool, force: bool) -> "Removal":
    from orgsync.project import open_project

    async with open_project() as project:
        return await project.connections.remove(name, keep_rows=keep_rows, revoke=revoke, force=force)


async def _test(name: str) -> int:
    from orgsync.project import open_project

    async with open_project() as project:
        return (await project.connections.test(name)).usage.calls
