"""PostgreSQL's errors, as errors that an operator can act on; none shows a password or a row's values."""

import re
from collections.abc import Generator
from contextlib import contextmanager

import psycopg

from orgsync.errors import ArgumentInvalid, OrgsyncError, StoreUnavailable

from ..versions import moved_while_open
from .address import Address

__all__ = [
    "MOVED",
    "connection_refused",
    "errors_explained",
    "may_pass",
    "require_usable",
    "transactions_pooled",
]

MOVED = "OS001"
"""The code with which a database that was closed by a move refuses to be written to."""

_OLDEST = 140_000  # PostgreSQL 14
_AGAIN = "Run it again: what was committed is kept, and the next run continues there."

_FULL = ("cannot write: its disk is full", "Free some space there, then run again; nothing committed is lost.")

_OWN_FAULTS = ("53", "58", "XX")
"""Classes of codes: resources that lack, the server's system, its inner faults. They are told in words of its own, such
as of a file that may not grow; a quota and a limit to the size of files have no code of theirs."""

_FAULTS: dict[str, tuple[str, str]] = {
    "57P01": ("ended the connection: it was shut down or restarted", _AGAIN),
    "57P02": ("ended the connection: it crashed", _AGAIN),
    "57P03": ("does not take connections yet: it starts up, or recovers", "Wait until it is up, then run again."),
    "57014": ("cancelled a statement", f"See statement_timeout there, and who cancelled it. {_AGAIN}"),
    "25P03": (
        "ended a transaction in which nothing happened for too long",
        f"The process was paused, or is starved of CPU. {_AGAIN}",
    ),
    "25P04": ("ended a transaction that lasted too long", f"Raise transaction_timeout there. {_AGAIN}"),
    "57P05": ("ended a connection on which nothing was said for too long", f"The process was paused. {_AGAIN}"),
    "2BP01": (
        "keeps what views of your own are made of",
        "Drop those views, run again, and create them anew.",
    ),
    "3F000": (
        "has no schema of the name that the URL's search_path gives",
        "Create it: CREATE SCHEMA NAME; or correct options=-csearch_path=NAME in the URL.",
    ),
    "25006": (
        "is read-only: a standby, or a role that may only read",
        "Point ORGSYNC_DATABASE_URL at the primary: add target_session_attrs=read-write where it lists several hosts.",
    ),
    "40P01": ("ended a transaction that waited for another in a circle", _AGAIN),
    "40001": ("ended a transaction that others had overtaken", _AGAIN),
    "53100": _FULL,
    "53200": ("is out of memory", "Give it more memory, or fewer connections, then run again."),
    "53300": ("takes no more connections", "Lower pool_size in the URL, or raise max_connections there."),
    "54000": (
        "does not take a row: its values need more than the 8 kilobytes that a page there holds",
        "Name fewer fields in the record class, or divide them among several classes of the same object.",
    ),
    "54011": (
        "does not take a table of so many columns: 1,600 are the most",
        "Name fewer fields in the record class, or divide them among several classes of the same object.",
    ),
    "55P03": ("did not free a lock in time", f"Find what holds it in pg_locks. {_AGAIN}"),
    "58030": ("cannot read or write its disk", "Check the disk of the server, then run again."),
    "XX001": ("has a damaged table", "Restore a backup, or reset the sync whose table it is."),
    "XX002": ("has a damaged index", "Run REINDEX there."),
}


@contextmanager
def errors_explained(address: Address) -> Generator[None]:
    """Raise StoreUnavailable for what the server or the network did; an error in the SQL itself is not changed.

    Raises ArgumentInvalid for NUL in what is asked for.
    """
    try:
        yield
    except psycopg.Error as error:
        explained = _explain(error, address)
        if explained is None:
            raise
        raise explained from None  # its text may hold a row's values
    except Exception as error:
        original = getattr(error, "orig", None)  # SQLAlchemy's, whose text holds the statement's values
        explained = _explain(original, address) if isinstance(original, psycopg.Error) else None
        if explained is None:
            raise
        raise explained from None


def _explain(error: psycopg.Error, address: Address) -> OrgsyncError | None:
    state = error.sqlstate or ""
    if not state and isinstance(error, psycopg.DataError) and "NUL" in str(error):
        return ArgumentInvalid("A text holds a NUL character, which PostgreSQL does not take.", "Leave it out.")
    if state == MOVED:
        return moved_while_open(error.diag.message_primary or "was moved")
    if state == "42501":
        return _not_allowed(error, address)
    if state in _FAULTS:
        fault, remedy = _FAULTS[state]
        return StoreUnavailable(f"The database server of {address.shown} {fault}.", remedy)
    if state.startswith(_OWN_FAULTS):
        said = (error.diag.message_primary or "it did not say what").strip()
        return StoreUnavailable(
            f"The database server of {address.shown} has a fault of its own: {said}.",
            f"See its log, and its disk. {_AGAIN}",
        )
    if state.startswith("08") or (not state and isinstance(error, psycopg.OperationalError)):
        return StoreUnavailable(
            f"The connection to {address.shown} was cut. If that was during a commit, it may have been done or not.",
            "Run it again: the next run reads what was committed, and continues there.",
        )
    return None


def _not_allowed(error: psycopg.Error, address: Address) -> StoreUnavailable:
    what = (error.diag.message_primary or "permission denied").strip()
    database, role = f'"{address.database}"', f'"{address.user or "ROLE"}"'
    schema = f'"{address.schema}"'
    return StoreUnavailable(
        f"The role of {address.shown} may not do what orgsync needs: {what}.",
        f"Let an administrator run there: GRANT TEMPORARY ON DATABASE {database} TO {role}; "
        f"GRANT USAGE, CREATE ON SCHEMA {schema} TO {role}; and, for dry runs, "
        f"GRANT CREATE ON DATABASE {database} TO {role}; Tables that another role has made stay that one's: "
        f"ALTER TABLE ... OWNER TO {role};",
    )


