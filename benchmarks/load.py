"""Calls at a fixed rate, each at its own time whether others have been answered or not: `load URL TOKEN RATE SECONDS`.

The paths are read from stdin, one a line, and called in turn. The seconds of a call are those since it was due, so that
a server that stops for a while is seen in all calls that came due meanwhile. It ends with a line of JSON.
"""

import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from itertools import cycle

import anyio
import httpx

_AT_MOST = 64
"""Connections, and so calls that are under way at once; the others wait, and their seconds run."""


async def _main(url: str, token: str, rate: int, seconds: int, paths: Sequence[str]) -> None:
    took: list[float] = []
    answers = Counter[str]()
    slots = anyio.Semaphore(_AT_MOST)
    limits = httpx.Limits(max_connections=_AT_MOST, max_keepalive_connections=_AT_MOST)
    headers = {"Authorization": f"Bearer {token}"}

    async def call(path: str, due: float) -> None:
        async with slots:  # httpx's own queue takes longer the more wait in it
            try:
                answer = await client.get(path)
                answers[str(answer.status_code)] += 1
            except httpx.HTTPError as error:
                answers[type(error).__name__] += 1
        took.append(time.perf_counter() - due)

    began = time.perf_counter()
    async with (
        httpx.AsyncClient(base_url=url, headers=headers, limits=limits, timeout=30, trust_env=False) as client,
        anyio.create_task_group() as group,
    ):
        for number, path in zip(range(rate * seconds), cycle(paths), strict=False):
            due = began + number / rate
            await anyio.sleep(max(0.0, due - time.perf_counter()))
            group.start_soon(call, path, due)
    spent = time.perf_counter() - began
    told = {"seconds": spent, "answers": dict(answers), "took": sorted(took)}
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    _url, _token, _rate, _seconds = sys.argv[1:]
    anyio.run(_main, _url, _token, int(_rate), int(_seconds), sys.stdin.read().split())
