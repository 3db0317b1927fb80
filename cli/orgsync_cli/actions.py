"""`orgsync actions`: which actions there are, and what one takes and returns."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .completion import action_names
from .options import AsJson
from .output import examples, json_line, result, say, short_path, show_problem, to_json, verbatim
from .tables import show_table

if TYPE_CHECKING:
    from orgsync.project.actions import ListedAction

__all__ = ["EXAMPLES", "actions"]

EXAMPLES = examples(
    "orgsync actions                  those of the project, and those that come with orgsync",
    "orgsync actions upsert           what one takes and returns, as JSON Schema",
    "orgsync actions --json           one JSON object a line",
)


def actions(
    name: Annotated[
        str | None, typer.Argument(metavar="[ACTION]", help="One action, by its name.", autocompletion=action_names)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the actions: those in the project's folder, which win, and those that installed packages bring.

    With a name, show what that one takes and returns, as JSON Schema.
    """
    from orgsync.project.actions import action_view, listed_actions
    from orgsync.settings import load_settings

    if name is not None:
        _show(name, as_json=as_json)
        return
    found = listed_actions(load_settings())
    if as_json:
        for each in found:
            json_line(action_view(each))
        return
    headings = ["action", "what it does", "takes", "where"]
    show_table(headings, [_row(each) for each in found], spare=["where"], elastic="what it does")
    for each in found:
        if each.problem:
            say()
            show_problem(each.problem)


def _row(found: "ListedAction") -> list[str]:
    summary = found.summary if found.loads else "does not load: see below"
    takes = ", ".join(each.name if each.required else f"[{each.name}]" for each in found.parameters)
    return [found.name, summary, takes, short_path(Path(found.where))]


def _show(name: str, *, as_json: bool) -> None:
    from orgsync.project import FolderScripts
    from orgsync.project.actions import schemas_of
    from orgsync.settings import load_settings

    scripts = FolderScripts(load_settings().syncs_folder)
    arguments, returns = schemas_of(scripts, name)
    action = scripts.action(name)
    described = {"action": name, "summary": action.summary, "arguments": arguments, "result": returns}
    if as_json:
        json_line(described)
        return
    result(f"{name}({', '.join(map(str, action.parameters))})")
    if action.summary:
        result(f"  {action.summary}")
    verbatim(f"arguments\n{to_json(arguments, indent=2)}")
    verbatim(f"result\n{to_json(returns, indent=2)}")
