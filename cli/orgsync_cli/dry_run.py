"""`orgsync run --dry-run`: what a run would change, row by row, told without changing it."""

import shutil
import textwrap
from collections.abc import Mapping
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .output import amount, brief, console, result, say, show_problem, stdout, to_json
from .progress import shown_progress
from .run import as_object
from .tables import show_table

if TYPE_CHECKING:
    from orgsync.engine import RunOptions
    from orgsync.project import Change, DryRun, Project
    from orgsync.records import Record
    from orgsync.scripts import Sync
    from orgsync.store import Run

__all__ = ["OneDryRun", "broken", "fields_told", "would_line"]

_SHOWN = 20
_WIDEST = 28
_ENDINGS = {"failed": "fail", "stopped": "stop"}


@dataclass(slots=True)
class OneDryRun:
    """A dry run of one sync on one connection, and what is told of it; `limit` is how many changes are enough."""

    project: "Project"
    sync: "Sync[Record]"
    connection: str
    options: "RunOptions"
    limit: int | None
    as_json: bool

    async def run(self) -> int:
        """Rehearse the run, tell its changes, and give the exit code that the run would have."""
        import anyio

        from orgsync.project import rehearse

        try:
            async with AsyncExitStack() as stack:
                title = f"{self.sync.name} on {self.connection}, dry run"
                with shown_progress(title, show=not self.as_json) as watch:
                    options: RunOptions = {**self.options, "watch": watch}
                    rehearsing = rehearse(self.project, self.sync, self.connection, limit=self.limit, **options)
                    dry_run = await stack.enter_async_context(rehearsing)
                await (_write_json(dry_run) if self.as_json else self._show(dry_run))
        except anyio.get_cancelled_exc_class():
            say("Interrupted; nothing was written.")
            raise
        problem = dry_run.outcome.problem
        if problem is None:
            return 0
        show_problem(problem, detail=not self.as_json)
        return problem.exit_code

    async def _show(self, dry_run: "DryRun") -> None:
        more = False
        left = self.limit
        for table in dry_run.tables:
            most = _SHOWN if left is None else left
            changes = await _first(dry_run, table, most + 1)
            more = more or len(changes) > most
            _show_changes(table, changes[:most])
            left = None if left is None else left - min(most, len(changes))
        if dry_run.at_limit:
            stdout().flush()
            say(f"Stopped at {amount(self.limit or 0, 'change')}, as --limit says; a run would go on.")
        elif more:
            stdout().flush()
            say("There are more changes: --limit N shows N of them, --json all.")
        result(_fitted(would_line(dry_run.outcome.run, at_limit=dry_run.at_limit)))
        stdout().flush()


async def _first(dry_run: "DryRun", table: str, most: int) -> "list[Change]":
    found: list[Change] = []
    async with aclosing(dry_run.changes_in(table)) as changes:
        async for change in changes:
            found.append(change)
            if len(found) == most:
                break
    return found


async def _write_json(dry_run: "DryRun") -> None:
    """Write one object on one line, its changes one by one: there may be more than memory holds."""
    outcome = dry_run.outcome
    plan = None if outcome.plan is None else str(outcome.plan)
    begun = to_json({**as_object(outcome.run), "plan": plan, "dry_run": True, "at_limit": dry_run.at_limit})
    stdout().write(f'{begun.removesuffix("}")}, "changes": [')
    between = ""
    async with aclosing(dry_run.changes) as changes:
        async for change in changes:
            told = {"table": change.table, "id": change.id, "change": change.kind, "fields": change.fields}
            stdout().write(f"{between}{to_json(told)}")
            between = ", "
    stdout().write("]}\n")
    stdout().flush()


def _show_changes(table: str, changes: "list[Change]") -> None:
    width = console().width
    rows = [[change.kind, change.id, fields_told(change, width)] for change in changes]
    if rows:
        show_table(["change", table, "fields"], rows, elastic="fields")
        result("")


def fields_told(change: "Change", width: int) -> str:
    """Write what differs on one line of about this width: `email: a@x → b@x`."""
    told: list[str] = []
    length = 0
    # What a person reads comes before what only joins.
    for name, (before, after) in sorted(change.fields.items(), key=lambda item: item[0].endswith("_id")):
        values = (
            f"{_value(before)} → {_value(after)}"
            if change.kind == "updated"
            else _value(after if before is None else before)
        )
        told.append(f"{name}: {values}")
        length += len(told[-1])
        if length > width:
            break
    return ", ".join(told) or "system_modstamp alone"


def _value(value: Any) -> str:
    """Write a value shortly, on one line."""
    if value is None:
        return "(empty)"
    if isinstance(value, bool):
        return "yes" if value else "no"
    line = " ".join((value if isinstance(value, str) else to_json(value)).split())
    return line if len(line) <= _WIDEST else f"{line[: _WIDEST - 1]}…"


def would_line(run: "Run", *, at_limit: bool) -> str:
    """Tell in one line what a run would do."""
    counts: Mapping[str, int] = {"add": run.added, "update": run.updated, "delete": run.deleted}
    told = [f"{verb} {count:,}" for verb, count in counts.items() if count]
    told += [f"leave {run.unchanged:,} unchanged"] if run.unchanged else []
    would = ", ".join(told) or ("" if run.status in _ENDINGS else "change nothing")
    if at_limit:
        would += ", and more"
    elif run.status in _ENDINGS:
        would += f"{', then ' if would else ''}{_ENDINGS[run.status]}"
    seconds = ((run.finished_at or run.started_at) - run.started_at).total_seconds()
    cost = f"{amount(run.api_calls, 'API call')}, {brief(seconds)}"
    return f"{run.sync} on {run.connection}: would {would} ({cost}); nothing was written"


def broken(line: str, width: int) -> str:
    """Make lines of one that is too wide, at a semicolon rather than elsewhere."""
    if len(line) <= width:
        return line
    parts = [textwrap.fill(part, width - 2, subsequent_indent="  ") for part in line.split("; ")]
    return ";\n  ".join(parts)


def _fitted(line: str) -> str:
    return broken(line, shutil.get_terminal_size().columns) if stdout().isatty() else line
