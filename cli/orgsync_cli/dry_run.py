"""`orgsync run --dry-run`: what a run would change, row by row, without changing it."""

from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orgsync.printable import counted
from orgsync.project.views import change_view, dry_run_view

from .interruptions import DRY_RUN
from .output import result, say, show_problem, stdout, to_json
from .progress import shown_progress
from .run_lines import would_line, wrapped_parts
from .tables import show_table
from .wrapping import terminal_width

if TYPE_CHECKING:
    from orgsync.engine import Job
    from orgsync.project import DryRunChange, OpenDryRun, Project

__all__ = ["OneDryRun", "fields_line"]

_SHOWN = 20
_WIDEST = 28


@dataclass(slots=True)
class OneDryRun:
    """A dry run of one job, and what is shown of it; `limit` is how many changes are enough."""

    project: "Project"
    job: "Job"
    limit: int | None
    as_json: bool

    async def execute(self) -> int:
        """Run the job on a copy, show its changes, and return the exit code that a run would have."""
        import anyio

        from orgsync.project import open_dry_run

        try:
            async with AsyncExitStack() as stack:
                title = f"{self.job.name} on {self.job.connection}, dry run"
                with shown_progress(title, show=not self.as_json) as observe:
                    opening = open_dry_run(self.project, self.job, limit=self.limit, observe=observe)
                    dry_run = await stack.enter_async_context(opening)
                await (_write_json(dry_run) if self.as_json else self._show(dry_run))
        except anyio.get_cancelled_exc_class():
            say(f"Interrupted; {DRY_RUN.kept}")
            raise
        problem = dry_run.outcome.problem
        if problem is None:
            return 0
        show_problem(problem, detail=not self.as_json)
        return problem.exit_code

    async def _show(self, dry_run: "OpenDryRun") -> None:
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
            say(f"Stopped at {counted(self.limit or 0, 'change')}, as --limit says; a run would continue.")
        elif more:
            stdout().flush()
            say("There are more changes: --limit N shows N of them, --json all.")
        result(_fitted(would_line(dry_run.outcome.run, at_limit=dry_run.at_limit)))
        stdout().flush()


async def _first(dry_run: "OpenDryRun", table: str, most: int) -> "list[DryRunChange]":
    found: list[DryRunChange] = []
    async with aclosing(dry_run.changes_in(table)) as changes:
        async for change in changes:
            found.append(change)
            if len(found) == most:
                break
    return found


async def _write_json(dry_run: "OpenDryRun") -> None:
    """Write one object on one line, its changes one by one: there may be more than memory holds."""
    stdout().write(f'{to_json(dry_run_view(dry_run)).removesuffix("}")}, "changes": [')
    between = ""
    async with aclosing(dry_run.changes) as changes:
        async for change in changes:
            stdout().write(f"{between}{to_json(change_view(change))}")
            between = ", "
    stdout().write("]}\n")
    stdout().flush()


def _show_changes(table: str, changes: "list[DryRunChange]") -> None:
    width = terminal_width()
    rows = [[change.kind, change.id, fields_line(change, width)] for change in changes]
    if rows:
        show_table(["change", table, "fields"], rows, elastic="fields")
        result("")


def fields_line(change: "DryRunChange", width: int) -> str:
    """Return what differs on one line of about this width: `email: a@x → b@x`."""
    parts: list[str] = []
    length = 0
    # What a person reads comes before what only joins.
    for name, (before, after) in sorted(change.fields.items(), key=lambda item: item[0].endswith("_id")):
        values = (
            f"{_value(before)} → {_value(after)}"
            if change.kind == "updated"
            else _value(after if before is None else before)
        )
        parts.append(f"{name}: {values}")
        length += len(parts[-1])
        if length > width:
            break
    return ", ".join(parts) or "system_modstamp alone"


def _value(value: Any) -> str:
    """Return a value in short, on one line."""
    if value is None:
        return "(empty)"
    if isinstance(value, bool):
        return "yes" if value else "no"
    line = " ".join((value if isinstance(value, str) else to_json(value)).split())
    return line if len(line) <= _WIDEST else f"{line[: _WIDEST - 1]}…"


def _fitted(line: str) -> str:
    return wrapped_parts(line, terminal_width()) if stdout().isatty() else line
