"""Reading JSON lines of rows to write: one object a line, null and absent as JSON tells them apart."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

from orgsync.errors import FileUnusable

from .csv_file import RESERVED
from .text_file import TextFile

__all__ = ["JsonRows", "is_json_lines"]


def is_json_lines(path: Path) -> bool:
    """Return whether a file holds JSON lines, by its name; others are CSV."""
    return path.suffix.lower() in (".jsonl", ".ndjson")


@dataclass(slots=True)
class JsonRows:
    """The rows of a file of JSON lines; `digest` is complete when all were read."""

    path: Path
    digest: str = ""

    def __iter__(self) -> Iterator[tuple[int, dict[str, object]]]:
        """Yield the line of each row, and its cells. Raises FileUnusable."""
        file = TextFile(self.path)
        for number, line in enumerate(file.lines(), start=1):
            if line.strip():
                yield number, self._row(line, number)
        self.digest = file.digest

    def _row(self, line: str, number: int) -> dict[str, object]:
        try:
            row: Any = json.loads(line.rstrip(), parse_float=Decimal, object_pairs_hook=_object)
        except _NameTwice as error:
            raise FileUnusable(
                f"{self.path}, line {number}: the name {error.name!r} is there twice in an object.",
                "Leave one of them out.",
            ) from None
        except json.JSONDecodeError as error:
            raise FileUnusable(
                f"{self.path}, line {number}, column {error.colno}: this is not JSON.",
                'Write one object a line: {"LastName": "Lovelace"}.',
            ) from None
        except (ValueError, RecursionError):
            raise FileUnusable(
                f"{self.path}, line {number}: a number is too long, or values are nested too deeply, to be read.",
                'Write one object a line: {"LastName": "Lovelace"}.',
            ) from None
        if not isinstance(row, dict):
            raise FileUnusable(
                f"{self.path}, line {number}, column 1: a row is an object, and this is none.",
                'Write one object a line: {"LastName": "Lovelace"}.',
            )
        cells = cast("dict[str, object]", row)
        return {name: value for name, value in cells.items() if not name.startswith(RESERVED)}


class _NameTwice(Exception):
    """An object has two values of one name."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return an object of JSON; which of two values of one name is meant is not guessed."""
    made = dict(pairs)
    if len(made) != len(pairs):
        names = [name for name, _ in pairs]
        raise _NameTwice(next(name for name in names if names.count(name) > 1))
    return made
