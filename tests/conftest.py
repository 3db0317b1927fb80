"""What every test can ask for."""

from collections.abc import Iterator

import pytest
import stamina

from orgsync.demo_org import DemoOrg

from .stage import CASSETTES, Stage, staged


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    """Retry at once: the number of tries stays, the waits go."""
    stamina.set_testing(True, attempts=7, cap=True)
    yield
    stamina.set_testing(False)


@pytest.fixture
def org() -> Iterator[DemoOrg]:
    """A demo org with a few rows."""
    with DemoOrg(contacts=25, accounts=5) as started:
        yield started


@pytest.fixture
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    """The test's cassette, played; see tests/stage.py."""
    module = request.path.stem
    with staged(CASSETTES / module / f"{request.node.name}.yaml") as playing:
        yield playing
