"""A project connected to a demo org, for the shipped syncs."""

from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest

from orgsync.demo_org import DemoOrg
from tests.conftest import BEGAN
from tests.projects import SampleProject, project_at


@pytest.fixture
def org() -> Generator[DemoOrg]:
    with DemoOrg(contacts=20, accounts=30, now=BEGAN) as org:
        yield org


@pytest.fixture
async def project(tmp_path: Path, org: DemoOrg) -> AsyncGenerator[SampleProject]:
    async with project_at(tmp_path, org) as project:
        yield project
