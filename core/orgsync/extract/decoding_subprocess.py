"""Decoding the rows of a long query in a subprocess, while this process writes the rows before them."""

import marshal
import os
import pickle
import sys
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen
from typing import IO, Any, TypeVar, cast

import anyio
import anyio.to_thread
import msgspec

from orgsync.records import DecodedRecords, EncodedRows, FieldFacts, Row, RowEncoding, Schema
from orgsync.records.decoding_process import PageFields, Question, read_message, write_message
from orgsync.records.encoded_rows import Parts

__all__ = ["Decoding", "PagesInSubprocess", "decoding_subprocess"]

T = TypeVar("T")

_SECONDS = 60
"""How long decoding a few megabytes may take; then the subprocess is taken for stuck."""

_SHARE = 0.5
"""Which share of the rows is encoded for the database: with more the other process waits, with less this one works."""

_CODE = "import sys; sys.path += sys.argv[1:]; from orgsync.records.decoding_process import main; main()"


@dataclass(frozen=True, slots=True)
class Decoding:
    """What rows of one record class are decoded by, and how the database takes them at once, if it does.

    With an `encoding` they become EncodedRows, until somebody asks for one of them.
    """

    schema: Schema
    facts: FieldFacts
    encoding: RowEncoding | None = None


@dataclass(slots=True)
class _Slots:
    """How many more subprocesses there may be: one core is left to this process."""

    left: int


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


_SLOTS = _Slots(_cores() - 1)


def _may_start() -> bool:
    """Return whether a core is left for another subprocess, and there is a Python to start."""
    return _SLOTS.left > 0 and bool(sys.executable) and not getattr(sys, "frozen", False)


@asynccontextmanager
async def decoding_subprocess(decoding: Decoding, warn: Callable[[str], None]) -> "AsyncGenerator[_Subprocess | None]":
    """Start a subprocess that decodes a result; None where no core is left for it, or Python cannot be started."""
    process = _start_python(warn) if _may_start() else None
    if process is None:
        yield None
        return
    _SLOTS.left -= 1
    try:
        subprocess = _Subprocess(process, warn, decoding)
        # Without the class, which only this process can import; nothing but error messages need it.
        schema = replace(decoding.schema, model=cast("Any", object))
        encode = decoding.encoding.encode if decoding.encoding else None
        await subprocess.send_all(pickle.dumps((schema, decoding.facts, encode)))
        yield subprocess
    finally:
        _SLOTS.left += 1
        process.kill()
        _reap(process)  # at once, and no second cancellation comes between


@dataclass(slots=True)
class PagesInSubprocess:
    """Decodes pages of a query in a subprocess, once it was started; until then, and where it cannot, in no way."""

    decoding: Decoding
    warn: Callable[[str], None]
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    _subprocess: "_Subprocess | None" = None
    _tried: bool = False

    @property
    def works(self) -> bool:
        """Whether pages are decoded in a subprocess."""
        return self._subprocess is not None and self._subprocess.works

    async def start(self) -> None:
        """Start the subprocess, if that was not tried before and a core is left for it."""
        if not self._tried and _may_start():
            self._tried = True
            starting = decoding_subprocess(self.decoding, self.warn)
            self._subprocess = await self._stack.enter_async_context(starting)

    async def page(self, content: bytes, fields: Sequence[str], *, exact: bool) -> dict[str, Any] | None:
        """Return what `of_fields` does, the records as DecodedRecords."""
        return await self._subprocess.page(content, fields, exact=exact) if self._subprocess else None

    async def aclose(self) -> None:
        """End the subprocess."""
        await self._stack.aclose()


def _start_python(warn: Callable[[str], None]) -> "Popen[bytes] | None":
    """Start Python without the user's path and `.pth` files, where no signal of the terminal arrives."""
    places = dict.fromkeys([str(Path(__file__).parents[2]), str(Path(msgspec.__file__).parents[1])])
    command = [sys.executable, "-I", "-S", "-c", _CODE, *places]
    plain = {name: value for name, value in os.environ.items() if not name.startswith("ORGSYNC_")}  # secrets among them
    try:
        return Popen(command, env=plain, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, start_new_session=True)
    except OSError as error:
        warn(f"No subprocess could be started to decode rows ({error.strerror}), so the result is read more slowly.")
        return None


