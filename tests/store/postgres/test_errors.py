"""What a server, the network or a URL does wrong is said in two sentences, and never with the password."""

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

import psycopg
import pytest
from anyio import create_task_group, create_tcp_listener
from anyio.abc import SocketAttribute, SocketStream
from psycopg import OperationalError
from psycopg.conninfo import conninfo_to_dict

from orgsync.errors import OrgsyncError, SettingInvalid, StoreUnavailable
from orgsync.records import Position
from orgsync.store import Store, Write, backends, open_view
from orgsync.store.postgres import errors, refusals
from orgsync.store.postgres.address import address
from tests.postgres_server import PASSWORD, PostgresServer, shared_server
from tests.store.contacts import CONTACT, contact, deliver, names
from tests.store.databases import PostgresDatabase
from tests.store.running import running

SECRET = "s3cret"


async def refused(url: str, folder: Path) -> OrgsyncError:
    """Open a store and a view; return the error, which is the same for both and has no password in it."""
    with pytest.raises(OrgsyncError) as by_store:
        async with Store.open(url, folder=folder):
            pass
    with pytest.raises(OrgsyncError) as by_view, open_view(url, folder=folder):
        pass
    assert str(by_view.value) == str(by_store.value)
    assert SECRET not in str(by_store.value)
    return by_store.value


@pytest.mark.parametrize(
    ("url", "reported"),
    [
        ("postgresql://ann:s3cret@host", "names no database"),
        ("postgresql://ann:s3cret@host:port/db", "host or port"),
        ("postgresql://ann:s3cret@host:99999/db", "host or port"),
        ("postgresql://ann:s3cret%zz@host/db", "write %, @, /, :, ?, # and"),
        ("postgresql://ann:s3cret@host/db?sslmod=require", "'sslmod' is not an option"),
        ("postgresql://ann:s3cret@host/db?pool_size=many", "pool_size is not a whole number"),
        ("postgresql://ann:s3cret@host/db?pool_size=0", "pool_size is not a whole number"),
        ("postgresql://ann:s3cret@host/db?idle_transaction_timeout=2147484", "a whole number from 1 to 2147483"),
        ("postgresql://ann:s3cret@host/db?connect_timeout=soon", "connect_timeout is not a whole number"),
        ("postgresql://ann:s3cret@host:0/db", "host or port"),
        ("postgresql://ann:s3cret@one:5432,two:port/db", "host or port"),
        ("postgresql://ann:se#s3cret@host/db", "%3F, %23, %20"),
        ("postgresql://ann:12#s3cret@host/db", "%3F, %23, %20"),
        ("postgresql://ann:se?s3cret@host/db", "%3F, %23, %20"),
        ("postgresql://ann:12?s3cret@host/db", "%3F, %23, %20"),
        ("postgresql://ann:12/se?s3cret@host/db", "%3F, %23, %20"),
        ("postgresql://ann:s3cret s3cret@host/db", "%3F, %23, %20"),
        ("postgresql//ann:s3cret@host/db", "no :// behind postgresql"),
        (" postgresql://ann:s3cret@host/db", "has a space or a line break"),
        ("postgresql://ann:s3cret@host/db\n", "has a space or a line break"),
        ("postgresql://ann:s3cret%zz@host/db", "has a % that encodes nothing"),
        ("postgresql://ann:s3cret@host/db&sslmode=require", "they begin with ?. Write"),
        ("postgresql://ann@host/db;password=s3cret", "they begin with ?. Write"),
        ("postgresql://ann@host/db?s3cret", "it has an option that there is not"),
        ("postgresql://ann@host/db?s3cret=12", "it has an option that there is not"),
        ("postgresql://ann:s3cret@host/db?sslmod=require", "did you mean 'sslmode'?"),
        ("postgresql://ann:s3cret@host/db?search_path=acme", "'search_path' is not an option"),
        ("postgresql://ann:s3cret@host/db?search_path=acme", "options=-csearch_path%3DNAME"),
        ("postgresql+asyncpg://ann:s3cret@host/db", "the kind 'postgresql+asyncpg'"),
        ("'postgresql://ann:s3cret@host/db'", "or PostgreSQL, postgresql://user@host/database"),
        ("host=one user=ann password=s3cret dbname=db", "or PostgreSQL, postgresql://user@host/database"),
    ],
)
async def test_a_url_with_a_mistake_is_refused_before_anything_is_connected(
    url: str, reported: str, tmp_path: Path
) -> None:
    problem = await refused(url, tmp_path)
    assert isinstance(problem, SettingInvalid)
    assert reported in str(problem)


