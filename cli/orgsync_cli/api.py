"""`orgsync api`: one authenticated call to an org's REST API."""

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from orgsync.errors import ArgumentInvalid, FileUnusable
from orgsync.suggest import path_remedy

from .commands import wait_for
from .connection_choice import choose_connection, require_connected
from .options import connection_option
from .output import examples, say, to_json, verbatim

__all__ = ["EXAMPLES", "api"]

EXAMPLES = examples(
    "orgsync api GET limits -c acme",
    "orgsync api GET 'query?q=SELECT Name FROM Account LIMIT 3' -c acme",
    'orgsync api POST sobjects/Contact -c acme --data \'{"LastName": "Lovelace"}\'',
    "orgsync api PATCH sobjects/Contact/003... -c acme --data @contact.json",
    "orgsync api DELETE sobjects/Contact/003... -c acme",
)


class Method(StrEnum):
    """The methods of the REST API."""

    GET = "GET"
    POST = "POST"
    PATCH = "PATCH"
    PUT = "PUT"
    DELETE = "DELETE"


def api(
    method: Annotated[
        Method, typer.Argument(metavar="METHOD", case_sensitive=False, help="GET, POST, PATCH, PUT or DELETE.")
    ],
    path: Annotated[
        str, typer.Argument(metavar="PATH", help="Below /services/data/vNN.N/, or a whole path from /services/.")
    ],
    connection: Annotated[str | None, connection_option("The connection.")] = None,
    data: Annotated[
        str | None, typer.Option(metavar="JSON", help="The JSON to send: itself, @FILE, or - for stdin.")
    ] = None,
) -> None:
    """Make one authenticated call to a connection's org, and print the JSON of its response.

    The token is renewed if necessary, and is never sent to a host that is not the org's.
    """
    if data is not None and method in (Method.GET, Method.DELETE):
        raise typer.BadParameter(f"{method.value} sends no body", param_hint="--data")
    body = None if data is None else _document(data)
    interrupted = "Interrupted." if method is Method.GET else "Interrupted; what was sent may have been carried out."
    answer = wait_for(lambda: _call(method, _encoded(path), connection, body), interrupted=lambda: interrupted)
    if answer is None:
        say("Done; the org answered without a body.")
    else:
        verbatim(answer if isinstance(answer, str) else to_json(answer, indent=2))


async def _call(method: Method, path: str, name: str | None, body: Any) -> Any:
    from orgsync.project import open_project

    await require_connected([name])
    async with open_project() as project:
        org = await project.open_org(await choose_connection(project, name))
        match method:
            case Method.GET:
                return await org.get(path)
            case Method.POST:
                return await org.post(path, body)
            case Method.PATCH:
                return await org.patch(path, body)
            case Method.PUT:
                return await org.put(path, body)
            case Method.DELETE:
                return await org.delete(path)


def _encoded(path: str) -> str:
    """Encode the blanks and accents that a person types; what is encoded already stays as it is."""
    return quote(path, safe="%/?&=:+,;@!$'()*[]~<>")


def _document(data: str) -> Any:
    try:
        text = sys.stdin.read() if data == "-" else Path(data[1:]).read_text("utf-8") if data[0:1] == "@" else data
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        remedy = path_remedy(Path(data[1:]), otherwise="Check the path after the @.")
        raise FileUnusable(f"{data[1:]} cannot be read: {reason}.", remedy) from None
    try:
        return json.loads(text)
    except ValueError as error:
        at = f"line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else "it"
        raise ArgumentInvalid(f"--data is not JSON: {at}.", "Put it in single quotes in the shell.") from None
