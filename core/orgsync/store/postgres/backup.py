"""Backups of a PostgreSQL database: by its own tools, with the command that fits this one."""

import re
from shlex import quote

from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import Conninfo

from orgsync.errors import StoreUnavailable

from .address import Address, identifier

__all__ = ["not_backed_up"]

_OWN = ("options", "connect_timeout")  # orgsync's alone


def not_backed_up(at: Address) -> StoreUnavailable:
    """Return the error with the command of pg_dump, which connects as orgsync does, but for a password in the URL."""
    public = {each.keyword.decode() for each in Conninfo.get_defaults() if not each.dispchar} - {*_OWN}  # no secret
    given = conninfo_to_dict(at.conninfo)
    known = {name: str(value) for name, value in given.items() if name in public}
    password = "Give pg_dump the URL's password in PGPASSWORD or ~/.pgpass. " if given.get("password") else ""
    is_plain = re.fullmatch("[a-z_][a-z0-9_]*", at.schema)  # pg_dump reads a pattern, as psql does
    schema = at.schema if is_plain else quote(identifier(at.schema))
    return StoreUnavailable(
        f"{at.shown} is a PostgreSQL database, which orgsync does not back up.",
        f"Use PostgreSQL's own tools: pg_dump --format=custom --schema={schema} --file=FILE "
        f"--dbname={quote(make_conninfo(**known))}; pg_restore reads the file. {password}"
        "Keep the key, .orgsync/key, as well.",
    )
