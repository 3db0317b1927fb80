"""CSV that arrives in pieces, cut into rows without ever holding more of it than a record.

Salesforce quotes every field, so a line end inside quotes is text, and one outside ends a record. Counting quotes from
the start of a record tells which is which: a doubled quote inside a field counts for nothing.
"""

import codecs
import csv
import io

__all__ = ["LONGEST_RECORD", "Lines", "LinesBroken", "RecordTooLong"]

LONGEST_RECORD = 16 * 1024 * 1024  # characters; an object's long text fields hold 1.6 million together

# A rich text field may be longer than the 131,072 characters that the csv module takes unless told otherwise; the
# bound is the process's, so it is only ever raised.
csv.field_size_limit(max(csv.field_size_limit(), LONGEST_RECORD))


class LinesBroken(ValueError):
    """The text is no CSV, or is cut inside a record."""


class RecordTooLong(LinesBroken):
    """A record, or a field of it, has more characters than anything in Salesforce."""


class Lines:
    """Cut a CSV into rows: `feed` gives the rows that a further piece completes, `end` what is left.

    Bytes that are not UTF-8 become U+FFFD, and `replaced` then says so.
    """

    def __init__(self) -> None:
        self.replaced = False
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._rest = ""

    def feed(self, piece: bytes) -> list[list[str]]:
        """Take in some bytes and give the rows they complete. Raises LinesBroken."""
        text = self._rest + self._text(piece)
        end = _end_of_records(text)
        self._rest = text[end:]
        if len(self._rest) > LONGEST_RECORD:
            raise RecordTooLong
        return _rows(text[:end])

    def end(self) -> list[list[str]]:
        """Give the last row, where no line end follows it. Raises LinesBroken where it is cut."""
        text, self._rest = self._rest + self._text(b"", last=True), ""
        if text.count('"') % 2:
            raise LinesBroken
        return _rows(text)

    def _text(self, piece: bytes, *, last: bool = False) -> str:
        before = self._decoder.getstate()
        try:
            return self._decoder.decode(piece, last)
        except UnicodeDecodeError:
            self.replaced = True
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._decoder.setstate(before)
        return self._decoder.decode(piece, last)


def _end_of_records(text: str) -> int:
    """Find the end of the last whole record: behind the last line end that is outside quotes."""
    inside = text.count('"') % 2
    behind = len(text)
    while True:
        end = text.rfind("\n", 0, behind)
        inside = (inside + text.count('"', end + 1, behind)) % 2
        if end < 0 or not inside:
            return end + 1
        behind = end


def _rows(text: str) -> list[list[str]]:
    """Read whole records. Only a line feed ends a line: \\r, \\x0b and \\u2028 inside a field are text."""
    try:
        return list(csv.reader(io.StringIO(text, newline="\n"), strict=True))
    except csv.Error as error:
        raise (RecordTooLong if "field limit" in str(error) else LinesBroken) from None
