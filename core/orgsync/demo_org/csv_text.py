"""Rows as the CSV of Bulk API 2.0: every field quoted, absent and empty alike, numbers as Java writes them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from .clock import bulk_datetime
from .fields import Derived, Row
from .resolve import Column

DELIMITERS = {"BACKQUOTE": "`", "CARET": "^", "COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "TAB": "\t"}
LINE_ENDINGS = {"LF": "\n", "CRLF": "\r\n"}


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a job's CSV is written, by the names that the API gives delimiters and line ends."""

    delimiter: str = "COMMA"
    line_ending: str = "LF"

    def line(self, fields: Iterable[str]) -> str:
        """Join fields that are quoted already."""
        return DELIMITERS[self.delimiter].join(fields) + LINE_ENDINGS[self.line_ending]


def csv_text(columns: Mapping[str, Column], rows: Iterable[Row], dialect: Dialect) -> str:
    """Return rows as CSV below a header of the columns' names."""
    write = row_writer(columns, dialect)
    return dialect.line(map(quoted, columns)) + "".join(map(write, rows))


def row_writer(columns: Mapping[str, Column], dialect: Dialect) -> Callable[[Row], str]:
    """Return the function that writes a row as one line; a line end inside a text stays as it is."""
    reads = [column.read for column in columns.values()]
    return lambda row: dialect.line([field_text(read(row)) for read in reads])


def field_text(value: Derived) -> str:
    """Return one value, quoted."""
    if value is None:
        return '""'
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, bool):
        return '"true"' if value else '"false"'
    if isinstance(value, datetime):
        return f'"{bulk_datetime(value)}"'
    if isinstance(value, date):
        return f'"{value.isoformat()}"'
    return f'"{java_double(value)}"' if isinstance(value, float) else f'"{value}"'


def java_double(number: float) -> str:
    """Return a double as Java's Double.toString does: `3.0`, and from ten million on `1.23456789E9`."""
    if number == 0 or 1e-3 <= abs(number) < 1e7:
        return repr(number)
    sign, digits, _ = Decimal(repr(number)).normalize().as_tuple()
    whole, *fraction = map(str, digits)
    return f"{'-' if sign else ''}{whole}.{''.join(fraction) or '0'}E{Decimal(repr(number)).adjusted()}"


def quoted(text: str) -> str:
    """Write a text between quotes."""
    return '"' + text.replace('"', '""') + '"'
