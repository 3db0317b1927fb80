"""Reading JSON lines of rows to write: one object a line, null and absent as JSON tells them apart."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

from orgsync.errors import FileUnusable

from .csv_file import RESERVED

__all__ = ["JsonRows"]


@dataclass(slots=True)
class JsonRows:
    """The rows of a file of JSON lines; `digest` is complete when all were read."""

    path: Path
    digest: str = ""

    def __iter__(self) -> Iterator[tuple[int, dict[str, object]]]:
        """Yield the line of each row, and its cells. Raises FileUnusable."""
        hasher = hashlib.sha256()
        try:
            with self.path.open("rb") as file:
                for number, line in enumerate(file, start=1):
                    hasher.update(line)
                    if line.strip():
                        yield number, self._row(line, number)
        except OSError as error:
            raise FileUnusable(f"{self.path} cannot be read: {error.strerror}.", "Check the path.") from None
        self.digest = hasher.hexdigest()

    def _row(self, line: bytes, number: int) -> dict[str, object]:
        try:
            row: Any = json.loads(line.decode("utf-8-sig"), parse_float=Decimal)
        except UnicodeDecodeError as error:
            column = len(line[: error.start].decode()) + 1
            raise FileUnusable(
                f"{self.path}, line {number}, column {column}: a byte there is not UTF-8.", "Save the file as UTF-8."
            ) from None
        except json.JSONDecodeError as error:
            raise FileUnusable(
                f"{self.path}, line {number}, column {error.colno}: this is not JSON.",
                'Write one object a line: {"LastName": "Lovelace"}.',
            ) from None
        if not isinstance(row, dict):
            raise FileUnusable(
                f"{self.path}, line {number}, column 1: a row is an object, and this is none.",
                'Write one object a line: {"LastName": "Lovelace"}.',
            )
        cells = cast("dict[str, object]", row)
        return {name: value for name, value in cells.items() if not name.startswith(RESERVED)}
