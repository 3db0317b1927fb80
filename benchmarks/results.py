"""What a benchmark found, and the table of it."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from .measuring import Cost

__all__ = ["Line", "as_json", "line_of", "table"]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table; None where a column says nothing about it.

    `peak` is in megabytes. `verdict` sets the line beside another of the same run, or beside what was aimed at.
    """

    benchmark: str
    who: str
    rows: int | None = None
    seconds: float | None = None
    cpu: float | None = None
    peak: float | None = None
    calls: int | None = None
    verdict: str = ""


def line_of(benchmark: str, who: str, cost: Cost, verdict: str = "") -> Line:
    """Write a line of what a copy cost."""
    return Line(benchmark, who, cost.rows, cost.seconds, cost.cpu, cost.peak or None, cost.calls, verdict)


def as_json(lines: Sequence[Line]) -> str:
    """Write the lines as JSON, one list."""
    return json.dumps([asdict(line) for line in lines], indent=2, ensure_ascii=False)


def table(lines: Sequence[Line]) -> str:
    """Write the lines as a table of Markdown that reads well in a terminal, too."""
    heads = ["", "", "rows", "seconds", "CPU s", "rows/s", "peak MB", "API calls", ""]
    cells = [heads, *(_cells(line, before) for line, before in zip(lines, [None, *lines], strict=False))]
    widths = [max(len(row[at]) for row in cells) for at in range(len(heads))]
    rule = "|".join("-" * (width + 1) + ("-" if at in _TEXTS else ":") for at, width in enumerate(widths))
    written = [" | ".join(_aligned(text, at, widths[at]) for at, text in enumerate(row)) for row in cells]
    return "\n".join([f"| {written[0]} |", f"|{rule}|", *(f"| {row} |" for row in written[1:])])


_TEXTS = (0, 1, 8)


def _aligned(text: str, at: int, width: int) -> str:
    return text.ljust(width) if at in _TEXTS else text.rjust(width)


def _cells(line: Line, before: Line | None) -> list[str]:
    repeats = before is not None and before.benchmark == line.benchmark
    rate = line.rows / line.seconds if line.rows and line.seconds else None
    return [
        "" if repeats else line.benchmark,
        line.who,
        _whole(line.rows),
        _decimal(line.seconds),
        _decimal(line.cpu),
        _whole(rate),
        _whole(line.peak),
        _whole(line.calls),
        line.verdict,
    ]


def _whole(number: float | None) -> str:
    return "" if number is None else f"{number:,.0f}"


def _decimal(number: float | None) -> str:
    return "" if number is None else f"{number:,.2f}"
