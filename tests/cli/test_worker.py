"""`orgsync worker`, where it cannot start."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from orgsync.demo_org import DemoOrg
from orgsync.workers import queue

from .commandline import Command


@pytest.mark.sqlite_alone(reason="workers need PostgreSQL")
@pytest.mark.parametrize("call", [("worker",), ("run", "contacts", "-c", "acme", "--on-workers")])
def test_the_command_says_that_workers_need_postgresql(orgsync: Command, acme: DemoOrg, call: tuple[str, ...]) -> None:
    outcome = orgsync(*call)
    assert outcome.code == 2
    assert outcome.problem()[0].startswith("Workers need PostgreSQL")


def test_without_its_package_the_worker_says_what_to_install(
    orgsync: Command, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec

    def without(name: str, package: str | None = None) -> Any:
        return None if name == "procrastinate" else find(name, package)

    monkeypatch.setattr(queue, "find_spec", without)
    monkeypatch.setenv("ORGSYNC_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    outcome = orgsync("worker")
    assert outcome.code == 2
    assert outcome.problem()[1] == "Install it: pip install 'orgsync[workers]'."


def test_a_worker_runs_one_job_at_a_time_at_least(orgsync: Command, folder: Path) -> None:
    assert orgsync("worker", "--concurrency", "0").code == 2
