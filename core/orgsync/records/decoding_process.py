"""A process that decodes CSV for another one, over its standard input and output.

It reads a schema and facts, and then headers, each with whole records of CSV; it answers with their rows, or with None
for what it cannot decode: the other process finds out why. It ends with its input.
"""

import gc
import marshal
import pickle
import sys
from contextlib import suppress
from io import BufferedWriter, FileIO
from typing import IO

from .csv_records import Lines
from .decoding import FieldFacts, decode_csv
from .schema import Schema

__all__ = ["main", "read_message", "write_message"]

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
            header = marshal.loads(read_message(source))  # noqa: S302 # of the same
            write_message(sink, _decoded(schema, facts, header, read_message(source)))


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


def _decoded(schema: Schema, facts: FieldFacts, header: tuple[str, ...], records: bytes) -> bytes:
    """Return the answer to some records: their rows, and whether bytes were no UTF-8; or None."""
    try:
        lines = Lines(continues=True)
        texts = [row for at in range(0, len(records), _BYTES) for row in lines.feed(records[at : at + _BYTES])]
        texts += lines.end()
        rows = decode_csv(schema, header, texts, facts)
        return marshal.dumps((rows, lines.replaced), 2)  # references would take longer
    except Exception:
        return marshal.dumps(None)
