"""Passes after the first: how many a second find nothing new, and how many API calls each makes."""

from collections.abc import Iterator

from .measuring import cost_of_job
from .people import SHIPPED_COLUMNS
from .prepared import prepare
from .results import Line
from .server import started

__all__ = ["changed", "nothing_new"]

_ROWS_EACH = 200
_CONNECTIONS = 200
_PASSES = 5


def nothing_new(_rows: int, _rounds: int) -> Iterator[Line]:
    """Run 200 connections that have nothing new, five times over, in one process."""
    with started(rest=prepare("json", _ROWS_EACH, SHIPPED_COLUMNS)) as server:
        cost = cost_of_job("nothing_new", server.url, _CONNECTIONS, _PASSES)
    runs = int(cost.told["runs"])
    calls = (cost.calls or 0) / runs
    verdict = f"{runs / cost.seconds:.0f} runs a second (aim: 180), {calls:.1f} calls each (aim: at most 4)"
    who = f"{runs:,} runs, {_CONNECTIONS} connections"
    yield Line("Nothing new", who, None, cost.seconds, cost.cpu, cost.peak or None, cost.calls, verdict)


def changed(_rows: int, _rounds: int) -> Iterator[Line]:
    """Count the calls of passes with nothing, one, 2,000 and 10,000 rows changed."""
    numbers = (0, 1, 2_000, 10_000)
    with started(rest=prepare("json", max(numbers), SHIPPED_COLUMNS)) as server:
        cost = cost_of_job("changed", server.url, *numbers, rows=sum(numbers))
    calls: dict[str, int] = cost.told["calls_of"]
    for rows in numbers:
        aim = 4 + max(0, rows - 1) // 2_000
        yield Line("Calls of a pass", "rows changed", rows, calls=calls[str(rows)], verdict=f"aim: at most {aim}")
