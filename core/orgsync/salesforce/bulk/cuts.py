"""A page of CSV cut into rows as it arrives: texts, or what a decoder makes of them beside."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Protocol

from orgsync.records import Row
from orgsync.records.csv_records import Records, first_record, rows_of

__all__ = ["Cut", "Decoder", "cuts"]

_FIRST_BYTES = 1024 * 1024
_MOST_BYTES = 8 * 1024 * 1024


class Decoder(Protocol):
    """Decodes rows while its caller does something else: one after the other, in the order they were sent in."""

    async def send(self, header: Sequence[str], records: bytes) -> None:
        """Begin to decode whole records of CSV. What was sent before and not received is forgotten."""
        ...

    async def receive(self) -> tuple[Sequence[Row], bool] | None:
        """Return the rows of what was sent last, and whether bytes were no UTF-8; None where it cannot decode them."""
        ...


@dataclass(frozen=True, slots=True)
class Cut:
    """Some rows of a page; `first` is the CSV of the first one."""

    header: tuple[str, ...]
    rows: Sequence[Sequence[Any]] = field(repr=False)
    first: bytes = field(repr=False)
    is_decoded: bool = False
    is_replaced: bool = False


@dataclass(frozen=True, slots=True)
class _Piece:
    """Whole records below a header."""

    header: tuple[str, ...]
    records: bytes = field(repr=False)

    def as_text(self) -> Cut:
        """Return the rows as texts. Raises LinesBroken."""
        rows, is_replaced = rows_of(self.records)
        return Cut(self.header, rows, first_record(self.records), is_replaced=is_replaced)

    async def from_decoder(self, decoder: Decoder) -> Cut:
        """Return the rows that a decoder has made of these records, or else their texts. Raises LinesBroken."""
        found = await decoder.receive()
        if found is None:
            return self.as_text()
        rows, is_replaced = found
        return Cut(self.header, rows, first_record(self.records), is_decoded=True, is_replaced=is_replaced)


async def cuts(chunks: AsyncIterator[bytes], decoder: Decoder | None, *, rows: int) -> AsyncGenerator[Cut]:
    """Cut a page into rows, with a decoder about so many at a time; there may be none.

    A decoder works on the next ones while the caller makes use of a cut. Raises LinesBroken for what is no CSV.
    """
    size = _Size(_FIRST_BYTES if decoder else 1)
    async with aclosing(_pieces(chunks, size)) as pieces:
        if decoder is None:
            async for piece in pieces:
                yield piece.as_text()
            return
        before: _Piece | None = None
        async for piece in pieces:
            cut = await before.from_decoder(decoder) if before else None
            await decoder.send(piece.header, piece.records)
            if before and cut:
                size.least = min(_MOST_BYTES, len(before.records) * rows // max(1, len(cut.rows)))
                yield cut
            before = piece
        if before:
            yield await before.from_decoder(decoder)


@dataclass(slots=True)
class _Size:
    """How many bytes of records make a piece, at least; the last one may have fewer."""

    least: int


async def _pieces(chunks: AsyncIterator[bytes], size: _Size) -> AsyncGenerator[_Piece]:
    """Cut a page into whole records; the last piece may have none. Raises LinesBroken."""
    records = Records()
    header: tuple[str, ...] | None = None
    waiting, length = list[bytes](), 0
    async for chunk in chunks:
        whole = records.feed(chunk)
        if whole and header is None:
            header, whole = _split(whole)
        waiting.append(whole)
        length += len(whole)
        if length >= size.least:
            yield _Piece(header or (), b"".join(waiting))
            waiting, length = [], 0
    whole = records.end()
    if whole and header is None:
        header, whole = _split(whole)
    yield _Piece(header or (), b"".join([*waiting, whole]))


def _split(records: bytes) -> tuple[tuple[str, ...], bytes]:
    first = first_record(records)
    [header], _ = rows_of(first)
    return tuple(header), records[len(first) :]
