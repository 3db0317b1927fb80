"""Small plots: one bar a run, drawn on the server, with a sentence for those who do not see them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt

from orgsync.printable import counted
from orgsync.project.runs import Run, seconds_of

from .words import exact, number, span

__all__ = ["Bar", "Plot", "changed", "plot", "plots_of", "seconds_of"]

_HEIGHT = 32.0
_STEP = 6.0
_WIDTH = 4.5
_LEAST = 1.0
"""The height of a bar that stands for nothing: a run was there."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A run: where its bar begins, how high it is, how the run ended, and what the tooltip says."""

    x: float
    height: float
    status: str
    title: str


@dataclass(frozen=True, slots=True)
class Plot:
    """Bars from the oldest run to the latest; `caption` and `range` say of what, and its values."""

    caption: str
    range: str
    summary: str
    bars: Sequence[Bar]
    width: float
    height: float = _HEIGHT
    bar_width: float = _WIDTH


def changed(run: Run) -> int:
    """Return how many rows of the copy a run has changed."""
    return run.added + run.updated + run.deleted


def plots_of(runs: Sequence[Run], *, room_for: int) -> Sequence[Plot]:
    """Return the plots of a sync's runs, which come the latest first; none where it has not run."""
    if not runs:
        return ()
    return (
        plot("Rows changed", runs, changed, _rows, room_for=room_for),
        plot("Duration", runs, seconds_of, span, room_for=room_for),
    )


def plot(
    caption: str, runs: Sequence[Run], measure: Callable[[Run], float], words: Callable[[float], str], *, room_for: int
) -> Plot:
    """Draw a measure of runs; the highest bar is as high as the plot.

    Heights go by the square root: beside a first run, which reads everything, those that follow are to be seen.
    """
    oldest_first = [*reversed(runs)]
    values = [measure(run) for run in oldest_first]
    most = max(values)
    bars = [
        Bar(
            x=round((room_for - len(values) + place) * _STEP, 1),
            height=round(max(_LEAST, sqrt(value / most) * _HEIGHT if most else 0), 1),
            status=run.status,
            title=f"{exact(run.started_at)}: {words(value)}, {run.status}",
        )
        for place, (run, value) in enumerate(zip(oldest_first, values, strict=True))
    ]
    spread = f"{words(min(values))} to {words(most)}, last {words(values[-1])}"
    summary = f"{caption} in the last {counted(len(runs), 'run')}: {spread}"
    return Plot(caption, spread, summary, bars, room_for * _STEP)


def _rows(value: float) -> str:
    return number(int(value))
