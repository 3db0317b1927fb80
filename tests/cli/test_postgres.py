"""The command on a PostgreSQL database: what goes wrong with the server is told in two lines, without a password."""

from base64 import urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path
from secrets import token_bytes
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from orgsync.demo_org import DemoOrg, Fault
from orgsync.store.postgres import errors, holding_back
from tests.postgres_server import PASSWORD, PostgresServer, shared_server
from tests.raw_database import DATABASE_URL

from .commandline import Command, finished, started, variables_for

SECRET = "s3cret"


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    found = shared_server()
    yield found
    if not found.is_up():
        found.start()


@pytest.fixture(autouse=True)
def url(server: PostgresServer, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Keep the project in a database of the test's own."""
    with server.database(f"test_{uuid4().hex}") as made:
        monkeypatch.setenv(DATABASE_URL, made)
        yield made


def test_rows_runs_and_status_are_as_ever(orgsync: Command, acme: DemoOrg) -> None:
    [first] = orgsync("run", "contacts", "--json").objects()
    assert (first["status"], first["added"]) == ("done", 25)
    one, *_ = acme.rows("Contact")
    acme.update("Contact", str(one["Id"]), LastName="Østergård")
    [second] = orgsync("run", "contacts", "--json").objects()
    assert (second["added"], second["updated"]) == (0, 1)
    copied = {row["id"]: row["last_name"] for row in orgsync("records", "contact", "--format", "json").objects()}
    assert copied == {row["Id"]: row["LastName"] for row in acme.rows("Contact")}
    assert len(orgsync("records", "contact", "--changes", "--format", "json").objects()) == 25
    assert orgsync("doctor").code == 0
    assert orgsync("status").code == 0


@pytest.mark.parametrize("command", [("status",), ("doctor",)])
def test_what_holds_the_feed_back_is_named(
    orgsync: Command, acme: DemoOrg, url: str, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holding_back, "_SECONDS", 0)
    assert "held back" not in "".join((orgsync(*command).out, orgsync(*command).err))
    with psycopg.connect(url, application_name="nightly") as other:
        other.execute("UPDATE orgsync_sequence SET value = value")
        told, pid = orgsync(*command), other.info.backend_pid
    shown = " ".join((told.out + told.err).split())
    assert "nightly" in shown
    assert f"SELECT pg_terminate_backend({pid})" in shown


@pytest.mark.parametrize(
    ("wrong", "cause", "remedy"),
    [
        ("postgres//ann:s3cret@host/db", "no :// behind postgresql", "postgresql://user@host:5432/database"),
        ("postgresql:/ann:s3cret@host/db", "no :// behind postgresql", "postgresql://user@host:5432/database"),
        ("postgresql:///ann:s3cret@host/db", "cannot be read", "postgresql://user@host:5432/database"),
        ("postgresql://ann:12/s3cret@host/db", "cannot be read", "write %, @, /, :, ?, # and"),
        ("postgresq://ann:s3cret@host/db", "kind 'postgresq' are not", "postgresql://user@host/database"),
        ("postgresql://ann:s3cret@host:port/db", "host or port", "postgresql://user@host:5432/database"),
        ("postgresql://ann:s3cret@host/db?sslmod=require", "'sslmod' is not an option", "sslmode=verify-full"),
        (
            "postgresql://postgres:s3cret@127.0.0.1:{port}/postgres",
            "does not accept this user with this password",
            "PGPASSWORD",
        ),
        (
            "postgresql://postgres:{password}@127.0.0.1:{port}/nowhere",
            "does not have the database",
            'CREATE DATABASE "nowhere".',
        ),
        ("postgresql://ann:s3cret@127.0.0.1:1/db", "is down, or listens on another port", "host and port"),
    ],
)
def test_a_url_that_leads_nowhere_is_told_in_two_lines_by_every_command(
    orgsync: Command, server: PostgresServer, wrong: str, cause: str, remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DATABASE_URL, wrong.format(port=server.port, password=PASSWORD))
    for command in (("status",), ("run", "contacts"), ("runs",)):
        refused = orgsync(*command)
        assert refused.code == 2
        told, advice = refused.problem()
        assert cause in told
        assert remedy in advice
        assert SECRET not in refused.err + refused.out
        assert PASSWORD not in refused.err + refused.out
    assert SECRET not in orgsync("doctor").out


def test_a_server_that_is_too_old_is_refused(orgsync: Command, acme: DemoOrg, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(errors, "_OLDEST", 990_000)
    for command in (("status",), ("run", "contacts")):
        cause, remedy = orgsync(*command).problem()
        assert "older than orgsync works with" in cause
        assert "14 or newer" in remedy


def test_a_role_that_may_not_make_tables_gets_statements_for_an_administrator(
    orgsync: Command, server: PostgresServer, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    role = f"role_{uuid4().hex}"
    server.execute("CREATE ROLE {} LOGIN", role)
    monkeypatch.setenv(DATABASE_URL, url.replace("postgres@", f"{role}@"))
    cause, remedy = orgsync("tokens", "create", "dashboard", "--scope", "read").problem()
    assert "permission denied" in cause
    assert f'GRANT USAGE, CREATE ON SCHEMA "public" TO "{role}"' in remedy


def test_a_database_of_a_newer_version_is_reported_and_left_alone(orgsync: Command, acme: DemoOrg, url: str) -> None:
    with psycopg.connect(url) as raw:
        raw.execute("UPDATE orgsync_version SET version_num = '9999'")
    for command in (("status",), ("run", "contacts")):
        assert "newer than this orgsync knows" in orgsync(*command).problem()[0]
    with psycopg.connect(url) as raw:
        assert raw.execute("SELECT version_num FROM orgsync_version").fetchall() == [("9999",)]


def test_a_server_that_dies_within_a_run_and_stays_down_is_told_and_a_later_run_continues(
    orgsync: Command, acme: DemoOrg, server: PostgresServer, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme.page_size = 5
    monkeypatch.setenv("ORGSYNC_BATCH_ROWS", "5")
    monkeypatch.setenv(DATABASE_URL, f"{url}&connect_within=1")

    def killing(page: Any, _: object) -> Any:
        server.kill()
        return page

    acme.add_fault(Fault.altering(killing), match="/query/", times=1)
    refused = orgsync("run", "contacts")
    assert refused.code == 2
    assert "Traceback" not in refused.err
    assert any(words in refused.err for words in ("ended while it was in use", "was cut", "ended the connection"))
    server.start()
    with psycopg.connect(url) as raw:
        raw.execute("UPDATE orgsync_lease SET expires_at = now() - interval '1 day'")
    assert orgsync("run", "contacts").code == 0
    copied = {row["id"] for row in orgsync("records", "contact", "--format", "json").objects()}
    assert copied == {str(row["Id"]) for row in acme.rows("Contact")}
    assert len(orgsync("records", "contact", "--changes", "--format", "json").objects()) == 25


def test_a_full_disk_is_told_and_what_was_committed_stays(orgsync: Command, acme: DemoOrg, url: str) -> None:
    assert orgsync("run", "contacts").code == 0
    with psycopg.connect(url) as raw:
        raw.execute(
            "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE 'could not extend file' USING ERRCODE = '53100'; END $$"
        )
        raw.execute("CREATE TRIGGER full_disk BEFORE INSERT ON contact EXECUTE FUNCTION full_disk()")
    acme.insert("Contact", LastName="New")
    acme.advance(minutes=5)
    cause, remedy = orgsync("run", "contacts").problem()
    assert "its disk is full" in cause
    assert "Free some space there" in remedy
    assert len(orgsync("records", "contact", "--format", "json").objects()) == 25


def test_a_statement_that_the_server_refuses_is_no_fault_of_the_script(
    orgsync: Command, acme: DemoOrg, url: str
) -> None:
    assert orgsync("run", "contacts").code == 0
    with psycopg.connect(url) as raw:
        raw.execute("CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM no_such(); END $$")
        raw.execute("CREATE TRIGGER broken BEFORE INSERT ON contact EXECUTE FUNCTION broken()")
    acme.insert("Contact", LastName="New")
    cause, remedy = orgsync("run", "contacts").problem()
    assert cause == "The database refused a statement: function no_such() does not exist."
    assert "orgsync reset SYNC" in remedy


def test_a_sync_that_was_reset_stands_so_until_it_runs_again(orgsync: Command, acme: DemoOrg) -> None:
    orgsync("run", "contacts")
    orgsync("reset", "contacts", "-c", "acme", "--yes")
    (shown,) = orgsync("status", "--json").objects()
    assert (shown["state"], shown["last_success"], shown["lag"], shown["rows"]) == ("reset", None, None, 0)
    orgsync("run", "contacts")
    (shown,) = orgsync("status", "--json").objects()
    assert (shown["state"], shown["rows"]) == ("ok", len(acme.rows("Contact")))


def test_two_hosts_that_find_one_dead_token_renew_it_once(org: DemoOrg, url: str, tmp_path: Path) -> None:
    env = {DATABASE_URL: url, "ORGSYNC_KEY": urlsafe_b64encode(token_bytes(32)).decode()}
    hosts = [tmp_path / "a", tmp_path / "b"]
    for host in hosts:
        host.mkdir()
        (host / "orgsync.toml").touch()
    signed_in = ("connect", "acme", "--flow", "refresh-token", "--login-url", org.url)
    assert finished(hosts[0], *signed_in, env={**env, **variables_for(org)}).code == 0
    org.rotate_refresh_tokens = True  # a second renewal with the first one's refresh token would be refused
    org.expire_tokens()
    org.clear_requests()
    org.add_fault(Fault.delay(0.5), match="/oauth2/token", times=None)
    with started(hosts[0], "run", "contacts", env=env) as one, started(hosts[1], "run", "accounts", env=env) as other:
        ended = [(process.communicate(timeout=120)[1], process.returncode) for process in (one, other)]
    assert [code for _, code in ended] == [0, 0], ended
    assert len([each for each in org.requests if each.path.endswith("/oauth2/token")]) == 1
