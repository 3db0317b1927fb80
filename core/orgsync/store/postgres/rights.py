"""The rights that orgsync needs in a PostgreSQL database, and the statements that give a role those it lacks.

What is lacking is read from the catalogs over a connection of its own: the one on which the server has refused a
statement is in a transaction that has failed. orgsync alters its tables and views, which their owner alone may.
"""
# ruff: noqa: S608 # names are quoted

from collections.abc import Sequence
from typing import Any

import psycopg

from ..missing_rights import MissingRights
from .address import Address, identifier

__all__ = ["missing_rights", "remedy"]

_CONNECT_TIMEOUT = 2
_OURS = (  # tables of orgsync's own, of records, and views of changes; no %, which psycopg would take for a parameter
    "relkind IN ('r', 'p', 'v') AND (starts_with(relname::text, 'orgsync_') OR "
    "starts_with(obj_description(oid, 'pg_class'), 'orgsync ') OR EXISTS (SELECT FROM pg_index WHERE "
    "indrelid = pg_class.oid AND obj_description(indexrelid, 'pg_class') = 'orgsync'))"
)
_FACTS = f"""
SELECT current_user::text, current_database()::text,
    has_database_privilege(current_database(), 'TEMPORARY'),
    has_database_privilege(current_database(), 'CREATE'),
    (SELECT has_schema_privilege(oid, 'USAGE') AND has_schema_privilege(oid, 'CREATE')
        FROM pg_catalog.pg_namespace WHERE nspname = %(schema)s),
    (SELECT pg_has_role(nspowner, 'USAGE') FROM pg_catalog.pg_namespace WHERE nspname = %(queue)s),
    EXISTS (SELECT FROM pg_catalog.pg_class WHERE NOT pg_has_role(relowner, 'USAGE')
        AND relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = %(schema)s) AND {_OURS})
"""
"""A right on a schema that does not exist is NULL."""


def missing_rights(at: Address, on: "psycopg.Connection[Any]") -> MissingRights:
    """Return what the role lacks in the address's schema; raises psycopg's errors."""
    _, queue = at.for_queue()
    [facts] = on.execute(_FACTS.encode(), {"schema": at.schema, "queue": queue}).fetchall()
    return _missing(facts, at.schema, queue)


def _missing(facts: Sequence[Any], schema: str, queue: str) -> MissingRights:
    role, database, may_stage, may_make_schemas, may_use_schema, owns_queue, are_others = facts
    role, database, named = identifier(role), identifier(database), identifier(schema)
    tables = [] if may_stage else [f"GRANT TEMPORARY ON DATABASE {database} TO {role};"]
    if may_use_schema is None:  # AUTHORIZATION would make it the role's, which only a superuser or a member of it may
        tables.append(f"CREATE SCHEMA {named};")
    if not may_use_schema:
        tables.append(f"GRANT USAGE, CREATE ON SCHEMA {named} TO {role};")
    if are_others:
        tables.append(_change_owner(named, facts[0]))
    dry_runs = [] if may_make_schemas else [f"GRANT CREATE ON DATABASE {database} TO {role};"]
    workers = dry_runs if owns_queue is None else []  # the queue has a schema, too
    if owns_queue is False:
        workers = [*dry_runs, f"ALTER SCHEMA {identifier(queue)} OWNER TO {role};"]  # whose owner needs the other right
    return MissingRights(tables, workers, dry_runs, role)


def _change_owner(schema: str, role: str) -> str:
    """Return the statement that gives a role orgsync's tables and views in a schema, however many they are."""
    return (
        f"DO $do$ DECLARE own regclass; BEGIN FOR own IN SELECT oid FROM pg_class WHERE relnamespace = "
        f"{_literal(schema)}::regnamespace AND {_OURS} LOOP "
        f"EXECUTE format('ALTER TABLE %s OWNER TO %I', own, {_literal(role)}); END LOOP; END $do$;"
    )


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def remedy(at: Address, *, instead: str = "", makes_schema: bool = False) -> str:
    """Say what an administrator has to run for a role that was refused, after what may be done instead.

    `makes_schema`: what was refused needs a schema of its own, as dry runs and the queue of workers do.
    """
    administrator = f"{instead}, or let an administrator" if instead else "Let an administrator"
    try:
        with psycopg.connect(at.conninfo, autocommit=True, connect_timeout=_CONNECT_TIMEOUT) as on:
            missing = missing_rights(at, on)
    except psycopg.Error:
        return f"{administrator} give the role this right; orgsync doctor has the statements."
    if missing.tables or (makes_schema and missing.script):
        return f"{administrator} run there: {missing.script}"
    return (
        "The role owns orgsync's tables and may create more. Look for another right: on a function, by a policy of "
        "row-level security, or in a trigger of your own."
    )
