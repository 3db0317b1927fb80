"""Answers recorded from real orgs, kept beside the repository; tests that need them skip where they are not."""

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest

from .recorded.exchange import FOLDER, Exchange
from .recorded.formats import lines

__all__ = ["FOLDER", "Exchange", "Tape", "exchanges", "needs_recordings", "playing", "replayed", "reported"]

needs_recordings = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="the recordings of real orgs (../shared/recordings) are not here"
)


def exchanges(source: str = "", file: str = "") -> list[Exchange]:
    """Read the recorded exchanges whose source and file contain these texts, in recorded order."""
    return [each for each in _lines() if source in each.source and file in each.file]


@lru_cache
def _lines() -> tuple[Exchange, ...]:
    return tuple(lines(FOLDER / "exchanges.jsonl"))


def reported() -> dict[str, dict[str, Any]]:
    """Read the bodies from Salesforce's documentation and from issue reports, by id."""
    text = (FOLDER / "documented-and-reported" / "bodies.json").read_text(encoding="utf-8")
    return {each["id"]: each for each in json.loads(text)["bodies"]}


class Tape:
    """Recorded exchanges that are being served: where, and those that are still to be asked for.

    `to_the_letter` also asks that the recorded parameters and the recorded JSON are what comes.
    """

    def __init__(self, recorded: list[Exchange], *, to_the_letter: bool) -> None:
        self.url = ""
        self.pending = list(recorded)
        self.surprises: list[str] = []
        self._to_the_letter = to_the_letter

    def take(self, method: str, target: str, body: bytes) -> Exchange | None:
        """Give the next exchange, if this is its request."""
        expected = self.pending[0] if self.pending else None
        if expected is None or not self._is(expected, method, target, body):
            wanted = f"{expected.method} {expected.path}?{expected.query}" if expected else "nothing"
            self.surprises.append(f"{method} {target} came, {wanted} was recorded")
            return None
        return self.pending.pop(0)

    def _is(self, expected: Exchange, method: str, target: str, body: bytes) -> bool:
        parts = urlsplit(target)
        if (expected.method, (expected.path or "").rstrip("/")) != (method, parts.path.rstrip("/")):
            return False
        if not self._to_the_letter:
            return True
        params, form = parse_qs(parts.query), parts.path.endswith("/token") or not expected.asked
        return parse_qs(expected.query).items() <= params.items() and (
            form or json.loads(expected.asked) == json.loads(body)
        )


@contextmanager
def replayed(recorded: list[Exchange]) -> Generator[str]:
    """Serve recorded exchanges on loopback, strictly in order, and give the address; see `playing`."""
    with playing(recorded) as tape:
        yield tape.url


@contextmanager
def playing(recorded: list[Exchange], *, to_the_letter: bool = False) -> Generator[Tape]:
    """Serve recorded exchanges on loopback, strictly in order.

    Only the transport's own headers and the instance_url of token answers are not the recorded ones. A request
    that is not the next recorded one, and one left over at the end, fail the test.
    """
    tape = Tape(recorded, to_the_letter=to_the_letter)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 1 << 20  # head and body in one piece: a second one would wait for the first to be acknowledged
        own: ClassVar[set[str]] = {"content-length", "transfer-encoding", "content-encoding", "connection"}

        def answer(self) -> None:
            asked = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            exchange = tape.take(self.command, self.path, asked)
            if exchange is None:
                self.send_error(599)
                return
            self.send_response_only(exchange.status)
            for name, value in exchange.headers:
                if name.lower() not in self.own:
                    self.send_header(name, value.replace("\n", " "))
            body = _at(exchange.body, f"http://{self.headers['Host']}").encode()
            if exchange.status != 204:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815 # http.server's names

        def log_message(self, format: str, *args: Any) -> None:  # http.server's name
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        tape.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield tape
        finally:
            server.shutdown()
            thread.join()
    assert not tape.surprises, tape.surprises
    assert not tape.pending, f"not asked for: {[(each.method, each.path) for each in tape.pending]}"


def _at(body: str, address: str) -> str:
    if '"access_token"' not in body:
        return body
    token = json.loads(body)
    return json.dumps({**token, "instance_url": address})
