"""The command as a PostgreSQL role that has no right but to connect, until an administrator has run what is printed."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from orgsync.demo_org import DemoOrg
from tests.postgres_server import shared_server
from tests.raw_database import DATABASE_URL
from tests.workers.fleets import ACCOUNTS

from .commandline import Command, finished, started


@pytest.fixture
def administrator(monkeypatch: pytest.MonkeyPatch) -> Iterator["psycopg.Connection[tuple[object, ...]]"]:
    """Keep the project in a database of the test's own, as a new role; give an administrator's connection to it."""
    server, role, name = shared_server(), f"role_{uuid4().hex}", f"test_{uuid4().hex}"
    server.execute("CREATE ROLE {} LOGIN", role)
    with server.database(name) as url, psycopg.connect(url, autocommit=True) as opened:
        opened.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
        opened.execute(f"REVOKE TEMPORARY ON DATABASE {name} FROM PUBLIC".encode())
        monkeypatch.setenv(DATABASE_URL, url.replace("postgres@", f"{role}@"))
        yield opened


def test_the_printed_statements_are_all_that_runs_workers_and_dry_runs_need(
    orgsync: Command,
    secrets: DemoOrg,
    folder: Path,
    administrator: "psycopg.Connection[tuple[object, ...]]",
) -> None:
    connect = ("connect", "acme", "--flow", "refresh-token", "--login-url", secrets.url)
    remedies = {orgsync(*command).problem()[1] for command in (("status",), ("runs",), connect)}
    [remedy] = remedies
    doctor = orgsync("doctor")
    assert doctor.code == 2
    assert " ".join(doctor.out.split()).count("let an administrator run there: ") == 1
    script = remedy.partition("administrator run there: ")[2]
    assert script in " ".join(doctor.out.split())

    administrator.execute(script.encode())
    assert orgsync(*connect).code == 0
    assert orgsync("run", "contacts").code == 0
    assert orgsync("run", "accounts", "--dry-run").code == 0
    assert orgsync("status").code == 0
    assert "administrator" not in (doctor := orgsync("doctor")).out
    assert doctor.code == 0
    (folder / "syncs").mkdir()
    (folder / "syncs" / "accounts.py").write_text(ACCOUNTS)
    url = {DATABASE_URL: os.environ[DATABASE_URL]}
    for command in ("worker", "up"):
        with started(folder, command, env=url) as process:
            while process.poll() is None and not administrator.execute("SELECT 1 FROM orgsync_worker").fetchall():
                time.sleep(0.05)
            ran = finished(folder, "run", "accounts", "-c", "acme", "--on-workers", env=url)
            assert ran.code == 0, ran
            process.terminate()
            process.communicate(timeout=60)


def test_doctor_names_the_rights_that_a_later_sync_or_dry_run_will_need(
    orgsync: Command, secrets: DemoOrg, administrator: "psycopg.Connection[tuple[object, ...]]"
) -> None:
    connect = ("connect", "acme", "--flow", "refresh-token", "--login-url", secrets.url)
    script = orgsync("status").problem()[1].partition("administrator run there: ")[2]
    for_tables, _, others = script.partition(" /* for workers and dry runs: */ ")
    administrator.execute(for_tables.encode())
    assert orgsync(*connect).code == 0
    assert orgsync("run", "contacts").code == 0
    doctor = orgsync("doctor")
    assert doctor.code == 0
    assert (
        f"Workers and dry runs need more; let an administrator run there: /* for workers and dry runs: */ {others}"
        in (" ".join(doctor.out.split()))
    )

    administrator.execute(f"REVOKE CREATE ON SCHEMA public FROM {role_of(script)}".encode())
    doctor = orgsync("doctor")
    assert doctor.code == 2
    assert " ".join(doctor.out.split()).count("administrator run there: GRANT USAGE, CREATE ON SCHEMA") == 1
    assert orgsync("run", "contacts").code == 0
    remedy = orgsync("run", "accounts").problem()[1]
    assert remedy in " ".join(doctor.out.split())
    administrator.execute(remedy.partition("administrator run there: ")[2].encode())
    assert orgsync("run", "accounts").code == 0


def role_of(script: str) -> str:
    return script.partition(" TO ")[2].partition(";")[0]
