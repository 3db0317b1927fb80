"""The databases that the store's tests run against: each test that asks for a store runs on every one of them."""

import re
import sqlite3
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import pytest

__all__ = ["DATABASES", "ON_SQLITE_ALONE", "Database", "PostgresDatabase", "SqliteDatabase"]


class Database(Protocol):
    """A new database, and a way into it behind the store's back."""

    @property
    def url(self) -> str:
        """The URL that the store opens."""
        ...

    @property
    def impatient_url(self) -> str:
        """The same, for a store that waits for no lock."""
        ...

    def beside(self, name: str) -> "Database":
        """Give another new database of this kind."""
        ...

    def execute(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Run a statement that any database takes, with `?` for its parameters, and commit it."""
        ...

    def locked(self) -> AbstractContextManager[None]:
        """Keep every writer waiting."""
        ...


class SqliteDatabase:
    def __init__(self, folder: Path, name: str = "orgsync") -> None:
        self.folder = folder
        self.path = folder / f"{name}.db"

    @property
    def url(self) -> str:
        return f"sqlite:///{self.path}"

    @property
    def impatient_url(self) -> str:
        return f"{self.url}?timeout=0"

    def beside(self, name: str) -> "SqliteDatabase":
        return SqliteDatabase(self.folder, name)

    def execute(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.path)) as raw, raw:
            return raw.execute(sql, values).fetchall()

    @contextmanager
    def locked(self) -> Generator[None]:
        with closing(sqlite3.connect(self.path, isolation_level=None)) as raw:
            raw.execute("BEGIN IMMEDIATE")
            yield


class PostgresDatabase:
    """A database of its own on the server that this session of tests shares."""

    def __init__(self, _folder: Path, *, empty: bool = False) -> None:
        from tests.postgres_server import empty_database, new_database

        self.url = (empty_database if empty else new_database)(f"test_{uuid4().hex}")

    @property
    def impatient_url(self) -> str:
        return f"{self.url}&options=-clock_timeout%3D1"

    def beside(self, name: str) -> "PostgresDatabase":
        return PostgresDatabase(Path(name), empty=True)

    def execute(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        import psycopg

        with psycopg.connect(self.url) as raw:
            cursor = raw.execute(re.sub(r"\?", "%s", sql).encode(), values or None)
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def locked(self) -> Generator[None]:
        import psycopg

        with psycopg.connect(self.url) as raw:
            raw.execute("LOCK TABLE orgsync_lease")
            yield


DATABASES: Mapping[str, Callable[[Path], Database]] = {"sqlite": SqliteDatabase, "postgres": PostgresDatabase}
"""How a test gets a database of each kind, in a folder of its own."""

ON_SQLITE_ALONE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
"""What a test bears that is about SQLite's own ways, though it stands beside others."""
