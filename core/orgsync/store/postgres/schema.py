"""The schema that orgsync works in: the one that the server finds first by the search_path."""

import re
from collections.abc import Sequence
from dataclasses import replace

from orgsync.errors import StoreUnavailable

from ..missing_rights import MissingRights
from .address import Address, identifier
from .errors import errors_explained
from .rights import missing_rights, remedy
from .table_sql import LONGEST_NAME
from .view_connection import connected
from .view_sql import SCHEMA

__all__ = ["in_schema", "rights_in_schema"]

_NAME = re.compile(r'\s*(?:"(?P<exact>(?:[^"]|"")*)"|(?P<folded>[^,\s]*))\s*(?:,|$)')
"""A schema in a search_path, as the server parts one (`SplitIdentifierString`): a `""` in quotes is one `"`."""
_OWN_SCHEMA = "$user"  # which the server passes over where the role has none
_GIVEN = ("client", "session")
_RESET = {
    "user": "ALTER ROLE {role} RESET search_path;",
    "database": "ALTER DATABASE {database} RESET search_path;",
    "database user": "ALTER ROLE {role} IN DATABASE {database} RESET search_path;",
}


def in_schema(at: Address, found: str | None, path: str, source: str, role: str) -> Address:
    """Return the address with the schema that the server works in, which a role's own search_path may choose.

    `source` says where the search_path comes from, as the server reports it: "client" where the URL or PGOPTIONS gives
    it. Raises StoreUnavailable where it leads to no schema, or a given one to another than its first: the server passes
    over what is missing.
    """
    is_given = source in _GIVEN
    if at.gives_search_path and not (is_given and path):
        raise StoreUnavailable(
            f"The search_path that the URL or PGOPTIONS gives for {at.shown} is not in force there.",
            "Look for a pooler that leaves `options` out, as PgBouncer does with ignore_startup_parameters; "
            "connect without it, or give the role its schema: ALTER ROLE ... SET search_path = NAME.",
        )
    names = _names_of(path)
    named = next((name for name in names[:1] if is_given and name != _OWN_SCHEMA), "")
    if found is None or (named and found != named):
        raise _no_schema(at, names, path, source, role)
    return replace(at, schema=found)


def rights_in_schema(at: Address) -> MissingRights:
    """Return what the role lacks where orgsync works; raises StoreUnavailable for a database that cannot be used."""
    with connected(at) as on, errors_explained(at):
        [found] = on.execute(SCHEMA.encode()).fetchall()
        return missing_rights(in_schema(at, *found), on)


def _no_schema(at: Address, names: Sequence[str], path: str, source: str, role: str) -> StoreUnavailable:
    wanted = next((name for name in names if name != _OWN_SCHEMA), role if names else "")
    another = "Name a schema that is there by options=-csearch_path=NAME in the URL"
    if source not in (*_GIVEN, "default"):
        undo = _RESET.get(source, "").format(role=identifier(role), database=identifier(at.database))
        another += f", undo this by {undo}" if undo else ", undo this in the server's configuration"
    if not wanted:
        return StoreUnavailable(f"The search_path that is in force in {at.shown} is empty.", f"{another}.")
    cause = f"The database {at.shown} has no schema {identifier(wanted)} that this role may use"
    how = "" if source in (*_GIVEN, "default") else f", to which the search_path that is set there, {path}, leads"
    return StoreUnavailable(f"{cause}{how}.", remedy(replace(at, schema=wanted), instead=another))


def _names_of(path: str) -> list[str]:
    """Return the schemas of a search_path, as the server reads them."""
    return [_name(found) for found in _NAME.finditer(path) if found["exact"] or found["folded"]]


def _name(found: re.Match[str]) -> str:
    if found["exact"] is not None:
        name = found["exact"].replace('""', '"')
    else:
        name = re.sub("[A-Z]+", lambda letters: letters[0].lower(), found["folded"])  # ASCII alone, as the server does
    return name.encode()[:LONGEST_NAME].decode(errors="ignore")
