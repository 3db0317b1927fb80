"""The URL of a PostgreSQL database: what libpq connects by, what orgsync takes of it, and how messages name it."""

import os
import re
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from orgsync.errors import SettingInvalid
from orgsync.suggest import nearest

__all__ = ["Address", "address", "identifier"]

_EXAMPLE = "Write it as postgresql://user@host:5432/database, with the password in ~/.pgpass or PGPASSWORD."
_ENCODED = "In a password, write %, @, /, :, ?, # and a space as %25, %40, %2F, %3A, %3F, %23, %20."
_SCHEMES = ("postgresql", "postgres", "postgresql+psycopg")
_OWN = {"pool_size": 10, "idle_transaction_timeout": 60, "connect_within": 30}
"""Options of orgsync's own, with what they are where the URL does not say; all whole numbers, two of them seconds."""
_MOST = 2_147_483  # seconds that the server counts in milliseconds
_CONNECT_TIMEOUT = 10

_KNOWN = (
    f"Options are libpq's, such as sslmode=verify-full, and {', '.join(_OWN)}. A setting of the server's, such as a "
    "search_path, is given as options=-csearch_path%3DNAME."
)
_WITH_OPTIONS = (
    "Write postgresql://user@host:5432/database?OPTION=VALUE&OPTION=VALUE, and a & in a name as %26, a ; as %3B."
)
_SEARCH_PATH = re.compile(r"search[_-]path\s*=\s*[^\s]", re.IGNORECASE)
"""What gives a search_path among libpq's options, however it is written; an empty one is none."""
_LONGEST_SCHEMA = 57
"""Bytes of a name to which `_queue` can be added: the server cuts off what is beyond 63."""
_HOST = re.compile(r"(\[[^\[\]]*\]|[^:\[\]]*)(:(?P<port>\d*))?")
_ALIKE = 0.8  # how like an option a name has to be
_UNENCODED = re.compile(r"%(?![0-9A-Fa-f]{2})|\s")
"""What a URL cannot hold; older versions of libpq take a space, and newer ones do not."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a database is. `conninfo` is for libpq alone, for it may hold the password; `shown` is for messages."""

    conninfo: str = field(repr=False)
    shown: str
    user: str
    database: str
    schema: str
    gives_search_path: bool
    pool_size: int
    idle_transaction_timeout: int
    connect_within: int

    def for_queue(self) -> tuple[str, str]:
        """Return what libpq connects by for the queue of jobs, and the schema that its tables have for their own.

        What the queue loses is sent again, so its commits need not wait for the disk.
        """
        name = self.schema
        if len(name.encode()) > _LONGEST_SCHEMA or name == "orgsync":  # whose queue is that of "public"
            name = sha256(name.encode()).hexdigest()[:16]
        schema = "orgsync_queue" if name == "public" else f"{name}_queue"
        return self.with_schema(schema, "-csynchronous_commit=off").conninfo, schema

    def with_schema(self, schema: str, *options: str) -> "Address":
        """Return the address of another schema of the same database, with more options of the server's."""
        parts = urlsplit(self.conninfo)
        query = [(name, value) for name, value in _options(parts.query) if name != "options"]
        given = dict(_options(parts.query)).get("options", "")
        exact = re.sub(r"([\\\s])", r"\\\1", identifier(schema))  # libpq parts options by spaces
        query.append(("options", " ".join([given, f"-csearch_path={exact}", *options]).strip()))
        changed = f"postgresql://{parts.netloc}{parts.path}?{urlencode(query, quote_via=quote)}"
        return replace(self, conninfo=changed, schema=schema, gives_search_path=True)


def identifier(name: str) -> str:
    """Return a name as it stands in a statement that psycopg is given no parameters with, or that a person runs."""
    return '"' + name.replace('"', '""') + '"'