async def test_of_several_hosts_the_one_that_answers_is_taken(server: PostgresServer, tmp_path: Path) -> None:
    for there in (
        "postgresql://postgres:{password}@127.0.0.1:1,127.0.0.1:{port}/postgres?target_session_attrs=read-write",
        "postgresql://postgres:{password}@/postgres?host=127.0.0.1,127.0.0.1&port=1,{port}",
    ):
        async with Store.open(there.format(port=server.port, password=PASSWORD), folder=tmp_path):
            pass
    problem = await refused("postgresql://ann:s3cret@127.0.0.1:1,[::1]:2/db", tmp_path)
    assert "postgresql://ann@127.0.0.1:1,[::1]:2/db is down" in str(problem)


@pytest.mark.parametrize(("option", "seconds"), [("", "10"), ("?connect_timeout=3", "3")])
def test_how_long_to_wait_for_a_connection_is_the_urls_word(option: str, seconds: str) -> None:
    assert conninfo_to_dict(address(f"postgresql://ann@host/db{option}").conninfo)["connect_timeout"] == seconds


def test_how_long_to_wait_for_a_connection_may_be_said_as_for_any_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGCONNECT_TIMEOUT", "3")
    assert "connect_timeout" not in address("postgresql://ann@host/db").conninfo


def test_a_plus_in_an_option_is_a_plus() -> None:
    assert conninfo_to_dict(address("postgresql://ann@host/db?password=a+b").conninfo)["password"] == "a+b"


async def test_without_the_driver_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(_name: str) -> None:
        return None

    monkeypatch.setattr(backends, "find_spec", nothing)
    assert "pip install 'orgsync[postgres]'" in str(await refused("postgresql://ann:s3cret@host/db", tmp_path))


@pytest.fixture
def server() -> PostgresServer:
    return shared_server()


def by_tcp(server: PostgresServer) -> str:
    return f"postgresql://postgres:{PASSWORD}@127.0.0.1:{server.port}/postgres"


@pytest.mark.parametrize(
    ("url", "reported"),
    [
        ("postgresql://postgres:s3cret@127.0.0.1:{port}/postgres", "does not accept this user with this password"),
        ("postgresql://nobody:s3cret@127.0.0.1:{port}/postgres", "it does not say which of the two is wrong"),
        ("postgresql://postgres@127.0.0.1:{port}/postgres", "asks for a password"),
        ("postgresql://postgres:{password}@127.0.0.1:{port}/nowhere", "does not have the database"),
        ("postgresql://nobody@/postgres?host={folder}&port={port}", "does not know the user"),
        ("postgresql://ann:s3cret@127.0.0.1:1/db", "is down, or listens on another"),
        ("postgresql://ann:s3cret@host.invalid/db", "cannot be found by its name"),
        ("postgresql://ann:s3cret@127.0.0.1:{port}/db?sslmode=require", "do not agree about TLS"),
        ("postgresql://ann:s3cret@/db?host=/nowhere", "has no socket there"),
        ("postgresql://postgres@/postgres?host={folder}&port={port}&options=-csearch_path", "requires a value"),
        ("postgresql://postgres@/postgres?host={folder}&port={port}&options=-cnone%3D1", "take the options in the URL"),
        ("postgresql://postgres@/postgres?host={folder}&port={port}&options=-cwork_mem%3Dx", "options in the URL"),
        (
            "postgresql://postgres@/postgres?host={folder}&port={port}&options=-cstatement_timeout%3Dx",
            "does not take the options in the URL",
        ),
    ],
)
async def test_a_server_that_lets_nobody_in_is_explained(
    url: str, reported: str, server: PostgresServer, tmp_path: Path
) -> None:
    there = url.format(port=server.port, folder=server.folder, password=PASSWORD)
    problem = await refused(there, tmp_path)
    assert reported in str(problem)
    assert PASSWORD not in str(problem)


