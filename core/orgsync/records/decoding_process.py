"""A process that decodes responses for another one, over its standard input and output.

It reads a schema, facts and how a database takes rows, and then headers, each with whole records of CSV, or fields,
each with a page of JSON. It answers with their rows, encoded for the database where that is asked for, or with None for
what it cannot decode: the other process finds out why. It ends with its input.
"""

import gc
import marshal
import pickle
import sys
from contextlib import suppress
from dataclasses import dataclass
from io import BufferedWriter, FileIO
from typing import IO, Any, TypeAlias

from .csv_records import Lines
from .decoding import FieldFacts, decode, decode_csv
from .encoded_rows import Encode, Parts, parts_of
from .scalars import are_long_ids
from .schema import Row, Schema

__all__ = ["PageFields", "Question", "main", "read_message", "write_message"]

PageFields: TypeAlias = tuple[tuple[str, ...], bool, tuple[str, ...]]
"""The fields of a page, whether numbers are read as Decimal, and the fields that are sent back as they are."""

Question: TypeAlias = tuple[tuple[str, ...], PageFields | None, float]
"""The header of records of CSV, or the fields of a page, and which share of the rows is to be encoded."""

_LENGTH = 8  # bytes before each message, that say how many follow


def main() -> None:
    """Decode what comes until the input ends."""
    gc.disable()  # rows are no cycles, and there are many
    # Whatever Python was told of buffers: without one, a write that is interrupted is cut short.
    source, sink = sys.stdin.buffer, BufferedWriter(FileIO(sys.stdout.fileno(), "w", closefd=False))
    decoder = _Decoder(*pickle.loads(read_message(source)))  # noqa: S301 # of the process that has started this one
    with suppress(EOFError):
        while True:
            question: Question = marshal.loads(read_message(source))  # noqa: S302 # of the same
            write_message(sink, decoder.answer(question, read_message(source)))


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
    """Decodes responses about one record class, and encodes the rows for the database."""

    schema: Schema
    facts: FieldFacts
    encode: Encode | None

    def answer(self, question: Question, content: bytes) -> bytes:
        """Return what records of CSV or a page of JSON become."""
        header, fields, share = question
        try:
            found = self.of_page(fields, content) if fields else self.of_csv(header, content)
            if found is None:
                return marshal.dumps(None)
            rows, *rest = found
            encodes = share > 0 and b"\0" not in content and rb"u0000" not in content  # or NUL may be among the values
            # Without references, which would take longer.
            return marshal.dumps((self.encoded(rows, share) if encodes else rows, *rest), 2)
        except Exception:
            return marshal.dumps(None)

    def of_csv(self, header: tuple[str, ...], records: bytes) -> tuple[list[Row], bool]:
        """Return the rows of some records, and whether bytes were no UTF-8."""
        lines = Lines(continues=True)
        texts = [row for at in range(0, len(records), _BYTES) for row in lines.feed(records[at : at + _BYTES])]
        texts += lines.end()
        return decode_csv(self.schema, header, texts, self.facts), lines.replaced

    def of_page(self, fields: PageFields, page: bytes) -> tuple[list[Row], dict[str, Any], dict[str, Any]] | None:
        """Return the rows of a page of JSON, some fields as it has them, and what follows it."""
        from .page_fields import of_fields  # and msgspec, which CSV does not need

        names, exact, kept = fields
        body = of_fields(page, names, exact=exact)
        if body is None or not are_long_ids(body["records"].values("Id")):
            return None
        records = body.pop("records")
        columns = {name: records.values(name) for name in kept}
        return decode(self.schema, records, self.facts), columns, body

    def encoded(self, rows: list[Row], share: float) -> Parts | list[Row]:
        """Encode rows for the database; return them as they are where that cannot be done."""
        return (self.encode and rows and parts_of(self.schema, rows, share, self.encode)) or rows
