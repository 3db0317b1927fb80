"""A project folder, the command run in it, and an org to talk to."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from stamina.instrumentation import set_on_retry_hooks
from typer.testing import CliRunner

from orgsync.demo_org import DemoOrg
from orgsync.settings import PROJECT_FILE
from orgsync_cli.main import app

from .commandline import Command, Outcome, is_odd, variables_for


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, no project's, with none of the machine's own settings."""
    for name in [name for name in os.environ if name.startswith("ORGSYNC_") and is_odd(name)]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def mypy_cache(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """What makes mypy keep what it has found out of the installed packages, for the next test that starts it."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    return "--cache-dir", str(shared / "mypy")


@pytest.fixture
def folder(nowhere: Path) -> Path:
    """The folder of a project that has nothing yet."""
    (nowhere / PROJECT_FILE).touch()
    return nowhere


@pytest.fixture
def orgsync(folder: Path) -> Iterator[Command]:
    """The command, run inside this process."""

    def run(*arguments: str, answers: str = "") -> Outcome:
        result = CliRunner().invoke(app, arguments, input=answers, prog_name="orgsync")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Outcome(result.exit_code, result.stdout, result.stderr)

    yield run
    structlog.reset_defaults()
    structlog.configure()  # as in every other test
    set_on_retry_hooks(None)


@pytest.fixture
def secrets(org: DemoOrg, monkeypatch: pytest.MonkeyPatch, folder: Path) -> DemoOrg:
    """The org, with the variables set that its app signs in with."""
    for name, value in variables_for(org).items():
        monkeypatch.setenv(name, value)
    return org


@pytest.fixture
def acme(orgsync: Command, folder: Path, secrets: DemoOrg, monkeypatch: pytest.MonkeyPatch) -> DemoOrg:
    """The org, connected as acme; the variables are gone again."""
    connected = orgsync("connect", "acme", "--flow", "refresh-token", "--login-url", secrets.url)
    assert connected.code == 0, connected
    for name in variables_for(secrets):
        monkeypatch.delenv(name)
    return secrets
