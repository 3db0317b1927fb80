"""Calls at a fixed rate, each at its own time whether others have been answered or not: `load URL TOKEN RATE SECONDS`.

The paths are read from stdin, one a line, and called in turn. The seconds of a call are those since it was due, so that
a server that stops for a while is seen in all calls that came due meanwhile. HTTP is read by hand: a client made for
people would take as much of the CPU as the server. It ends with a line of JSON.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_AT_MOST = 32
"""Connections, and so calls that are under way at once; the others wait, and their seconds run."""

_LARGEST = 16 * 1024 * 1024


@dataclass(slots=True)
class _Load:
    """What has been called so far."""

    url: str
    token: str
    took: list[float] = field(default_factory=list[float])
    answers: Counter[str] = field(default_factory=Counter[str])

    async def work(self, due: "asyncio.Queue[tuple[float, str] | None]") -> None:
        """Make calls on one connection as they come due, until there are no more."""
        at = urlsplit(self.url)
        reader, writer = await asyncio.open_connection(at.hostname, at.port, limit=_LARGEST)
        while (call := await due.get()) is not None:
            when, path = call
            writer.write(
                f"GET {path} HTTP/1.1\r\nHost: {at.netloc}\r\nAuthorization: Bearer {self.token}\r\n\r\n".encode()
            )
            self.answers[await _status(reader)] += 1
            self.took.append(time.perf_counter() - when)
        writer.close()


async def _status(reader: asyncio.StreamReader) -> str:
    """Read a whole response, and return its status."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    _, _, length = head.partition("\r\ncontent-length: ")
    if length:
        await reader.readexactly(int(length.partition("\r\n")[0]))
    while not length and (size := int(await reader.readline(), 16)) >= 0:  # chunks
        await reader.readexactly(size + 2)
        if not size:
            break
    return head[9:12]


async def _main(url: str, token: str, rate: int, seconds: int, paths: Sequence[str]) -> None:
    load, due = _Load(url, token), asyncio.Queue[tuple[float, str] | None]()
    workers = [asyncio.create_task(load.work(due)) for _ in range(_AT_MOST)]
    began = time.perf_counter()
    for number in range(rate * seconds):
        when = began + number / rate
        await asyncio.sleep(max(0.0, when - time.perf_counter()))
        due.put_nowait((when, paths[number % len(paths)]))
    for _ in workers:
        due.put_nowait(None)
    await asyncio.gather(*workers)
    told = {"seconds": time.perf_counter() - began, "answers": dict(load.answers), "took": sorted(load.took)}
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    _url, _token, _rate, _seconds = sys.argv[1:]
    asyncio.run(_main(_url, _token, int(_rate), int(_seconds), sys.stdin.read().split()))