def address(url: str) -> Address:
    """Read a database URL; raises SettingInvalid for one that cannot be used. No message shows the URL itself."""
    if _UNENCODED.search(url):
        what = "has a space or a line break in it" if re.search(r"\s", url) else "has a % that encodes nothing"
        raise SettingInvalid(f"The database URL {what}.", f"{_EXAMPLE} {_ENCODED}")
    if "://" not in url:
        raise SettingInvalid("The database URL has no :// behind postgresql.", f"{_EXAMPLE} {_ENCODED}")
    try:
        parts = urlsplit(url)
        hosts = _hosts(parts.netloc)
    except ValueError:
        raise SettingInvalid(
            "The database URL cannot be read: its host or port is not one.", f"{_EXAMPLE} {_ENCODED}"
        ) from None
    database = parts.path.removeprefix("/")
    # A slash too few or too many takes user and password for the database, whose name is shown.
    if parts.scheme not in _SCHEMES or any(each in database for each in "@/") or "#" in url:
        raise SettingInvalid("The database URL cannot be read.", f"{_EXAMPLE} {_ENCODED}")
    if re.search("[&;].*=", database):
        raise SettingInvalid("The database URL has options behind & or ;, and they begin with ?.", _WITH_OPTIONS)
    given = _options(parts.query)
    kept = [(name, value) for name, value in given if name not in _OWN]
    if not database and "dbname" not in dict(kept):
        raise SettingInvalid("The database URL names no database.", f"{_EXAMPLE} {_ENCODED}")
    own = {**_OWN, **{name: _whole(name, value) for name, value in given if name in _OWN}}
    kept += [] if _has_timeout(kept) else [("connect_timeout", str(_CONNECT_TIMEOUT))]
    # `postgresql:` alone is libpq's; with the empty host of a socket, urlunsplit would drop the slashes.
    conninfo = f"postgresql://{parts.netloc}{parts.path}?{urlencode(kept, quote_via=quote)}"
    known = _known(conninfo)
    host, user, database = (str(known.get(name) or "") for name in ("host", "user", "dbname"))
    shown = f"postgresql://{user and f'{user}@'}{hosts or host}/{database}"
    options = str(known.get("options") or os.environ.get("PGOPTIONS", ""))
    return Address(conninfo, shown, user, database, "public", _SEARCH_PATH.search(options) is not None, **own)


def _hosts(netloc: str) -> str:
    """Return the hosts with their ports as the URL has them; raises ValueError for what is neither."""
    hosts = netloc.rpartition("@")[2]
    for each in hosts.split(","):
        found = _HOST.fullmatch(each)
        if found is None or not 0 < int(found["port"] or 1) < 65_536:
            raise ValueError
    return hosts


def _options(query: str) -> list[tuple[str, str]]:
    """Return what stands behind the `?`, in which a plus is no space for libpq."""
    return parse_qsl(query.replace("+", "%2B"), keep_blank_values=True)


def _has_timeout(options: list[tuple[str, str]]) -> bool:
    """Return whether it is said how long to wait for a connection; raises SettingInvalid for what is no number."""
    given = dict(options).get("connect_timeout")
    if given is None:
        return "PGCONNECT_TIMEOUT" in os.environ
    if not given.isdecimal() or not given.isascii():
        raise SettingInvalid("The database URL's connect_timeout is not a whole number.", "Write it in seconds.")
    return True


def _whole(name: str, value: str) -> int:
    if not value.isdecimal() or not value.isascii() or not 0 < int(value) <= _MOST:
        raise SettingInvalid(
            f"The database URL's {name} is not a whole number from 1 to {_MOST}.",
            f"Write it as {name}={_OWN[name]}.",
        )
    return int(value)


def _known(conninfo: str) -> dict[str, Any]:
    """Return libpq's options; raises SettingInvalid for one that it does not know. Nothing is connected."""
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict
    from psycopg.pq import Conninfo

    try:
        return conninfo_to_dict(conninfo)
    except ProgrammingError as error:
        found = re.search(r'invalid URI query parameter: "([^"]*)"', str(error))
        if found is None:
            raise SettingInvalid("The database URL cannot be read.", f"{_EXAMPLE} {_ENCODED}") from None
        options = [*(each.keyword.decode() for each in Conninfo.get_defaults()), *_OWN, "search_path"]
        meant = nearest(found[1], options, cutoff=_ALIKE)  # what is like no option may be a part of a password
        what = f"{found[1]!r} is not an option of it" if meant else "it has an option that there is not"
        guess = f"; did you mean {meant!r}?" if meant and meant != found[1] else "."
        remedy = _KNOWN if meant else f"{_ENCODED} {_KNOWN}"
        raise SettingInvalid(f"The database URL cannot be read: {what}{guess}", f"{_EXAMPLE} {remedy}") from None
