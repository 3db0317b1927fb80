"""`orgsync syncs`: which syncs there are."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orgsync.errors import ArgumentInvalid
from orgsync.project.views import sync_view

from .commands import open_view
from .options import AsJson
from .output import examples, json_line, say, short_path, show_problem, verbatim
from .tables import show_table

if TYPE_CHECKING:
    from orgsync.engine import Job
    from orgsync.project import ListedSync

__all__ = ["EXAMPLES", "syncs"]

EXAMPLES = examples(
    "orgsync syncs",
    "orgsync syncs --json",
    "orgsync syncs --jobs                  a job a line: each sync of the project on each connection",
    "orgsync syncs --jobs | head -1 | orgsync run --job -",
)


def syncs(
    as_json: AsJson = False,
    jobs: Annotated[
        bool, typer.Option("--jobs", help="The jobs that `orgsync up` would run, as JSON for `orgsync run --job`.")
    ] = False,
) -> None:
    """List the syncs: those in the project's folder, which win, and those that installed packages bring.

    A script that does not import is listed with its problem, and so is one that would write to a table of another's:
    a table belongs to the sync that first writes to it. Below the list are the schedules that connections have of their
    own (`orgsync schedule`).
    """
    if as_json and jobs:
        raise ArgumentInvalid("--jobs is JSON already, and of another form than --json.", "Give one of the two.")
    if jobs:
        for job in _jobs():
            verbatim(job.to_json().decode())
        return
    found = _listed()
    if as_json:
        for each in found:
            json_line(sync_view(each))
        return
    rows = [_row(each) for each in found]
    headings = ["sync", "every", "reconcile", "what it does", "tables", "where"]
    show_table(headings, rows, spare=["reconcile", "where", "tables", "what it does"], elastic="what it does")
    shipped = {each.found.name for each in found if each.found.shipped}  # one that nobody runs is in nobody's way
    for each in found:
        for row in each.schedules:
            what = f"every {row.every}" if row.every else "switched off"
            off = ", but switched off" if row.every and row.off else ""
            say(f"{each.found.name} on {row.connection}: {what}{off} (orgsync schedule)")
    for each in found:
        if each.found.problem:
            say()
            show_problem(each.found.problem)
        for clash in each.clashes:
            if not each.found.shipped and (clash.owned or clash.other not in shipped):
                say()
                show_problem(clash.problem)


def _listed() -> "list[ListedSync]":
    from orgsync.project.syncs import listed_in
    from orgsync.settings import load_settings

    with open_view() as view:
        return listed_in(load_settings(), view.owners(), view.schedules())


def _jobs() -> "list[Job]":
    from orgsync.project.syncs import jobs_in
    from orgsync.settings import load_settings

    with open_view() as view:
        return jobs_in(load_settings(), view.connections(), view.schedules())


def _row(listed: "ListedSync") -> list[str]:
    """Return when a sync is due, how often it compares Ids, what it does, its tables and where it was found."""
    found = listed.found
    summary = found.summary if found.loads else "does not load: see below"
    every, reconcile, where = str(found.every or ""), str(found.reconcile or ""), short_path(Path(found.where))
    return [found.name, every, reconcile, summary, ", ".join(found.tables), where]
