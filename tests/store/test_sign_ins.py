"""Sign-ins that wait for a browser: taken once, deleted after a day."""

from orgsync.store import Store
from tests.store.databases import Database


async def test_a_pending_sign_in_is_taken_once(store: Store) -> None:
    await store.sign_ins.save("st4te", {"verifier": "v"})
    await store.sign_ins.save("other", {"verifier": "w"})
    assert await store.sign_ins.take("st4te") == {"verifier": "v"}
    assert await store.sign_ins.take("st4te") is None
    assert await store.sign_ins.take("never") is None
    assert await store.sign_ins.take("other") == {"verifier": "w"}


async def test_after_a_day_it_is_refused_and_the_next_one_deletes_it(store: Store, database: Database) -> None:
    await store.sign_ins.save("st4te", {"verifier": "v"})
    database.execute("UPDATE orgsync_sign_in SET begun_at = ?", "2026-01-01T00:00:00.000Z")
    assert await store.sign_ins.take("st4te") is None
    await store.sign_ins.save("next", {})
    assert database.execute("SELECT count(*) FROM orgsync_sign_in") == [(1,)]
