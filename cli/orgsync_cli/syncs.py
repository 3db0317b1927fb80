"""`orgsync syncs`: which syncs there are."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .commands import wait_for
from .output import examples, json_line, say, show_problem
from .tables import show_table

if TYPE_CHECKING:
    from orgsync.errors import OrgsyncError
    from orgsync.scripts.discovery import Found
    from orgsync.scripts.table_clashes import Clash

__all__ = ["EXAMPLES", "syncs"]

EXAMPLES = examples("orgsync syncs", "orgsync syncs --json")


def syncs(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, for programs.")] = False,
) -> None:
    """List the syncs: those in the project's folder, which win, and those that installed packages bring.

    A script that does not import is listed with its problem, and so is one that would write to a table of another's:
    a table belongs to the sync that first writes to it.
    """
    from orgsync.scripts.discovery import list_syncs
    from orgsync.scripts.table_clashes import clashes_of
    from orgsync.settings import load_settings

    settings = load_settings()
    found = list_syncs(settings.syncs_folder)
    owners = wait_for(_owners) if settings.folder.is_dir() else {}
    there = [each.sync for each in found if each.sync is not None]
    clashes = {each.name: clashes_of(each.sync, there, owners) for each in found if each.sync is not None}
    if as_json:
        for each in found:
            json_line(_as_object(each, clashes.get(each.name, [])))
        return
    rows = [[each.name, *_told(each), _tables(each), _place(each.where)] for each in found]
    headings = ["sync", "every", "reconcile", "what it does", "tables", "where"]
    show_table(headings, rows, spare=["reconcile"], elastic="what it does")
    for each in found:
        if problem := _problem(each):
            say()
            show_problem(problem)
        for clash in clashes.get(each.name, []):
            say()
            show_problem(clash.problem)


async def _owners() -> dict[str, str]:
    from orgsync.project import open_project

    async with open_project() as project:
        return await project.store.rows.owners()


def _problem(found: "Found") -> "OrgsyncError | None":
    """Name what keeps a sync from being run: a script that does not load, or a table that it reads twice."""
    return found.problem or (found.sync.problem if found.sync else None)


def _tables(found: "Found") -> str:
    return ", ".join(found.sync.tables) if found.sync else ""


def _told(found: "Found") -> tuple[str, str, str]:
    """Tell when a sync is due, how often it compares Ids, and what it does."""
    if found.problem:
        return "", "", "does not load: see below"
    if found.sync is None:
        return "", "", ""
    return str(found.sync.every or ""), str(found.sync.reconcile or ""), found.sync.summary


def _place(where: str) -> str:
    """Shorten a path inside the working directory."""
    path = Path(where)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else where


def _as_object(found: "Found", clashes: "list[Clash]") -> dict[str, Any]:
    period, compared, summary = _told(found)
    problem = _problem(found)
    return {
        "sync": found.name,
        "every": period or None,
        "reconcile": compared or None,
        "summary": None if found.problem else summary,
        "tables": list(found.sync.tables) if found.sync else [],
        "where": found.where,
        "problem": f"{problem.cause} {problem.remedy}".strip() if problem else None,
        "clashes": [{"table": each.table, "sync": each.other, "owned": each.owned} for each in clashes],
    }
