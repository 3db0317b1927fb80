"""A small HTTP server: a function answers each request, one connection for each answer."""

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["Reply", "Request", "serving_replies"]


@dataclass(frozen=True, slots=True)
class Request:
    """A request: its method, its target with the query, its headers and its body."""

    method: str
    target: str
    headers: Message
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """A status, headers and a body."""

    status: int
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict[str, str])


@contextmanager
def serving_replies(answer: Callable[[Request], Reply | None]) -> Generator[str]:
    """Serve on a free port of this machine, and yield the URL; after None the connection ends without an answer.

    Each request has a thread of its own.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            reply = answer(Request(self.command, self.path, self.headers, body))
            if reply is not None:
                with suppress(ConnectionError):  # whoever asked has left
                    self.say(reply)

        do_POST = do_PATCH = do_PUT = do_DELETE = do_GET  # noqa: N815

        def say(self, reply: Reply) -> None:
            self.send_response_only(reply.status)
            body = reply.body.encode()
            for name, value in {"content-length": str(len(body)), **reply.headers, "connection": "close"}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
