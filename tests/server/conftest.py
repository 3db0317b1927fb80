"""A served project for each test."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest_asyncio

from orgsync.demo_org import DemoOrg

from .serving import Served, serving


@pytest_asyncio.fixture
async def served(tmp_path: Path, org: DemoOrg) -> AsyncGenerator[Served]:
    """A project with the connection acme, served."""
    async with serving(tmp_path, org) as found:
        yield found
