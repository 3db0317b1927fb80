"""How a project is served."""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["LOOPBACK", "ServerOptions"]

LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """How a project is served: `hosts` are the names under which callers reach it, beside loopback's.

    `largest_body` is the number of bytes up to which a request's body is read.
    """

    hosts: Sequence[str] = ()
    root_path: str = ""
    largest_body: int = 1_048_576
