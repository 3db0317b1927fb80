"""A PostgreSQL server that is too old is refused before it is sent any statement, which it might not know."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from orgsync.demo_org import DemoOrg

from .commandline import Command, finished

_SSL_REQUEST, _GSS_REQUEST = 80877103, 80877104


class OldServer:
    """A server that lets everybody in, says that it is PostgreSQL 13, and notes what it is then asked."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self.visits = 0
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"postgresql://ann@127.0.0.1:{self._listening.getsockname()[1]}/copies"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def stop(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listening.close()

    def _serve(self) -> None:
        while True:
            try:
                visitor, _ = self._listening.accept()
            except OSError:
                return
            with visitor, suppress(ConnectionError):
                self._talk(visitor)

    def _talk(self, visitor: socket.socket) -> None:
        stream = visitor.makefile("rb")
        while struct.unpack("!i", self._message(stream.read(4), stream.read)[:4])[0] in (_SSL_REQUEST, _GSS_REQUEST):
            visitor.sendall(b"N")
        self.visits += 1
        told = {"server_version": "13.22", "server_encoding": "UTF8", "client_encoding": "UTF8"}
        statuses = [(b"S", f"{name}\0{value}\0".encode()) for name, value in told.items()]
        for kind, content in ((b"R", bytes(4)), *statuses, (b"K", bytes(8)), (b"Z", b"I")):
            visitor.sendall(kind + struct.pack("!i", len(content) + 4) + content)
        if (kind := stream.read(1)) not in (b"", b"X"):
            self.asked.append(kind + self._message(stream.read(4), stream.read))

    @staticmethod
    def _message(length: bytes, read: Callable[[int], bytes]) -> bytes:
        return read(struct.unpack("!i", length)[0] - 4)


@pytest.fixture
def old() -> Iterator[OldServer]:
    server = OldServer()
    yield server
    server.stop()


@pytest.mark.parametrize(
    "words",
    [
        *("connect acme --flow refresh-token", "run contacts", "status", "runs", "records contact", "up --once"),
        *("worker", "connections"),
    ],
)
def test_every_command_refuses_it_and_asks_it_nothing(words: str, old: OldServer, org: DemoOrg, folder: Path) -> None:
    env = {"ORGSYNC_DATABASE_URL": old.url, "ORGSYNC_CLIENT_ID": "a", "ORGSYNC_REFRESH_TOKEN": "b"}
    refused = finished(folder, *words.split(), env=env)
    assert refused.code == 2
    cause, remedy = refused.problem()
    assert cause == f"The database server of {old.url} is PostgreSQL 13, older than orgsync works with."
    assert remedy == "Use PostgreSQL 14 or newer."
    assert old.visits > 0
    assert old.asked == []


def test_doctor_names_it(old: OldServer, folder: Path) -> None:
    told = finished(folder, "doctor", env={"ORGSYNC_DATABASE_URL": old.url})
    assert told.code == 2
    assert "is PostgreSQL 13, older than" in " ".join(told.out.split())
    assert old.asked == []


def test_nothing_moves_to_it(old: OldServer, orgsync: Command, acme: DemoOrg) -> None:
    assert orgsync("run", "contacts").code == 0
    cause, _ = orgsync("move", "--to", old.url).problem()
    assert "is PostgreSQL 13, older than orgsync works with" in cause
    assert old.asked == []
    acme.insert("Contact", LastName="New")
    acme.advance(minutes=5)
    assert orgsync("run", "contacts").code == 0  # the source is as it was
