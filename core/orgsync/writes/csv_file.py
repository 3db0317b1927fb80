"""Reading a CSV of rows to write: strictly, so that what is wrong with it is found by line and column, not guessed."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from orgsync.errors import FileUnusable
from orgsync.records.csv_records import long_fields

from .spool import ABSENT
from .text_file import TextFile
from .values import NULL

__all__ = ["RESERVED", "CsvRows"]

RESERVED = "orgsync_"
"""What the columns begin with that orgsync adds to a file of refused rows; they are not read."""

_DELIMITERS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a pipe"}


@dataclass(slots=True)
class CsvRows:
    """The rows of a CSV file; `digest` is complete when all were read.

    An empty cell is ABSENT: it leaves the field as it is. `#N/A` is None: it empties the field.
    """

    path: Path
    delimiter: str = ","
    digest: str = ""
    columns: tuple[str, ...] = ()
    _line: int = field(default=1, init=False)

    def __iter__(self) -> Iterator[tuple[int, dict[str, object]]]:
        """Yield the line that each row begins on, and its cells. Raises FileUnusable."""
        file = TextFile(self.path)
        records = self._records(file.lines())
        first = next(records, None)
        if first is None:
            raise FileUnusable(f"{self.path} is empty.", "Its first line names the fields, such as Id,LastName.")
        self.columns = self._header(first[1])
        width = len(self.columns)
        kept = [(at, name) for at, name in enumerate(self.columns) if not name.startswith(RESERVED)]
        for line, cells in records:
            if len(cells) != width:
                raise self._of_other_width(line, len(cells))
            yield line, {name: _value(cells[at]) for at, name in kept}
        self.digest = file.digest

    def _records(self, lines: Iterator[str]) -> Iterator[tuple[int, list[str]]]:
        """Yield each record and the line that it begins on; lines without anything are none."""
        held: list[str] = []

        def noted() -> Iterator[str]:
            for line in lines:
                held.append(line)
                yield line

        reader = csv.reader(noted(), delimiter=self.delimiter, strict=True)
        while True:
            begins = reader.line_num + 1
            held.clear()
            try:
                with long_fields():
                    cells = next(reader, None)
            except csv.Error:
                raise self._broken("".join(held), begins) from None
            if cells is None:
                return
            if cells:
                yield begins, cells

    def _header(self, names: Sequence[str]) -> tuple[str, ...]:
        if len(names) == 1 and self.delimiter not in names[0]:
            for other in _DELIMITERS:
                if other in names[0]:
                    raise self._other_delimiter(other, names[0].index(other) + 1)
        for at, name in enumerate(names, start=1):
            if not name.strip():
                raise self._wrong_header(at, "has no name")
            if name != name.strip():
                raise self._wrong_header(at, f"has blanks around its name {name.strip()!r}")
            if name.lower() in (each.lower() for each in names[: at - 1]):
                raise self._wrong_header(at, f"has the same name as another column, {name!r}")
        return tuple(names)

    def _other_delimiter(self, other: str, column: int) -> FileUnusable:
        return FileUnusable(
            f"{self.path}, line 1, column {column}: the columns are separated by {_DELIMITERS[other]}, and "
            f"{_DELIMITERS.get(self.delimiter, self.delimiter)} is expected.",
            f"Name it: --delimiter {'tab' if other == chr(9) else repr(other)}.",
        )

    def _wrong_header(self, at: int, what: str) -> FileUnusable:
        return FileUnusable(f"{self.path}, line 1: column {at} {what}.", "Correct the header; each column is a field.")

    def _of_other_width(self, line: int, width: int) -> FileUnusable:
        return FileUnusable(
            f"{self.path}, line {line}: the row has {width} columns, and the header {len(self.columns)}.",
            "Look for a missing or a surplus delimiter; put a value that holds one in double quotes.",
        )

    def _broken(self, text: str, line: int) -> FileUnusable:
        """Say where the quotes of a record are broken."""
        opened: tuple[int, int] | None = None
        at, column, here = 0, 1, line
        while at < len(text):
            letter, following = text[at], text[at + 1 : at + 2]
            if opened is None and letter == '"' and (at == 0 or text[at - 1] in f"{self.delimiter}\r\n"):
                opened = here, column
            elif opened is not None and letter == '"':
                if following == '"':
                    at, column = at + 1, column + 1
                elif following in ("", self.delimiter, "\r", "\n"):
                    opened = None
                elif here == 1 and following in _DELIMITERS:
                    return self._other_delimiter(following, column + 1)
                else:
                    return FileUnusable(
                        f"{self.path}, line {here}, column {column + 1}: text follows the closing quote of a value.",
                        'Write a quote inside of a value twice: "the ""first"" one".',
                    )
            at, column = at + 1, column + 1
            if letter == "\n":
                here, column = here + 1, 1
        if opened is None:
            return FileUnusable(
                f"{self.path}, line {line}: a carriage return stands in a value without quotes.",
                "Save the file with line feeds, or put a value of several lines in double quotes.",
            )
        here, column = opened
        return FileUnusable(
            f"{self.path}, line {here}, column {column}: the quote that opens a value there is never closed.",
            'Close it, or write a quote inside of a value twice: "the ""first"" one".',
        )


def _value(cell: str) -> object:
    if cell == NULL:
        return None
    return cell or ABSENT
