"""Why a PostgreSQL server, or libpq before it is asked, gives no connection."""

import re

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import Conninfo

from orgsync.errors import OrgsyncError, SettingInvalid, StoreUnavailable
from orgsync.suggest import nearest

from .address import Address, identifier
from .errors import AGAIN, FULL, UP

__all__ = ["connection_refused", "may_pass"]

_REFUSALS = (
    (
        "password authentication failed",
        "does not accept this user with this password; it does not say which of the two is wrong",
        "Correct the user in the URL, or the password in ~/.pgpass, PGPASSWORD or the URL. If both are right, the "
        "password has expired, or the role has none: the server's log says which; ALTER ROLE {role} VALID UNTIL "
        "'infinity' renews it.",
    ),
    (
        "(Peer|Ident) authentication failed",
        "lets in by this way only a user whose name is that of the system's account, or one mapped to it",
        "Give that user in the URL, run orgsync as that account, or change pg_hba.conf and pg_ident.conf.",
    ),
    (
        "certificate authentication failed",
        "does not accept the client certificate for this user",
        "Give the user that the certificate names, or the certificate of this one: sslcert and sslkey in the URL.",
    ),
    (
        "authentication failed for user",
        "does not let this user in, and does not say why",
        "Correct the user and the password; the server's log says more.",
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
    ("starting up", "is starting up", UP),
    ("shutting down", "is shutting down", UP),
    ("not accepting connections", "does not take connections yet", UP),
    ("not yet accepting connections", "does not take connections yet", UP),
    ("recovery mode", "recovers from a crash", UP),
    ("No space left on device", *FULL),
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
_MAY_BE_RESTARTING = (
    *_DOWN,
    "server closed the connection",
    "terminating connection",  # it let this one in, and was shut down or crashed then
    "Connection reset by peer",
    "Broken pipe",
    "could not receive",
    "unexpected eof",  # of TLS
    "No route to host",  # a machine that starts again, or an address that moves to another
    "Network is unreachable",
    "timeout",
    "could not translate host name",
    "failed to resolve host",
    "Name or service not known",
)


def may_pass(error: psycopg.OperationalError, *, restarting: bool = False) -> bool:
    """Return whether waiting may help against a refused connection; `restarting`: the server has answered before."""
    return any(words in str(error) for words in (*_PASSING, *(_MAY_BE_RESTARTING if restarting else ())))


def connection_refused(error: psycopg.OperationalError, address: Address, *, restarting: bool = False) -> OrgsyncError:
    """Return the error that says why there is no connection; libpq's own words hold no password.

    `restarting`: the server has answered before, so that the URL is right.
    """
    text = str(error)
    if restarting and any(words in text for words in _DOWN):
        return StoreUnavailable(
            f"The database server of {address.shown} ended while it was in use, and is not back within "
            f"{address.connect_within} s.",
            f"See its log for the reason, and start it. {AGAIN}",
        )
    said = text.rpartition("FATAL:")[2].strip().splitlines()
    if wrong := _wrong_option(text, address):
        return wrong
    if re.search(_SERVER_OPTIONS, text):
        return SettingInvalid(
            f"The database server of {address.shown} does not take the options in the URL, or in PGOPTIONS: {said[0]}.",
            "Write settings that it has, with values that it takes, as options=-cNAME%3DVALUE in the URL.",
        )
    for words, cause, remedy in _REFUSALS:
        if re.search(words, text):
            named = remedy.format(database=identifier(address.database), role=identifier(address.user or "ROLE"))
            return StoreUnavailable(f"The database server of {address.shown} {cause}.", named)
    return StoreUnavailable(
        f"The database server of {address.shown} cannot be reached: {said[0] if said else 'it said nothing'}.",
        "Correct ORGSYNC_DATABASE_URL, or see the server's log.",
    )


_SERVER_OPTIONS = (
    "FATAL: .*(requires a value|unrecognized configuration parameter|invalid command-line argument|"
    "invalid value for parameter|requires a numeric value|cannot be changed|is outside the valid range)"
)
_WRONG_VALUE = re.compile(r'invalid "?(?P<name>[a-z_]+)"? value: "(?P<value>[^"]*)"')
_WRONG_NUMBER = re.compile(r'invalid integer value "(?P<value>[^"]*)" for connection option "(?P<name>[a-z_]+)"')
_VALUES = {
    "channel_binding": ("disable", "prefer", "require"),
    "gssencmode": ("disable", "prefer", "require"),
    "load_balance_hosts": ("disable", "random"),
    "require_auth": ("password", "md5", "gss", "sspi", "scram-sha-256", "oauth", "none"),
    "ssl_max_protocol_version": ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"),
    "ssl_min_protocol_version": ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"),
    "sslcertmode": ("disable", "allow", "require"),
    "sslmode": ("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
    "sslnegotiation": ("postgres", "direct"),
    "target_session_attrs": ("any", "read-write", "read-only", "primary", "standby", "prefer-standby"),
}


def _wrong_option(text: str, address: Address) -> SettingInvalid | None:
    """Return the error for an option whose value libpq does not know; the URL gives it, or else a variable."""
    found = _WRONG_VALUE.search(text) or _WRONG_NUMBER.search(text)
    if found is None:
        return None
    name, value = found["name"], found["value"]
    known = _VALUES.get(name, ())
    meant = nearest(value, known)
    if found.re is _WRONG_NUMBER:
        allowed = "Write a whole number"
    else:
        allowed = f"Write one of {', '.join(known)}" if known else "Write what libpq knows"
    variable = "" if name in conninfo_to_dict(address.conninfo) else _variable_of(name)
    where = f"The variable {variable}" if variable else f"The option {name} of the database URL"
    example = f"{variable or name}={meant or '...'}"
    return SettingInvalid(
        f"{where} has the value {value!r}, which libpq does not know{f'; did you mean {meant!r}?' if meant else '.'}",
        f"{allowed}: {example}.",
    )


def _variable_of(option: str) -> str:
    """Return the variable that gives an option where the URL does not."""
    known = {each.keyword.decode(): (each.envvar or b"").decode() for each in Conninfo.get_defaults()}
    return known.get(option, "")
