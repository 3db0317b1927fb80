"""Queries of the schema, each asked once until it changes: together they take as long as reading a page of rows."""

from collections.abc import Callable, Hashable
from typing import Any

from orgsync.errors import StoreUnavailable

from .row_pages import Fetch

__all__ = ["SchemaQueries", "tables_changed"]


class SchemaQueries:
    """What queries of the schema have found on one connection.

    `fetch` runs one. `version` returns what is another value once the schema is another, and None where nobody knows.
    """

    def __init__(self, fetch: Fetch, version: Callable[[], Hashable | None]) -> None:
        self._fetch = fetch
        self._version = version
        self._known: Hashable | None = None
        self._found: dict[tuple[str, tuple[str, ...]], list[tuple[Any, ...]]] = {}

    def fetch(self, sql: str, *parameters: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query that reads the schema alone."""
        version = self._version()
        if version is None:
            return self._fetch(sql, parameters)
        if version != self._known:
            self._known, self._found = version, {}
        key = (sql, parameters)
        if key not in self._found:
            self._found[key] = self._fetch(sql, parameters)
        return self._found[key]

    def note(self, found: list[tuple[Any, ...]], sql: str, *parameters: str) -> None:
        """Keep what a query would find, which another one has found as well."""
        if self._known is not None and self._version() == self._known:
            self._found[sql, parameters] = found


def tables_changed(database: str) -> StoreUnavailable:
    """Return the error of a query that asks for columns as they were before."""
    return StoreUnavailable(f"The tables of {database} were changed while they were read.", "Read them again.")
