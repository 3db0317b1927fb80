"""`orgsync connect`: sign in to an org and keep the connection."""

import json
import sys
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from orgsync.errors import ArgumentInvalid, KeyUnusable, NameUnknown, OrgsyncError, SignInNeeded
from orgsync.project.views import connection_view

from .commands import INTERRUPTED, open_view, wait_for
from .completion import connection_names
from .output import brief, examples, json_line, result, say
from .sign_in_options import Flow, Options, Parts
from .sign_in_remedies import remedy_of

if TYPE_CHECKING:
    from orgsync.project import Credentials, Project, SignIn

__all__ = ["EXAMPLES", "connect", "lines_of", "metadata_of"]

EXAMPLES = examples(
    "orgsync connect acme                          in the browser",
    "orgsync connect acme-test --environment sandbox",
    "orgsync connect acme --login-url https://acme.my.salesforce.com",
    "orgsync connect acme --flow sfdx-url --sfdx-url-file auth.txt",
    "ORGSYNC_CLIENT_SECRET=... orgsync connect acme --flow client-credentials "
    "--login-url https://acme.my.salesforce.com --client-id 3MVG9...",
)


class EnvironmentName(StrEnum):
    """The kinds of org that have a login host of their own."""

    production = "production"
    sandbox = "sandbox"


class FlowName(StrEnum):
    """The ways to sign in."""

    browser = "browser"
    refresh_token = "refresh-token"  # noqa: S105 - the name of a flow
    jwt = "jwt"
    client_credentials = "client-credentials"
    sfdx_url = "sfdx-url"


def connect(  # noqa: PLR0913 - each parameter is an option of the command
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="What to call the connection.", autocompletion=connection_names)
    ],
    environment: Annotated[EnvironmentName | None, typer.Option(help="The kind of org; production by default.")] = None,
    login_url: Annotated[
        str | None, typer.Option(metavar="URL", help="The org's My Domain, or any page of it.")
    ] = None,
    flow: Annotated[FlowName | None, typer.Option(help="How to sign in; in the browser by default.")] = None,
    client_id: Annotated[
        str | None, typer.Option(metavar="ID", help="The app's consumer key (or ORGSYNC_CLIENT_ID).")
    ] = None,
    username: Annotated[
        str | None, typer.Option(metavar="USER", help="Whom to sign in as; the jwt flow needs it.")
    ] = None,
    private_key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="PEM file for jwt (or ORGSYNC_PRIVATE_KEY).")
    ] = None,
    audience: Annotated[
        str | None, typer.Option(metavar="URL", help="Audience for jwt, in other clouds (or ORGSYNC_JWT_AUDIENCE).")
    ] = None,
    sfdx_url_file: Annotated[Path | None, typer.Option(metavar="FILE", help="File with an sfdx auth URL.")] = None,
    port: Annotated[int | None, typer.Option(metavar="N", help="Port of the callback URL; 8788 by default.")] = None,
    tag: Annotated[
        list[str] | None, typer.Option(metavar="TAG", help="A tag to keep with the connection; may be repeated.")
    ] = None,
    metadata: Annotated[str | None, typer.Option(metavar="JSON", help="JSON to keep with it, for scripts.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for programs.")] = False,
) -> None:
    """Sign in to an org and keep the connection, its credentials encrypted.

    Secrets are never options. They come from the variables ORGSYNC_CLIENT_SECRET, ORGSYNC_REFRESH_TOKEN,
    ORGSYNC_SFDX_URL and ORGSYNC_PRIVATE_KEY (a file's path), or are asked for. The browser flow needs the callback
    URL http://localhost:8788/callback in the app. To sign in again, the name alone is enough. A script's
    @on_connect may check the org before anything is stored, and refuse it.
    """
    if environment and login_url:
        raise typer.BadParameter("a login URL decides the environment; give one of the two", param_hint="--login-url")
    options = Options(
        environment=environment.value if environment else None,
        login_url=login_url,
        flow=flow.value if flow else None,
        client_id=client_id,
        username=username,
        private_key=private_key,
        audience=audience,
        sfdx_url_file=sfdx_url_file,
        port=port,
        tags=tag or (),
        metadata=metadata,
    )
    _show(_signed_in(name, options), as_json=as_json)


def _show(made: "SignIn", *, as_json: bool) -> None:
    if as_json:
        json_line({**connection_view(made.connection), "token_lifetime": made.lifetime, "hint": made.hint or None})
        return
    for line in lines_of(made):
        result(line)


