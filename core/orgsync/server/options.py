"""How a project is served."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from orgsync.errors import ArgumentInvalid

__all__ = ["LOOPBACK", "ServerOptions"]

_ROOT_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)*")

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

    def __post_init__(self) -> None:
        """Refuse a root path that is none: links would lead elsewhere, and the cookie would be sent nowhere."""
        if not _ROOT_PATH.fullmatch(self.root_path):
            raise ArgumentInvalid(
                "The root path is not a path: it begins with a slash, and does not end with one.",
                "Write it as callers see it, without the host: --root-path /orgsync.",
            )
