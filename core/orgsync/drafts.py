"""Files that are there whole or not at all: a draft beside their place is flushed to the disk and then renamed."""

import os
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import anyio.to_thread

__all__ = ["DRAFT_SUFFIX", "Draft", "flush_to_disk", "save_whole"]

DRAFT_SUFFIX = ".draft"


class Draft:
    """A file on its way into a folder, which only its owner can read.

    It is removed at the end of the block unless it was placed. Its methods wait for the disk: call them in a thread.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / f"{secrets.token_hex(8)}{DRAFT_SUFFIX}"
        self._file: BinaryIO | None = None

    def __enter__(self) -> Self:
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._file = os.fdopen(descriptor, "wb")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
        self.path.unlink(missing_ok=True)

    def write(self, piece: bytes) -> None:
        """Add to the file."""
        self._open.write(piece)

    def place(self, target: Path) -> None:
        """Flush the file to the disk and give it its name, replacing what has it."""
        self._open.flush()
        os.fsync(self._open.fileno())
        self._open.close()
        self.path.replace(target)
        flush_to_disk(target.parent)

    @property
    def _open(self) -> BinaryIO:
        if self._file is None:
            raise ValueError("the draft is not open")
        return self._file


async def save_whole(pieces: AsyncIterator[bytes], target: Path) -> int:
    """Write a file of pieces that arrive one after the other, and return its size in bytes."""
    size = 0
    draft = Draft(target.parent)
    await anyio.to_thread.run_sync(draft.__enter__)
    try:
        async for piece in pieces:
            await anyio.to_thread.run_sync(draft.write, piece)
            size += len(piece)
        await anyio.to_thread.run_sync(draft.place, target)
    finally:
        draft.__exit__(None, None, None)
    return size


def flush_to_disk(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk; a no-op where the system cannot open folders."""
    if os.name != "posix" and path.is_dir():
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
