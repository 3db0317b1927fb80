"""How a project is served."""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["LOOPBACK", "ServerOptions"]

LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """How a project is served: `hosts` are the names under which callers reach it, beside loopback's.

    `token_seconds` is for how long a token that was found is taken without being looked up again: by then at the latest
    one that another process has revoked is refused. `largest_body` is the number of bytes up to which a request's body
    is read.
    """

    hosts: Sequence[str] = ()
    root_path: str = ""
    token_seconds: float = 2.0
    largest_body: int = 1_048_576
