"""The connection of a view: of psycopg alone, and one that writes nothing."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from .address import Address
from .driver import OPTIONS, PID, set_up
from .errors import errors_explained, require_usable, transactions_pooled
from .refusals import connection_refused

__all__ = ["connected", "upgrade"]

_STATEMENT_SECONDS = 60


@contextmanager
def connected(at: Address) -> "Generator[psycopg.Connection[Any]]":
    """Connect a view, whose statements end after a minute, and disconnect it; raises StoreUnavailable."""
    with _connect(at) as opened:
        with errors_explained(at):
            require_usable(opened.info, at)
            opened.execute(set_up(at, writes=False).encode())
            opened.execute("SELECT set_config('statement_timeout', %s, false)", (f"{_STATEMENT_SECONDS}s",))
            _require_own_session(opened, at)
        yield opened


def _connect(at: Address) -> "psycopg.Connection[Any]":
    try:
        return psycopg.connect(at.conninfo, autocommit=True, **OPTIONS)
    except psycopg.OperationalError as error:
        raise connection_refused(error, at) from None


def _require_own_session(on: "psycopg.Connection[Any]", at: Address) -> None:
    """Raise StoreUnavailable as the driver's function of this name does."""
    pid = on.execute(PID).fetchall()
    if pid == [(on.info.backend_pid,)]:
        return
    with _connect(at) as other:
        if other.execute(PID).fetchall() == pid or on.execute(PID).fetchall() != pid:
            raise transactions_pooled(at)


def upgrade(url: str, folder: Path) -> None:
    """Bring the database to this package's version."""
    import anyio

    from ..backends import open_backend

    async def opening() -> None:
        async with open_backend(url, folder):
            pass

    anyio.run(opening)
