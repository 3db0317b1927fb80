"""What a pass has seen in the org, against what the copy has."""

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orgsync.records import Row
from orgsync.store import Connection, Run, Store
from tests.store.contacts import CONTACT, contact, deliver
from tests.store.running import Start

ALL = 2**62
KEYS = st.sets(st.sampled_from("aAbBcCdD"))


async def unseen(
    store: Store, owner: str = "pass", *, after: str = "", limit: int = 99, upto_seq: int = ALL
) -> list[str]:
    return await store.copy("acme", sync=owner).unseen(CONTACT, after=after, limit=limit, upto_seq=upto_seq)


async def not_copied(store: Store, owner: str = "pass", *, after: str = "", limit: int = 99) -> list[str]:
    return await store.copy("acme", sync=owner).not_copied(CONTACT, after=after, limit=limit)


async def test_rows_that_a_pass_did_not_see_and_ids_that_the_copy_lacks_are_distinguished(
    store: Store, run: Run
) -> None:
    await deliver(store, run, [contact(key) for key in "abcd"], deleted_ids=["c"])
    await store.copy("acme", sync="pass").mark_seen(CONTACT, ["b", "c", "e"])
    assert await unseen(store) == ["a", "d"]
    assert await not_copied(store) == ["c", "e"]
    assert await store.rows.live_count("contact", "acme") == 3


async def test_an_id_seen_twice_counts_once(store: Store) -> None:
    await store.copy("acme", sync="pass").mark_seen(CONTACT, ["a", "b", "a"])
    await store.copy("acme", sync="pass").mark_seen(CONTACT, ["b", "c"])
    await store.copy("acme", sync="pass").mark_seen(CONTACT, [])
    assert await not_copied(store) == ["a", "b", "c"]


async def test_ids_that_differ_in_case_are_two(store: Store, run: Run) -> None:
    await deliver(store, run, [contact("a"), contact("A")])
    await store.copy("acme", sync="pass").mark_seen(CONTACT, ["A"])
    assert await unseen(store) == ["a"]


async def test_passes_and_connections_do_not_share_what_they_saw(store: Store, run: Run, start: Start) -> None:
    await deliver(store, run, [contact("a")])
    await deliver(store, await start(connection="beta"), [contact("a"), contact("b")])
    await store.copy("acme", sync="other").mark_seen(CONTACT, ["a"])
    await store.copy("beta", sync="pass").mark_seen(CONTACT, ["a"])
    assert (await unseen(store), await unseen(store, "other")) == (["a"], [])
    assert (await not_copied(store), await not_copied(store, "other")) == ([], [])
    assert await store.copy("beta", sync="pass").unseen(CONTACT, limit=9, upto_seq=ALL) == ["b"]
    await store.copy("acme", sync="other").clear_seen(CONTACT)
    assert await unseen(store, "other") == ["a"]
    assert await store.copy("beta", sync="pass").unseen(CONTACT, limit=9, upto_seq=ALL) == ["b"]


async def test_rows_written_after_the_pass_began_are_not_unseen(store: Store, run: Run) -> None:
    await deliver(store, run, [contact("a"), contact("b")])
    began = await store.rows.last_change()
    await deliver(store, run, [contact("b", name="Bea"), contact("c")])
    assert began < await store.rows.last_change()
    assert await unseen(store, upto_seq=began) == ["a"]


async def test_pages_follow_one_another(store: Store, run: Run) -> None:
    await deliver(store, run, [contact(key) for key in "abcde"])
    await store.copy("acme", sync="pass").mark_seen(CONTACT, [*"bvwxyz"])
    assert [await unseen(store, after=after, limit=2) for after in ("", "c", "e")] == [["a", "c"], ["d", "e"], []]
    assert [await not_copied(store, after=after, limit=3) for after in ("", "x", "z")] == [[*"vwx"], ["y", "z"], []]


async def test_what_was_seen_is_there_after_a_restart_and_goes_with_its_connection(
    url: str, folder: Path, store: Store
) -> None:
    for name in ("acme", "beta"):
        await store.connections.save(Connection(name=name), {})
        await store.copy(name, sync="pass").mark_seen(CONTACT, ["a", name])
    async with Store.open(url, folder=folder) as again:
        assert await not_copied(again) == ["a", "acme"]
        await again.connections.rename("acme", "acme-eu")
        await again.connections.remove("beta", keep_rows=True)
    seen = [await store.copy(name, sync="pass").not_copied(CONTACT, limit=9) for name in ("acme", "acme-eu", "beta")]
    assert seen == [[], ["a", "acme"], []]


async def test_a_great_many_ids_are_cleared(store: Store) -> None:
    await store.copy("acme", sync="pass").mark_seen(CONTACT, [f"{number:07}" for number in range(120_000)])
    await store.copy("acme", sync="other").mark_seen(CONTACT, ["a"])
    await store.copy("acme", sync="pass").clear_seen(CONTACT)
    assert (await not_copied(store), await not_copied(store, "other")) == ([], ["a"])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(KEYS, KEYS, KEYS)
async def test_what_is_unseen_and_not_copied_is_the_difference_of_sets(
    store: Store, start: Start, rows: set[str], gone: set[str], seen: set[str]
) -> None:
    run = await start()
    delivered: list[Row] = [contact(key) for key in sorted(rows)]
    old = [row["id"] async for row in store.rows.read("contact")] if "contact" in await store.rows.tables() else []
    await deliver(store, run, [], deleted_ids=old)
    await deliver(store, run, delivered, deleted_ids=sorted(gone))
    await store.copy("acme", sync="pass").clear_seen(CONTACT)
    await store.copy("acme", sync="pass").mark_seen(CONTACT, sorted(seen))
    live = rows - gone
    assert await unseen(store) == sorted(live - seen)
    assert await not_copied(store) == sorted(seen - live)
    assert await store.rows.live_count("contact", "acme") == len(live)
