"""CSV that arrives in pieces, cut into rows without ever holding more of it than a record.

Salesforce quotes every field, so a line end inside quotes is text, and one outside ends a record. Counting quotes from
the start of a record tells which is which: a doubled quote inside a field counts for nothing. Each piece is searched
once, however long the record is that it belongs to.
"""

import codecs
import csv
import io
import threading
from collections.abc import Generator
from contextlib import contextmanager

__all__ = ["LONGEST_RECORD", "Lines", "LinesBroken", "RecordTooLong", "long_fields"]

LONGEST_RECORD = 16 * 1024 * 1024  # characters; an object's long text fields hold 1.6 million together
_LIMIT = threading.Lock()


class LinesBroken(ValueError):
    """The text is not CSV, or is cut inside a record."""


class RecordTooLong(LinesBroken):
    """A record, or a field of it, has more characters than anything in Salesforce."""


@contextmanager
def long_fields() -> Generator[None]:
    """Let the csv module read fields of up to LONGEST_RECORD characters, in place of 131,072.

    That bound is the process's, and others may rely on it, so it is raised for this block alone, by one thread at a
    time.
    """
    with _LIMIT:
        before = csv.field_size_limit(LONGEST_RECORD)
        try:
            yield
        finally:
            csv.field_size_limit(before)


class Lines:
    """Cut a CSV into rows: `feed` returns the rows that a further piece completes, `end` the rest.

    A byte order mark before the first row is no part of it. Bytes that are not UTF-8 become U+FFFD, and `replaced` then
    says so.
    """

    def __init__(self) -> None:
        self.replaced = False
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._begun: list[str] = []  # what has arrived of an incomplete record, already searched
        self._length = 0
        self._quoted = False

    def feed(self, piece: bytes) -> list[list[str]]:
        """Add some bytes and return the rows that they complete. Raises LinesBroken."""
        text = self._text(piece)
        self._quoted ^= text.count('"') % 2 == 1
        end = _end_of_records(text, quoted=self._quoted)
        whole = self._taken(text[:end]) if end else ""
        self._begun.append(text[end:])
        self._length += len(text) - end
        if self._length > LONGEST_RECORD:
            raise RecordTooLong
        return _rows(whole)

    def end(self) -> list[list[str]]:
        """Return the last row, where no line end follows it. Raises LinesBroken where it is cut."""
        text = self._text(b"", last=True)
        if self._quoted ^ (text.count('"') % 2 == 1):
            raise LinesBroken
        return _rows(self._taken(text))

    def _taken(self, text: str) -> str:
        """Return the begun record together with what ends it."""
        whole = "".join([*self._begun, text])
        self._begun.clear()
        self._length = 0
        return whole

    def _text(self, piece: bytes, *, last: bool = False) -> str:
        before = self._decoder.getstate()
        try:
            return self._decoder.decode(piece, last)
        except UnicodeDecodeError:
            self.replaced = True
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
        self._decoder.setstate(before)
        return self._decoder.decode(piece, last)


def _end_of_records(text: str, *, quoted: bool) -> int:
    """Return the place behind the last line end outside quotes, 0 where there is none.

    `quoted` says whether the text ends inside quotes. The search goes from quote to quote, from the end: what was
    searched before, and line ends inside a field, cost nothing.
    """
    behind = len(text)
    while behind >= 0:
        quote = text.rfind('"', 0, behind)
        if not quoted and (end := text.rfind("\n", quote + 1, behind)) >= 0:
            return end + 1
        behind, quoted = quote, not quoted
    return 0


def _rows(text: str) -> list[list[str]]:
    """Read whole records. Only a line feed ends a line: \\r, \\x0b and \\u2028 inside a field are text."""
    try:
        return _read(text)
    except csv.Error as error:
        if "field limit" not in str(error):
            raise LinesBroken from None
    try:
        with long_fields():
            return _read(text)
    except csv.Error as error:
        raise (RecordTooLong if "field limit" in str(error) else LinesBroken) from None


def _read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="\n"), strict=True))
