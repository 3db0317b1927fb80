"""`orgsync syncs`: which syncs there are."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orgsync.project.views import sync_view

from .commands import wait_for
from .output import examples, json_line, say, short_path, show_problem
from .tables import show_table

if TYPE_CHECKING:
    from orgsync.project import ListedSync

__all__ = ["EXAMPLES", "syncs"]

EXAMPLES = examples("orgsync syncs", "orgsync syncs --json")


def syncs(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, for programs.")] = False,
) -> None:
    """List the syncs: those in the project's folder, which win, and those that installed packages bring.

    A script that does not import is listed with its problem, and so is one that would write to a table of another's:
    a table belongs to the sync that first writes to it.
    """
    found = wait_for(_listed)
    if as_json:
        for each in found:
            json_line(sync_view(each))
        return
    rows = [_row(each) for each in found]
    headings = ["sync", "every", "reconcile", "what it does", "tables", "where"]
    show_table(headings, rows, spare=["reconcile"], elastic="what it does")
    for each in found:
        if each.problem:
            say()
            show_problem(each.problem)
        for clash in each.clashes:
            say()
            show_problem(clash.problem)


async def _listed() -> "list[ListedSync]":
    from orgsync.project import open_project
    from orgsync.project.syncs import listed_in
    from orgsync.settings import load_settings

    settings = load_settings()
    if not settings.folder.is_dir():
        return listed_in(settings)
    async with open_project(settings) as project:
        return await project.syncs.list()


def _row(listed: "ListedSync") -> list[str]:
    """Return when a sync is due, how often it compares Ids, what it does, its tables and where it was found."""
    found, where = listed.found, short_path(Path(listed.found.where))
    if found.problem:
        return [found.name, "", "", "does not load: see below", "", where]
    if found.sync is None:
        return [found.name, "", "", "", "", where]
    sync = found.sync
    return [found.name, str(sync.every or ""), str(sync.reconcile or ""), sync.summary, ", ".join(sync.tables), where]
