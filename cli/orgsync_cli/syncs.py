"""`orgsync syncs`: which syncs there are."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .output import examples, json_line, say, show_problem
from .tables import show_table

if TYPE_CHECKING:
    from orgsync.discovery import Found

__all__ = ["EXAMPLES", "syncs"]

EXAMPLES = examples("orgsync syncs", "orgsync syncs --json")


def syncs(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, for programs.")] = False,
) -> None:
    """List the syncs: those in the project's folder, which win, and those that installed packages bring.

    A script that does not import is listed with its problem.
    """
    from orgsync.discovery import list_syncs
    from orgsync.settings import load_settings

    folder = load_settings().syncs_folder
    found = list_syncs(folder)
    if as_json:
        for each in found:
            json_line(_as_object(each))
        return
    rows = [[each.name, *_told(each), _place(each.where)] for each in found]
    headings = ["sync", "every", "reconcile", "what it does", "where"]
    show_table(headings, rows, spare=["reconcile"], elastic="what it does")
    for each in found:
        if each.problem:
            say()
            show_problem(each.problem)


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


def _as_object(found: "Found") -> dict[str, Any]:
    period, compared, summary = _told(found)
    problem = found.problem
    return {
        "sync": found.name,
        "every": period or None,
        "reconcile": compared or None,
        "summary": None if problem else summary,
        "where": found.where,
        "problem": f"{problem.cause} {problem.remedy}".strip() if problem else None,
    }