async def test_a_password_that_has_expired_is_among_the_causes_of_a_refused_one(
    server: PostgresServer, empty_database: PostgresDatabase, tmp_path: Path
) -> None:
    role, database = f"role_{uuid4().hex}", empty_database
    database.execute("GRANT ALL ON SCHEMA public TO PUBLIC")
    database.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{SECRET}' VALID UNTIL '2020-01-01'")
    url = f"postgresql://{role}:{SECRET}@127.0.0.1:{server.port}/{database.url.partition('?')[0].rpartition('/')[2]}"
    problem = await refused(url, tmp_path)
    assert "this user with this password" in problem.cause
    assert "has expired" in problem.remedy
    _, found, after = problem.remedy.partition("ALTER ROLE")
    database.execute(found + after.partition(" renews it")[0])
    async with Store.open(url, folder=tmp_path):
        pass


@pytest.mark.parametrize(
    ("option", "cause", "allowed"),
    [
        ("sslmode=requir", "sslmode", "sslmode=require."),
        ("sslmode=on", "sslmode", "disable, allow, prefer, require, verify-ca, verify-full"),
        ("target_session_attrs=readwrite", "target_session_attrs", "any, read-write, read-only"),
        ("ssl_min_protocol_version=1.2", "ssl_min_protocol_version", "TLSv1.2"),
        ("keepalives_idle=soon", "keepalives_idle", "a whole number"),
    ],
)
async def test_a_value_that_an_option_cannot_have_is_named_with_those_that_it_can(
    option: str, cause: str, allowed: str, server: PostgresServer, tmp_path: Path
) -> None:
    problem = await refused(f"{by_tcp(server)}?{option}", tmp_path)
    assert isinstance(problem, SettingInvalid)
    assert f"option {cause} " in problem.cause
    assert repr(option.partition("=")[2]) in problem.cause
    assert allowed in problem.remedy


