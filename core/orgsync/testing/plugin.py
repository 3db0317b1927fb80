"""The pytest plugin: its options, its fixtures, and what it does around a test."""

import re
import shlex
from collections.abc import AsyncGenerator, Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import pytest

from orgsync.cassettes import (
    RecordFrom,
    Recording,
    Replay,
    Replayed,
    Sandbox,
    leaks,
    project_connection,
    read_cassette,
    without_waiting,
    write_cassette,
)
from orgsync.errors import CassetteInvalid, OrgsyncError
from orgsync.project.mappings import resolved
from orgsync.scripts import Org
from orgsync.settings import Settings, load_settings
from orgsync.store import Store

from .cases import Clock, Do, RunSync, TestCassette, sandbox_on

if TYPE_CHECKING:
    from orgsync.demo_org import DemoOrg

F = TypeVar("F", bound=Callable[..., object])

_CASSETTE: pytest.StashKey[Recording | Replay] = pytest.StashKey()
_PASSED: pytest.StashKey[bool] = pytest.StashKey()
_WRITTEN = "orgsync cassette"  # the property of a test's report with what was done with its cassette
_MARKER = (
    "orgsync(connection, instance_url, metadata, tags, cassette): what the connection of a replay looks like, and the "
    "cassette's file; orgsync(mapping): the connection's field mapping; orgsync(contacts, accounts, page_size, ...): "
    "what the demo org is made with."
)
_ODD = re.compile(r"[^\w.\[\]=,+-]")  # in names of files
_LONGEST = 120  # letters of a file's name
_LIKE = ("connection", "instance_url", "metadata", "tags")


def _asynchronous(function: F) -> F:
    """Make a fixture: one of pytest-asyncio's where it is installed, which in strict mode runs no others."""
    made: Any = pytest.fixture
    with suppress(ImportError):
        import pytest_asyncio

        made = pytest_asyncio.fixture
    return cast("F", made(function))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options that record, and where cassettes are."""
    group = parser.getgroup("orgsync", "cassettes of orgsync")
    group.addoption("--record", action="store_true", help="Record cassettes again from --connection.")
    group.addoption("--record-missing", action="store_true", help="Record the cassettes that are not there yet.")
    group.addoption("--connection", metavar="NAME", help="The connection to record from, or to replay as.")
    group.addoption("--max-rows", metavar="N", type=int, help="Record at most so many rows of each query.")
    parser.addini("orgsync_cassettes", "The folder of cassettes.", type="string", default="cassettes")


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line("markers", _MARKER)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test that has not requested all of its cassette, or has swallowed the error of a missing step."""
    try:
        result = yield
    except BaseException as error:
        played = item.stash.get(_CASSETTE, None)
        if isinstance(played, Replay) and played.player.problem not in (None, error):
            error.add_note(f"Before that: {played.player.problem}")
        raise
    played = item.stash.get(_CASSETTE, None)
    if isinstance(played, Replay):
        with _without_traceback():
            played.player.require_played()
    item.stash[_PASSED] = True
    return result


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Report which cassettes were written."""
    for report in [each for reports in terminalreporter.stats.values() for each in reports]:
        if getattr(report, "when", None) == "teardown":
            for name, line in report.user_properties:
                if name == _WRITTEN:
                    terminalreporter.write_line(f"orgsync: {line}")


@pytest.fixture
def orgsync_case(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Sandbox, Clock]]:
    """Yield the sandbox in which the test's syncs run, and its clock; retries do not wait."""
    settings = load_settings(request.config.rootpath)
    with without_waiting():
        if "demo_org" in request.fixturenames:
            org: DemoOrg = request.getfixturevalue("demo_org")
            mapping = _mapping(request, settings) or []
            sandbox = sandbox_on(org, tmp_path / "orgsync", settings, _name(request) or "demo", mapping)
            yield sandbox, Clock(sandbox.clock, org)
            return
        with _played(request, tmp_path / "orgsync", settings) as played:
            yield played.sandbox, Clock(played.sandbox.clock)


@pytest.fixture
def run(orgsync_case: tuple[Sandbox, Clock]) -> RunSync:
    """Run a sync once: `ran = await run(contacts)`, then look at `ran.rows` and `ran.added`."""
    sandbox, _ = orgsync_case

    async def run_once(sync: Any, *, full: bool = False, reconcile: bool = False) -> Any:
        __tracebackhide__ = True
        return await sandbox.run(sync, full=full, reconcile=reconcile)

    return run_once


@pytest.fixture
def do(orgsync_case: tuple[Sandbox, Clock]) -> Do:
    """Run an action once: `case = await do(close_case, case_id="500...")`."""
    sandbox, _ = orgsync_case

    async def do_once(action: Any, /, **arguments: Any) -> Any:
        __tracebackhide__ = True
        return await sandbox.do(action, arguments)

    return do_once


@_asynchronous
async def ctx(orgsync_case: tuple[Sandbox, Clock]) -> AsyncGenerator[Org]:
    """Open the API of the cassette's org, or of the demo org."""
    with _without_traceback():
        async with orgsync_case[0].org() as opened:
            yield opened


@_asynchronous
async def store(orgsync_case: tuple[Sandbox, Clock]) -> AsyncGenerator[Store]:
    """Yield the fresh store that `run` writes to."""
    with _without_traceback():
        async with orgsync_case[0].project() as project:
            yield project.store


