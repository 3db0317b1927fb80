"""Laws that hold for every sequence of batches: the copy equals a plain model, and the change feed rebuilds it."""

from uuid import uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orgsync.records import Row
from orgsync.store import Counts, Store
from tests.store.contacts import contact, deliver
from tests.store.running import Start

STAMPS = [None, *(f"2026-01-0{day}T00:00:00.000Z" for day in range(1, 5))]
ROWS = st.builds(
    contact,
    st.sampled_from("aAbc"),
    st.sampled_from(STAMPS),
    st.sampled_from([None, "Ann", "Bo"]),
    deleted=st.booleans(),
)
BATCHES = st.lists(st.tuples(st.lists(ROWS, max_size=6), st.lists(st.sampled_from("aAbcd"), max_size=2)), max_size=8)


class Model:
    """What the copy should hold, in a dict: stamp, name, whether it is deleted."""

    def __init__(self) -> None:
        self.rows: dict[str, tuple[str | None, str | None, bool]] = {}

    def deliver(self, rows: list[Row], deleted_ids: list[str]) -> Counts:
        latest: dict[str, Row] = {}
        for row in rows:
            key = str(row[0])
            if key not in latest or str(row[1] or "") >= str(latest[key][1] or ""):
                latest[key] = row
        changes = [self._take(key, row) for key, row in latest.items()]
        changes += [self._mark(key) for key in dict.fromkeys(deleted_ids)]
        return Counts(*(changes.count(kind) for kind in ("added", "updated", "deleted", "unchanged")))

    def _take(self, key: str, row: Row) -> str:
        stamp, deleted, name = row[1], row[2], row[3]
        assert stamp is None or isinstance(stamp, str)
        assert name is None or isinstance(name, str)
        old = self.rows.get(key)
        if old is None:
            if deleted:
                return "not counted"
            self.rows[key] = (stamp, name, False)
            return "added"
        if stamp is not None and old[0] is not None and stamp < old[0]:
            return "not counted" if deleted else "unchanged"
        new = (stamp or old[0], name, bool(deleted))
        if new == old or (deleted and old[2]):
            return "not counted" if deleted else "unchanged"
        self.rows[key] = new
        return "deleted" if deleted else "added" if old[2] else "updated"

    def _mark(self, key: str) -> str:
        if key not in self.rows or self.rows[key][2]:
            return "not counted"
        stamp, name, _ = self.rows[key]
        self.rows[key] = (stamp, name, True)
        return "deleted"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(BATCHES)
async def test_the_copy_equals_a_model_and_its_feed_rebuilds_it(
    store: Store, start: Start, batches: list[tuple[list[Row], list[str]]]
) -> None:
    owner = uuid4().hex  # examples share the database, as connections do
    model, replica, seen = Model(), dict[str, tuple[str | None, str | None]](), 0
    run = await start("contacts", owner)
    total = await deliver(store, run, [])
    for rows, deleted_ids in batches:
        counts = await deliver(store, run, rows, deleted_ids=deleted_ids)
        assert counts == model.deliver(rows, deleted_ids)
        total += counts
        async for row in store.rows.read("contact", changes=True, connection=owner, after=seen):
            assert row["sync_seq"] > seen
            seen = row["sync_seq"]
            replica.pop(row["id"], None)
            if not row["is_deleted"]:
                replica[row["id"]] = (row["system_modstamp"], row["name"])
    everything = {
        row["id"]: (row["system_modstamp"], row["name"], row["is_deleted"])
        async for row in store.rows.read("contact", changes=True, connection=owner)
    }
    live = {
        row["id"]: (row["system_modstamp"], row["name"]) async for row in store.rows.read("contact", connection=owner)
    }
    found = await store.runs.get(run.id)
    assert everything == model.rows
    assert live == {key: row[:2] for key, row in model.rows.items() if not row[2]} == replica
    assert Counts(found.added, found.updated, found.deleted, found.unchanged) == total
