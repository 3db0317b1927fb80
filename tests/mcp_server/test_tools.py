"""The tools that agents have: what they read on both databases, and what no query talks them into."""

import json
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from mcp import Client
from mcp.types import TextContent

from orgsync.demo_org import DemoOrg
from orgsync.errors import ArgumentInvalid
from orgsync.mcp_server import mcp_server
from orgsync.project import open_view
from orgsync.settings import Settings
from orgsync.store.free_query import QueryBounds
from tests.postgres_server import lasting_database, new_database
from tests.projects import SampleProject, project_at
from tests.server.serving import contacts

Place = tuple[Path, DemoOrg, str]
"""Where a project is: its folder, its org, and the URL of its database."""

ENDLESS = "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n) SELECT count(*) AS c FROM n"


@asynccontextmanager
async def filled(place: Place) -> AsyncGenerator[SampleProject]:
    """A project with a copy of the contacts, which are read the first time."""
    folder, org, url = place
    async with project_at(folder, org, database_url=url) as project:
        if not await project.opened.store.runs.list(1):
            await project.run(contacts)
        yield project


def place_in(folder: Path, org: DemoOrg, url: str = "") -> Place:
    return folder, org, url or f"sqlite:///{folder / 'orgsync.db'}"


@pytest.fixture(scope="module")
def shared_org() -> Iterator[DemoOrg]:
    """The org behind the copies that tests share, who only read them."""
    with DemoOrg(contacts=25, accounts=5) as org:
        yield org


@pytest.fixture(scope="module")
def sqlite_place(tmp_path_factory: pytest.TempPathFactory, shared_org: DemoOrg) -> Place:
    return place_in(tmp_path_factory.mktemp("sqlite"), shared_org)


@pytest.fixture(scope="module")
def postgresql_place(tmp_path_factory: pytest.TempPathFactory, shared_org: DemoOrg) -> Iterator[Place]:
    with lasting_database(f"test_{uuid4().hex}") as url:
        yield place_in(tmp_path_factory.mktemp("postgresql"), shared_org, url)


@pytest_asyncio.fixture(params=["sqlite", "postgresql"])
async def project(request: pytest.FixtureRequest) -> AsyncGenerator[SampleProject]:
    """A project that other tests use too, to be read alone."""
    async with filled(request.getfixturevalue(f"{request.param}_place")) as found:
        yield found


@pytest_asyncio.fixture(params=["sqlite", "postgresql"])
async def own_project(request: pytest.FixtureRequest, tmp_path: Path, org: DemoOrg) -> AsyncGenerator[SampleProject]:
    """A project of the test's own, for it to change."""
    url = new_database(f"test_{uuid4().hex}") if request.param == "postgresql" else ""
    async with filled(place_in(tmp_path, org, url)) as found:
        yield found


@pytest_asyncio.fixture
async def on_sqlite(sqlite_place: Place) -> AsyncGenerator[SampleProject]:
    async with filled(sqlite_place) as found:
        yield found


@pytest_asyncio.fixture
async def on_postgresql(postgresql_place: Place) -> AsyncGenerator[SampleProject]:
    async with filled(postgresql_place) as found:
        yield found


async def called(project: SampleProject, tool: str, **arguments: Any) -> tuple[bool, str]:
    """Call a tool by the SDK's client; return whether it failed, and its text."""
    async with Client(mcp_server(project.opened.settings)) as client:
        answer = await client.call_tool(tool, arguments)
    [content] = answer.content
    assert isinstance(content, TextContent)
    return bool(answer.is_error), content.text


async def read(project: SampleProject, tool: str, **arguments: Any) -> Any:
    """Call a tool that is to succeed; return what it read."""
    failed, text = await called(project, tool, **arguments)
    assert not failed, text
    return json.loads(text)


async def test_every_tool_says_that_it_only_reads(project: SampleProject) -> None:
    async with Client(mcp_server(project.opened.settings)) as client:
        tools = (await client.list_tools()).tools
    assert {each.name for each in tools} == {"tables", "sql", "changes", "runs", "status"}
    assert all(each.annotations and each.annotations.read_only_hint and each.description for each in tools)