@pytest.fixture
def clock(orgsync_case: tuple[Sandbox, Clock]) -> Clock:
    """Return the test's time."""
    return orgsync_case[1]


@pytest.fixture
def cassette(request: pytest.FixtureRequest, orgsync_case: tuple[Sandbox, Clock]) -> TestCassette:
    """Return the test's cassette."""
    return TestCassette(_path(request), request.node.stash[_CASSETTE])


@pytest.fixture
def demo_org(request: pytest.FixtureRequest) -> "Iterator[DemoOrg]":
    """Yield a small Salesforce on this machine whose clock stands still: change it, break it, look at its requests."""
    from datetime import UTC, datetime

    from orgsync.demo_org import DemoOrg

    options: dict[str, Any] = {"contacts": 25, "accounts": 5, "now": datetime(2026, 1, 31, 10, 15, tzinfo=UTC)}
    own = {name: value for name, value in _marked(request).items() if name not in (*_LIKE, "cassette", "mapping")}
    with DemoOrg(**{**options, **own}) as org:
        yield org


@pytest.fixture
def recorded_from(request: pytest.FixtureRequest) -> RecordFrom:
    """Return what `--record` records from: the connection that --connection names. Override it for another."""
    settings = load_settings(request.config.rootpath)
    return RecordFrom(settings, project_connection(settings, _name(request)))


@contextmanager
def _without_traceback() -> Generator[None]:
    """Fail with an error's sentences alone: the traceback through orgsync helps nobody."""
    try:
        yield
    except OrgsyncError as problem:
        raise pytest.fail.Exception(f"{problem.cause}\n{problem.remedy}", pytrace=False) from None


@contextmanager
def _played(request: pytest.FixtureRequest, folder: Path, settings: Settings) -> Generator[Recording | Replay]:
    path = _path(request)
    config = request.config
    with _without_traceback():
        if config.getoption("--record") or (config.getoption("--record-missing") and not path.exists()):
            source: RecordFrom = request.getfixturevalue("recorded_from")
            most, mapping = config.getoption("--max-rows"), _mapping(request, settings)
            played: Recording | Replay = Recording(source, folder, max_rows=most, mapping=mapping)
        else:
            given = {name: value for name, value in _marked(request).items() if name in _LIKE}
            like = Replayed(**given, mapping=_mapping(request, settings))
            test = request.node.nodeid
            played = Replay(_read(path, request), _shown(path, config), folder, settings, like, test=test)
    request.node.stash[_CASSETTE] = played
    with played.capturing() if isinstance(played, Recording) else played.playing():
        yield played
    if isinstance(played, Recording):
        line = _written(played, path, passed=request.node.stash.get(_PASSED, False), fields=settings.scrub)
        request.node.user_properties.append((_WRITTEN, f"{_shown(path, config)} {line}"))


def _written(recording: Recording, path: Path, *, passed: bool, fields: Sequence[str]) -> str:
    """Write a cassette, unless the test failed and there is one already; return what was done."""
    made = recording.cassette()
    if not made.interactions:
        return "was not recorded: no request was sent"
    if not passed and path.exists():
        return "stays as it was: the test did not pass"
    write_cassette(path, made)
    found = leaks(made.interactions, fields=fields)
    failed = "" if passed else ", though the test did not pass"
    warning = f"; look at {found[0].where} of step {found[0].step}: {found[0].what}" if found else ""
    return f"was recorded, {len(made.interactions)} steps{failed}{warning}"


def _read(path: Path, request: pytest.FixtureRequest) -> Any:
    try:
        return read_cassette(path)
    except CassetteInvalid as problem:
        if path.exists():
            raise
        remedy = f"Record it: pytest --record --connection NAME {shlex.quote(request.node.nodeid)}"
        raise CassetteInvalid(problem.cause, remedy) from None


def _path(request: pytest.FixtureRequest) -> Path:
    folder = request.config.rootpath / str(request.config.getini("orgsync_cassettes"))
    if named := _marked(request).get("cassette"):
        return folder / f"{named}.yaml"
    return folder / request.path.stem / f"{_file_name(request.node.nodeid.partition('::')[2].replace('::', '.'))}.yaml"


def _file_name(test: str) -> str:
    """Return the name of a test's file; where it differs from the test's, a hash makes it distinct."""
    name = _ODD.sub("_", test)[:_LONGEST]
    return name if name == test else f"{name}-{sha256(test.encode()).hexdigest()[:8]}"


def _shown(path: Path, config: pytest.Config) -> str:
    return path.relative_to(config.rootpath).as_posix() if path.is_relative_to(config.rootpath) else str(path)


def _marked(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Return the options of the markers, the test's own over its module's; `--connection` over both."""
    options: dict[str, Any] = {}
    for marker in reversed(list(request.node.iter_markers("orgsync"))):
        options |= marker.kwargs
    return options | ({"connection": name} if (name := request.config.getoption("--connection")) else {})


def _mapping(request: pytest.FixtureRequest, settings: Settings) -> list[dict[str, Any]] | None:
    """Return the field mapping that the markers give; None for none: the connection's own holds, or the cassette's."""
    given = _marked(request).get("mapping")
    return None if given is None else resolved(given, settings).stored


def _name(request: pytest.FixtureRequest) -> str | None:
    return _marked(request).get("connection")
