"""A file's content, read as it arrives and proved complete.

What breaks off is resumed: by a Range behind the bytes that have arrived where their content cannot have changed since,
otherwise from the start, and then the bytes that were yielded already have to come again as they were. The length that
the server announces and the one that the caller expects both have to hold at the end, so no content is ever short
without an error. Salesforce documents neither Range nor ETag for contents; where a server honours them, they are used.
"""

import errno
import hashlib
import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from orgsync.drafts import save_whole
from orgsync.errors import (
    ArgumentInvalid,
    ContentBroken,
    FileUnusable,
    NetworkProblem,
    QueryRefused,
    ResponseTooLarge,
    ResponseUnreadable,
    TransientProblem,
)

from ..errors.retry import backoff, pause
from ..http.messages import Stream
from .client import Client
from .content_headers import strong_etag, whole_length

__all__ = ["Content", "download"]

_TRIES = 5  # without _PROGRESS new bytes in between
_PROGRESS = 1024 * 1024
_NEVER_CHANGES = re.compile(r"/sobjects/ContentVersion/\w+/VersionData\Z", re.IGNORECASE)
"""A version of a file is never updated: another content is another version."""

_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)\Z")


class _Digest(Protocol):
    """What hashlib's hashes have in common."""

    def update(self, data: bytes, /) -> None: ...

    def digest(self) -> bytes: ...


class Content:
    """A content on its way: iterate over it once for its bytes, in pieces of at most 256 KiB.

    `content_type` is what the server says of it. `size` is its number of bytes, None where nobody knows it before the
    end; `received` is how many were yielded so far.
    """

    def __init__(self, transfer: "_Transfer") -> None:
        self._transfer = transfer
        self._pieces: AsyncGenerator[bytes] | None = None

    @property
    def content_type(self) -> str:
        """What the server says that it is; "" where it says nothing."""
        return self._transfer.content_type

    @property
    def size(self) -> int | None:
        """The number of bytes, if it is known."""
        return self._transfer.size

    @property
    def received(self) -> int:
        """The number of bytes yielded so far."""
        return self._transfer.received

    def __aiter__(self) -> AsyncIterator[bytes]:
        if self._pieces is not None:
            raise ArgumentInvalid("A content was iterated over twice.", "Download it again to read it again.")
        self._pieces = self._transfer.pieces()
        return self._pieces

    async def read(self) -> bytes:
        """Return the whole content, for one that fits into memory.

        Raises ResponseTooLarge for more than the setting largest_response.
        """
        content, most = bytearray(), self._transfer.largest
        if self.size is not None and self.size > most:
            raise self._transfer.too_large()
        async for piece in self:
            content += piece
            if len(content) > most:
                raise self._transfer.too_large()
        return bytes(content)

    async def save(self, path: Path | str) -> int:
        """Write the content to a file that only its owner can read, and return its size in bytes.

        The file is there whole or not at all; one that has the name is replaced. Raises FileUnusable where it cannot
        be written.
        """
        try:
            return await save_whole(aiter(self), Path(path))
        except OSError as error:
            raise FileUnusable(f"{path} cannot be written: {error.strerror}.", _remedy(error)) from error

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pieces is not None:
            await self._pieces.aclose()
        await self._transfer.stack.aclose()


