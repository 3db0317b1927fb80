"""PostgreSQL's errors, as errors that an operator can act on; none shows a password or a row's values."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg

from orgsync.errors import ArgumentInvalid, OrgsyncError, StoreUnavailable

from ..versions import moved_while_open
from .address import Address
from .rights import remedy as remedy_of

__all__ = [
    "AGAIN",
    "FULL",
    "MOVED",
    "UP",
    "Tries",
    "errors_explained",
    "require_usable",
    "transactions_pooled",
]

MOVED = "OS001"
"""The code with which a database that was closed by a move refuses to be written to."""

_OLDEST = 140_000  # PostgreSQL 14
AGAIN = "What was committed is kept, and the next run continues there."
UP = "Wait until it is up; the next run works then."

FULL = (
    "cannot write: its disk is full",
    "Free some space there; nothing committed is lost, and the next run continues there.",
)

_OWN_FAULTS = ("53", "58", "XX")
"""Classes of codes: resources that lack, the server's system, its inner faults. They are told in words of its own, such
as of a file that may not grow; a quota and a limit to the size of files have no code of theirs."""

_FAULTS: dict[str, tuple[str, str]] = {
    "57P01": ("ended the connection: it was shut down or restarted", AGAIN),
    "57P02": ("ended the connection: it crashed", AGAIN),
    "57P03": ("does not take connections yet: it starts up, or recovers", UP),
    "57014": ("cancelled a statement", f"See statement_timeout there, and who cancelled it. {AGAIN}"),
    "25P03": (
        "ended a transaction in which nothing happened for too long",
        f"The process was paused, or is starved of CPU. {AGAIN}",
    ),
    "25P04": ("ended a transaction that lasted too long", f"Raise transaction_timeout there. {AGAIN}"),
    "57P05": ("ended a connection on which nothing was said for too long", f"The process was paused. {AGAIN}"),
    "2BP01": (
        "keeps what views of your own are made of",
        "Drop those views, and create them anew after the next run.",
    ),
    "3F000": (
        "has no schema of the name that the URL's search_path gives",
        "Create it: CREATE SCHEMA NAME; or correct options=-csearch_path=NAME in the URL.",
    ),
    "25006": (
        "is read-only: a standby, or a role that may only read",
        "Point ORGSYNC_DATABASE_URL at the primary: add target_session_attrs=read-write where it lists several hosts.",
    ),
    "40P01": ("ended a transaction that waited for another in a circle", AGAIN),
    "40001": ("ended a transaction that others had overtaken", AGAIN),
    "53100": FULL,
    "53200": ("is out of memory", f"Give it more memory, or fewer connections. {AGAIN}"),
    "53300": ("takes no more connections", "Lower pool_size in the URL, or raise max_connections there."),
    "54000": (
        "does not take a row: its values need more than the 8 kilobytes that a page there holds",
        "Name fewer fields in the record class, or divide them among several classes of the same object.",
    ),
    "54011": (
        "does not take a table of so many columns: 1,600 are the most",
        "Name fewer fields in the record class, or divide them among several classes of the same object.",
    ),
    "55P03": ("did not free a lock in time", f"Find what holds it in pg_locks. {AGAIN}"),
    "58030": ("cannot read or write its disk", f"Check the disk of the server. {AGAIN}"),
    "XX001": ("has a damaged table", "Restore a backup, or reset the sync whose table it is."),
    "XX002": ("has a damaged index", "Run REINDEX there."),
}


_ENDED = ("57P01", "57P02", "57P03", "57P05")
"""With these the server ends a session: a shutdown, a crash, a start that is not over, a silence that was too long."""


@dataclass(slots=True)
class Tries:
    """How often something is still tried whose connection is cut each time: it may be what the server dies of."""

    left: int = 5

    @classmethod
    def begun(cls, *, repeats: bool) -> "Tries":
        """Begin with all tries, or with one alone."""
        return cls() if repeats else cls(1)

    def allow_another(self, error: psycopg.OperationalError, driver: psycopg.AsyncConnection[Any]) -> bool:
        """Count a try; return whether another is left, and the error proves that the connection has ended.

        With it has ended what it had not asked to commit.
        """
        self.left -= 1
        return self.left > 0 and (error.sqlstate in _ENDED or (error.sqlstate is None and driver.closed))


@contextmanager
def errors_explained(address: Address, *, makes_schema: bool = False) -> Generator[None]:
    """Raise StoreUnavailable for what the server or the network did; an error in the SQL itself is not changed.

    `makes_schema`: what is done needs a schema of its own, which a role may lack the right to make.
    Raises ArgumentInvalid for NUL in what is asked for.
    """
    try:
        yield
    except psycopg.Error as error:
        explained = _explain(error, address, makes_schema)
        if explained is None:
            raise
        raise explained from None  # its text may hold a row's values
    except Exception as error:
        original = getattr(error, "orig", None)  # SQLAlchemy's, whose text holds the statement's values
        explained = _explain(original, address, makes_schema) if isinstance(original, psycopg.Error) else None
        if explained is None:
            raise
        raise explained from None


def _explain(error: psycopg.Error, address: Address, makes_schema: bool) -> OrgsyncError | None:
    state = error.sqlstate or ""
    if not state and isinstance(error, psycopg.DataError) and "NUL" in str(error):
        return ArgumentInvalid("A text holds a NUL character, which PostgreSQL does not take.", "Leave it out.")
    if state == MOVED:
        return moved_while_open(error.diag.message_primary or "was moved")
    if state == "42501":
        return _not_allowed(error, address, makes_schema)
    if state in _FAULTS:
        fault, remedy = _FAULTS[state]
        return StoreUnavailable(f"The database server of {address.shown} {fault}.", remedy)
    if state.startswith(_OWN_FAULTS):
        said = (error.diag.message_primary or "it did not say what").strip()
        return StoreUnavailable(
            f"The database server of {address.shown} has a fault of its own: {said}.",
            f"See its log, and its disk. {AGAIN}",
        )
    if state.startswith("08") or (not state and isinstance(error, psycopg.OperationalError)):
        return StoreUnavailable(
            f"The connection to {address.shown} was cut. If that was during a commit, it may have been done or not.",
            "The next run reads what was committed, and continues there.",
        )
    return None


def _not_allowed(error: psycopg.Error, address: Address, makes_schema: bool) -> StoreUnavailable:
    what = (error.diag.message_primary or "permission denied").strip()
    remedy = remedy_of(address, makes_schema=makes_schema)
    return StoreUnavailable(f"The role of {address.shown} may not do what orgsync needs: {what}.", remedy)


def require_usable(found: psycopg.ConnectionInfo, address: Address) -> None:
    """Raise StoreUnavailable for a server that is too old, and for a database that cannot hold every text."""
    if (version := found.server_version) < _OLDEST:
        raise StoreUnavailable(
            f"The database server of {address.shown} is PostgreSQL {version // 10_000}, older than orgsync works with.",
            "Use PostgreSQL 14 or newer.",
        )
    encoding = found.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise StoreUnavailable(
            f"The database {address.shown} has the encoding {encoding}, which cannot hold every text of an org.",
            "Use one with UTF8: CREATE DATABASE NAME ENCODING 'UTF8' TEMPLATE template0;",
        )


def transactions_pooled(address: Address) -> StoreUnavailable:
    """Return the error for a pooler that gives each transaction another of the server's sessions."""
    return StoreUnavailable(
        f"{address.shown} is a pooler in transaction mode: it gives each transaction another of the server's sessions, "
        "and locks are held by a session.",
        "Connect to the server itself, or to a pooler in session mode: of PgBouncer, pool_mode=session.",
    )
