"""A project's database behind orgsync's back: SQLite's file in its folder, or the PostgreSQL database of the test."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

__all__ = ["DATABASE_URL", "everything", "execute", "on_postgres", "require_whole"]

DATABASE_URL = "ORGSYNC_DATABASE_URL"
_TABLES = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"


def on_postgres() -> bool:
    """Return whether the tests keep their projects in PostgreSQL."""
    return os.environ.get("STORE_TESTS_ON") == "postgres"


def execute(folder: Path, sql: str) -> list[tuple[Any, ...]]:
    """Run a statement that both databases take, without parameters, commit it, and return its rows."""
    if not on_postgres():
        with closing(sqlite3.connect(folder / ".orgsync" / "orgsync.db", isolation_level=None)) as database:
            return database.execute(sql).fetchall()
    import psycopg

    with psycopg.connect(os.environ[DATABASE_URL], autocommit=True) as database:
        cursor = database.execute(sql.encode())
        return cursor.fetchall() if cursor.description else []


def everything(folder: Path) -> list[str]:
    """Write out everything that is in the database."""
    if not on_postgres():
        with closing(sqlite3.connect(folder / ".orgsync" / "orgsync.db")) as database:
            return list(database.iterdump())
    tables = sorted(name for (name,) in execute(folder, _TABLES))
    rows = ((name, execute(folder, f'SELECT t::text FROM "{name}" AS t ORDER BY 1')) for name in tables)
    return [f"{name}: {text}" for name, found in rows for (text,) in found]


def require_whole(folder: Path) -> None:
    """Ask SQLite whether the file is in order; a server sees to its own."""
    if not on_postgres():
        assert execute(folder, "PRAGMA integrity_check") == [("ok",)]
