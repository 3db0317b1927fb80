"""What every test can ask for, beside the fixtures of orgsync's own test kit."""

import gc
import os
import signal
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import anyio
import hypothesis
import hypothesis.strategies
import pytest
import structlog

from orgsync.cassettes import RecordFrom, without_waiting
from orgsync.demo_org import DemoOrg
from orgsync.project import open_project

from .projects import credentials_for, settings_for

pytest_plugins = ["orgsync.testing"]

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell's background jobs and all that they start have it so
    signal.signal(signal.SIGINT, signal.default_int_handler)  # and tests that press Ctrl-C would wait for nothing

if sys.dont_write_bytecode:  # hundreds of processes that tests start would each compile all that they import anew
    _bytecode = TemporaryDirectory(prefix="orgsync-bytecode-")  # beside no source, and only until this process ends
    Path(_bytecode.name).chmod(0o755)  # some tests act as another user
    os.environ["PYTHONPYCACHEPREFIX"] = _bytecode.name
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

hypothesis.settings.register_profile("tests", deadline=None)  # no test asserts a time
hypothesis.settings.load_profile("tests")

structlog.configure()  # log lines go to structlog, whose own testing tools then capture them

BEGAN = datetime(2026, 1, 31, 10, 15, tzinfo=UTC)

_NOT_COVERED = {"benchmarks", "docs", "proof"}
"""Folders whose tests run what others have looked at piece by piece: with coverage they would take twice as long."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Take coverage, where it is asked for, of the other tests alone."""
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here) and item.path.relative_to(here).parts[0] in _NOT_COVERED:
            item.add_marker("no_cover")


@hypothesis.settings(database=None, max_examples=1)
@hypothesis.given(hypothesis.strategies.none())
def _first_property(_: None) -> None:
    """Let Hypothesis set up its random numbers, for which it asks the garbage collector who else holds them.

    Older releases keep them in a module. Once that is frozen the collector names no holder, and Hypothesis warns.
    """


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Leave what was imported and collected out of garbage collection, and collect seldom: tests leave few cycles."""
    _first_property()
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


@pytest.fixture(scope="session", autouse=True)
def kept_apart(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Give the pytests that tests start a place of their own, where they tidy up no other session's folders."""
    os.environ["PYTEST_DEBUG_TEMPROOT"] = str(tmp_path_factory.getbasetemp())


@pytest.fixture(autouse=True)
def on_postgres(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep every project of a test in a PostgreSQL database of the test's own, where `STORE_TESTS_ON=postgres` says so.

    What bears the mark `sqlite_alone` is skipped there, with its reason: it is about SQLite's file.
    """
    if os.environ.get("STORE_TESTS_ON") == "postgres":
        _move_to_postgres(request, monkeypatch)
    yield
    if server := sys.modules.get("tests.postgres_server"):  # which most tests have no use for
        server.drop_databases()


def _move_to_postgres(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if alone := request.node.get_closest_marker("sqlite_alone"):
        pytest.skip(f"on SQLite alone: {alone.kwargs['reason']}")
    from .postgres_server import new_database

    monkeypatch.setenv("ORGSYNC_DATABASE_URL", new_database(f"test_{uuid4().hex}"))


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    """Retry at once: the number of tries stays, the waits go."""
    with without_waiting():
        yield


@pytest.fixture
def org() -> Iterator[DemoOrg]:
    """A demo org with a few rows."""
    with DemoOrg(contacts=25, accounts=5) as started:
        yield started


@pytest.fixture
def recorded_org(request: pytest.FixtureRequest) -> Iterator[DemoOrg | None]:
    """The demo org that cassettes are recorded from; a replay has none."""
    if not request.config.getoption("--record"):
        yield None
        return
    with DemoOrg(contacts=30, accounts=5, page_size=20, now=BEGAN) as started:
        yield started


@pytest.fixture
def recorded_from(recorded_org: DemoOrg, tmp_path: Path) -> RecordFrom:
    """What `pytest --record` records from: the demo org, over real HTTP."""
    settings = settings_for(tmp_path / "recorded_from", overlap=300)  # as a replay has it
    settings.project.mkdir()

    async def sign_in() -> None:
        async with open_project(settings) as opened:
            await opened.connections.connect("acme", credentials_for(recorded_org))

    anyio.run(sign_in)
    return RecordFrom(settings, "acme", lambda: recorded_org.now, credentials_for(recorded_org))
