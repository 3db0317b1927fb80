"""`orgsync tokens`: make, list and revoke what callers of the HTTP API show."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from .commands import NOTHING_CHANGED, Program, has_tables, require_tables, wait_for
from .options import AsJson, connection_option
from .output import examples, json_line, moment, say, verbatim

if TYPE_CHECKING:
    from orgsync.project import ApiTokenRow

__all__ = ["app"]

app = Program(
    no_args_is_help=True,
    epilog=examples(
        "orgsync tokens create dashboard --scope read",
        "orgsync tokens create acme-app --scope read --scope run -c acme --expires 90d",
        "orgsync tokens list",
        "orgsync tokens revoke dashboard",
    ),
)


@app.callback()
def tokens() -> None:
    """Make, list and revoke tokens of the HTTP API."""


@app.command(
    "create",
    short_help="Make a token, and show it this once.",
    epilog=examples(
        "orgsync tokens create dashboard --scope read",
        "orgsync tokens create customer-1 --scope read --scope run -c customer-1 --expires 90d",
    ),
)
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What to call it: who uses it.")],
    scope: Annotated[
        list[str],
        typer.Option(
            "--scope", metavar="SCOPE", help="What it may do: read, run, connect, proxy or admin; may be repeated."
        ),
    ],
    connection: Annotated[list[str] | None, connection_option("Only on this connection; may be repeated.")] = None,
    expires: Annotated[
        str | None, typer.Option("--expires", metavar="TIME", help="When it ends: 12h, 90d. Never by default.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a token for the HTTP API. It is shown this once: what is kept cannot be turned back into it."""
    from orgsync.project.tokens import lifetime

    expires_in = None if expires is None else lifetime(expires)

    async def make() -> str:
        from orgsync.project import open_project

        async with open_project() as project:
            return await project.tokens.create(name, scopes=scope, connections=connection, expires_in=expires_in)

    token = wait_for(make)
    if as_json:
        json_line({"name": name, "token": token})
        return
    say("Keep the token where secrets are kept; it is not shown again.")
    verbatim(token)


@app.command(
    "list", short_help="List the tokens.", epilog=examples("orgsync tokens list", "orgsync tokens list --json")
)
def list_tokens(
    as_json: AsJson = False,
) -> None:
    """List the tokens, with what each may do and when it was last used."""
    from orgsync.project.tokens import token_view

    async def read() -> "Sequence[ApiTokenRow]":
        from orgsync.project import open_project

        async with open_project() as project:
            return await project.tokens.list()

    found = wait_for(read, interrupted=lambda: NOTHING_CHANGED) if has_tables() else ()
    if as_json:
        for each in found:
            json_line(token_view(each))
        return
    if not found:
        say("There is no token yet. Create one: orgsync tokens create NAME --scope read.")
        return
    from .tables import show_table

    show_table(
        ("token", "scopes", "connections", "expires", "last used"),
        [
            (
                each.name,
                " ".join(each.scopes),
                "all" if each.connections is None else ", ".join(each.connections) or "none",
                moment(each.expires_at) or "never",
                moment(each.last_used_at) or "never",
            )
            for each in found
        ],
        spare=("last used", "connections"),
        whole=("token",),
    )


@app.command("revoke", short_help="Revoke a token.", epilog=examples("orgsync tokens revoke dashboard"))
def revoke(name: Annotated[str, typer.Argument(metavar="TOKEN", help="The token's name.")]) -> None:
    """Revoke a token: from now on every call with it is refused."""

    from orgsync.project.tokens import no_token

    async def remove() -> None:
        from orgsync.project import open_project

        async with open_project() as project:
            await project.tokens.revoke(name)

    require_tables(no_token(name))
    wait_for(remove)
    say(f"Revoked the token {name}.")