async def test_tables_and_their_rows_are_read(project: SampleProject) -> None:
    assert {"id", "last_name", "email"} <= set((await read(project, "tables"))["contact"])
    found = await read(project, "sql", query="SELECT id, last_name FROM contact WHERE last_name LIKE '%' ORDER BY id")
    assert found["columns"] == ["id", "last_name"]
    assert found["rows"] == sorted([row["id"], row["last_name"]] for row in (await project.live("contact")).values())
    assert not found["is_cut"]
    nothing = await read(project, "sql", query="SELECT id FROM contact WHERE id = 'none'")
    assert (nothing["columns"], nothing["rows"]) == (["id"], [])


async def test_the_number_to_follow_is_named_and_is_the_one_of_the_feed_in_sql(on_sqlite: SampleProject) -> None:
    async with Client(mcp_server(on_sqlite.opened.settings)) as client:
        [text] = [each.description or "" for each in (await client.list_tools()).tools if each.name == "changes"]
    assert "The number of a change is `sync_seq`" in text
    changes = (await read(on_sqlite, "changes", table="contact"))["changes"]
    feed = await read(on_sqlite, "sql", query="SELECT sync_seq FROM contact_changes ORDER BY sync_seq")
    assert [row["sync_seq"] for row in changes] == [number for (number,) in feed["rows"]]


async def test_changes_are_read_on_from_the_number_that_was_returned(own_project: SampleProject) -> None:
    first = await read(own_project, "changes", table="contact", limit=20)
    second = await read(own_project, "changes", table="contact", after=first["last"], limit=20)
    ids = [row["id"] for page in (first, second) for row in page["changes"]]
    assert sorted(ids) == sorted(await own_project.live("contact"))
    own_project.org.advance(minutes=10)
    own_project.org.delete("Contact", ids[0])
    await own_project.run(contacts)
    third = await read(own_project, "changes", table="Contact", after=second["last"], connection="acme")
    assert [(row["id"], row["sync_change"]) for row in third["changes"]] == [(ids[0], "deleted")]


async def test_runs_and_how_the_syncs_stand_are_read(project: SampleProject) -> None:
    [run] = await read(project, "runs", sync="contacts")
    assert (run["status"], run["added"], run["connection"]) == ("done", 25, "acme")
    [status] = await read(project, "status")
    assert (status["sync"], status["connection"], status["rows"]) == ("contacts", "acme", 25)


@pytest.mark.parametrize(
    ("names", "near"),
    [
        ({"sync": "contcts"}, "There is no sync 'contcts'; did you mean 'contacts'?"),
        ({"connection": "acmee", "sync": "contacts"}, "There is no connection 'acmee'; did you mean 'acme'?"),
    ],
)
async def test_runs_of_a_name_that_there_is_not_are_an_error_with_the_nearest(
    project: SampleProject, names: dict[str, str], near: str
) -> None:
    failed, text = await called(project, "runs", **names)
    assert (failed, near in text) == (True, True), text
    assert await read(project, "runs", sync="leads") == []  # which has not run yet


async def test_an_error_is_its_cause_and_remedy(project: SampleProject) -> None:
    failed, text = await called(project, "changes", table="contakt")
    assert failed
    assert "There is no record table 'contakt'" in text
    assert "did you mean 'contact'" in text
    assert "Traceback" not in text


