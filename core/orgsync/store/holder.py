"""Who holds a lease: an open store, known by its host and process."""

import os
import secrets
import socket
from dataclasses import dataclass

__all__ = ["Holder"]


@dataclass(frozen=True, slots=True)
class Holder:
    """A process of a host; the token tells two open stores, or two processes of one number, apart."""

    host: str
    pid: int
    token: str

    @classmethod
    def here(cls) -> "Holder":
        """Name this process anew."""
        return cls(socket.gethostname(), os.getpid(), secrets.token_hex(8))

    @classmethod
    def parse(cls, text: str) -> "Holder":
        """Read a holder as `text` wrote it."""
        file, _, host = text.partition("@")
        pid, _, token = file.partition("-")
        return cls(host, int(pid), token)

    @property
    def text(self) -> str:
        """Write the holder as the database keeps it: `4711-5f3a9c@host`."""
        return f"{self.file}@{self.host}"

    @property
    def file(self) -> str:
        """Name the holder's file, without its ending."""
        return f"{self.pid}-{self.token}"

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"
