"""`orgsync drift`: fields of the orgs that are new, gone or of another type, and which syncs read them."""

from typing import TYPE_CHECKING, Annotated

import typer

from orgsync.printable import counted

from .commands import NOTHING_CHANGED, open_view, wait_for
from .options import connection_option
from .output import examples, json_line, moment, say
from .tables import show_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orgsync.project.schema_drift import Drift, FieldChange

__all__ = ["EXAMPLES", "drift"]

EXAMPLES = examples(
    "orgsync drift",
    "orgsync drift -c acme",
    "orgsync drift --json     one object a change, for a monitor",
)

_SPARE = ("found", "before", "type")


def drift(
    connection: Annotated[list[str] | None, connection_option("Only on this connection; may be repeated.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a change, for programs.")] = False,
) -> None:
    """Show which fields of the objects that syncs read are new, gone or of another type since yesterday.

    It asks each org for the objects that runs have read there, with a call for each that costs no body where nothing
    has changed; runs find the same when they look at an object. A change is told once, by webhook and as an alert, and
    shown here for a day. The exit code is that of the worst problem that kept a connection from being asked.
    """
    found = wait_for(lambda: _found(connection or []), interrupted=lambda: NOTHING_CHANGED)
    if as_json:
        from orgsync.project.schema_drift import field_change_view

        for each in found.changes:
            json_line(field_change_view(each))
    else:
        _show(found)
    for name, problem in sorted(found.problems.items()):
        say(f"{name} was not asked: {' '.join(str(problem).split())}")
    raise typer.Exit(max((problem.exit_code for problem in found.problems.values()), default=0))


async def _found(connections: "Sequence[str]") -> "Drift":
    from orgsync.project import open_project
    from orgsync.project.schema_drift import Drift, find_drift

    with open_view() as view:
        for name in connections:
            view.connection(name)
        if not view.has_tables:
            return Drift((), 0, {})
    async with open_project() as project:
        return await find_drift(project, connections, now=project.clock())


def _show(found: "Drift") -> None:
    if found.changes:
        headings = ["connection", "object", "field", "change", "type", "before", "read by", "found"]
        show_table(headings, [_row(each) for each in found.changes], spare=_SPARE, elastic="read by")
    elif found.looked_at:
        say(f"Nothing has changed since yesterday in {counted(found.looked_at, 'object')}.")
    elif not found.problems:
        say("No run has read an object yet, so there is nothing to compare the orgs with. Run a sync: orgsync run.")


def _row(change: "FieldChange") -> list[str]:
    return [
        *(change.connection, change.object, change.field or "(the object)", change.change),
        *(change.type or "", change.before or "", ", ".join(change.syncs), moment(change.found_at)),
    ]
