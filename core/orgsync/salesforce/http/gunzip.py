"""gzip bodies unzipped as they arrive, in pieces of a bounded size."""

import zlib
from collections.abc import Iterator

__all__ = ["Gunzip"]

_PIECE = 256 * 1024  # bytes, however much a part of the gzip stream unfolds to


class Gunzip:
    """Unzip a body of one gzip member or several; httpx's own decoding takes one that is cut short for a whole one."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(wbits=31)
        self._begun = False

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        """Give what a chunk unfolds to, in pieces of at most 256 KiB. Raises zlib.error where it is no gzip."""
        while chunk:
            if self._member.eof:
                chunk = chunk.lstrip(b"\0")  # padding, which gzip's own tools pass over as well
                if not chunk:
                    return
                self._member = zlib.decompressobj(wbits=31)
            self._begun = True
            piece = self._member.decompress(chunk, _PIECE)
            chunk = self._member.unconsumed_tail or self._member.unused_data
            if piece:
                yield piece

    @property
    def is_cut_short(self) -> bool:
        """Tell whether the last member is begun and has not ended."""
        return self._begun and not self._member.eof
