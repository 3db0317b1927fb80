"""An open store on a database of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from orgsync.store import Run, Store


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'orgsync.db'}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / ".orgsync"


@pytest.fixture
async def store(url: str, folder: Path) -> AsyncIterator[Store]:
    async with Store.open(url, folder=folder) as opened:
        yield opened


@pytest.fixture
async def run(store: Store) -> Run:
    return await store.start_run("contacts", "acme")
