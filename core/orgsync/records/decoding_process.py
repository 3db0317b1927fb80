"""A process that decodes responses for another one, over its standard input and output.

It reads a schema and facts, and then headers, each with whole records of CSV, or fields, each with a page of JSON. It
answers with their rows, or with None for what it cannot decode: the other process finds out why. It ends with its
input.
"""

import gc
import marshal
import pickle
import sys
from contextlib import suppress
from io import BufferedWriter, FileIO
from typing import IO, TypeAlias

from .csv_records import Lines
from .decoding import FieldFacts, decode, decode_csv
from .scalars import are_long_ids
from .schema import Schema

__all__ = ["PageFields", "main", "read_message", "write_message"]

PageFields: TypeAlias = tuple[tuple[str, ...], bool, tuple[str, ...]]
"""The fields of a page, whether numbers are read as Decimal, and the fields that are sent back as they are."""

_LENGTH = 8  # bytes before each message, that say how many follow


def main() -> None:
    """Decode what comes until the input ends."""
    gc.disable()  # rows are no cycles, and there are many
    # Whatever Python was told of buffers: without one, a write that is interrupted is cut short.
    source, sink = sys.stdin.buffer, BufferedWriter(FileIO(sys.stdout.fileno(), "w", closefd=False))
    facts: FieldFacts
    schema, facts = pickle.loads(read_message(source))  # noqa: S301 # of the process that has started this one
    with suppress(EOFError):
        while True:
            header, fields = marshal.loads(read_message(source))  # noqa: S302 # of the same
            content = read_message(source)
            found = _of_csv(schema, facts, header, content) if header else _of_page(schema, facts, fields, content)
            write_message(sink, found)


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


def _of_csv(schema: Schema, facts: FieldFacts, header: tuple[str, ...], records: bytes) -> bytes:
    """Return the answer to some records: their rows, and whether bytes were no UTF-8; or None."""
    try:
        lines = Lines(continues=True)
        texts = [row for at in range(0, len(records), _BYTES) for row in lines.feed(records[at : at + _BYTES])]
        texts += lines.end()
        rows = decode_csv(schema, header, texts, facts)
        return marshal.dumps((rows, lines.replaced), 2)  # references would take longer
    except Exception:
        return marshal.dumps(None)


def _of_page(schema: Schema, facts: FieldFacts, fields: PageFields, page: bytes) -> bytes:
    """Return the answer to a page of JSON: its rows, some fields as it has them, and what follows it; or None."""
    from .page_fields import of_fields  # and msgspec, which CSV does not need

    names, exact, kept = fields
    try:
        body = of_fields(page, names, exact=exact)
        if body is None or not are_long_ids(body["records"].values("Id")):
            return marshal.dumps(None)
        records = body.pop("records")
        columns = {name: records.values(name) for name in kept}
        return marshal.dumps((decode(schema, records, facts), columns, body), 2)
    except Exception:
        return marshal.dumps(None)
