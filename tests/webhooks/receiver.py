"""A receiver of webhooks: a real HTTP server on loopback that keeps what it gets and answers as a test wants."""

import json
import ssl
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook

__all__ = ["Answer", "Got", "Receiver", "receiving"]


@dataclass(frozen=True, slots=True)
class Got:
    """A request that was received."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def type(self) -> str:
        return str(json.loads(self.body)["type"])

    @property
    def data(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)["data"]
        return found

    def verified_by(self, secret: str) -> dict[str, Any]:
        """Verify the signature as a receiver does, and return the message."""
        found: dict[str, Any] = Webhook(secret).verify(self.body, dict(self.headers))
        return found


@dataclass(frozen=True, slots=True)
class Answer:
    """What the receiver answers, or that it hangs up."""

    status: int = 204
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""


@dataclass(slots=True)
class Receiver:
    """What was received so far; `answer` decides what is answered to a request."""

    url: str
    port: int
    got: list[Got] = field(default_factory=list[Got])
    arrived: threading.Condition = field(default_factory=threading.Condition)
    answer: Callable[[Got], Answer] = lambda _: Answer()

    def wait(self, count: int = 1) -> None:
        """Block until so many requests have arrived; fail after half a minute."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.got) >= count, timeout=30)


@contextmanager
def receiving(*, tls: ssl.SSLContext | None = None) -> Generator[Receiver]:
    """Receive on a free port of loopback."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            body = self.rfile.read(length)
            if len(body) < length:  # who sent it died amid it: nothing was received
                self.close_connection = True
                return
            got = Got(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            with receiver.arrived:
                receiver.got.append(got)
                receiver.arrived.notify_all()
            answer = receiver.answer(got)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            try:
                self.wfile.write(answer.body)
            except OSError:  # who sends does not read all of it
                self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda request, client_address: None  # type: ignore[method-assign]
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    port = int(server.server_address[1])
    receiver = Receiver(f"{'https' if tls else 'http'}://127.0.0.1:{port}/hook", port)
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01))
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
