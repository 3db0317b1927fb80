"""The databases that the store's tests run against: each test that asks for a store runs on every one of them."""

import sqlite3
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

__all__ = ["DATABASES", "Database", "SqliteDatabase"]


class Database(Protocol):
    """A new database, and a way into it behind the store's back."""

    @property
    def url(self) -> str:
        """The URL that the store opens."""
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


DATABASES: Mapping[str, Callable[[Path], Database]] = {"sqlite": SqliteDatabase}
"""How a test gets a database of each kind, in a folder of its own."""
