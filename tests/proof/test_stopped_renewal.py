"""A process that is stopped while it renews a token, and wakes after another has renewed it, spoils nothing of that.

A lock lasts as long as its holder's connection to the server. Here that is cut while its holder is stopped, as a
restart of the server does; then nothing but what is stored tells the holder, when it wakes, that it is late.
"""

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from orgsync.demo_org import DemoOrg, Fault
from tests.cli.commandline import finished, started, variables_for
from tests.postgres_server import drop_databases, new_database
from tests.raw_database import DATABASE_URL

_STORED = "SELECT status, status_reason, secrets FROM orgsync_connection"
_CUT = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE pid <> pg_backend_pid() AND datname = current_database()"
)


@pytest.fixture
def variables(org: DemoOrg, tmp_path: Path) -> Iterator[dict[str, str]]:
    """A project that is connected to the org, in a database of its own."""
    given = {**variables_for(org), DATABASE_URL: new_database(f"test_{uuid4().hex}")}
    (tmp_path / "orgsync.toml").touch()
    connected = ("connect", "acme", "--flow", "refresh-token", "--login-url", org.url)
    assert finished(tmp_path, *connected, env=given).code == 0
    org.expire_tokens()
    org.clear_requests()
    yield given
    drop_databases()


def wait_until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        time.sleep(0.001)


def tokens(org: DemoOrg) -> list[int]:
    return [request.status for request in org.requests if request.path.endswith("/token")]


@pytest.mark.parametrize("answered", [False, True], ids=["refused-late", "answered-late"])
def test_a_process_that_was_stopped_as_it_renewed_a_token_leaves_what_another_has_stored(
    org: DemoOrg, tmp_path: Path, variables: dict[str, str], answered: bool
) -> None:
    # Either it has still to ask with a refresh token that is dead by then, or an answer that is old by then is there.
    org.rotate_refresh_tokens = not answered
    fault = Fault.delay(3) if answered else Fault.status(503)
    org.add_fault(fault, match="oauth2/token", times=None)
    with started(tmp_path, "run", "contacts", env=variables) as sleeper:
        wait_until(lambda: bool(tokens(org)))
        sleeper.send_signal(signal.SIGSTOP)
        try:
            org.clear_faults()
            with psycopg.connect(variables[DATABASE_URL], autocommit=True) as database:
                database.execute(_CUT)
                other = finished(tmp_path, "run", "accounts", env=variables)
                assert other.code == 0, other
                assert tokens(org)[-1] == 200
                before = database.execute(_STORED).fetchall()
        finally:
            sleeper.send_signal(signal.SIGCONT)
        out, err = sleeper.communicate(timeout=120)
    assert sleeper.returncode == 0, out + err
    with psycopg.connect(variables[DATABASE_URL]) as database:
        assert database.execute(_STORED).fetchall() == before
    assert before[0][0] == "ready"
    assert finished(tmp_path, "run", "contacts", env=variables).code == 0