def _reap(process: "Popen[bytes]") -> None:
    """Wait for a process that was killed, and close its pipes, which a thread may have used until then."""
    process.wait()
    for each in (process.stdin, process.stdout):
        if each:
            with suppress(OSError):  # what it no longer took
                each.close()


@dataclass(slots=True)
class _Subprocess:
    """A subprocess that decodes; once it is gone, or a message was cut, it decodes nothing more."""

    process: "Popen[bytes]"
    warn: Callable[[str], None]
    decoding: Decoding
    waits: bool = False  # for an answer
    works: bool = True
    share: float = field(init=False)  # of the rows to be encoded; none once somebody has asked for one

    def __post_init__(self) -> None:
        self.share = _SHARE if self.decoding.encoding else 0.0

    async def send(self, header: Sequence[str], records: bytes) -> None:
        if self.waits:
            await self.receive()
        question: Question = (tuple(header), None, self.share)
        await self.send_all(marshal.dumps(question), records)
        self.waits = True

    async def receive(self) -> tuple[Sequence[Row], bool] | None:
        self.waits = False
        found = await self._exchange(lambda: _answer(cast("IO[bytes]", self.process.stdout)))
        return (self._rows(found[0]), found[1]) if found else None

    async def page(self, content: bytes, fields: Sequence[str], *, exact: bool) -> dict[str, Any] | None:
        """Read a page of JSON as `of_fields` does, its records as DecodedRecords; None where it cannot."""
        kept = [name for name in ("Id", "SystemModstamp", self.decoding.facts.cursor) if name in fields]
        how: PageFields = (tuple(fields), exact, tuple(kept))
        question: Question = ((), how, self.share)

        def exchange() -> Any:
            write_message(cast("IO[bytes]", self.process.stdin), marshal.dumps(question), content)
            return _answer(cast("IO[bytes]", self.process.stdout))

        found = await self._exchange(exchange)
        if found is None:
            return None
        rows, columns, body = found
        return {"records": DecodedRecords(columns, self._rows(rows), len(content)), **body}

    def _rows(self, found: Parts | list[Row]) -> Sequence[Row]:
        """Return the rows that an answer brings."""
        schema, encoding = self.decoding.schema, self.decoding.encoding
        if isinstance(found, list) or encoding is None:
            return cast("list[Row]", found)
        ids, content, size, others, nulls = found
        contents = [(content, size)] if size else []
        return EncodedRows(ids, contents, others, nulls, partial(encoding.decode, schema), self._encode_no_more)

    def _encode_no_more(self) -> None:
        self.share = 0.0

    async def send_all(self, *messages: bytes) -> None:
        """Send messages, the first of which is what it decodes."""
        await self._exchange(lambda: write_message(cast("IO[bytes]", self.process.stdin), *messages))

    async def _exchange(self, exchange: Callable[[], T]) -> T | None:
        """Send or receive; once that has failed, or took too long, do nothing."""
        if not self.works:
            return None
        self.works = False
        try:
            with anyio.fail_after(_SECONDS):
                found = await anyio.to_thread.run_sync(exchange, abandon_on_cancel=True)
        except TimeoutError:
            why = f"did not answer within {_SECONDS:g} seconds"
        except (OSError, EOFError):
            why = "ended"
        except (ValueError, TypeError, MemoryError):
            why = "sent what is no answer"
        else:
            self.works = True
            return found
        self.warn(f"The subprocess that decodes rows {why}, so the rest of the result is read more slowly.")
        return None


def _answer(source: IO[bytes]) -> Any:
    """Return rows of CSV and whether bytes were no UTF-8; or rows, some columns and the rest of a page; or None.

    Rows may be encoded.
    """
    return marshal.loads(read_message(source))  # noqa: S302 # of a process that this one has started
