"""Values on their way from one database to another: checked, changed only where they must be, and summed up.

A value that the target cannot hold as it is, is replaced as a run would have replaced it, and counted. What is of
another type than its column is refused: guessing would change it without a word.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from decimal import Context, Decimal
from hashlib import sha256
from typing import Any

from orgsync.errors import StoreUnavailable

from .move_types import Kind, MovedTable, Page

__all__ = ["Checksum", "carried"]

_IN_TEXT: tuple[Kind, ...] = ("text", "instant", "time", "date", "number", "json")
_ALLOWED: dict[Kind, set[type]] = {
    **{kind: {str} for kind in _IN_TEXT},
    "bool": {int},
    "int": {int},
    "float": {float, int},
    "bytes": {bytes},
}
_ESCAPES = re.compile(
    r"(\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|\\u(?:0000|[dD][89a-fA-F][0-9a-fA-F]{2})"
)
"""In JSON: an escaped backslash or a whole surrogate pair, which stay; or NUL, or half a pair."""
_EXACT = Context(prec=2000)


def carried(table: MovedTable, page: Page, changed: Counter[str], *, loses_nul: bool) -> Page:
    """Return a page as the target can hold it; add to `changed` how many values of which columns are others.

    Raises StoreUnavailable for a value that is not of its column's type.
    """
    columns: list[Sequence[Any]] = list(zip(*page, strict=True))
    replaced = False
    for at, column in enumerate(table.columns):
        values = columns[at]
        _require_type(table, at, page, values)
        if column.kind == "float":
            columns[at] = [None if value is None else float(value) + 0.0 for value in values]  # -0.0 becomes 0.0
            replaced = True
        clean = _CLEAN.get(column.kind) if loses_nul else None
        if clean is not None and _is_suspect(values):
            columns[at] = [None if value is None else clean(value) for value in values]
            changed[column.name] += sum(a != b for a, b in zip(values, columns[at], strict=True))
            replaced = True
    return list(zip(*columns, strict=True)) if replaced else page


def _is_suspect(values: Sequence[Any]) -> bool:
    joined = "".join([value for value in values if value is not None])
    return "\0" in joined or "\\u" in joined


def _clean_text(text: str) -> str:
    return text.replace("\0", "?")


def _clean_json(text: str) -> str:
    return _ESCAPES.sub(lambda found: found[1] or "?", text.replace("\0", "?"))


_CLEAN: dict[Kind, Callable[[str], str]] = {"text": _clean_text, "json": _clean_json}


def _require_type(table: MovedTable, at: int, page: Page, values: Sequence[Any]) -> None:
    column = table.columns[at]
    kinds = set(map(type, values)) - {type(None)}
    wrong = kinds - _ALLOWED[column.kind]
    if not wrong and not (float in kinds and any(value is not None and math.isnan(value) for value in values)):
        return
    place = next(
        number for number, value in enumerate(values) if type(value) in wrong or (wrong == set() and value != value)
    )
    names = [each.name for each in table.columns]
    key = ", ".join(f"{name} {page[place][names.index(name)]}" for name in table.key)
    raise StoreUnavailable(
        f"The table {table.name} has a value in {column.name} ({key}) that is not of the column's type, {column.kind}.",
        "Correct the value, or reset the sync whose table it is, and move again.",
    )


class Checksum:
    """The number of a table's rows, and the SHA-256 of all of them in the order of their key, canonically written.

    Values count as equal that both databases take for equal: JSON in any order and notation, numbers by their digits.
    """

    def __init__(self, table: MovedTable) -> None:
        self.rows = 0
        self._sum = sha256()
        self._as_json = [at for at, column in enumerate(table.columns) if column.kind == "json"]

    def add(self, page: Page) -> None:
        """Add rows."""
        self.rows += len(page)
        if self._as_json:
            page = [self._canonical(row) for row in page]
        self._sum.update(("\n".join(map(repr, page)) + "\n").encode("utf-8", "surrogatepass"))

    @property
    def text(self) -> str:
        """The checksum of the rows so far."""
        return self._sum.hexdigest()

    def _canonical(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        values = list(row)
        for at in self._as_json:
            if values[at] is not None:
                values[at] = _canonical_json(values[at])
        return tuple(values)


def _canonical_json(text: str) -> str:
    if text in ("{}", "[]"):
        return text
    return json.dumps(json.loads(text, parse_float=_digits, parse_int=_digits), sort_keys=True)


def _digits(text: str) -> list[str]:
    number = Decimal(text)
    return ["number", "0" if not number else str(number.normalize(_EXACT))]