async def test_an_unexpected_error_shows_its_type_alone(
    project: SampleProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        raise KeyError("a customer's name")

    monkeypatch.setattr("orgsync.mcp_server.status_view", fail)
    failed, text = await called(project, "status")
    assert (failed, "KeyError" in text, "customer" in text) == (True, True, False)


REFUSED_ON_BOTH = [
    "DELETE FROM contact",
    "UPDATE contact SET last_name = 'x'",
    "INSERT INTO contact (id) VALUES ('x')",
    "DROP TABLE contact",
    "CREATE TABLE x AS SELECT 1",
    "SELECT 1 AS a; SELECT 2 AS b",
    "SELECT id FROM contact; DELETE FROM contact",
    "SELECT secrets FROM orgsync_connection",
    "SELECT count(*) AS n FROM orgsync_connection",
    "SELECT id FROM contact WHERE EXISTS (SELECT 1 FROM orgsync_connection WHERE secrets IS NOT NULL)",
    "WITH c AS (SELECT * FROM orgsync_connection) SELECT count(*) AS n FROM c",
    "WITH orgsync_connection AS (SELECT 1 AS a) SELECT (SELECT count(*) FROM main.orgsync_connection) AS n",
    "SELECT digest FROM orgsync_api_token",
    "SELECT * FROM orgsync_webhook",
    "BEGIN",
    "VACUUM",
    "",
    "-- nothing",
]


@pytest.mark.parametrize("query", REFUSED_ON_BOTH)
async def test_what_is_more_than_reading_records_is_refused(project: SampleProject, query: str) -> None:
    failed, text = await called(project, "sql", query=query)
    assert (failed, "The query cannot be used: " in text) == (True, True), text
    assert len(await project.live("contact")) == 25


REFUSED_ON_SQLITE = [
    "ATTACH 'stolen.db' AS stolen",
    "VACUUM INTO 'stolen.db'",
    "PRAGMA query_only = OFF",
    "PRAGMA writable_schema = ON",
    "SELECT * FROM pragma_table_info('orgsync_connection')",
    "SELECT count(*) FROM pragma_table_list",
    "WITH pragma_table_list AS (SELECT 1) SELECT count(*) FROM main.pragma_table_list",
    "SELECT sql FROM sqlite_master",
    "SELECT count(*) FROM sqlite_schema",
    "SELECT load_extension('evil.so')",
    "SELECT fts3_tokenizer('simple')",
    "SELECT printf('%.*c', 100000000, 'x')",
    "SELECT format('%.*c', 100000000, 'x')",
    "SELECT zeroblob(1000000000)",
    "SELECT hex(randomblob(1000000000))",
    "REINDEX",
    "SAVEPOINT a",
    "CREATE TEMP VIEW v AS SELECT 1",
]


@pytest.mark.parametrize("query", REFUSED_ON_SQLITE)
async def test_what_sqlite_could_be_talked_into_is_refused(
    on_sqlite: SampleProject, query: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = on_sqlite.opened.settings.project
    monkeypatch.chdir(folder)
    failed, text = await called(on_sqlite, "sql", query=query)
    assert (failed, "The query cannot be used: " in text) == (True, True), text
    assert not (folder / "stolen.db").exists()


REFUSED_ON_POSTGRESQL = [
    "WITH gone AS (DELETE FROM contact RETURNING id) SELECT * FROM gone",
    "SELECT 1 AS a) AS q; DROP TABLE contact; SELECT * FROM (SELECT 1 AS b",
    "SELECT 1 AS a) AS z UNION SELECT 2 FROM (SELECT 1",
    "COPY contact TO '/tmp/stolen'",
    "SELECT * INTO stolen FROM contact",
    "SELECT * FROM contact FOR UPDATE",
    "TABLE orgsync_connection",
    "SELECT rolpassword FROM pg_catalog.pg_authid",
    "SELECT * FROM information_schema.tables",
    "SELECT pg_sleep(60)",
    'SELECT "pg_sleep"(60)',
    'SELECT pg_catalog . "pg_sleep" (60)',
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT * FROM pg_ls_dir('/')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT current_setting('data_directory')",
    "SELECT set_config('transaction_read_only', 'off', true)",
    "SELECT query_to_xml('SELECT * FROM orgsync_connection', true, true, '')",
    "SELECT ts_stat('SELECT secrets FROM orgsync_connection')",
    "SELECT ts_rewrite('a'::tsquery, 'SELECT secrets, secrets FROM orgsync_connection')",
    "SELECT nextval('orgsync_run_id_seq')",
    "SELECT pg_terminate_backend(1)",
    "SELECT repeat('x', 1000000000)",
    "SELECT $$x$$ AS a",
    r"SELECT E'\'' || pg_sleep(60) || '\'' AS a",
    r"""SELECT U&"\0071uery_to_xml"('SELECT secrets FROM orgsync_connection', true, true, '') AS a""",
    r"""SELECT U&"!0070g_read_file" UESCAPE '!' ('/etc/passwd') AS a""",
    r"""SELECT u&"pg\005fsleep"(60) AS a""",
    "SELECT id /* ' */ FROM contact",
    "SET ROLE postgres",
    "DO 'BEGIN END'",
    "SELECT 1 AS a, 2 AS a",
]


@pytest.mark.parametrize("query", REFUSED_ON_POSTGRESQL)
async def test_what_postgresql_could_be_talked_into_is_refused(on_postgresql: SampleProject, query: str) -> None:
    failed, text = await called(on_postgresql, "sql", query=query)
    assert (failed, "The query cannot be used: " in text) == (True, True), text
    assert len(await on_postgresql.live("contact")) == 25


async def test_a_function_of_somebodys_own_is_not_called(tmp_path: Path, org: DemoOrg) -> None:
    """It may read what it likes, and no plan shows it."""
    import psycopg

    async with filled(place_in(tmp_path, org, new_database(f"test_{uuid4().hex}"))) as project:
        with psycopg.connect(str(project.opened.settings.store_url), autocommit=True) as admin:
            admin.execute(
                "CREATE FUNCTION peek() RETURNS bigint LANGUAGE plpgsql STABLE AS "
                "'BEGIN RETURN (SELECT count(*) FROM orgsync_connection); END'"
            )
        failed, text = await called(project, "sql", query="SELECT peek() AS n")
    assert (failed, "peek does more than compute" in text) == (True, True)


def bounded(settings: Settings, query: str, **bounds: Any) -> Any:
    with open_view(settings) as view:
        return view.query(query, QueryBounds(**bounds))


async def test_a_query_that_does_not_end_is_stopped(project: SampleProject) -> None:
    from orgsync.errors import ArgumentInvalid

    with pytest.raises(ArgumentInvalid, match=r"takes longer than 0\.2 seconds"):
        bounded(project.opened.settings, ENDLESS, seconds=0.2)


async def test_many_rows_and_large_ones_are_cut_and_it_says_so(project: SampleProject) -> None:
    settings = project.opened.settings
    pairs = "SELECT a.id AS a, b.id AS b FROM contact a, contact b"
    found = await read(project, "sql", query=pairs)
    assert (len(found["rows"]), found["is_cut"]) == (200, True)
    few = bounded(settings, pairs, bytes=400)
    assert (0 < len(few.rows) < 15, few.is_cut) == (True, True)
    exact = bounded(settings, "SELECT id FROM contact", rows=25)
    assert (len(exact.rows), exact.is_cut) == (25, False)


async def test_a_query_of_its_own_names_is_run(project: SampleProject) -> None:
    named = "WITH named AS (SELECT id FROM contact) SELECT count(*) AS n FROM named"
    assert (await read(project, "sql", query=named))["rows"] == [[25]]
    ranked = "SELECT row_number() OVER (ORDER BY id) AS place, upper(id) AS id FROM contact LIMIT 2"
    assert [row[0] for row in (await read(project, "sql", query=ranked))["rows"]] == [1, 2]
    feed = "SELECT sync_change, count(*) AS n FROM contact_changes GROUP BY sync_change"
    assert (await read(project, "sql", query=feed))["rows"] == [["added", 25]]


async def test_the_clock_is_looked_at_often_and_over_all_pages(
    project: SampleProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = count()
    for database in ("sqlite", "postgres"):
        monkeypatch.setattr(f"orgsync.store.{database}.free_query.monotonic", lambda: float(next(looks)))
    many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 150) SELECT i FROM n"
    with open_view(project.opened.settings) as view:
        assert len(view.query(many, QueryBounds(seconds=1000)).rows) == 150
        with pytest.raises(ArgumentInvalid, match="takes longer than 10 seconds"):
            view.query(many, QueryBounds(seconds=10))


async def test_nothing_is_made_text_of_any_width(on_postgresql: SampleProject) -> None:
    failed, text = await called(on_postgresql, "sql", query="SELECT format('%900000000s', 'x')")
    assert failed
    assert "format does more than compute" in text
