"""`orgsync connections map`: which Salesforce fields fill columns on one connection."""

from typing import TYPE_CHECKING, Annotated

import typer

from orgsync.errors import ArgumentInvalid

from .commands import open_view, wait_for
from .completion import connection_names, mapped_names
from .output import examples, json_line, result, say

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orgsync.project import ConnectionRow

__all__ = ["EXAMPLES", "map_fields"]

EXAMPLES = examples(
    "orgsync connections map acme                        what is mapped",
    "orgsync connections map acme Contact.level=Tier__c",
    "orgsync connections map acme Contact.level=Account.Tier__c Lead.score=Rating__c",
    "orgsync connections map acme --unmap Contact.level",
)


def map_fields(
    name: Annotated[str, typer.Argument(metavar="CONNECTION", help="The connection.", autocompletion=connection_names)],
    pairs: Annotated[
        list[str] | None,
        typer.Argument(metavar="CLASS.COLUMN=FIELD", help="A column of a record class, and the field that fills it."),
    ] = None,
    unmap: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CLASS.COLUMN",
            help="A column that its own field fills again; may be repeated.",
            autocompletion=mapped_names,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for programs.")] = False,
) -> None:
    """Fill columns of record classes from other fields on this connection.

    The classes, their tables and all other connections stay as they are. Names are checked against the project's
    scripts, fields against the org. The next run reads the column of every row again. Without pairs, shows what is
    mapped.
    """
    given: dict[str, str | None] = dict(_pair(each, name) for each in pairs or ())
    given |= dict.fromkeys(unmap or (), None)
    if not given:
        with open_view() as view:
            _show(name, view.connection(name).mapping, as_json=as_json)
        return
    if len(given) < len(pairs or ()) + len(unmap or ()):
        raise ArgumentInvalid("A column is named twice.", "Name each column once.")
    with open_view() as view:
        view.connection(name)  # an unknown one, before scripts are read
    changed = wait_for(lambda: _change(name, given))
    _show(name, changed.mapping, as_json=as_json, changed=True)


def _pair(text: str, name: str) -> tuple[str, str]:
    column, equals, field = text.partition("=")
    if not equals or not column.strip() or not field.strip():
        raise ArgumentInvalid(
            f"{text!r} does not say which field fills which column.",
            f"Write class, column and field: orgsync connections map {name} Contact.level=Tier__c.",
        )
    return column.strip(), field.strip()


def _show(name: str, mapping: "Mapping[str, str]", *, as_json: bool, changed: bool = False) -> None:
    if as_json:
        json_line({"connection": name, "mapping": dict(mapping)})
        return
    if not mapping:
        say(f"Nothing is mapped on {name}: each column is filled from the field that its class names.")
    width = max(map(len, mapping), default=0)
    for column, fields in mapping.items():
        result(f"{column:<{width}}  {fields}", indent=width + 2)
    if changed:
        say(f"The next run reads these columns of every row of {name} again.")


async def _change(name: str, given: "Mapping[str, str | None]") -> "ConnectionRow":
    from orgsync.project import open_project

    async with open_project() as project:
        return await project.connections.map(name, given)
