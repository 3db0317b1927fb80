"""Decoding the rows of a long result in a subprocess, while this process writes the rows before them."""

import marshal
import os
import pickle
import sys
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen
from typing import IO, Any, TypeVar, cast

import anyio
import anyio.to_thread

from orgsync.records import FieldFacts, Schema
from orgsync.records.decoding_process import read_message, write_message
from orgsync.salesforce.bulk.cuts import Decoder

__all__ = ["decoding_subprocess"]

T = TypeVar("T")

_SECONDS = 60
"""How long decoding a few megabytes may take; then the subprocess is taken for stuck."""

_CODE = "import sys; sys.path.append(sys.argv[1]); from orgsync.records.decoding_process import main; main()"


@dataclass(slots=True)
class _Slots:
    """How many more subprocesses there may be: one core is left to this process."""

    left: int


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


_SLOTS = _Slots(_cores() - 1)


@asynccontextmanager
async def decoding_subprocess(
    schema: Schema, facts: FieldFacts, warn: Callable[[str], None]
) -> AsyncGenerator[Decoder | None]:
    """Start a subprocess that decodes a result; None where no core is left for it, or Python cannot be started."""
    process = _started(warn) if _SLOTS.left > 0 and sys.executable and not getattr(sys, "frozen", False) else None
    if process is None:
        yield None
        return
    _SLOTS.left -= 1
    try:
        subprocess = _Subprocess(process, warn)
        # Without the class, which only this process can import; nothing but error messages need it.
        await subprocess.send_all(pickle.dumps((replace(schema, model=cast("Any", object)), facts)))
        yield subprocess
    finally:
        _SLOTS.left += 1
        process.kill()
        _ended(process)  # at once, and no second cancellation comes between


def _started(warn: Callable[[str], None]) -> "Popen[bytes] | None":
    """Start Python with nothing but its standard library and this package, where no signal of the terminal arrives."""
    command = [sys.executable, "-I", "-S", "-c", _CODE, str(Path(__file__).parents[2])]
    plain = {name: value for name, value in os.environ.items() if not name.startswith("ORGSYNC_")}  # secrets among them
    try:
        return Popen(command, env=plain, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, start_new_session=True)
    except OSError as error:
        warn(f"No subprocess could be started to decode rows ({error.strerror}), so the result is read more slowly.")
        return None


def _ended(process: "Popen[bytes]") -> None:
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
    waits: bool = False  # for an answer
    works: bool = True

    async def send(self, header: Sequence[str], records: bytes) -> None:
        if self.waits:
            await self.receive()
        await self.send_all(marshal.dumps(tuple(header)), records)
        self.waits = True

    async def receive(self) -> tuple[list[Sequence[Any]], bool] | None:
        self.waits = False
        return await self._exchange(lambda: _answer(cast("IO[bytes]", self.process.stdout)))

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


def _answer(source: IO[bytes]) -> tuple[list[Sequence[Any]], bool] | None:
    found: tuple[list[Sequence[Any]], bool] | None
    found = marshal.loads(read_message(source))  # noqa: S302 # of a process that this one has started
    return found
