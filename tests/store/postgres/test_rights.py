"""A role that lacks rights gets statements which, run as they are printed by an administrator, are enough."""

from datetime import datetime
from decimal import Decimal
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

import pytest

from orgsync.errors import OrgsyncError, StoreUnavailable
from orgsync.records import Record, schema_of
from orgsync.store import Store, Write, open_view
from orgsync.store.backends import missing_rights, open_move_end
from orgsync.store.move_types import MoveState
from orgsync.workers.queue import JobQueue
from tests.store.contacts import contact, deliver, names
from tests.store.databases import PostgresDatabase
from tests.store.running import running


class Wider(Record, table=True):
    __tablename__ = "contact"  # as the class Contact has it, with a field more

    name: str | None
    age: int | None
    score: float | None
    active: bool | None
    amount: Decimal | None
    seen_at: datetime | None
    labels: list[str] | None
    email: str | None


WIDER = schema_of(Wider)


def role_in(database: PostgresDatabase, name: str = "") -> tuple[str, str]:
    """Make a role without any right of its own in a database, and give its name and its URL."""
    role = name or f"role_{uuid4().hex}"
    named = role.replace('"', '""')
    database.execute(f'CREATE ROLE "{named}" LOGIN')
    database.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
    there = database.url.partition("?")[0].rpartition("/")[2]
    database.execute(f"REVOKE TEMPORARY ON DATABASE {there} FROM PUBLIC")
    return role, database.url.replace("postgres@", f"{quote(role)}@")


def owner_of(database: PostgresDatabase) -> str:
    """Make a role that owns the database and may make roles, as many hosts give to administrators; give its name."""
    owner = f"owner_{uuid4().hex}"
    there = database.url.partition("?")[0].rpartition("/")[2]
    database.execute(f"CREATE ROLE {owner} LOGIN CREATEROLE")
    database.execute(f"ALTER DATABASE {there} OWNER TO {owner}")
    return owner


def run_as_printed(database: PostgresDatabase, problem: OrgsyncError, *, by: str = "postgres") -> str:
    """Run what a remedy says as an administrator, and return it."""
    _, found, script = problem.remedy.partition("an administrator run there: ")
    assert found, problem
    database.execute(f"SET ROLE {by}; {script}")
    return script


async def refused(url: str, folder: Path) -> OrgsyncError:
    with pytest.raises(StoreUnavailable) as caught:
        async with Store.open(url, folder=folder):
            pass
    return caught.value


async def require_all_works(url: str, folder: Path) -> None:
    """Do what needs a right: make tables, write to them, try a dry run, and open the queue of workers twice."""
    async with Store.open(url, folder=folder) as store:
        async with running(store) as run:
            await deliver(store, run, [contact("a"), *(contact(f"{number:03}") for number in range(600))])
        async with store.sandbox() as copy:
            assert "a" in await names(copy)
        for _ in range(2):
            async with JobQueue.open(store) as queue:
                assert await queue.receive(1) == []
    assert missing_rights(url) is not None
    assert [each for each in [missing_rights(url)] if each and each.script] == []


@pytest.mark.parametrize("role", ["", 'Ann "A" 50%'])
@pytest.mark.parametrize("schema", ["", 'Project "A" 5%', "orgsync"])
async def test_one_list_of_statements_is_enough_for_a_role_that_has_no_right(
    empty_database: PostgresDatabase, tmp_path: Path, role: str, schema: str
) -> None:
    _, url = role_in(empty_database, role and f"{role}{uuid4().hex}")
    if schema:
        given = '"' + schema.replace('"', '""').replace(" ", "\\ ") + '"'  # libpq parts options by spaces
        url += f"&options={quote(f'-csearch_path={given}', safe='')}"
    problem = await refused(url, tmp_path)
    with pytest.raises(StoreUnavailable) as by_view, open_view(url, folder=tmp_path):
        pass
    assert str(by_view.value) == str(problem)
    run_as_printed(empty_database, problem)
    await require_all_works(url, tmp_path)


