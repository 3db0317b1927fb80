"""What is PostgreSQL's own, on a database of each test's own."""

from pathlib import Path

import pytest

from tests.store.databases import PostgresDatabase


@pytest.fixture
def database(tmp_path: Path) -> PostgresDatabase:
    return PostgresDatabase(tmp_path)


@pytest.fixture
def empty_database(tmp_path: Path) -> PostgresDatabase:
    """A database in which orgsync's tables are not made yet."""
    return PostgresDatabase(tmp_path, empty=True)