async def test_a_variable_whose_value_libpq_does_not_know_is_named_as_that(
    server: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGSSLMODE", "requir")
    assert "The variable PGSSLMODE" in (await refused(server.url("postgres"), tmp_path)).cause


@pytest.mark.parametrize(
    ("set_up", "reported"),
    [
        ("ALTER ROLE {role} NOLOGIN", "does not let this role log in"),
        ("ALTER DATABASE {database} ALLOW_CONNECTIONS false", "has closed this database to connections"),
        ("REVOKE CONNECT ON DATABASE {database} FROM PUBLIC", "does not let this role into the database"),
        ("ALTER ROLE {role} CONNECTION LIMIT 0", "takes no more connections of this role"),
        ("ALTER DATABASE {database} CONNECTION LIMIT 0", "takes no more connections of this role, or to this database"),
    ],
)
async def test_what_keeps_a_role_out_of_a_database_that_is_there_is_named(
    set_up: str, reported: str, server: PostgresServer, database: PostgresDatabase, tmp_path: Path
) -> None:
    name = database.url.partition("?")[0].rpartition("/")[2]
    role = f"role_{uuid4().hex}"
    with psycopg.connect(server.url("postgres"), autocommit=True) as administrator:
        administrator.execute(f"CREATE ROLE {role} LOGIN".encode())
        administrator.execute(set_up.format(role=role, database=name).encode())
    url = database.url.replace("postgres@", f"{role}@")
    problem = await refused(f"{url}&connect_timeout=2", tmp_path)
    assert reported in str(problem)


@pytest.mark.parametrize(
    ("said", "waits"),
    [
        ("FATAL:  the database system is not yet accepting connections", True),
        ("FATAL:  the database system is not accepting connections", True),
        ("FATAL:  the database system is starting up", True),
        ('FATAL:  too many connections for role "ann"', True),
        ("FATAL:  no more connections allowed (max_client_conn)", True),
        ('FATAL:  database "db" is not currently accepting connections', False),
        ("No such file or directory\n\tIs the server running locally and accepting connections on that socket?", False),
        ("Connection refused\n\tIs the server running on that host and accepting TCP/IP connections?", False),
    ],
)
def test_a_server_is_waited_for_where_it_will_answer_soon(said: str, waits: bool) -> None:
    assert refusals.may_pass(OperationalError(f"connection failed: {said}")) is waits


async def test_a_password_may_be_anywhere_and_is_shown_nowhere(server: PostgresServer, tmp_path: Path) -> None:
    async with Store.open(by_tcp(server), folder=tmp_path) as store:
        with pytest.raises(OrgsyncError) as caught:
            await store.connections.get("acme")
    assert PASSWORD not in str(caught.value)
    assert PASSWORD not in repr(address(by_tcp(server)))


async def test_a_server_that_is_too_old_is_refused(
    database: PostgresDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(errors, "_OLDEST", 990_000)
    assert "older than orgsync works with" in str(await refused(database.url, tmp_path))


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
async def test_a_database_that_cannot_hold_every_text_is_refused(
    encoding: str, server: PostgresServer, tmp_path: Path
) -> None:
    name = f"encoded_{uuid4().hex}"
    with psycopg.connect(server.url("postgres"), autocommit=True) as raw:
        raw.execute(f"CREATE DATABASE {name} ENCODING '{encoding}' TEMPLATE template0".encode())
    try:
        problem = await refused(server.url(name), tmp_path)
    finally:
        server.execute("DROP DATABASE {} WITH (FORCE)", name)
    assert encoding in str(problem)
    assert "ENCODING 'UTF8'" in problem.remedy


async def test_texts_arrive_whatever_encoding_other_clients_are_told_to_use(
    database: PostgresDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    async with Store.open(database.url, folder=tmp_path) as store, running(store) as run:
        await deliver(store, run, [contact("a", name="小平市")])
        assert await names(store) == {"a": "小平市"}


async def test_a_role_that_may_not_make_tables_gets_the_statements_for_an_administrator(
    empty_database: PostgresDatabase, server: PostgresServer, tmp_path: Path
) -> None:
    role = empty_database.url.partition("?")[0].rpartition("/")[2].replace("test_", "role_")
    empty_database.execute(f"CREATE ROLE {role} LOGIN")
    url = empty_database.url.replace("postgres@", f"{role}@")
    with pytest.raises(StoreUnavailable, match="permission denied for schema public") as caught:
        async with Store.open(url, folder=tmp_path):
            pass
    assert f'GRANT USAGE, CREATE ON SCHEMA "public" TO "{role}";' in caught.value.remedy
    empty_database.execute(f'GRANT USAGE, CREATE ON SCHEMA "public" TO "{role}"')
    async with Store.open(url, folder=tmp_path) as store, running(store) as run:
        await deliver(store, run, [contact("a")])
        with pytest.raises(StoreUnavailable) as caught:
            async with store.sandbox():
                pass
        assert "GRANT CREATE ON DATABASE" in caught.value.remedy


async def test_a_schema_that_is_not_there_is_named(database: PostgresDatabase, tmp_path: Path) -> None:
    url = f"{database.url}&options=-csearch_path%3Dproject_a"
    with pytest.raises(StoreUnavailable, match="CREATE SCHEMA"):
        async with Store.open(url, folder=tmp_path):
            pass


@pytest.mark.parametrize(
    ("path", "schema"),
    [
        ('"a""b"', 'a"b'),
        ('"a""b", public', 'a"b'),
        ('""""', '"'),
        ('"Project A"', "Project A"),
        ("Project_A,public", "project_a"),
        ("ÄB", "Äb"),
        ("a.b", "a.b"),
        ('"$User"', "$User"),
        ("x" * 70, "x" * 63),
    ],
)
async def test_a_schema_of_any_name_is_the_one_that_the_url_names(
    database: PostgresDatabase, tmp_path: Path, path: str, schema: str
) -> None:
    given = re.sub(r"([\\\s])", r"\\\1", path)  # libpq parts options by spaces
    url = f"{database.url}&options={quote(f'-csearch_path={given}', safe='')}"
    with pytest.raises(StoreUnavailable) as missing:
        async with Store.open(url, folder=tmp_path):
            pass
    quoted = '"' + schema.replace('"', '""') + '"'
    assert f"CREATE SCHEMA {quoted};" in missing.value.remedy
    database.execute(f"CREATE SCHEMA {quoted}")
    async with Store.open(url, folder=tmp_path) as store, running(store) as run:
        await deliver(store, run, [contact("a")])
        with open_view(url, folder=tmp_path) as view:
            assert view.has_tables
        async with store.sandbox() as copy:
            assert set(await names(copy)) == {"a"}
    found = "SELECT nspname FROM pg_namespace AS n JOIN pg_class AS c ON n.oid = relnamespace WHERE relname = 'contact'"
    assert database.execute(found) == [(schema,)]


async def test_projects_in_schemas_of_one_database_do_not_mix(database: PostgresDatabase, tmp_path: Path) -> None:
    for name in ("a", "b"):
        database.execute(f"CREATE SCHEMA project_{name}")
        url = f"{database.url}&options=-csearch_path%3Dproject_{name}"
        async with Store.open(url, folder=tmp_path) as store, running(store) as run:
            await deliver(store, run, [contact(name)])
            assert set(await names(store)) == {name}
            async with store.sandbox() as copy:
                assert set(await names(copy)) == {name}
    assert database.execute("SELECT id FROM project_a.contact_changes") == [("a",)]
    left = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'orgsync_copy%'"
    assert database.execute(left) == [(0,)]


async def test_a_dry_runs_copy_that_another_role_left_is_that_roles_to_drop(
    empty_database: PostgresDatabase, tmp_path: Path
) -> None:
    role = f"role_{uuid4().hex}"
    empty_database.execute(f"CREATE ROLE {role} LOGIN")
    empty_database.execute(f"GRANT USAGE, CREATE ON SCHEMA public TO {role}")
    name = empty_database.url.partition("?")[0].rpartition("/")[2]
    empty_database.execute(f"GRANT CREATE ON DATABASE {name} TO {role}")
    for copy, owner in (("orgsync_copy_a", "postgres"), ("orgsync_copy_b", role)):
        empty_database.execute(f"CREATE SCHEMA {copy} AUTHORIZATION {owner}")
    async with (
        Store.open(empty_database.url.replace("postgres@", f"{role}@"), folder=tmp_path) as store,
        store.sandbox(),
    ):
        pass
    left = empty_database.execute(r"SELECT nspname::text FROM pg_namespace WHERE nspname LIKE 'orgsync\_copy%'")
    assert left == [("orgsync_copy_a",)]


async def test_a_full_disk_leaves_nothing_of_the_batch(database: PostgresDatabase, tmp_path: Path) -> None:
    async with Store.open(database.url, folder=tmp_path) as store, running(store) as run:
        await deliver(store, run, [contact("a")])
        database.execute(
            "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE 'could not extend file' USING ERRCODE = '53100'; END $$"
        )
        database.execute("CREATE TRIGGER full_disk BEFORE INSERT ON contact EXECUTE FUNCTION full_disk()")
        with pytest.raises(StoreUnavailable, match="its disk is full"):
            await deliver(store, run, [contact("b")])
        database.execute("DROP TRIGGER full_disk ON contact")
        assert set(await names(store)) == {"a"}
        await deliver(store, run, [contact("b")])
        assert set(await names(store)) == {"a", "b"}


async def test_a_fault_of_the_server_that_has_no_words_of_ours_is_told_in_its_own(
    database: PostgresDatabase, tmp_path: Path
) -> None:
    async with Store.open(database.url, folder=tmp_path) as store, running(store) as run:
        await deliver(store, run, [contact("a")])
        database.execute(
            "CREATE FUNCTION faulty() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_read_file('lost'); END $$"
        )
        database.execute("CREATE TRIGGER faulty BEFORE INSERT ON contact EXECUTE FUNCTION faulty()")
        with pytest.raises(StoreUnavailable, match='fault of its own: could not open file "lost"') as caught:
            await deliver(store, run, [contact("b")])
        assert "See its log, and its disk" in caught.value.remedy


CUT = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE pid <> pg_backend_pid() AND datname = current_database()"
)


async def test_idle_connections_that_the_server_has_cut_are_replaced(
    database: PostgresDatabase, tmp_path: Path
) -> None:
    async with Store.open(database.url, folder=tmp_path) as store, running(store) as run:
        await deliver(store, run, [contact("a")])
        database.execute(CUT)
        await deliver(store, run, [contact("b")])
        assert set(await names(store)) == {"a", "b"}
        async with store.session():
            pass


async def test_a_batch_whose_connection_is_cut_each_time_leaves_nothing_and_the_next_run_continues(
    database: PostgresDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Store.open(database.url, folder=tmp_path) as store, running(store) as run:
        await store.rows.commit(run, [Write(CONTACT, [contact("a")])], Position("contact", None, {"page": 1}), 0)
        before = in_the_middle(monkeypatch, lambda: database.execute(CUT))
        with pytest.raises(StoreUnavailable, match=r"ended the connection|was cut"):
            await store.rows.commit(run, [Write(CONTACT, [contact("b")])], Position("contact", None, {"page": 2}), 0)
        before()
        assert set(await names(store)) == {"a"}
        assert (await store.runs.checkpoints("contacts", "acme"))["contact"].position == {"page": 1}
        await store.rows.commit(run, [Write(CONTACT, [contact("b")])], Position("contact", None, {"page": 2}), 0)
        assert set(await names(store)) == {"a", "b"}


def in_the_middle(monkeypatch: pytest.MonkeyPatch, do: Callable[[], object]) -> Callable[[], None]:
    """Do something in the middle of the next batch; return what ends that."""
    from orgsync.store.postgres.change_numbers import ChangeNumbers

    take = ChangeNumbers.take

    async def taken(numbers: ChangeNumbers, size: int) -> int:
        first = await take(numbers, size)
        do()
        return first

    monkeypatch.setattr(ChangeNumbers, "take", taken)
    return lambda: monkeypatch.setattr(ChangeNumbers, "take", take)


async def test_a_name_that_postgres_would_cut_off_is_refused(database: PostgresDatabase, tmp_path: Path) -> None:
    from orgsync.errors import RecordClassInvalid
    from orgsync.records import Record, schema_of

    class Long(Record, table=True):
        __tablename__ = "t" * 56
        name: str | None

    class Wide(Record, table=True):
        __annotations__ = {"f" * 64: str | None}

    async with Store.open(database.url, folder=tmp_path) as store:
        for model in (Long, Wide):
            with pytest.raises(RecordClassInvalid, match="longer than"):
                await store.rows.prepare(schema_of(model))


async def test_a_backup_is_refused_and_names_the_tools_of_the_server(store: Store, url: str, tmp_path: Path) -> None:
    place = tmp_path / "kept.db"
    with open_view(url, folder=tmp_path) as view, pytest.raises(StoreUnavailable, match="pg_dump") as refusal:
        view.back_up(place, lambda _copied, _total: None)
    assert "pg_restore" in str(refusal.value)
    assert "--schema=public" in str(refusal.value)
    assert not place.exists()


async def test_a_port_that_something_other_than_postgresql_listens_on_is_named_as_that(tmp_path: Path) -> None:
    async def answer(stream: SocketStream) -> None:
        async with stream:
            await stream.receive()
            await stream.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with await create_tcp_listener(local_host="127.0.0.1") as listener, create_task_group() as group:
        group.start_soon(listener.serve, answer)
        port = listener.extra_attributes[SocketAttribute.local_port]()
        url = f"postgresql://ann:{SECRET}@127.0.0.1:{port}/db"
        with pytest.raises(StoreUnavailable, match="does not speak as PostgreSQL does"):
            async with Store.open(url, folder=tmp_path):
                pass
        group.cancel_scope.cancel()
