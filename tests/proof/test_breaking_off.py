"""A run that is cancelled at any of its awaits loses nothing: the next one ends equal to the org."""

import pytest

from .breaking_off import finishes_before
from .copies import ACCOUNTS, CONTACTS, ENERGY, PREFERENCES, Copied
from .history import History, history_of
from .proofs import TIMES

_STRIDE = max(1, 2 // TIMES)
"""In CI a run is cancelled at every second await, with PROOF_TIMES=2 or more at each."""


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("copied", "comparing"),
    [(CONTACTS, False), (CONTACTS, True), (ENERGY, False), (ACCOUNTS, False), (PREFERENCES, False)],
    ids=["rest", "comparing", "leaving", "bulk", "snapshot"],
)
async def test_a_run_may_be_cancelled_at_any_await(copied: Copied, comparing: bool) -> None:
    wait, ended = 1, False
    async with history_of(contacts=8, page_size=3) as history:
        await history.settle(copied)
        while not ended:
            await work(history)
            run = history.project.outcome(copied.sync, reconcile=comparing)
            ended = await finishes_before(run, wait)
            await history.consumers[copied.table].follow(history.project.opened.store)
            await history.settle(copied, compared=comparing)
            wait += _STRIDE
    assert wait > 30  # there are many awaits in it


async def work(history: History) -> None:
    """Change a little of everything, so that each run has all of its work to do."""
    for turn, deed in enumerate(("insert_contacts", "change_account", "change_preferences", "delete_contact_for_good")):
        history.people.act(deed, turn)
    for sobject in ("Contact", "UserPreference"):
        for row in history.org.rows(sobject)[5:]:
            history.org.hard_delete(sobject, str(row["Id"]))
    for row in history.org.rows("Contact"):
        history.org.update("Contact", str(row["Id"]), Title=f"Set {history.people.turn}")
    history.people.rest()
