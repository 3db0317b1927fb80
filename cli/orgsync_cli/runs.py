"""`orgsync runs`: what was run, when, and how it ended."""

from typing import TYPE_CHECKING, Annotated

import typer

from orgsync.errors import ArgumentInvalid
from orgsync.project.views import listed_run_view

from .commands import open_view
from .completion import action_names, sync_names
from .options import AsJson, connection_option
from .output import brief, examples, json_line, minute, moment, result, say
from .tables import show_table

if TYPE_CHECKING:
    from orgsync.project import RunRow

__all__ = ["EXAMPLES", "runs"]

EXAMPLES = examples(
    "orgsync runs                             the latest runs",
    "orgsync runs -c acme --sync contacts     those of one sync on one connection",
    "orgsync runs --action create             those of one action",
    "orgsync runs 17                          one run, with its error in full",
)

_COUNTS = ("added", "updated", "deleted", "unchanged")


def _number(text: str | None) -> str | None:
    """Check, while the call is read, that what stands for a run is a number."""
    if text is None or (text.isascii() and text.isdigit()):
        return text
    raise ArgumentInvalid(
        f"{text!r} is not the number of a run.",
        f"Did you mean the runs of a sync: orgsync runs --sync {text}; or of a connection: orgsync runs -c {text}?",
    )


def runs(
    number: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="One run, by its number.", callback=_number)
    ] = None,
    connection: Annotated[str | None, connection_option("Only runs on this connection.")] = None,
    sync: Annotated[
        str | None, typer.Option(metavar="SYNC", help="Only runs of this sync.", autocompletion=sync_names)
    ] = None,
    action: Annotated[
        str | None, typer.Option(metavar="ACTION", help="Only runs of this action.", autocompletion=action_names)
    ] = None,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="How many at most.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List the latest runs of syncs and actions, or show one."""
    run_id = None if number is None else int(number)
    found = _runs(run_id, connection, sync, action, limit)
    if as_json:
        for each in found:
            json_line(listed_run_view(each))
    elif run_id is not None:
        _show(found[0])
    elif not found:
        say(_none_of(connection, sync, action))
    else:
        headings = ["id", "sync", "connection", "status", "started (UTC)", "took", *_COUNTS, "calls"]
        numbers = ["id", "took", *_COUNTS, "calls"]
        show_table(
            headings,
            [_row(each) for each in found],
            right=numbers,
            spare=["calls", "unchanged", "took", "deleted", "updated", "added"],
        )


def _runs(
    run_id: int | None, connection: str | None, sync: str | None, action: str | None, limit: int
) -> "list[RunRow]":
    with open_view() as view:
        if run_id is not None:
            return [view.run(run_id)]
        found = view.runs(limit, sync=sync, action=action, connection=connection)
        if not found and (connection or sync or action):
            from orgsync.project.known_names import require_known
            from orgsync.settings import load_settings

            require_known(view, load_settings(), sync=sync, action=action, connection=connection)
        return found


def _none_of(connection: str | None, sync: str | None, action: str | None) -> str:
    """Return what is said where no run matches."""
    if not (connection or sync or action):
        return "Nothing was run yet."
    of = f" of the sync {sync}" if sync else ""
    of += f" of the action {action}" if action else ""
    return f"There is no run{of}{f' on {connection}' if connection else ''}. orgsync runs lists all of them."


def _took(run: "RunRow") -> str:
    return brief((run.finished_at - run.started_at).total_seconds()) if run.finished_at else ""


def _row(run: "RunRow") -> list[str]:
    rows = (run.added, run.updated, run.deleted, run.unchanged)
    counts = ["" if run.kind == "action" else f"{count:,}" for count in rows] + [f"{run.api_calls:,}"]
    name = f"{run.sync} (action)" if run.kind == "action" else run.sync
    return [str(run.id), name, run.connection, run.status, minute(run.started_at), _took(run), *counts]


def _show(run: "RunRow") -> None:
    facts = {
        "run": str(run.id),
        run.kind: run.sync,
        "connection": run.connection,
        "status": run.status,
        "started": moment(run.started_at),
        "took": _took(run),
        **({} if run.kind == "action" else {name: f"{getattr(run, name):,}" for name in _COUNTS}),
        "API calls": f"{run.api_calls:,}",
        "watermark": moment(run.watermark),
        "error": run.error or "",
        "error code": run.error_code or "",
    }
    for label, fact in facts.items():
        if fact:
            result(f"{label:<12}{fact}", indent=12)
