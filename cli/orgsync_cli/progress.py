"""A run or a write under way, for a person at a terminal: rows, rows a second, API calls, and what is left."""

import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from orgsync.printable import counted, printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, ProgressColumn

    from orgsync.engine import Event, Observer
    from orgsync.project.file_writes import WriteProgress

__all__ = ["Expectation", "bar_columns", "fitting", "shown_progress", "shown_write", "text_room", "write_text"]

_BAR = 20
_TIME = 7  # places of `1:02:03`
_WITH_BAR = 80
"""Columns of a terminal from which there is room for the bar beside the numbers."""


class Expectation:
    """How many rows a run will have read in the end: those before its present query, and those this one will give."""

    def __init__(self) -> None:
        self.rows = 0
        self.api_calls = 0
        self._total: int | None = None

    @property
    def total(self) -> int | None:
        """The rows in the end, as far as they are known."""
        return None if self._total is None else max(self._total, self.rows)

    def observe(self, event: "Event") -> None:
        """Note how far the run is, and what its next query will give."""
        from orgsync.engine import Committed, Planned

        if isinstance(event, Committed):
            self.rows, self.api_calls = event.rows, event.api_calls
        elif isinstance(event, Planned):
            self._total = None if event.rows is None else self.rows + event.rows


@contextmanager
def shown_progress(title: str, *, show: bool) -> "Generator[Observer]":
    """Show a run's progress on stderr, if that is a terminal; yields what observes the run."""
    if not show or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import Progress, TimeRemainingColumn

    console = Console(stderr=True, highlight=False)
    columns = [*bar_columns(console), TimeRemainingColumn(compact=True)]
    with Progress(*columns, console=console, transient=True) as bars:
        bars.add_task(title, total=None, text="connecting")
        yield _Bar(title, bars).observe


class _Bar:
    """The progress bar of one run; plans that read by Bulk, which take long, get a line of their own."""

    def __init__(self, title: str, bars: "Progress") -> None:
        self._title = title
        self._bars = bars
        self._expectation = Expectation()
        self._plans: list[str] = []

    def observe(self, event: "Event") -> None:
        """Show how far the run is."""
        from orgsync.engine import Planned

        self._expectation.observe(event)
        if isinstance(event, Planned) and event.route and event.route.api == "bulk":
            self._show_plan(str(event.route))
        if self._expectation.api_calls:
            self._update()

    def _show_plan(self, plan: str) -> None:
        if plan not in self._plans:
            self._plans.append(plan)
            self._bars.console.print(printable(f"{self._title}: plan: {plan}"), markup=False)

    def _update(self) -> None:
        rows, total = self._expectation.rows, self._expectation.total
        task = self._bars.tasks[0]
        room = text_room(self._bars.console, self._title, after=1 + _TIME)
        text = f"{rows:,} of {counted(total, 'row')}" if total else counted(rows, "row")
        if len(text) > room:
            text = counted(rows, "row")
        more = [f", {task.speed:,.0f}/s"] if task.speed else []
        text = fitting([text, *more, f", {counted(self._expectation.api_calls, 'API call')}"], room)
        self._bars.update(task.id, completed=rows, total=total, text=text)


@contextmanager
def shown_write(title: str, *, show: bool) -> "Generator[Callable[[WriteProgress], None]]":
    """Show how far a write is on stderr, if that is a terminal; yields what observes it."""
    if not show or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True, highlight=False)
    with Progress(*bar_columns(console), console=console, transient=True) as bars:
        task = bars.add_task(title, total=None, text="checking")

        def observe(progress: "WriteProgress") -> None:
            text = write_text(progress, text_room(console, title))
            bars.update(task, completed=progress.settled, total=progress.rows, text=text)

        yield observe


def write_text(progress: "WriteProgress", room: int) -> str:
    """Return how far a write is, in as many places as there are."""
    parts = [f"{progress.settled:,} of {counted(progress.rows, 'row')}"]
    if progress.job:
        parts += [f", {progress.processed:,} tried", f", job {progress.job} {progress.state}"]
    return fitting(parts, room)


def bar_columns(console: "Console") -> "list[ProgressColumn]":
    """Return the columns of a progress line: a spinner, the task's title, a bar where there is room, and its text."""
    from rich.progress import BarColumn, SpinnerColumn, TextColumn

    bar = [BarColumn(bar_width=_BAR)] if console.width >= _WITH_BAR else []
    return [SpinnerColumn(), TextColumn("{task.description}"), *bar, TextColumn("{task.fields[text]}")]


def text_room(console: "Console", title: str, *, after: int = 0) -> int:
    """Return how many places `bar_columns` leave for the text, where other columns take `after` places behind it."""
    bar = _BAR + 1 if console.width >= _WITH_BAR else 0
    return console.width - len("* ") - len(title) - 1 - bar - after


def fitting(parts: Sequence[str], room: int) -> str:
    """Return the parts, without as many of the last ones as there is no room for; the first stays in any case."""
    kept = list(parts)
    while len(kept) > 1 and len("".join(kept)) > room:
        kept.pop()
    return "".join(kept)
