"""Answers recorded from real orgs, kept beside the repository; tests that need them skip where they are not."""

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

import pytest

__all__ = ["FOLDER", "Exchange", "exchanges", "needs_recordings", "replayed", "reported"]

FOLDER = Path(__file__).parents[1].parent / "shared" / "recordings"

needs_recordings = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="the recordings of real orgs (../shared/recordings) are not here"
)


@dataclass(frozen=True, slots=True)
class Exchange:
    """One recorded request and its answer. Some recorders kept answers only: then method and path are None."""

    source: str
    file: str
    method: str | None
    path: str | None
    status: int
    headers: list[tuple[str, str]]
    body: str


def exchanges(source: str = "", file: str = "") -> list[Exchange]:
    """Read the recorded exchanges whose source and file contain these texts, in recorded order."""
    with (FOLDER / "exchanges.jsonl").open(encoding="utf-8") as lines:
        found = [json.loads(line) for line in lines]
    return [
        Exchange(
            each["source"],
            each["file"],
            each["method"],
            each["path"],
            each["status"],
            [(name, value) for name, value in each["headers"]],
            each["body"] or "",
        )
        for each in found
        if source in each["source"] and file in each["file"]
    ]


def reported() -> dict[str, dict[str, Any]]:
    """Read the bodies from Salesforce's documentation and from issue reports, by id."""
    text = (FOLDER / "documented-and-reported" / "bodies.json").read_text(encoding="utf-8")
    return {each["id"]: each for each in json.loads(text)["bodies"]}


@contextmanager
def replayed(recorded: list[Exchange]) -> Generator[str]:
    """Serve recorded exchanges on loopback, strictly in order, and give the address.

    Only the transport's own headers and the instance_url of token answers are not the recorded ones. A request
    that is not the next recorded one, and one left over at the end, fail the test.
    """
    pending = list(recorded)
    surprises: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        own: ClassVar[set[str]] = {"content-length", "transfer-encoding", "content-encoding", "connection", "date"}

        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path = urlsplit(self.path).path
            if not pending or (pending[0].method, pending[0].path) != (self.command, path):
                expected = f"{pending[0].method} {pending[0].path}" if pending else "nothing"
                surprises.append(f"{self.command} {path} came, {expected} was recorded")
                self.send_error(599)
                return
            exchange = pending.pop(0)
            self.send_response(exchange.status)
            for name, value in exchange.headers:
                if name.lower() not in self.own:
                    self.send_header(name, value.replace("\n", " "))
            body = _at(exchange.body, f"http://{self.headers['Host']}").encode()
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815 # http.server's names

        def log_message(self, format: str, *args: Any) -> None:  # http.server's name
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
    assert not surprises, surprises
    assert not pending, f"not asked for: {[(each.method, each.path) for each in pending]}"


def _at(body: str, address: str) -> str:
    if '"access_token"' not in body:
        return body
    token = json.loads(body)
    return json.dumps({**token, "instance_url": address})