@pytest.mark.parametrize("schema", ["", "project_a"])
async def test_the_owner_of_a_database_may_run_the_statements_without_being_a_superuser(
    empty_database: PostgresDatabase, tmp_path: Path, schema: str
) -> None:
    _, url = role_in(empty_database)
    owner = owner_of(empty_database)
    problem = await refused(f"{url}&options=-csearch_path%3D{schema}" if schema else url, tmp_path)
    run_as_printed(empty_database, problem, by=owner)
    await require_all_works(f"{url}&options=-csearch_path%3D{schema}" if schema else url, tmp_path)


async def test_an_owner_of_a_database_gives_what_it_owns_itself_after_the_first_statement_that_is_printed(
    empty_database: PostgresDatabase, tmp_path: Path
) -> None:
    role, url = role_in(empty_database)
    owner = owner_of(empty_database)
    empty_database.execute(f"GRANT {role} TO {owner} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE")  # as who has made it
    async with Store.open(url.replace(url.partition("@")[0], f"postgresql://{owner}"), folder=tmp_path) as store:
        async with running(store) as run:
            await deliver(store, run, [contact("a")])
        async with JobQueue.open(store):
            pass
    problem = await refused(url, tmp_path)
    first = problem.remedy.partition("/* first, unless you are a superuser: ")[2].partition(" */")[0]
    assert first.startswith("GRANT ")
    empty_database.execute(f"SET ROLE {owner}; {first}")
    run_as_printed(empty_database, problem, by=owner)
    await require_all_works(url, tmp_path)


async def test_the_tables_that_another_role_has_made_are_in_the_list(
    database: PostgresDatabase, tmp_path: Path
) -> None:
    async with Store.open(database.url, folder=tmp_path) as store:
        async with running(store) as run:
            await deliver(store, run, [contact("a")])
        async with JobQueue.open(store):
            pass
    database.execute("CREATE TABLE mine (id int)")
    database.execute("CREATE VIEW of_mine AS SELECT * FROM mine")
    role, url = role_in(database)
    script = run_as_printed(database, await refused(url, tmp_path))
    assert f'ALTER SCHEMA "orgsync_queue" OWNER TO "{role}";' in script
    others = "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND NOT pg_has_role(?, "
    others += "relowner, 'USAGE') ORDER BY 1"
    assert database.execute(others, role) == [("mine",), ("of_mine",)]
    await require_all_works(url, tmp_path)
    async with Store.open(url, folder=tmp_path) as store, running(store) as run:
        await store.rows.prepare(WIDER)
        await store.rows.commit(run, [Write(WIDER, [(*contact("a"), "ann@example.com")])], None, 0)
    assert database.execute("SELECT email FROM contact_changes WHERE id = 'a'") == [("ann@example.com",)]


async def test_a_role_with_grants_alone_works_until_a_table_is_to_be_changed(
    database: PostgresDatabase, tmp_path: Path
) -> None:
    async with Store.open(database.url, folder=tmp_path) as store, running(store) as run:
        await deliver(store, run, [contact("a")])
    role, url = role_in(database)
    there = database.url.partition("?")[0].rpartition("/")[2]
    database.execute(f"GRANT TEMPORARY ON DATABASE {there} TO {role}")
    database.execute(f"GRANT USAGE ON SCHEMA public TO {role}")
    database.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}")
    database.execute(f"GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {role}")
    async with Store.open(url, folder=tmp_path) as store:
        async with running(store) as run:
            await deliver(store, run, [contact("b")])
        with pytest.raises(StoreUnavailable, match="must be owner of table contact") as caught:
            await store.rows.prepare(WIDER)
        run_as_printed(database, caught.value)
        await store.rows.prepare(WIDER)
    await require_all_works(url, tmp_path)


