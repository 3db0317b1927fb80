"""Whatever happens in an org and to orgsync: when all is quiet the copy equals the org, and its feed replays to it.

A history is a list of steps, so a failure is told as the shortest list that still fails; it can be pasted into
`@example` as it is. `ORGSYNC_PROOF=20 pytest tests/proof` lives through twenty times as many.
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
def test_after_a_quiet_run_every_copy_equals_the_org(steps: list[Step], bulk_from: int, overlap: float) -> None:
    asyncio.run(lived(steps, bulk_from, overlap))
