"""A folder of contents, each under its SHA-256: equal contents are one file, there whole or not at all."""

import hashlib
import os
import re
import time
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from anyio.to_thread import run_sync

from orgsync.drafts import DRAFT_SUFFIX, Draft, flush_to_disk
from orgsync.errors import ContentBroken, FileUnusable
from orgsync.salesforce.api.download import Content

__all__ = ["ContentFolder", "Kept"]

_SETTLED = 3600.0  # seconds after which a file that no row refers to is not about to get its row
_SWEPT = ".swept"
_SWEEP_EVERY = 86_400.0  # seconds, where nothing is known to have been given up
_PREFIX, _REST = re.compile(r"[0-9a-f]{2}"), re.compile(r"[0-9a-f]{62}")

Held = Callable[[Sequence[str]], Awaitable[Collection[str]]]
"""Returns those of the hashes that a row refers to."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A content that was kept: its SHA-256 in hexadecimal digits, its size in bytes, and its path for the row."""

    sha256: str
    size: int
    path: str


@dataclass(frozen=True, slots=True)
class ContentFolder:
    """The folder at `path`. Rows name its files relative to `project`, or absolutely where it is outside of it."""

    path: Path
    project: Path

    async def keep(self, content: Content, *, md5: str | None = None) -> Kept:
        """Keep a content as it arrives; on the disk it is complete when this returns.

        Raises ContentBroken for one that has not the MD5, FileUnusable where the folder takes no file, and what
        reading the content raises.
        """
        sha256, checksum, size = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0
        try:
            draft = await run_sync(self._draft)
            try:
                async for piece in content:
                    size += len(piece)
                    sha256.update(piece)
                    checksum.update(piece)
                    await run_sync(draft.write, piece)
                if md5 is not None and checksum.hexdigest() != md5.lower():
                    raise ContentBroken(
                        "A content has not the checksum that its record says.",
                        "Run the sync with --reconcile to try again; look for a proxy that changes responses.",
                    )
                await run_sync(self._place, draft, sha256.hexdigest(), size)
            finally:
                draft.__exit__(None, None, None)
        except OSError as error:
            raise self._unusable(error) from error
        return Kept(sha256.hexdigest(), size, self.name_of(sha256.hexdigest()))

    def name_of(self, sha256: str) -> str:
        """Return the path of a content as rows have it."""
        path = self._file(sha256)
        return path.relative_to(self.project).as_posix() if path.is_relative_to(self.project) else str(path)

    def has(self, path: str) -> bool:
        """Return whether the file is there that a row names."""
        return (self.project / path).is_file()

    async def sweep(self, held: Held, *, due: bool = False) -> int:
        """Remove the files that no row refers to, and what killed processes have left; return how many contents.

        Without `due` it is done once a day. What was kept within the last hour stays: its row may not be committed yet.
        """
        if not due and await run_sync(self._is_swept):
            return 0
        removed, before = 0, time.time() - _SETTLED
        try:
            for prefix in await run_sync(self._prefixes):
                settled = await run_sync(self._settled, prefix, before)
                kept = {*(await held(settled))} if settled else set[str]()
                for sha256 in settled:
                    if sha256 not in kept:
                        await run_sync(self._remove, sha256, before)
                        removed += 1
            await run_sync(self._note_swept)
        except OSError as error:
            raise self._unusable(error) from error
        return removed

    def _draft(self) -> Draft:
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Draft(self.path).__enter__()

    def _place(self, draft: Draft, sha256: str, size: int) -> None:
        target = self._file(sha256)
        with suppress(FileNotFoundError):
            os.utime(target)  # before it is looked at: from now on no sweep takes it away
            if target.stat().st_size == size:
                return
        if not target.parent.is_dir():
            target.parent.mkdir(mode=0o700, exist_ok=True)
            flush_to_disk(self.path)
        draft.place(target)

    def _file(self, sha256: str) -> Path:
        return self.path / sha256[:2] / sha256[2:]

    def _prefixes(self) -> list[str]:
        if not self.path.is_dir():
            return []
        before = time.time() - _SWEEP_EVERY
        for draft in self.path.glob(f"*{DRAFT_SUFFIX}"):
            if draft.stat().st_mtime < before:
                draft.unlink(missing_ok=True)
        return sorted(each.name for each in self.path.iterdir() if _PREFIX.fullmatch(each.name) and each.is_dir())

    def _settled(self, prefix: str, before: float) -> list[str]:
        return [f"{prefix}{name}" for name in self._names(prefix) if self._is_old(f"{prefix}{name}", before)]

    def _names(self, prefix: str) -> Iterator[str]:
        return (each.name for each in (self.path / prefix).iterdir() if _REST.fullmatch(each.name))

    def _is_old(self, sha256: str, before: float) -> bool:
        try:
            return self._file(sha256).stat().st_mtime < before
        except FileNotFoundError:  # another sweep was faster
            return False

    def _remove(self, sha256: str, before: float) -> None:
        if self._is_old(sha256, before):  # it may have been kept once more since
            self._file(sha256).unlink(missing_ok=True)

    def _is_swept(self) -> bool:
        try:
            return (self.path / _SWEPT).stat().st_mtime > time.time() - _SWEEP_EVERY
        except FileNotFoundError:
            return False

    def _note_swept(self) -> None:
        if self.path.is_dir():
            (self.path / _SWEPT).touch(mode=0o600)

    def _unusable(self, error: OSError) -> FileUnusable:
        return FileUnusable(
            f"The folder of contents {self.path} cannot be written: {error.strerror}.",
            "Make room, give this user the right to write there, or choose another folder: the setting contents.",
        )
