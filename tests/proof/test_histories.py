"""Whatever happens in an org and to orgsync: when all is quiet the copy equals the org, and its feed replays to it.

A history is a list of steps, so a failure is told as the shortest list that still fails; it can be pasted into
`@example` as it is. `PROOF_TIMES=20 pytest tests/proof` lives through twenty times as many.
"""

import asyncio

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from .history import DEEDS, RUNS, Step, lived
from .proofs import TIMES

STEPS = st.one_of(
    st.builds(Step, st.sampled_from(DEEDS), st.integers(0, 99)),
    st.builds(Step, st.sampled_from(RUNS), st.integers(0, 99)),
)

OVERLAPS = st.sampled_from([0, 300])

LATE = [
    Step(deed, seed)
    for seed, deed in enumerate(("settle", "begin_or_commit", "insert_contacts", "wait_hours", "run_all_at_once"))
]
"""Rows that a transaction stamped long before it committed them, while a run read: the rarest way to lose one."""


STRAY = [
    *(Step("settle", 0), Step("begin_or_commit", 1), Step("update_contact", 2), Step("update_contact", 3)),
    *(Step("wait_hours", 4), Step("fail_replication", 1), Step("run_all_at_once", 6), Step("wait_hours", 7)),
    *(Step("run_all_at_once", 8), Step("begin_or_commit", 9)),
]
"""The same while getUpdated is answered by something on the way to the org."""

EARLY = [Step("end_queries_early", 0), *[Step("run_all_at_once", seed) for seed in range(3)]]
"""First passes whose queries end before their last rows."""

ARCHIVED = [Step("settle", 0), *[Step("archive_task", seed) for seed in range(6)], *[Step("run_all_at_once", 7)] * 3]
"""Rows that only queryAll gives, and Ids that are compared: one run in five is asked for it, a settled org's half."""

HOSTILE = [
    step
    for seed in range(8)
    for step in (Step("turn_hostile", seed), Step("update_contact", seed), Step("run_all_at_once", seed))
]
"""Servers that mean no good, one after the other."""

BROKEN_OFF = [
    step
    for seed in range(12)
    for step in (Step("run_and_break_off", seed), Step("delete_link_for_good", seed), Step("delete_contact", seed))
]
"""First passes that are broken off, and rows that go for good before they are resumed."""

MAPPED = [
    step
    for seed in range(8)
    for step in (
        *(Step("map_a_column", seed), Step("run_and_break_off", seed), Step("update_contact", seed)),
        *(Step("map_a_column", seed + 1), Step("run", seed), Step("break_things", seed)),
    )
]
"""A column that is filled from one field after the other, by runs that are broken off."""


@pytest.mark.timeout(600 * TIMES)
@settings(
    max_examples=25 * TIMES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
)
@given(steps=st.lists(STEPS, min_size=20, max_size=60), bulk_from=st.sampled_from([5, 20, 50_000]), overlap=OVERLAPS)
@example(steps=LATE, bulk_from=50_000, overlap=0)
@example(steps=LATE, bulk_from=50_000, overlap=300)
@example(steps=STRAY, bulk_from=50_000, overlap=0)
@example(steps=EARLY, bulk_from=50_000, overlap=0)
@example(steps=ARCHIVED, bulk_from=50_000, overlap=0)
@example(steps=ARCHIVED, bulk_from=5, overlap=300)
@example(steps=BROKEN_OFF, bulk_from=50_000, overlap=0)
@example(steps=HOSTILE, bulk_from=50_000, overlap=0)
@example(steps=HOSTILE, bulk_from=5, overlap=0)
@example(steps=MAPPED, bulk_from=50_000, overlap=0)
@example(steps=MAPPED, bulk_from=5, overlap=300)
def test_after_a_quiet_run_every_copy_equals_the_org(steps: list[Step], bulk_from: int, overlap: float) -> None:
    asyncio.run(lived(steps, bulk_from, overlap))
