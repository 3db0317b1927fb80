"""A copy of the whole store, to try things on."""

import tempfile
from pathlib import Path

import pytest

from orgsync.errors import KeyUnusable, StoreUnavailable
from orgsync.records import Position
from orgsync.store import Connection, Run, Store
from orgsync.store.private import temporary_folder
from tests.store.contacts import contact, deliver, names
from tests.store.running import running


async def test_a_copy_has_the_rows_and_what_is_done_to_it_stays_there(store: Store, run: Run) -> None:
    await deliver(store, run, [contact("a")])
    await store.rows.commit(run, [], Position("contact", None, {"page": 1}), 0)
    async with store.sandbox() as copy:
        assert await names(copy) == {"a": "Ann"}
        assert (await copy.runs.checkpoints("contacts", "acme"))["contact"].position == {"page": 1}
        async with running(copy) as other:
            await deliver(copy, other, [contact("a", name="Bo"), contact("b")])
        assert await names(copy) == {"a": "Bo", "b": "Ann"}
    assert await names(store) == {"a": "Ann"}
    assert len(await store.runs.list()) == 1


async def test_a_lease_that_is_held_does_not_hold_in_the_copy_and_stays(store: Store, run: Run) -> None:
    async with store.sandbox() as copy:
        async with running(copy) as same:
            await deliver(copy, same, [contact("a")])
        await deliver(store, run, [contact("b")])  # under the lease that it has had all the time
    assert await names(store) == {"b": "Ann"}


async def test_credentials_cannot_be_read_in_a_copy(store: Store) -> None:
    await store.connections.save(Connection(name="acme"), {"refresh_token": "x"})
    async with store.sandbox() as copy:
        with pytest.raises(KeyUnusable, match="cannot be decrypted"):
            await copy.connections.secrets("acme")


def test_a_place_where_no_folder_can_be_made_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(StoreUnavailable, match="No temporary folder can be created"), temporary_folder():
        pass
