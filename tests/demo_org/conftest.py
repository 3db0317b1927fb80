"""A small demo org with a frozen clock, and a client of it."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from orgsync.demo_org import DemoOrg
from tests.demo_org.caller import Caller

NOW = datetime(2026, 3, 14, 12, 30, 20, tzinfo=UTC)


@pytest.fixture
def org() -> Iterator[DemoOrg]:
    with DemoOrg(contacts=25, accounts=5, now=NOW) as org:
        yield org


@pytest.fixture
def api(org: DemoOrg) -> Iterator[Caller]:
    with Caller(org) as caller:
        yield caller
