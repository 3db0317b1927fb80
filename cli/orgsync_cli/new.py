"""`orgsync new`: scripts written from an org's metadata."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orgsync.column_names import table_name
from orgsync.printable import counted, first_names

from .commands import Program, wait_for
from .connection_choice import choose_connection, require_connected
from .options import connection_option
from .output import examples, json_line, result, short_path

if TYPE_CHECKING:
    from orgsync.project.scaffold import NewScript

__all__ = ["EXAMPLES", "app"]

EXAMPLES = examples(
    "orgsync new sync Opportunity -c acme                  writes syncs/opportunities.py",
    "orgsync new sync Invoice__c --field Name --field Total__c",
    "orgsync new sync Contact --output drafts/people.py    to look at it first",
    "orgsync new action close_case                         writes syncs/close_case.py",
)
app = Program(rich_markup_mode=None, no_args_is_help=True, epilog=EXAMPLES)


@app.callback()
def new() -> None:
    """Write a new script."""


@app.command(short_help="Write a sync of an object.", epilog=EXAMPLES)
def sync(
    sobject: Annotated[str, typer.Argument(metavar="OBJECT", help="The object, by its API name: Invoice__c.")],
    connection: Annotated[str | None, connection_option("Whose org to ask.")] = None,
    field: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this field, by its API name; may be repeated.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The file to write; syncs/NAME.py by default.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for programs.")] = False,
) -> None:
    """Write a sync of an object, ready to run, from the org's description of its fields.

    The record class has the fields that the connection's user may see, but not those that hold what others hold
    already (an address beside its street and city), nor binary ones. It is yours to change: take fields out, give
    others better names.
    """
    written = wait_for(lambda: _write_sync(sobject, connection, field or [], output, force=force))
    if as_json:
        json_line(_view(written))
    else:
        _report(written)


@app.command(short_help="Write an action.", epilog=EXAMPLES)
def action(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The action's name, a function's: close_case.")],
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for programs.")] = False,
) -> None:
    """Write an action, ready to run, that changes one field of a record; it is yours to change."""
    from orgsync.project.scaffold_action import write_action
    from orgsync.settings import load_settings

    path = write_action(name, load_settings().syncs_folder, replace=force)
    if as_json:
        json_line({"action": name, "file": str(path)})
        return
    result(f"wrote {short_path(path)}")
    result(f"Next: orgsync actions {name}, then change it")


@dataclass(frozen=True, slots=True)
class _Written:
    """A script, where it was written, and whose sync of the same name it replaces; `found` where syncs are found.

    `owner` is the sync that its table belongs to so far, "" for none.
    """

    script: "NewScript"
    path: Path
    folder: Path
    connection: str
    found: bool
    replaced: str
    owner: str


async def _write_sync(
    sobject: str, name: str | None, fields: list[str], output: Path | None, *, force: bool
) -> _Written:
    from orgsync.project import open_project
    from orgsync.project.scaffold import is_found, require_room, script_for, write
    from orgsync.settings import load_settings

    settings = load_settings()
    await require_connected([name], settings)
    async with open_project(settings) as project:
        connection = await choose_connection(project, name)
        client = await project.connections.test(connection)
        script = await script_for(client, sobject, fields)
        owner = (await project.store.rows.owners()).get(table_name(script.model), "")
    folder = settings.syncs_folder
    path = output or folder / f"{script.name}.py"
    found = is_found(path, folder)
    replaced = require_room(script, path, folder) if found else ""
    write(script, path, replace=force)
    return _Written(script, path, folder, connection, found, replaced, "" if owner == script.name else owner)


def _view(written: _Written) -> dict[str, object]:
    """Return what was written as JSON."""
    script = written.script
    return {
        "sync": script.name,
        "sobject": script.sobject,
        "file": str(written.path),
        "found": written.found,
        "fields": script.fields,
        "left_out": {why: list(names) for why, names in script.left_out.items()},
        "by_changes": script.by_changes,
        "replaces": written.replaced or None,
    }


def _report(written: _Written) -> None:
    script, path, replaced = written.script, written.path, written.replaced
    left_out = f" ({_left_out(script.left_out)})" if script.left_out else ""
    result(f"wrote {short_path(path)}: {counted(script.fields, 'field')} of {script.sobject}{left_out}")
    if not script.by_changes:
        result(f"The changes of {script.sobject} cannot be read: each run reads all of it.")
    if replaced:
        result(f"In this project it takes the place of the {script.name} that {replaced.partition('.')[0]} brings.")
    if written.owner:
        result(f"Its table belongs to the sync {written.owner} so far; to hand it over: orgsync reset {written.owner}")
    if written.found:
        result(f"Next: orgsync run {script.name} -c {written.connection}")
    else:
        result(f"Next: move it to {short_path(written.folder)}, where syncs are found")


def _left_out(fields: Mapping[str, Sequence[str]]) -> str:
    """Return what the class lacks: `1 compound and 1 binary field left out: MailingAddress, Photo__c`."""
    *others, last = [f"{len(names):,} {why}" for why, names in fields.items()]
    kinds = f"{', '.join(others)} and {last}" if others else last
    noun = "field" if len(list(fields.values())[-1]) == 1 else "fields"
    return f"{kinds} {noun} left out: {first_names([name for names in fields.values() for name in names])}"
