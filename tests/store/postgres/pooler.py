"""A pooler before a PostgreSQL server, as PgBouncer is one, in session mode or in transaction mode."""

import socket
import struct
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

__all__ = ["pooler"]

_PLAIN = 196_608  # protocol 3.0; other first messages ask for encryption
_MADE_UP = b"K" + struct.pack("!iii", 12, 1, 1)
_READY = b"Z" + struct.pack("!i", 5) + b"I"


@dataclass
class _Session:
    """A session of the server, lent to one client at a time."""

    stream: socket.socket
    parameters: bytes = b""
    turn: threading.Lock = field(default_factory=threading.Lock)


@contextmanager
def pooler(server: Path, port: int, database: str, mode: Literal["session", "transaction"]) -> Generator[int]:
    """Pool the connections to a database of the server whose socket is in a folder, and give the port."""
    listener = socket.create_server(("127.0.0.1", 0))
    shared = _session(server, port, database)

    def lend(client: socket.socket) -> None:
        if mode == "transaction":
            _serve(client, shared)
            return
        own = _session(server, port, database)
        with own.stream:
            _serve(client, own)

    def serve() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                lending.append(threading.Thread(target=lend, args=(client,), daemon=True))
                lending[-1].start()

    lending = list[threading.Thread]()
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for each in (thread, *lending):
            each.join()
        shared.stream.close()


def _session(server: Path, port: int, database: str) -> _Session:
    stream = socket.socket(socket.AF_UNIX)
    stream.connect(f"{server}/.s.PGSQL.{port}")
    asked = struct.pack("!i", _PLAIN) + f"user\0postgres\0database\0{database}\0\0".encode()
    stream.sendall(struct.pack("!i", len(asked) + 4) + asked)
    made = _Session(stream)
    while (message := _message(stream))[:1] != b"Z":
        made.parameters += message if message[:1] == b"S" else b""
    return made


def _serve(client: socket.socket, lent: _Session) -> None:
    with client, suppress(ConnectionError):
        while struct.unpack("!i", _exactly(client, struct.unpack("!i", _exactly(client, 4))[0] - 4)[:4]) != (_PLAIN,):
            client.sendall(b"N")
        client.sendall(b"R" + struct.pack("!ii", 8, 0) + lent.parameters + _MADE_UP + _READY)
        asked = b""
        while (message := _message(client))[:1] != b"X":
            asked += message
            if message[:1] in (b"Q", b"S"):
                _answer(client, lent, asked)
                asked = b""


def _answer(client: socket.socket, lent: _Session, asked: bytes) -> None:
    """Send what a client asks to the session and its answer back; nobody opens a transaction here."""
    with lent.turn:
        lent.stream.sendall(asked)
        answer = message = _message(lent.stream)
        while message[:1] != b"Z":
            message = _message(lent.stream)
            answer += message
    client.sendall(answer)


def _message(stream: socket.socket) -> bytes:
    head = _exactly(stream, 5)
    return head + _exactly(stream, struct.unpack("!i", head[1:])[0] - 4)


def _exactly(stream: socket.socket, size: int) -> bytes:
    read = b""
    while len(read) < size:
        part = stream.recv(size - len(read))
        if not part:
            raise ConnectionError
        read += part
    return read
