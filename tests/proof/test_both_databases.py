"""The same history on SQLite and on PostgreSQL: the same rows, feeds, positions and runs, value by value."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from orgsync.store import Store
from tests.postgres_server import shared_server
from tests.raw_database import DATABASE_URL

from .copies import EVERY_COPY
from .history import DEEDS, Step, history_of
from .proofs import TIMES
from .test_histories import BROKEN_OFF, MAPPED

_OWN = ("sync_seq", "sync_number", "sync_changed_at", "sync_first_seen_at")
"""What is a database's own: its numbers, and when it was written to."""

STEPS = st.one_of(
    st.builds(Step, st.sampled_from(DEEDS), st.integers(0, 99)),
    st.builds(Step, st.sampled_from(("run", "run_and_break_off", "map_a_column", "settle")), st.integers(0, 99)),
)
"""One sync at a time: of several at once, whose request comes first is not the history's."""


async def kept(store: Store) -> dict[str, Any]:
    """Read all that the store has, in the order of the feeds and of the runs."""
    tables = await store.rows.tables()
    return {
        "rows": {table: [shown(row) async for row in store.rows.read(table)] for table in tables},
        "feeds": {table: [shown(row) async for row in store.rows.read(table, changes=True)] for table in tables},
        "positions": {
            each.sync.name: {
                stream: (checkpoint.watermark, checkpoint.position, checkpoint.kept_in)
                for stream, checkpoint in (await store.runs.checkpoints(each.sync.name, "acme")).items()
            }
            for each in EVERY_COPY
        },
        "runs": [
            (run.sync, run.status, run.added, run.updated, run.deleted, run.unchanged, run.watermark, run.error_code)
            for run in await store.runs.list(limit=1000)
        ],
    }


def shown(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row without what is a database's own."""
    return {name: value for name, value in row.items() if name not in _OWN}


async def lived(steps: Sequence[Step]) -> dict[str, Any]:
    """Live through a history, and return what its store has at the end."""
    async with history_of() as history:
        for step in [*steps, Step("settle", 0)]:
            await history.take(step)
        return await kept(history.project.opened.store)


@pytest.mark.timeout(600 * TIMES)
@settings(
    max_examples=4 * TIMES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
)
@given(steps=st.lists(STEPS, min_size=15, max_size=40))
@example(steps=BROKEN_OFF)
@example(steps=MAPPED)
def test_a_history_leaves_the_same_in_both_databases(monkeypatch: pytest.MonkeyPatch, steps: list[Step]) -> None:
    monkeypatch.delenv(DATABASE_URL, raising=False)
    on_sqlite = asyncio.run(lived(steps))
    with shared_server().database(f"test_{uuid4().hex}") as url:
        monkeypatch.setenv(DATABASE_URL, url)
        on_postgres = asyncio.run(lived(steps))
    assert on_postgres == on_sqlite
