"""What is SQLite's own is tested on SQLite alone."""

from pathlib import Path

import pytest

from tests.store.databases import SqliteDatabase


@pytest.fixture
def database(tmp_path: Path) -> SqliteDatabase:
    return SqliteDatabase(tmp_path)
