"""The schema that the queue's tables are in: one for each project, which an administrator may have made."""

from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from orgsync.demo_org import DemoOrg
from orgsync.errors import StoreUnavailable
from orgsync.store.postgres.address import address
from tests.postgres_server import empty_database, shared_server

from .fleets import ACCOUNTS, fleet_at


def execute(url: str, sql: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as raw:
        cursor = raw.execute(sql.encode())
        return cursor.fetchall() if cursor.description else []


async def test_a_role_that_can_make_no_schema_works_in_the_one_that_the_message_asks_an_administrator_for(
    tmp_path: Path, org: DemoOrg
) -> None:
    database, role = empty_database(f"test_{uuid4().hex}"), f"role-{uuid4().hex}"
    execute(database, f'CREATE ROLE "{role}" LOGIN; GRANT USAGE, CREATE ON SCHEMA public TO "{role}"')
    async with fleet_at(tmp_path, org, url=database.replace("postgres@", f"{role}@")) as fleet:
        fleet.write("accounts.py", ACCOUNTS)
        with pytest.raises(StoreUnavailable) as refused:
            async with fleet.worker():
                pass
        statements = refused.value.remedy.removeprefix("Let an administrator run there: ")
        there = database.partition("?")[0].rpartition("/")[2]
        assert statements == f'/* for workers and dry runs: */ GRANT CREATE ON DATABASE "{there}" TO "{role}";'
        execute(database, statements)
        async with fleet.worker():
            await fleet.ran(1)


async def test_tables_of_an_older_procrastinate_and_half_made_ones_are_made_anew(tmp_path: Path, org: DemoOrg) -> None:
    async with fleet_at(tmp_path, org) as fleet:
        fleet.write("accounts.py", ACCOUNTS.replace("15m", "1s"))
        async with fleet.worker():
            await fleet.ran(1)
        execute(
            fleet.settings.store_url,
            "COMMENT ON SCHEMA orgsync_queue IS '1.0'; ALTER TABLE orgsync_queue.procrastinate_jobs DROP COLUMN args; "
            "DROP FUNCTION orgsync_queue.procrastinate_register_worker_v1",
        )
        seen = len(await fleet.runs())
        async with fleet.worker():
            await fleet.ran(seen + 1)


async def test_projects_in_schemas_of_one_database_plan_and_lock_for_themselves(tmp_path: Path, org: DemoOrg) -> None:
    database = empty_database(f"test_{uuid4().hex}")
    for name in ("Project A", "orgsync"):
        execute(database, f'CREATE SCHEMA "{name}"')
    urls = [database, *(f"{database}&options=-csearch_path%3D{each}" for each in ("%22Project%5C%20A%22", "orgsync"))]
    folders = [tmp_path / str(number) for number in range(3)]
    for folder in folders:
        folder.mkdir()
    async with (
        fleet_at(folders[0], org, url=urls[0]) as public,
        fleet_at(folders[1], org, url=urls[1]) as a,
        fleet_at(folders[2], org, url=urls[2]) as b,
    ):
        fleets = (public, a, b)
        for fleet in fleets:
            fleet.write("accounts.py", ACCOUNTS)
        async with public.worker() as first, a.worker() as second, b.worker() as third:
            for fleet in fleets:
                [run] = await fleet.ran(1)
                assert (run.status, run.added) == ("done", 5)
                assert len(await fleet.alive()) == 1
            assert [each.plans for each in (first, second, third)] == [True, True, True]
        async with public.project.store.lock("x", timeout=0), a.project.store.lock("x", timeout=0):
            pass
    queues = execute(database, "SELECT nspname FROM pg_namespace WHERE nspname LIKE '%queue' ORDER BY 1")
    assert len(queues) == 3


async def test_a_schema_that_the_role_chooses_has_a_queue_of_its_own(tmp_path: Path, org: DemoOrg) -> None:
    database, role = empty_database(f"test_{uuid4().hex}"), f"role_{uuid4().hex}"
    shared_server().execute("CREATE ROLE {} LOGIN SUPERUSER", role)
    execute(database, f"CREATE SCHEMA {role}")  # which "$user" in the search_path leads to
    async with fleet_at(tmp_path, org, url=database.replace("postgres@", f"{role}@")) as fleet:
        fleet.write("accounts.py", ACCOUNTS)
        async with fleet.worker():
            await fleet.ran(1)
    assert execute(database, f"SELECT to_regnamespace('{role}_queue') IS NOT NULL") == [(True,)]
    assert execute(database, "SELECT to_regnamespace('orgsync_queue') IS NULL") == [(True,)]


def test_the_schema_of_the_queue_is_never_that_of_the_project() -> None:
    def queue_of(schema: str) -> str:
        at = replace(address("postgresql://ann@host/db"), schema=schema)
        return at.for_queue()[1]

    long = "x" * 63
    assert queue_of("public") == "orgsync_queue"
    assert queue_of("project_a") == "project_a_queue"
    assert len({queue_of(each) for each in ("public", "orgsync", long, long[:-1])}) == 4
    assert all(len(queue_of(each).encode()) <= 63 for each in (long, "ä" * 31))
