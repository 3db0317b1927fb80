"""Cells in columns, by the width that letters take on a terminal; rich does this too, at the price of its import."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .output import stdout
from .wrapping import terminal_width

__all__ = ["GAP", "Column", "column_width", "grid", "split_long_words"]

GAP = 2
"""Blanks between two columns of a table."""

_PARTS = re.compile(r"[^/\-_.]*[/\-_.]|[^/\-_.]+")
_BOLD, _PLAIN = "\x1b[1m", "\x1b[0m"


@dataclass(frozen=True, slots=True)
class Column:
    """How wide a column is; what is wider continues on the next line, or is cut short where `is_cut`."""

    width: int
    to_the_right: bool = False
    is_cut: bool = False


def column_width(cells: Iterable[str]) -> int:
    """Return how wide the widest cell is on a terminal, where some letters take two places."""
    return max(_width(cell) for cell in cells)


def grid(headings: Sequence[str], rows: Sequence[Sequence[str]], columns: Sequence[Column]) -> str:
    """Return headings, bold at a terminal, a rule, and the rows below it; no line is wider than the terminal."""
    widest = min(sum(each.width for each in columns) + GAP * (len(columns) - 1), terminal_width())
    rule = "─" if (stdout().encoding or "utf-8").lower().startswith("utf") else "-"
    top = [_cut(line, widest) for line in _row(headings, columns)]
    if stdout().isatty():
        top = [f"{_BOLD}{line}{_PLAIN}" for line in top]
    body = [_cut(line, widest) for row in rows for line in _row(row, columns)]
    return "\n".join([*top, rule * widest, *body]) + "\n"


def split_long_words(text: str, width: int) -> str:
    """Return the text with words that are wider than a column broken after a `/`, `-`, `_` or `.`."""
    lines: list[str] = []
    for word in text.split(" "):
        parts = _PARTS.findall(word) if len(word) > width else [word]
        line = ""
        for part in parts:
            if line and len(line) + len(part) > width:
                lines.append(f"{line}\n")
                line = ""
            line += part
        lines.append(f"{line} ")
    return "".join(lines).rstrip(" ")


def _row(cells: Sequence[str], columns: Sequence[Column]) -> list[str]:
    """Return the lines that a row takes."""
    folded = [
        [_cut(cell, column.width)] if column.is_cut else _folded(split_long_words(cell, column.width), column.width)
        for cell, column in zip(cells, columns, strict=True)
    ]
    lines: list[str] = []
    for place in range(max(map(len, folded), default=0)):
        parts = [part[place] if place < len(part) else "" for part in folded]
        padded = [_padded(part, column) for part, column in zip(parts, columns, strict=True)]
        lines.append((" " * GAP).join(padded).rstrip())
    return lines


def _padded(text: str, column: Column) -> str:
    blanks = " " * (column.width - _width(text))
    return f"{blanks}{text}" if column.to_the_right else f"{text}{blanks}"


def _folded(text: str, width: int) -> list[str]:
    """Return the lines of a text, broken between words, or inside one that is wider than the column."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for word in paragraph.split(" "):
            if line and _width(line) + 1 + _width(word) > width:
                lines.append(line)
                line = word
            else:
                line = f"{line} {word}" if line else word
            while _width(line) > width:
                kept = _start(line, width)
                lines.append(kept)
                line = line[len(kept) :]
        lines.append(line)
    return lines


def _cut(text: str, width: int) -> str:
    """Return a text on one line, cut short where it is wider."""
    return text if _width(text) <= width else f"{_start(text, width - 1)}…"


def _start(text: str, width: int) -> str:
    """Return as much of a text as fits, one letter at least."""
    kept = 0
    for kept in range(1, len(text) + 1):
        if _width(text[:kept]) > width:
            kept -= 1
            break
    return text[: max(kept, 1)]


def _width(text: str) -> int:
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)
