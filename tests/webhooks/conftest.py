"""A store on each kind of database, and a receiver."""

from collections.abc import AsyncIterator, Generator
from pathlib import Path

import pytest

from orgsync.settings import Settings
from orgsync.store import Store
from tests.store.databases import DATABASES, Database

from .receiver import Receiver, receiving


@pytest.fixture(params=[*DATABASES])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    return DATABASES[request.param](tmp_path)


@pytest.fixture
async def store(database: Database, tmp_path: Path) -> AsyncIterator[Store]:
    async with Store.open(database.url, folder=tmp_path / ".orgsync") as opened:
        yield opened


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(project=tmp_path, webhook_allow_private=True)


@pytest.fixture
def receiver() -> Generator[Receiver]:
    with receiving() as opened:
        yield opened
