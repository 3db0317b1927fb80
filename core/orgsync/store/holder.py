"""Who holds a lease: an open store, known by its host and process."""

import os
import secrets
import socket
from dataclasses import dataclass

__all__ = ["Holder"]


@dataclass(frozen=True, slots=True)
class Holder:
    """A process of a host; the token distinguishes two open stores, and two processes that had the same number."""

    host: str
    pid: int
    token: str

    @classmethod
    def here(cls) -> "Holder":
        """Return a new holder for this process."""
        return cls(socket.gethostname(), os.getpid(), secrets.token_hex(8))

    @classmethod
    def parse(cls, text: str) -> "Holder":
        """Parse a holder from its `text`."""
        file, _, host = text.partition("@")
        pid, _, token = file.partition("-")
        return cls(host, int(pid), token)

    @property
    def text(self) -> str:
        """The holder as the database stores it: `4711-5f3a9c@host`."""
        return f"{self.file}@{self.host}"

    @property
    def file(self) -> str:
        """The name of the holder's file, without its suffix."""
        return f"{self.pid}-{self.token}"

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"