_REFUSALS = (
    (
        "password authentication failed",
        "does not accept the password",
        "Correct it in ~/.pgpass, PGPASSWORD or the URL.",
    ),
    ("no password supplied", "asks for a password", "Give it in ~/.pgpass, PGPASSWORD or the URL."),
    (
        "no pg_hba.conf entry|pg_hba.conf rejects connection",
        "does not let this user in from this machine",
        "Allow it in pg_hba.conf, or use TLS.",
    ),
    (
        "too many connections for role|too many connections for database",
        "takes no more connections of this role, or to this database",
        "Lower pool_size in the URL, or raise the limit: ALTER ROLE or ALTER DATABASE, with CONNECTION LIMIT.",
    ),
    ("is not permitted to log in", "does not let this role log in", "Let an administrator run: ALTER ROLE ... LOGIN."),
    (
        "is not currently accepting connections",
        "has closed this database to connections",
        "Let an administrator run there: ALTER DATABASE {database} ALLOW_CONNECTIONS true.",
    ),
    (
        "permission denied for database",
        "does not let this role into the database",
        "Let an administrator run there: GRANT CONNECT ON DATABASE {database} TO {role}.",
    ),
    (
        'role ".*" does not exist',
        "does not know the user",
        "Correct the user in the URL, or let an administrator create the role.",
    ),
    (
        'database ".*" does not exist',
        "does not have the database",
        "Correct the name in the URL, or let an administrator run there: CREATE DATABASE {database}.",
    ),
    ("could not translate host name", "cannot be found by its name", "Correct the host in the URL."),
    ("failed to resolve host", "cannot be found by its name", "Correct the host in the URL."),
    ("Name or service not known", "cannot be found by its name", "Correct the host in the URL."),  # psycopg 3.2
    ("Connection refused", "is down, or listens on another port", "Start it, or correct host and port in the URL."),
    ("No such file or directory", "has no socket there", "Start it, or correct the host in the URL."),
    (
        "timeout",
        "does not answer as PostgreSQL does",
        "Check that it is up, that host and port in the URL are its own, and that no firewall stands between.",
    ),
    ("valid client certificate", "asks for a client certificate", "Give sslcert and sslkey in the URL."),
    ("certificate", "has a certificate that is not trusted", "See sslmode and sslrootcert in the URL."),
    ("invalid response to SSL", "does not speak as PostgreSQL does", "Correct host and port in the URL."),
    ("SSL", "and the URL do not agree about TLS", "See sslmode in the URL, and ssl on the server."),
    (
        "no more connections allowed",
        "takes no more connections",
        "Lower pool_size in the URL, or raise its limit there.",
    ),
    ("too many clients", "takes no more connections", "Lower pool_size in the URL, or raise max_connections there."),
    ("remaining connection slots", "takes no more connections", "Lower pool_size, or raise max_connections there."),
    ("starting up", "is starting up", "Wait until it is up, then run again."),
    ("shutting down", "is shutting down", "Wait until it is up again, then run again."),
    ("not accepting connections", "does not take connections yet", "Wait until it is up, then run again."),
    ("not yet accepting connections", "does not take connections yet", "Wait until it is up, then run again."),
    ("recovery mode", "recovers from a crash", "Wait until it is up, then run again."),
    ("No space left on device", *_FULL),
    ("session is read-only", "is read-only", "Point ORGSYNC_DATABASE_URL at the primary."),
)
_PASSING = (
    "starting up",
    "shutting down",
    "recovery mode",
    "not accepting connections",  # libpq asks of a socket that is not there whether a server is accepting some
    "not yet accepting connections",
    "no more connections allowed",
    "too many connections for ",
    "too many clients",
    "remaining connection slots",
)
_DOWN = ("Connection refused", "No such file or directory")
_MAY_BE_RESTARTING = (*_DOWN, "server closed the connection")


def may_pass(error: psycopg.OperationalError, *, restarting: bool = False) -> bool:
    """Return whether waiting may help against a refused connection; `restarting`: the server has answered before."""
    return any(words in str(error) for words in (*_PASSING, *(_MAY_BE_RESTARTING if restarting else ())))


def connection_refused(
    error: psycopg.OperationalError, address: Address, *, restarting: bool = False
) -> StoreUnavailable:
    """Return the error that says why there is no connection; libpq's own words hold no password.

    `restarting`: the server has answered before, so that the URL is right.
    """
    text = str(error)
    if restarting and any(words in text for words in _DOWN):
        return StoreUnavailable(
            f"The database server of {address.shown} ended while it was in use, and is not back within "
            f"{address.connect_within} s.",
            f"Its log says why: a full disk under pg_wal ends it, for one. Mend that, and start it. {_AGAIN}",
        )
    for words, cause, remedy in _REFUSALS:
        if re.search(words, text):
            named = remedy.format(database=f'"{address.database}"', role=f'"{address.user or "ROLE"}"')
            return StoreUnavailable(f"The database server of {address.shown} {cause}.", named)
    said = text.rpartition("FATAL:")[2].strip().splitlines()
    return StoreUnavailable(
        f"The database server of {address.shown} cannot be reached: {said[0] if said else 'it said nothing'}.",
        "Correct ORGSYNC_DATABASE_URL, or see the server's log.",
    )


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
