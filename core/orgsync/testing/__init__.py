"""orgsync's test kit, a pytest plugin that is switched on in pyproject.toml: `addopts = ["-p", "orgsync.testing"]`.

Fixtures: `run` runs a sync once and returns its run and rows, `do` an action and returns its result; `ctx` is an
`orgsync.Org`, and `store` the fresh store behind them. They replay the test's cassette, unless the test requests
`demo_org` too, a small Salesforce on this machine. `cassette` and `clock` are for tests that need more than one run.
`conformance` makes one test of all scripts.
"""

from typing import TYPE_CHECKING, Any

from orgsync.cassettes import Ran, RecordFrom

from .cases import Clock, Do, RunSync, TestCassette
from .plugin import (
    cassette,
    clock,
    ctx,
    demo_org,
    do,
    orgsync_case,
    pytest_addoption,
    pytest_configure,
    pytest_runtest_call,
    pytest_terminal_summary,
    recorded_from,
    run,
    store,
)

if TYPE_CHECKING:
    from .checks import conformance

__all__ = [
    "Clock",
    "Do",
    "Ran",
    "RecordFrom",
    "RunSync",
    "TestCassette",
    "cassette",
    "clock",
    "conformance",
    "ctx",
    "demo_org",
    "do",
    "orgsync_case",
    "pytest_addoption",
    "pytest_configure",
    "pytest_runtest_call",
    "pytest_terminal_summary",
    "recorded_from",
    "run",
    "store",
]


def __getattr__(name: str) -> Any:
    """Import what only some projects use, and the demo org with it, on first use."""
    if name == "conformance":
        from .checks import conformance

        return conformance
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
