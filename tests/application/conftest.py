"""A folder that an application works in."""

from pathlib import Path

import pytest

import orgsync
from orgsync.demo_org import DemoOrg
from tests.projects import credentials_for


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
async def acme(project: Path, org: DemoOrg) -> DemoOrg:
    """The org, connected as acme."""
    await orgsync.connections.add("acme", credentials_for(org))
    return org
