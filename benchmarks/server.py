"""The server's process: `python -m benchmarks.server` tells its address on one line and serves until it is closed."""

import argparse
import asyncio
import json
import ssl
import sys
from collections.abc import Generator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

from .org import Org
from .prepared import Prepared
from .wire import Reply, Request, serve

__all__ = ["ROOT", "Server", "started"]

ROOT = Path(__file__).parents[1]
"""The repository, from which `python -m benchmarks...` is run."""


class Server:
    """A running server, seen from another process."""

    def __init__(self, url: str) -> None:
        self.url = url

    def calls(self) -> int:
        """Count the API calls that the server answered since this was last asked."""
        return int(self._ask("GET", "/benchmark/calls")["calls"])

    def change(self, rows: int) -> None:
        """Let so many rows have changed just now."""
        self._ask("POST", f"/benchmark/changed?rows={rows}")

    def _ask(self, method: str, path: str) -> dict[str, Any]:
        connection = HTTPConnection(self.url.removeprefix("http://"), timeout=60)
        try:
            connection.request(method, path)
            answer: dict[str, Any] = json.loads(connection.getresponse().read())
            return answer
        finally:
            connection.close()


@contextmanager
def started(
    *, rest: Prepared | None = None, bulk: Prepared | None = None, certificate: Path | None = None
) -> Generator[Server]:
    """Start a server in a process of its own and stop it at the end.

    `certificate` (PEM, with its key) is for clients that know https only; they reach it as their proxy.
    """
    options = [f"--{name}={made.folder}" for name, made in (("rest", rest), ("bulk", bulk)) if made]
    options += [f"--certificate={certificate}"] if certificate else []
    command = [sys.executable, "-m", "benchmarks.server", *options]
    with Popen(command, cwd=ROOT, stdin=PIPE, stdout=PIPE, text=True) as process:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("the server has no pipes")
        try:
            yield Server(json.loads(process.stdout.readline())["url"])
        finally:
            process.stdin.close()
            process.wait(10)


async def _main() -> None:
    options = _options()
    orgs: list[Org] = []

    def answer(request: Request) -> Reply:
        return orgs[0].answer(request)

    server = await serve(answer, tls=_tls(options.certificate))
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    instance = "https://benchmark.my.salesforce.com" if options.certificate else url
    rest, bulk = (Prepared.load(folder) if folder else None for folder in (options.rest, options.bulk))
    orgs.append(Org(instance, rest=rest, bulk=bulk))
    sys.stdout.write(json.dumps({"url": url}) + "\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)  # until whoever started it closes the pipe, or dies
    server.close()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("rest", "bulk", "certificate"):
        parser.add_argument(f"--{name}", type=Path)
    return parser.parse_args()


def _tls(certificate: Path | None) -> ssl.SSLContext | None:
    if certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


if __name__ == "__main__":
    asyncio.run(_main())