def _remedy(error: OSError) -> str:
    """Return what to do about a file that cannot be written."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "Make room there, or choose a file in another place."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "Give this user the right to write there, or choose a file in another place."
    if error.errno == errno.ENOENT:
        return "Make its folder, or choose a file in another place."
    return "Choose another file."


@asynccontextmanager
async def download(client: Client, path: str, *, size: int | None = None) -> AsyncGenerator[Content]:
    """Open a content for reading, with the token, the retries and the hosts of `Client.call`.

    `path` is what a query gives for a field of contents: `/services/data/vNN.N/sobjects/ContentVersion/ID/VersionData`.
    `size` is how many bytes it has to have. Reading raises ContentBroken for a content of another length, or one that
    changes while it is read, and what breaks the network for good.
    """
    absolute = f"/{path}" if path.startswith("services/") else path  # Salesforce writes some paths without the slash
    transfer = _Transfer(client, absolute, expected=size)
    await transfer.open()
    async with Content(transfer) as content:
        yield content


@dataclass(slots=True)
class _Transfer:
    """The transfer of one content over as many responses as it needs.

    `skip` is how many of the bytes of the present response were yielded before: they are compared with what was
    yielded, by `seen`.
    """

    client: Client
    path: str
    expected: int | None
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    stream: Stream | None = None
    content_type: str = ""
    announced: int | None = None
    etag: str = ""
    received: int = 0
    skip: int = 0
    seen: "_Digest" = field(default_factory=lambda: hashlib.sha256(usedforsecurity=False))
    largest: int = 0

    @property
    def size(self) -> int | None:
        """The number of bytes, by the server or by the caller."""
        return self.announced if self.announced is not None else self.expected

    async def open(self) -> None:
        """Send the first request."""
        self.stream = stream = await self._opened({})
        self.largest = stream.largest
        self.content_type, self.etag = stream.headers.get("content-type", ""), strong_etag(stream)
        self.announced = whole_length(stream)
        self._require_size(self.announced)

    async def pieces(self) -> AsyncGenerator[bytes]:
        """Yield the content to its end, over as many requests as that takes."""
        tries, progress = 0, 0
        while True:
            problem: TransientProblem
            if self.stream is None:
                await self._resume()  # a request that gets no response has been retried already
            try:
                async with aclosing(self._rest()) as rest:
                    async for piece in rest:
                        yield piece
                self._require_complete()
                return
            except (NetworkProblem, ResponseUnreadable) as error:
                problem = error
            await self.stack.aclose()
            self.stream = None
            tries = 1 if self.received - progress >= _PROGRESS else tries + 1
            progress = self.received
            if tries >= _TRIES:
                raise problem
            await pause(backoff(tries))

    async def _opened(self, headers: dict[str, str]) -> Stream:
        """Send a request; bytes of a Range would count zipped ones, so no encoding is accepted."""
        self.stack = AsyncExitStack()
        plain = {"Accept": "*/*", "Accept-Encoding": "identity", **headers}
        return await self.stack.enter_async_context(self.client.stream(self.path, headers=plain))

    async def _resume(self) -> None:
        """Request what is left, or everything once more."""
        if not self.received or not (self.etag or _NEVER_CHANGES.search(self.path)):
            return await self._restart()
        condition = {"If-Range": self.etag} if self.etag else {}
        try:
            stream = await self._opened({"Range": f"bytes={self.received}-", **condition})
        except QueryRefused:  # a Range that the server does not take: 416, or 400
            return await self._restart()
        if stream.status != 206:
            return self._begin_again(stream)
        if not self._follows(stream):
            await self.stack.aclose()
            return await self._restart()
        self.stream, self.skip = stream, 0
        return None

    async def _restart(self) -> None:
        self._begin_again(await self._opened({}))

    def _begin_again(self, stream: Stream) -> None:
        self.stream, self.skip = stream, self.received
        length = whole_length(stream)
        if self.received and length is not None and self.announced is not None and length != self.announced:
            raise self._changed()
        self.announced = length if length is not None else self.announced
        self.etag = strong_etag(stream)
        self._require_size(length)

    def _follows(self, stream: Stream) -> bool:
        """Return whether a part of a content begins behind the last byte, and is of a content of the same length."""
        found = _CONTENT_RANGE.match(stream.headers.get("content-range", "").strip())
        if found is None or "content-encoding" in stream.headers or int(found[1]) != self.received:
            return False
        return self.announced is None or found[3] == "*" or int(found[3]) == self.announced

    async def _rest(self) -> AsyncGenerator[bytes]:
        """Yield what the present response brings that was not yielded yet."""
        if self.stream is None:
            raise ValueError("nothing is open")
        again = hashlib.sha256(usedforsecurity=False)
        skip = self.skip
        async for piece in self.stream.chunks():
            new = piece
            if skip:
                known, new = piece[:skip], piece[skip:]
                again.update(known)
                skip -= len(known)
                if not skip and again.digest() != self.seen.digest():
                    raise self._changed()
            if new:
                self.seen.update(new)
                self.received += len(new)
                if self.size is not None and self.received > self.size:
                    raise self._broken(f"brings more than {self.size:,} bytes")
                yield new
        if skip:
            raise self._changed()

    def _require_complete(self) -> None:
        if self.size is not None and self.received != self.size:
            raise NetworkProblem(
                f"The response to {self.place} ended after {self.received:,} of {self.size:,} bytes.",
                "Try again later; if this persists, look for a proxy that cuts responses.",
            )

    def _require_size(self, length: int | None) -> None:
        if length is not None and self.expected is not None and length != self.expected:
            raise self._broken(f"has {length:,} bytes, not the {self.expected:,} that its record says")

    @property
    def place(self) -> str:
        """Name the request."""
        return self.stream.place if self.stream is not None else f"GET {self.path.partition('?')[0]}"

    def too_large(self) -> ResponseTooLarge:
        """Return the error for a content that does not fit into memory."""
        return ResponseTooLarge(
            f"{self.place} returns more than {self.largest:,} bytes.",
            "Read it piece by piece, `async for piece in content`, or raise the setting largest_response.",
        )

    def _changed(self) -> ContentBroken:
        return self._broken("changed while it was downloaded")

    def _broken(self, what: str) -> ContentBroken:
        return ContentBroken(
            f"The content of {self.place} {what}.",
            "Read the record again, then its content; if this persists, look for a proxy that changes responses.",
        )
