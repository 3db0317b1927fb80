"""Runs in one line each, for a person."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from orgsync.printable import counted
from orgsync.project.health_views import OWED
from orgsync.project.views import seconds_of

from .output import brief
from .wrapping import wrapped

if TYPE_CHECKING:
    from orgsync.engine import Job
    from orgsync.project import Run

__all__ = ["left_line", "outcome_line", "owed_line", "stopped_line", "would_line", "wrapped_parts"]

_ENDINGS = {"failed": "fail", "stopped": "stop"}


def outcome_line(run: "Run") -> str:
    """Return what a run did."""
    changes = [f"{count:,} {kind}" for kind, count in _counts(run) if count]
    nothing = "nothing new" if run.status == "done" else "nothing was changed"
    ending = "" if run.status == "done" else f"{run.status}, "
    return f"{run.sync} on {run.connection}: {ending}{', '.join(changes) or nothing} ({_cost(run)})"


def would_line(run: "Run", *, at_limit: bool) -> str:
    """Return what a run would do."""
    counts: Mapping[str, int] = {"add": run.added, "update": run.updated, "delete": run.deleted}
    parts = [f"{verb} {count:,}" for verb, count in counts.items() if count]
    parts += [f"leave {run.unchanged:,} unchanged"] if run.unchanged else []
    would = ", ".join(parts) or ("" if run.status in _ENDINGS else "change nothing")
    if at_limit:
        would += " or more"
    elif run.status in _ENDINGS:
        would += f"{', then ' if would else ''}{_ENDINGS[run.status]}"
    return f"{run.sync} on {run.connection}: would {would} ({_cost(run)}); nothing was written"


def owed_line(job: "Job") -> str:
    """Return what is said of the next run, where this one has ended before its first commit; empty: nothing."""
    return f"the next run {OWED[job.asks]}, as this one was to" if job.asks else ""


def left_line(left: int) -> str:
    """Return what is said, where a command is interrupted, of the runs that it has not begun."""
    return f"{counted(left, 'more run was', 'more runs were')} not begun."


def stopped_line(runs: "Sequence[Run]") -> str:
    """Return what is said of runs that were under way when a service was stopped."""
    stopped = [run for run in runs if run.status == "stopped"]
    kept = sum(run.added + run.updated + run.deleted for run in stopped)
    ends = {"finished": len(runs) - len(stopped), "stopped": len(stopped)}
    line = " and ".join(f"{counted(each, 'run was', 'runs were')} {end}" for end, each in ends.items() if each)
    if stopped:
        left = f"{counted(kept, 'change')} kept" if kept else "no row was changed"
        where = "there" if kept else "where these were" if stopped[1:] else "where this one was"
        line += f"; {left}, and the next {'runs resume' if stopped[1:] else 'run resumes'} {where}"
    return f"Stopped; {line}."


def wrapped_parts(line: str, width: int) -> str:
    """Return a line that is too wide as several, broken at a semicolon rather than elsewhere."""
    if len(line) <= width:
        return line
    parts = ["\n".join(wrapped(part, width - 2, indent=2)) for part in line.split("; ")]
    return ";\n  ".join(parts)


def _counts(run: "Run") -> list[tuple[str, int]]:
    kinds = [("added", run.added), ("updated", run.updated), ("deleted", run.deleted)]
    return [*kinds, ("unchanged", run.unchanged)] if any(count for _, count in kinds) else kinds


def _cost(run: "Run") -> str:
    return f"{counted(run.api_calls, 'API call')}, {brief(seconds_of(run))}"
