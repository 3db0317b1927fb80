"""What the store relies on in any backend, beyond what the store's own tests show."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import anyio
import pytest

from orgsync.errors import AlreadyRunning
from orgsync.records import Position
from orgsync.store.backend import Backend, Transaction
from orgsync.store.backends import open_backend
from orgsync.store.commit_types import Counts, Write
from tests.store.contacts import CONTACT, MID, NEW, OLD, contact

DAY = timedelta(days=1)


@pytest.fixture
async def backend(url: str, folder: Path) -> AsyncIterator[Backend]:
    folder.mkdir()
    async with open_backend(url, folder) as opened:
        async with opened.writing() as on:
            await on.tables.make(CONTACT)
            await on.tables.make_feed("contact")
        yield opened


async def feed(on: Transaction, *, after: int = 0) -> list[tuple[str, str]]:
    found = await on.rows.changes("contact", connection=None, after=after, limit=99)
    return [(row["id"], row["sync_change"]) for row in found]


async def test_what_an_error_leaves_behind_is_nothing(backend: Backend) -> None:
    async def fail() -> None:
        async with backend.writing() as on:
            await on.rows.write("acme", [Write(CONTACT, [contact("a")])])
            await on.runs.start("contacts", "acme", 1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with backend.reading() as on:
        assert await feed(on) == []
        assert await on.runs.list(limit=9, name=None, kind=None, connection=None) == []


async def test_what_is_written_is_read_elsewhere_once_it_is_committed(backend: Backend, url: str, folder: Path) -> None:
    async with open_backend(url, folder) as other:
        async with backend.writing() as on:
            await on.rows.write("acme", [Write(CONTACT, [contact("a")])])
            async with other.reading() as elsewhere:
                assert await feed(elsewhere) == []
        async with other.reading() as elsewhere:
            assert await feed(elsewhere) == [("a", "added")]


async def test_nothing_is_written_while_reading(backend: Backend) -> None:
    with pytest.raises(Exception, match=r"read-?only"):
        async with backend.reading() as on:
            await on.runs.start("contacts", "acme", 1)


async def test_rows_are_counted_by_what_became_of_them(backend: Backend) -> None:
    async with backend.writing() as on:
        first = [contact("a"), contact("b"), contact("c")]
        assert await on.rows.write("acme", [Write(CONTACT, first)]) == Counts(added=3)
        second = [contact("a", NEW, "Bo"), contact("b"), contact("d"), contact("e", deleted=True)]
        counts = await on.rows.write("acme", [Write(CONTACT, second, ["c", "never"])])
        assert counts == Counts(added=1, updated=1, deleted=1, unchanged=1)
        third = [contact("a", OLD), contact("b", NEW, deleted=True), contact("c", NEW)]
        assert await on.rows.write("acme", [Write(CONTACT, third)]) == Counts(added=1, deleted=1, unchanged=1)


async def test_rows_are_counted_aright_after_others_were_deleted_for_good(backend: Backend) -> None:
    async with backend.writing() as on:
        await on.rows.write("gone", [Write(CONTACT, [contact(f"{number}") for number in range(20)])])
        await on.rows.write("acme", [Write(CONTACT, [contact("a")])])
        await on.rows.remove("contact", "gone")
        batch = [contact("a", NEW, "Bo"), *(contact(f"{number}") for number in range(20))]
        assert await on.rows.write("acme", [Write(CONTACT, batch)]) == Counts(added=20, updated=1)


async def test_batches_of_one_commit_follow_one_another_in_the_feed(backend: Backend) -> None:
    async with backend.writing() as on:
        writes = [Write(CONTACT, [contact("b"), contact("a")], ["b"]), Write(CONTACT, [contact("a", NEW, "Bo")])]
        assert await on.rows.write("acme", writes) == Counts(added=2, updated=1, deleted=1)
    async with backend.reading() as on:
        assert await feed(on) == [("b", "deleted"), ("a", "updated")]


async def test_a_later_commit_has_higher_numbers_and_an_unchanged_row_keeps_its_own(backend: Backend) -> None:
    async with backend.writing() as on:
        await on.rows.write("acme", [Write(CONTACT, [contact("a"), contact("b")])])
    async with backend.reading() as on:
        last = await on.rows.last_change()
        assert await feed(on, after=last) == []
    async with backend.writing() as on:
        await on.rows.write("beta", [Write(CONTACT, [contact("c")])])
        await on.rows.write("acme", [Write(CONTACT, [contact("a"), contact("b", NEW)])])
    async with backend.reading() as on:
        assert await feed(on, after=last) == [("c", "added"), ("b", "updated")]
        assert await on.rows.last_change() > last


async def test_writers_that_wait_for_one_another_lose_no_row_to_a_reader(
    backend: Backend, url: str, folder: Path
) -> None:
    seen: list[str] = []

    async def write(through: Backend, owner: str) -> None:
        for number in range(20):
            async with through.writing() as on:
                await on.rows.write(owner, [Write(CONTACT, [contact(f"{owner}{number}")])])
                await anyio.lowlevel.checkpoint()

    async with open_backend(url, folder) as other:
        last = 0
        async with anyio.create_task_group() as tasks:
            for through, owner in ((backend, "a"), (backend, "b"), (other, "c")):
                tasks.start_soon(write, through, owner)
            with anyio.fail_after(120):
                while len(seen) < 60:
                    async with other.reading() as on:
                        page = await on.rows.changes("contact", connection=None, after=last, limit=7)
                    seen += [row["id"] for row in page]
                    last = page[-1]["sync_seq"] if page else last
                    await anyio.lowlevel.checkpoint()
    assert len(set(seen)) == 60


async def test_a_lease_is_renewed_and_released_by_its_epoch_alone(backend: Backend) -> None:
    async with backend.writing() as on:
        assert await on.leases.acquire("contacts", "acme", backend.own_holder(), ttl=60) == 1
        assert await on.leases.acquire("contacts", "acme", backend.own_holder(), ttl=60) == 2
        assert not await on.leases.renew("contacts", "acme", 1)
        await on.leases.release("contacts", "acme", 1)
        assert await on.leases.renew("contacts", "acme", 2)
        await on.leases.release("contacts", "acme", 2)
        assert await on.leases.get("contacts", "acme") is None
        assert not await on.leases.renew("contacts", "acme", 2)
        assert await on.leases.acquire("contacts", "acme", backend.own_holder(), ttl=60) == 3


async def test_a_lease_expires_by_the_backends_clock(backend: Backend) -> None:
    async with backend.writing() as on:
        before = await on.now()
        await on.leases.acquire("contacts", "acme", backend.own_holder(), ttl=60)
        await on.leases.acquire("accounts", "acme", backend.own_holder(), ttl=0)
        held, expired = await on.leases.get("contacts", "acme"), await on.leases.get("accounts", "acme")
        assert held is not None
        assert expired is not None
        assert before <= held.taken_at <= await on.now()
        assert held.expires_at - held.taken_at == timedelta(seconds=60)
        assert expired.expires_at <= await on.now() < held.expires_at


async def test_leases_are_revoked_by_sync_by_connection_or_by_both(backend: Backend) -> None:
    pairs = [("contacts", "acme"), ("contacts", "beta"), ("accounts", "acme"), ("accounts", "beta")]

    async def held(on: Transaction) -> list[tuple[str, str]]:
        found = [await on.leases.get(*each) for each in pairs]
        return [(each.sync, each.connection) for each in found if each is not None]

    async with backend.writing() as on:
        for each in pairs:
            await on.leases.acquire(*each, backend.own_holder(), ttl=60)
        await on.leases.revoke(sync="contacts", connection="beta")
        assert await held(on) == [("contacts", "acme"), ("accounts", "acme"), ("accounts", "beta")]
        await on.leases.revoke(sync="contacts")
        assert await held(on) == [("accounts", "acme"), ("accounts", "beta")]
        await on.leases.revoke(connection="acme")
        assert await held(on) == [("accounts", "beta")]
        assert await on.leases.is_holder(backend.own_holder())
        await on.leases.revoke(connection="beta")
        assert not await on.leases.is_holder(backend.own_holder())


async def test_an_open_backend_is_alive_and_a_closed_one_is_not_mistaken_for_another(
    backend: Backend, url: str, folder: Path
) -> None:
    async with open_backend(url, folder) as other:
        holder = other.own_holder()
        assert holder != backend.own_holder()
        assert await backend.alive(holder)
        assert await other.alive(backend.own_holder())


async def test_a_lock_is_held_by_one_and_free_afterwards(backend: Backend, url: str, folder: Path) -> None:
    async with open_backend(url, folder) as other:
        async with backend.lock("x", timeout=0):
            with pytest.raises(AlreadyRunning):
                async with other.lock("x", timeout=0):
                    pass
            async with other.lock("y", timeout=0):
                pass
        async with other.lock("x", timeout=0):
            pass


async def test_a_table_belongs_to_the_first_that_claims_it_in_any_case(backend: Backend) -> None:
    async with backend.writing() as on:
        assert await on.owners.claim("contact", "contacts") == "contacts"
        assert await on.owners.claim("CONTACT", "others") == "contacts"
        await on.owners.remove("Contact")
        assert await on.owners.claim("contact", "others") == "others"


async def test_ids_are_compared_by_their_bytes(backend: Backend) -> None:
    ids = ["B", "_", "a", "é", "A", "10", "9"]
    in_order = sorted(ids, key=str.encode)
    async with backend.writing() as on:
        await on.rows.write("acme", [Write(CONTACT, [contact(each) for each in ids])])
        await on.seen_ids.add("acme", "pass", ids)
        page = await on.rows.page("contact", connection="acme", after=("acme", "A"), limit=99)
        assert [row["id"] for row in page] == in_order[in_order.index("A") + 1 :]
        assert await on.seen_ids.list("acme", "pass", after="", limit=99) == in_order
        assert await on.seen_ids.unseen("contact", "acme", "none", after="A", limit=2, upto_seq=2**62) == ["B", "_"]


async def test_a_sign_in_is_taken_within_its_time(backend: Backend) -> None:
    async with backend.writing(durable=True) as on:
        await on.sign_ins.save("key", b"\x00secret")
        assert await on.sign_ins.take("key", ttl=-DAY) is None
        assert await on.sign_ins.take("key", ttl=DAY) == b"\x00secret"
        assert await on.sign_ins.take("key", ttl=DAY) is None
        await on.sign_ins.save("old", b"x")
        await on.sign_ins.remove_expired(DAY)
        await on.sign_ins.remove_expired(-DAY)
        assert await on.sign_ins.take("old", ttl=DAY) is None


async def test_json_and_time_come_back_as_they_were_stored(backend: Backend) -> None:
    state = {"after": "é\ud7ff", "parts": [1, None, {"deep": True}]}
    async with backend.writing() as on:
        run = await on.runs.start("contacts", "acme", 1)
        position = Position("contact", run.started_at, state)
        await on.checkpoints.save(run, position, "contact")
        await on.checkpoints.save(run, Position("contact", run.started_at, state), None)
    async with backend.reading() as on:
        kept = (await on.checkpoints.get("contacts", "acme"))["contact"]
    assert (kept.position, kept.watermark, kept.kept_in) == (state, run.started_at, "contact")
    assert kept.updated_at >= run.started_at


async def test_values_that_no_database_takes_are_refused_before_anything_is_written(backend: Backend) -> None:
    with pytest.raises(UnicodeEncodeError):
        async with backend.writing() as on:
            await on.rows.write("acme", [Write(CONTACT, [contact("a"), contact("b", MID, "\ud800")])])
    async with backend.reading() as on:
        assert await feed(on) == []


async def test_an_upgrade_of_what_is_current_changes_nothing(backend: Backend) -> None:
    async with backend.writing() as on:
        await on.rows.write("acme", [Write(CONTACT, [contact("a")])])
    await backend.upgrade()
    await backend.require_writable()
    backend.require_in_place()
    async with backend.reading() as on:
        assert await feed(on) == [("a", "added")]
