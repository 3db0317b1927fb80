"""A database that goes away while workers work: they wait, and come back."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from anyio import to_thread

from orgsync.demo_org import DemoOrg
from tests.postgres_server import PostgresServer

from .fleets import ACCOUNTS, fleet_at


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    with TemporaryDirectory(prefix="orgsync-postgres-") as folder:
        made = PostgresServer(Path(folder))
        made.make()
        made.start()
        made.execute("CREATE DATABASE {}", "copies")
        try:
            yield made
        finally:
            if made.is_up():
                made.stop()


async def test_a_worker_whose_database_goes_away_waits_and_comes_back(
    tmp_path: Path, org: DemoOrg, server: PostgresServer
) -> None:
    url = server.url("copies", connect_within="1")
    async with fleet_at(tmp_path, org, url=url) as fleet:
        fleet.write("accounts.py", ACCOUNTS.replace("15m", "1s"))
        async with fleet.worker() as worker:
            await fleet.ran(1)
            await to_thread.run_sync(server.kill)
            await to_thread.run_sync(server.start)
            seen = len(await fleet.runs())
            await fleet.ran(seen + 2)
            assert worker.plans