def _signed_in(name: str, options: Options) -> "SignIn":
    """Sign in; where that is interrupted, say what was stored, and exit."""
    attempt = _Attempt(name)
    try:
        return wait_for(lambda: _connect(attempt, options))
    except (KeyboardInterrupt, typer.Abort):
        say(attempt.interrupted())
        raise typer.Exit(INTERRUPTED) from None


@dataclass(slots=True)
class _Attempt:
    """How far a sign-in has come: `stored_at` is when a connection of that name was last stored before it."""

    name: str
    stored_at: datetime | None = None
    may_have_stored: bool = False

    def interrupted(self) -> str:
        """Return what to say of it where it was interrupted: by then the connection may be stored."""
        if not self.may_have_stored or self._is_as_before():
            return "Interrupted; nothing was connected."
        return f"Interrupted while it was stored; see how it stands: orgsync connections show {self.name}"

    def _is_as_before(self) -> bool:
        try:
            with open_view() as view:
                return view.connection(self.name).updated_at == self.stored_at
        except NameUnknown:
            return self.stored_at is None
        except OrgsyncError:  # it cannot be read now, so nothing is known
            return False


async def _connect(attempt: _Attempt, options: Options) -> "SignIn":
    from orgsync.project import open_project

    name = attempt.name
    metadata = None if options.metadata is None else metadata_of(options.metadata)
    tags = [*options.tags] or None
    async with open_project() as project:
        await project.connections.require_ready(name, metadata)
        parts = await _parts(project, name, options)
        flow = parts.flow()
        again = parts.existing is not None and options.flow is None
        attempt.stored_at = parts.existing.updated_at if parts.existing else None

        async def sign_in(by: Flow) -> "SignIn":
            try:
                credentials = await _credentials(project, parts, by)
                attempt.may_have_stored = True
                return await project.connections.connect(name, credentials, metadata=metadata, tags=tags)
            except OrgsyncError as error:
                error.replace_remedy(remedy_of(error, parts, by, name))
                raise

        try:
            return await sign_in(flow)
        except SignInNeeded as refused:
            if not (flow == "refresh-token" and again and sys.stdin.isatty()):
                raise
            say(f"{refused.cause} So sign in with the browser.")
        return await sign_in("browser")


async def _parts(project: "Project", name: str, options: Options) -> Parts:
    existing = next((each for each in await project.connections.list() if each.name == name), None)
    if existing is None:
        return Parts(options, project.settings)
    try:
        stored = await project.store.connections.secrets(name)
    except KeyUnusable as error:
        say(f"warning: {error.cause} They are asked for again.")
        stored = dict[str, Any]()
    secrets = {key: value for key, value in stored.items() if isinstance(value, str)}
    return Parts(options, project.settings, existing, secrets)


async def _credentials(project: "Project", parts: Parts, flow: Flow) -> "Credentials":
    app = parts.credentials(flow)
    if flow != "browser":
        return app
    from orgsync.project import sign_in_by_browser

    return await sign_in_by_browser(project, app, announce=_announce, port=parts.options.port)


def _announce(url: str) -> None:
    say(f"Sign in here, in a browser on this machine:\n\n{url}\n\nWaiting for the browser to come back ...")


def lines_of(made: "SignIn") -> list[str]:
    """Return the lines that show what a sign-in has shown, and what to do next."""
    connection = made.connection
    facts = {
        "org": f"{connection.org_id or 'unknown'} ({connection.environment})",
        "user": connection.username or connection.user_id or "unknown",
        "instance": connection.instance_url or "",
        "API version": connection.api_version,
        "token lifetime": brief(made.lifetime) if made.lifetime else "unknown",
    }
    done = "was signed in again; its rows are kept" if made.again else "is connected"
    lines = [f"{connection.name} {done}.", *(f"  {label:<16}{fact}" for label, fact in facts.items())]
    if made.hint:
        lines += ["", made.hint]
    return [*lines, "", f"Next: orgsync run contacts -c {connection.name}"]


def metadata_of(text: str) -> dict[str, Any]:
    """Read the option --metadata; raises ArgumentInvalid for anything but a JSON object."""
    try:
        document: Any = json.loads(text)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise ArgumentInvalid("--metadata is not a JSON object.", 'Write it as \'{"plan": "gold"}\'.')
    return cast("dict[str, Any]", document)
