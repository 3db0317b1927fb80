"""Tables as wide as the terminal: short ones of the command's own, and rows of the copy."""

import re
import textwrap
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from orgsync.printable import counted, first_names, printable

from .grid import GAP, Column, column_width, grid
from .output import say, stdout, to_json
from .wrapping import terminal_width

__all__ = ["fitting_columns", "show_rows", "show_table"]

_ELASTIC = 24  # what a column keeps that can be cut short
_WIDEST = 28
_NARROWEST = 12
_TIME = re.compile(r"\d\d:\d\d")
_LAST = ("connection", "system_modstamp", "is_deleted", "sync_changed_at", "sync_first_seen_at", "sync_number")
"""Bookkeeping comes after the author's fields, unless changes are shown."""


def show_table(
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    right: Collection[str] = (),
    spare: Sequence[str] = (),
    elastic: str = "",
    whole: Collection[str] = (),
    indent: int = 0,
) -> None:
    """Show rows under headings, no wider than the terminal and without control characters.

    The `right` columns hold numbers; where it is narrow, the `spare` ones are left out, the first of them first, and
    named below, and the `elastic` one is cut short. Where that is not enough, the widest texts continue on a second
    line, after a space or one of `/-_.`. Those of `whole` columns, which are copied, do not; beside them the others do
    so first, and spare ones are left out where that is not enough. All stands `indent` places to the right.
    """
    rows = [[printable(cell) for cell in row] for row in rows]
    width = terminal_width() - indent
    fixed = [n for n, name in enumerate(headings) if name in right or name in whole]
    may = [n for n in range(len(headings)) if n not in fixed and not any(_TIME.search(row[n]) for row in rows)]
    kept, widths = _kept_columns(headings, rows, spare, elastic, width, folding=may if whole else ())
    narrow = _narrowed(widths, kept, may, width)
    columns = [
        Column(narrow.get(n, widths[n]), to_the_right=headings[n] in right, is_cut=headings[n] == elastic) for n in kept
    ]
    shown = grid([headings[n] for n in kept], [[row[n] for n in kept] for row in rows], columns)
    stdout().write(textwrap.indent(shown, " " * indent))
    if hidden := [name for n, name in enumerate(headings) if n not in kept]:
        say(_left_out(hidden, "too wide"))


def _left_out(columns: Sequence[str], why: str) -> str:
    """Return what is said of columns that are not shown: which they are, and which option shows them."""
    number = counted(len(columns), "column is", "columns are")
    return f"{number} left out, {why}: {first_names(columns)}; --json shows all"


def _kept_columns(
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    spare: Sequence[str],
    elastic: str,
    width: int,
    *,
    folding: Collection[int],
) -> tuple[list[int], list[int]]:
    """Return the columns without as many spare ones as do not fit, and widths with what is left for the elastic one.

    `folding` are columns that fit where they have their narrowest width.
    """
    widths = [column_width([heading, *(row[place] for row in rows)]) for place, heading in enumerate(headings)]
    stretch = headings.index(elastic) if elastic else 0
    wanted = widths[stretch]
    if elastic:
        widths[stretch] = min(_ELASTIC, wanted)
    kept = list(range(len(headings)))
    least = [min(each, _NARROWEST) if n in folding else each for n, each in enumerate(widths)]
    for name in spare:
        if _total(least, kept) <= width:
            break
        kept.remove(headings.index(name))
    if elastic:
        free = width - _total(widths, kept)
        widths[stretch] = min(wanted, widths[stretch] + max(free, 0))
    return kept, widths


def _narrowed(widths: Sequence[int], kept: Sequence[int], may: Collection[int], width: int) -> dict[int, int]:
    """Return narrower widths for the columns that may have them, the widest first, until all fit."""
    narrow: dict[int, int] = {}
    now = list(widths)
    while _total(now, kept) > width:
        widest = max((n for n in kept if n in may), key=lambda place: now[place], default=None)
        if widest is None or now[widest] <= _NARROWEST:
            break
        now[widest] -= 1
        narrow[widest] = now[widest]
    return narrow


def _total(widths: Sequence[int], kept: Sequence[int]) -> int:
    return sum(widths[place] for place in kept) + GAP * (len(kept) - 1)


def show_rows(rows: Sequence[Mapping[str, Any]], *, changes: bool, more: bool, chosen: Sequence[str] = ()) -> None:
    """Show rows: the chosen columns in their order, or the most informative ones.

    `changes` puts the number and the kind of the change first.
    """
    width = terminal_width()
    each = max(_WIDEST, width // len(chosen) - GAP) if chosen else _WIDEST
    cells = [{name: _cell(value, each) for name, value in row.items()} for row in rows]
    wanted = list(chosen) or _ordered(cells, changes=changes)
    columns = fitting_columns(wanted, cells, width)
    show_table(columns, [[row[name] for name in columns] for row in cells])
    notes = ["there are more rows: --limit N shows them"] if more else []
    if hidden := [name for name in [*dict.fromkeys([*wanted, *rows[0]])] if name not in columns]:
        notes.append(_left_out(hidden, "too wide" if chosen else "empty or too wide"))
    for note in notes:
        say(note)


def fitting_columns(names: Sequence[str], cells: Sequence[Mapping[str, str]], width: int) -> list[str]:
    """Return columns from the left until the terminal is full; one at least."""
    chosen: list[str] = []
    left = width
    for name in names:
        needed = column_width([name, *(row[name] for row in cells)]) + (GAP if chosen else 0)
        if needed <= left or not chosen:
            chosen.append(name)
            left -= needed
    return chosen


def _ordered(cells: Sequence[Mapping[str, str]], *, changes: bool) -> list[str]:
    """Return the columns, the most informative first, without those that are empty in every row."""
    first = ["sync_seq", "sync_change", "id"] if changes else ["id"]
    several = len({row.get("connection") for row in cells}) > 1
    first += ["connection"] if several else []
    filled = [name for name in cells[0] if any(row[name] for row in cells)]
    middle = [name for name in filled if name not in first and name not in (*_LAST, "sync_change")]
    middle.sort(key=lambda name: name.endswith("_id"))  # what a person reads comes before what only joins
    last = [name for name in _LAST if name in filled and name not in first]
    return [*first, *middle, *last]


def _cell(value: Any, widest: int) -> str:
    """Return a value on one line, cut short where it is longer than that."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = value if isinstance(value, str) else to_json(value)
    line = " ".join(text.split())
    return line if len(line) <= widest else f"{line[: widest - 1]}…"
