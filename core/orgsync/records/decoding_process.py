"""A process that decodes responses for another one, over its standard input and output.

It reads a schema, facts and how the database takes rows as text, None for in no way, and then headers, each with whole
records of CSV, or fields, each with a page of JSON. It answers with rows and their text, or with None for what it
cannot decode: the other process finds out why. It ends with its input.
"""

import gc
import marshal
import pickle
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import BufferedWriter, FileIO
from typing import IO, TypeAlias

from .csv_records import Lines
from .decoding import FieldFacts, csv_columns, json_columns
from .row_text import RowText
from .scalars import are_long_ids
from .schema import Row, Schema, StoredValue

__all__ = ["PageFields", "main", "read_message", "write_message"]

PageFields: TypeAlias = tuple[tuple[str, ...], bool, tuple[str, ...]]
"""The fields of a page, whether numbers are read as Decimal, and the fields that are sent back as they are."""

_LENGTH = 8  # bytes before each message, that say how many follow


def main() -> None:
    """Decode what comes until the input ends."""
    gc.disable()  # rows are no cycles, and there are many
    # Whatever Python was told of buffers: without one, a write that is interrupted is cut short.
    source, sink = sys.stdin.buffer, BufferedWriter(FileIO(sys.stdout.fileno(), "w", closefd=False))
    decoder = _Decoder(*pickle.loads(read_message(source)))  # noqa: S301 # of the process that has started this one
    with suppress(EOFError):
        while True:
            header, fields = marshal.loads(read_message(source))  # noqa: S302 # of the same
            content = read_message(source)
            write_message(sink, decoder.of_csv(header, content) if header else decoder.of_page(fields, content))


def read_message(source: IO[bytes]) -> bytes:
    """Read one message; raises EOFError where there is none, or no whole one."""
    length = int.from_bytes(_exactly(source, _LENGTH))
    return _exactly(source, length)


def write_message(sink: IO[bytes], *messages: bytes) -> None:
    """Write messages."""
    for each in messages:
        sink.write(len(each).to_bytes(_LENGTH))
        sink.write(each)
    sink.flush()


def _exactly(source: IO[bytes], length: int) -> bytes:
    found = source.read(length)
    if len(found) < length:
        raise EOFError
    return found


_BYTES = 64 * 1024
"""How much is cut into rows at a time: the csv module takes four bytes a character."""


@dataclass(frozen=True, slots=True)
class _Decoder:
    """Makes rows of a class out of responses."""

    schema: Schema
    facts: FieldFacts
    row_text: RowText | None

    def of_csv(self, header: tuple[str, ...], records: bytes) -> bytes:
        """Return the answer to some records: their rows, their text, and whether bytes were no UTF-8; or None."""
        try:
            lines = Lines(continues=True)
            texts = [row for at in range(0, len(records), _BYTES) for row in lines.feed(records[at : at + _BYTES])]
            texts += lines.end()
            rows, text = self._rows(csv_columns(self.schema, header, texts, self.facts) if texts else ())
            return marshal.dumps((rows, text, lines.replaced), 2)  # references would take longer
        except Exception:
            return marshal.dumps(None)

    def of_page(self, fields: PageFields, page: bytes) -> bytes:
        """Return the answer to a page of JSON: rows, their text, some fields as it has them, and its rest; or None."""
        from .page_fields import of_fields  # and msgspec, which CSV does not need

        names, exact, kept = fields
        try:
            body = of_fields(page, names, exact=exact)
            if body is None or not are_long_ids(body["records"].values("Id")):
                return marshal.dumps(None)
            records = body.pop("records")
            columns = {name: records.values(name) for name in kept}
            rows, text = self._rows(json_columns(self.schema, records, self.facts) if records else ())
            return marshal.dumps((rows, text, columns, body), 2)
        except Exception:
            return marshal.dumps(None)

    def _rows(self, columns: Sequence[Sequence[StoredValue]]) -> tuple[list[Row], bytes | None]:
        """Return the rows of some columns, and their text; None where the database takes none, or not of these."""
        rows = list(zip(*columns, strict=True))
        if self.row_text is None or not rows:
            return rows, None
        try:
            return rows, self.row_text(self.schema, columns)
        except (UnicodeEncodeError, OverflowError):  # the other process says why, or replaces what cannot be kept
            return rows, None