@pytest.mark.parametrize("is_superuser", [True, False])
async def test_another_right_is_not_asked_for_in_orgsyncs_name(
    empty_database: PostgresDatabase, tmp_path: Path, is_superuser: bool
) -> None:
    database = empty_database
    role, url = role_in(database)
    if not is_superuser:
        run_as_printed(database, await refused(url, tmp_path))
        there = database.url.partition("?")[0].rpartition("/")[2]
        database.execute(f"REVOKE CREATE ON DATABASE {there} FROM {role}")
    async with Store.open(database.url if is_superuser else url, folder=tmp_path) as store:
        async with running(store) as run:
            await deliver(store, run, [contact("a")])
        database.execute(
            "CREATE FUNCTION strict() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE 'not on Sundays' USING ERRCODE = '42501'; END $$"
        )
        database.execute("CREATE TRIGGER strict BEFORE INSERT ON contact EXECUTE FUNCTION strict()")
        with pytest.raises(StoreUnavailable, match="not on Sundays") as caught:
            async with running(store) as run:
                await deliver(store, run, [contact("b")])
        assert "in a trigger of your own" in caught.value.remedy
        assert "GRANT" not in caught.value.remedy


def test_a_move_to_a_schema_gets_the_statements_for_that_schema(
    empty_database: PostgresDatabase, tmp_path: Path
) -> None:
    role, url = role_in(empty_database)
    empty_database.execute("CREATE SCHEMA project_a")
    empty_database.execute(f"GRANT USAGE ON SCHEMA project_a TO {role}")
    url += "&options=-csearch_path%3Dproject_a"
    with (
        pytest.raises(StoreUnavailable, match="permission denied for schema project_a") as refused,
        open_move_end(url, tmp_path) as end,
    ):
        end.begin_arrival(MoveState("1", "target", "copying", "elsewhere"))
    assert '"public"' not in run_as_printed(empty_database, refused.value)
    missing = missing_rights(url)
    assert missing is not None
    assert missing.script == ""


@pytest.mark.parametrize(
    ("set_up", "told", "undo"),
    [
        ("ALTER ROLE {role} SET search_path = nowhere", "nowhere, leads", "ALTER ROLE {role} RESET search_path;"),
        ("ALTER DATABASE {database} SET search_path = nowhere", "nowhere, l", "ALTER DATABASE {database} RESET"),
        (
            "ALTER ROLE {role} IN DATABASE {database} SET search_path = nowhere, elsewhere",
            "nowhere, elsewhere, leads",
            "ALTER ROLE {role} IN DATABASE {database} RESET search_path;",
        ),
    ],
)
async def test_a_search_path_of_the_roles_own_that_leads_nowhere_is_named(
    empty_database: PostgresDatabase, tmp_path: Path, set_up: str, told: str, undo: str
) -> None:
    role, url = role_in(empty_database)
    database = empty_database.url.partition("?")[0].rpartition("/")[2]
    empty_database.execute(set_up.format(role=role, database=database))
    problem = await refused(url, tmp_path)
    with pytest.raises(StoreUnavailable) as by_view, open_view(url, folder=tmp_path):
        pass
    assert str(by_view.value) == str(problem)
    assert 'has no schema "nowhere" that this role may use' in problem.cause
    assert told in problem.cause
    assert "public" not in str(problem)
    assert undo.format(role=f'"{role}"', database=f'"{database}"') in problem.remedy
    run_as_printed(empty_database, problem)
    await require_all_works(url, tmp_path)


async def test_an_empty_search_path_of_the_roles_own_is_named(empty_database: PostgresDatabase, tmp_path: Path) -> None:
    role, url = role_in(empty_database)
    empty_database.execute(f"ALTER ROLE {role} SET search_path = ''")
    problem = await refused(url, tmp_path)
    assert problem.cause.endswith("is empty.")
    assert f'ALTER ROLE "{role}" RESET search_path;' in problem.remedy
