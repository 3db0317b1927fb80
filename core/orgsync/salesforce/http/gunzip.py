"""gzip bodies unzipped as they arrive, in pieces of a bounded size."""

import zlib
from collections.abc import Iterator

__all__ = ["Gunzip"]

_PIECE = 256 * 1024  # bytes, however much a part of the gzip stream contains


class Gunzip:
    """Unzip a body of one gzip member or several; httpx's own decoding takes one that is cut short for complete."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(wbits=31)
        self._started = False

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        """Yield a chunk, unzipped, in pieces of at most 256 KiB. Raises zlib.error where it is not gzip."""
        while chunk:
            if self._member.eof:
                chunk = chunk.lstrip(b"\0")  # padding, which gzip's own tools ignore as well
                if not chunk:
                    return
                self._member = zlib.decompressobj(wbits=31)
            self._started = True
            piece = self._member.decompress(chunk, _PIECE)
            chunk = self._member.unconsumed_tail or self._member.unused_data
            if piece:
                yield piece

    @property
    def is_cut_short(self) -> bool:
        """Return whether the last member has begun and not ended."""
        return self._started and not self._member.eof
