"""The CSV of the Bulk API, split into its cells and joined again, quotes and line ends unchanged."""

import re
from collections.abc import Callable

from .pieces import Role, Visit

__all__ = ["rewritten_csv"]

_DELIMITERS = ",;\t|^`"
_FIRST = re.compile(rf'(?:"(?:[^"]|"")*"|[^"{re.escape(_DELIMITERS)}\r\n]*)(?P<delimiter>[{re.escape(_DELIMITERS)}])?')


def rewritten_csv(text: str, role: Callable[[str], tuple[Role, str]], visit: Visit) -> str:
    """Visit every cell below the header, by the role and the full name of its column."""
    first = _FIRST.match(text)
    delimiter = re.escape((first and first["delimiter"]) or ",")
    cells = re.compile(rf'("(?:[^"]|"")*"|[^{delimiter}\r\n]*)({delimiter}|\r\n|\n|\r|\Z)')
    columns: list[tuple[Role, str]] = []
    pieces: list[str] = []
    column, in_header, end = 0, True, 0
    for found in cells.finditer(text):
        cell, after = found[1], found[2]
        if in_header:
            columns.append(role(_content(cell)))
        elif cell and column < len(columns):
            value = _content(cell)
            new = visit(value, *columns[column]) if value else value
            if new != value:
                pieces += (text[end : found.start()], _written(new, cell))
                end = found.start() + len(cell)
        column += 1
        if not after or after in "\r\n":
            column, in_header = 0, False
    return "".join(pieces) + text[end:]


def _content(cell: str) -> str:
    return cell[1:-1].replace('""', '"') if cell.startswith('"') and cell.endswith('"') and len(cell) > 1 else cell


def _written(value: str, cell: str) -> str:
    return '"' + value.replace('"', '""') + '"' if cell.startswith('"') else value
