"""A run while it goes on, for a person at a terminal: rows, rows a second, API calls, and what is left."""

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from orgsync.printable import printable

if TYPE_CHECKING:
    from orgsync.engine import Progress

__all__ = ["Expectation", "shown_progress"]


class Expectation:
    """How many rows a run will have read in the end: those before its present query, and those this one will give."""

    def __init__(self) -> None:
        self._rows = 0
        self._expected: int | None = None
        self._before = 0

    def total(self, progress: "Progress") -> int | None:
        """Take in how far the run is, and tell the total as far as it is known."""
        if progress.expected != self._expected:
            self._expected, self._before = progress.expected, self._rows
        self._rows = progress.rows
        return None if self._expected is None else max(self._before + self._expected, progress.rows)


@contextmanager
def shown_progress(title: str, *, show: bool) -> "Generator[Callable[[Progress], None]]":
    """Show a run's progress on stderr, if that is a terminal; gives what is to be told of each batch."""
    if not show or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[told]}"),
        TimeRemainingColumn(compact=True),
    )
    expectation = Expectation()
    with Bars(*columns, console=Console(stderr=True, highlight=False), transient=True) as bars:
        task = bars.add_task(title, total=None, told="connecting")

        told_plan: list[str] = []

        def watch(progress: "Progress") -> None:
            if progress.plan and progress.plan.api == "bulk" and str(progress.plan) not in told_plan:
                told_plan.append(str(progress.plan))
                bars.console.print(printable(f"{title}: plan: {progress.plan}"), markup=False)
            total = expectation.total(progress)
            speed = bars.tasks[0].speed
            told = f"{progress.rows:,}" + (f" of {total:,}" if total else "") + " rows"
            told += f", {speed:,.0f}/s" if speed else ""
            bars.update(task, completed=progress.rows, total=total, told=f"{told}, {progress.api_calls:,} API calls")

        yield watch
