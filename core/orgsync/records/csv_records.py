"""CSV that arrives in pieces, cut into records without ever holding more of it than a record.

Salesforce quotes every field, so a line end inside quotes is text, and one outside ends a record. Counting quotes from
the start of a record tells which is which: a doubled quote inside a field counts for nothing. Each piece is searched
once, however long the record is that it belongs to.
"""

import csv
import io
import threading
from codecs import BOM_UTF8
from collections.abc import Generator
from contextlib import contextmanager

__all__ = [
    "LONGEST_RECORD",
    "Lines",
    "LinesBroken",
    "RecordTooLong",
    "Records",
    "first_record",
    "long_fields",
    "rows_of",
]

LONGEST_RECORD = 16 * 1024 * 1024  # bytes; an object's long text fields hold 1.6 million characters together
_LIMIT = threading.Lock()


class LinesBroken(ValueError):
    """The text is not CSV, or is cut inside a record."""


class RecordTooLong(LinesBroken):
    """A record, or a field of it, is longer than anything in Salesforce."""


@contextmanager
def long_fields() -> Generator[None]:
    """Let the csv module read fields of up to LONGEST_RECORD bytes, in place of 131,072 characters.

    That bound is the process's, and others may rely on it, so it is raised for this block alone, by one thread at a
    time.
    """
    with _LIMIT:
        before = csv.field_size_limit(LONGEST_RECORD)
        try:
            yield
        finally:
            csv.field_size_limit(before)


class Records:
    """Cut a CSV into whole records: `feed` returns those that a further piece completes, `end` the rest.

    They are bytes as they came, many or none. A byte order mark before the first one is no part of it, unless the CSV
    `continues` one that was cut before.
    """

    def __init__(self, *, continues: bool = False) -> None:
        self._begun: list[bytes] = []  # what has arrived of an incomplete record, already searched
        self._length = 0
        self._quoted = False
        self._is_first = not continues

    def feed(self, piece: bytes) -> bytes:
        """Add some bytes and return the records that they complete. Raises RecordTooLong."""
        self._quoted ^= piece.count(b'"') % 2 == 1
        end = _end_of_records(piece, quoted=self._quoted)
        whole = self._taken(piece[:end]) if end else b""
        self._begun.append(piece[end:])
        self._length += len(piece) - end
        if self._length > LONGEST_RECORD:
            raise RecordTooLong
        return whole

    def end(self) -> bytes:
        """Return the last record, where no line end follows it. Raises LinesBroken where it is cut."""
        if self._quoted:
            raise LinesBroken
        return self._taken(b"")

    def _taken(self, piece: bytes) -> bytes:
        """Return the begun record together with what ends it."""
        whole = b"".join([*self._begun, piece])
        self._begun.clear()
        self._length = 0
        if self._is_first and whole:
            self._is_first = False
            whole = whole.removeprefix(BOM_UTF8)
        return whole


class Lines:
    """Cut a CSV into rows of text: `feed` returns the rows that a further piece completes, `end` the rest.

    Bytes that are not UTF-8 become U+FFFD, and `replaced` then says so. `continues` is that of `Records`.
    """

    def __init__(self, *, continues: bool = False) -> None:
        self.replaced = False
        self._records = Records(continues=continues)

    def feed(self, piece: bytes) -> list[list[str]]:
        """Add some bytes and return the rows that they complete. Raises LinesBroken."""
        return self._rows(self._records.feed(piece))

    def end(self) -> list[list[str]]:
        """Return the last row, where no line end follows it. Raises LinesBroken where it is cut."""
        return self._rows(self._records.end())

    def _rows(self, records: bytes) -> list[list[str]]:
        rows, is_replaced = rows_of(records)
        self.replaced |= is_replaced
        return rows


def rows_of(records: bytes) -> tuple[list[list[str]], bool]:
    """Read whole records; bytes that are not UTF-8 become U+FFFD, and the second value then says so.

    Only a line feed ends a line: \\r, \\x0b and \\u2028 inside a field are text. Raises LinesBroken.
    """
    try:
        text, is_replaced = records.decode(), False
    except UnicodeDecodeError:
        text, is_replaced = records.decode(errors="replace"), True
    try:
        return _read(text), is_replaced
    except csv.Error as error:
        if "field limit" not in str(error):
            raise LinesBroken from None
    try:
        with long_fields():
            return _read(text), is_replaced
    except csv.Error as error:
        raise (RecordTooLong if "field limit" in str(error) else LinesBroken) from None


def first_record(records: bytes) -> bytes:
    """Return the first of some whole records, with its line end."""
    start, quotes = 0, 0
    while end := records.find(b"\n", start) + 1:
        quotes += records.count(b'"', start, end)
        if quotes % 2 == 0:
            return records[:end]
        start = end
    return records


def _end_of_records(piece: bytes, *, quoted: bool) -> int:
    """Return the place behind the last line end outside quotes, 0 where there is none.

    `quoted` says whether the piece ends inside quotes. The search goes from quote to quote, from the end: what was
    searched before, and line ends inside a field, cost nothing.
    """
    behind = len(piece)
    while behind >= 0:
        quote = piece.rfind(b'"', 0, behind)
        if not quoted and (end := piece.rfind(b"\n", quote + 1, behind)) >= 0:
            return end + 1
        behind, quoted = quote, not quoted
    return 0


def _read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="\n"), strict=True))
