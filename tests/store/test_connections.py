"""Connections: kept, found, changed, renamed and removed."""

from pathlib import Path
from typing import Any, cast

import anyio
import pytest

from orgsync.errors import NameTaken, NameUnknown
from orgsync.records import Position
from orgsync.store import Connection, Run, Store
from tests.store.contacts import contact, deliver, names
from tests.store.databases import ON_SQLITE_ALONE
from tests.store.running import Start


async def saved(store: Store, name: str, value: str = "t0ken", **columns: Any) -> Connection:
    return await store.connections.save(Connection(name=name, **columns), {"refresh_token": value})


def contents(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())


async def test_a_connection_comes_back_as_it_was_saved(store: Store) -> None:
    made = await saved(
        store, "acme", org_id="00D1", metadata_={"plan": "gold"}, tags=["eu"], username="ann@example.com"
    )
    found = await store.connections.get("acme")
    assert found == made
    assert (found.org_id, found.metadata_, found.tags, found.status) == ("00D1", {"plan": "gold"}, ["eu"], "ready")
    assert found.created_at.tzinfo is not None
    assert await store.connections.secrets("acme") == {"refresh_token": "t0ken"}


async def test_connections_are_listed_by_name(store: Store) -> None:
    assert await store.connections.list() == []
    for name in ("beta", "acme"):
        await saved(store, name)
    assert [each.name for each in await store.connections.list()] == ["acme", "beta"]


async def test_saving_again_replaces_all_but_the_day_it_was_made(store: Store) -> None:
    first = await saved(store, "acme", org_id="00D1", metadata_={"plan": "gold"})
    again = await saved(store, "acme", "other", username="bo@example.com")
    assert (again.org_id, again.metadata_, again.username) == ("", {}, "bo@example.com")
    assert again.created_at == first.created_at <= again.updated_at
    assert await store.connections.secrets("acme") == {"refresh_token": "other"}


async def test_an_update_changes_what_it_names_and_keeps_the_rest(store: Store) -> None:
    await saved(store, "acme", org_id="00D1")
    changed = await store.connections.update(
        "acme", status="needs sign-in", status_reason="revoked", metadata_={"a": 1}
    )
    assert (changed.org_id, changed.status, changed.status_reason) == ("00D1", "needs sign-in", "revoked")
    assert await store.connections.get("acme") == changed
    assert await store.connections.secrets("acme") == {"refresh_token": "t0ken"}
    await store.connections.update("acme", secrets={"access_token": "new"}, instance_url="https://x.my.salesforce.com")
    assert await store.connections.secrets("acme") == {"access_token": "new"}
    assert (await store.connections.get("acme")).instance_url == "https://x.my.salesforce.com"


async def test_an_update_of_something_else_is_refused(store: Store) -> None:
    await saved(store, "acme")
    with pytest.raises(TypeError, match="no created_at"):
        await store.connections.update("acme", **cast("Any", {"created_at": None}))


@pytest.mark.parametrize("name", ["acem", "ACME", "acme "])
async def test_an_unknown_name_is_answered_with_the_nearest_and_all_there_are(store: Store, name: str) -> None:
    for known in ("acme", "zeta"):
        await saved(store, known)
    with pytest.raises(NameUnknown, match=r"did you mean 'acme'\? What exists: acme, zeta"):
        await store.connections.get(name)
    with pytest.raises(NameUnknown, match="acme, zeta"):
        await store.connections.update(name, scope="api")
    with pytest.raises(NameUnknown, match="acme, zeta"):
        await store.connections.secrets(name)


async def test_a_name_near_nothing_gets_no_guess(store: Store) -> None:
    await saved(store, "acme")
    with pytest.raises(NameUnknown, match=r"no connection 'xyz'\. What exists: acme\."):
        await store.connections.get("xyz")


async def test_without_connections_the_remedy_is_to_make_one(store: Store) -> None:
    with pytest.raises(NameUnknown, match="orgsync connect acme"):
        await store.connections.get("acme")


@ON_SQLITE_ALONE
async def test_secrets_are_neither_in_the_repr_nor_in_the_file_nor_in_a_dump(store: Store, tmp_path: Path) -> None:
    made = await saved(store, "acme")
    assert "secrets" not in repr(made)
    assert "secrets" not in made.model_dump()
    assert b"acme" in contents(tmp_path)
    assert b"t0ken" not in contents(tmp_path)


async def test_a_renamed_connection_keeps_its_rows_runs_checkpoints_and_secrets(store: Store, run: Run) -> None:
    await saved(store, "acme", org_id="00D1")
    await deliver(store, run, [contact("a")])
    await store.rows.commit(run, [], Position("contact", None, {"page": 2}), 1)
    await store.connections.rename("acme", "acme-eu")
    assert [each.name for each in await store.connections.list()] == ["acme-eu"]
    assert (await store.connections.get("acme-eu")).org_id == "00D1"
    assert await store.connections.secrets("acme-eu") == {"refresh_token": "t0ken"}
    assert [row["connection"] async for row in store.rows.read("contact")] == ["acme-eu"]
    assert (await store.runs.get(run.id)).connection == "acme-eu"
    assert (await store.runs.checkpoints("contacts", "acme-eu"))["contact"].position == {"page": 2}
    assert await store.runs.checkpoints("contacts", "acme") == {}


async def test_a_taken_name_is_refused_and_nothing_is_renamed(store: Store, run: Run) -> None:
    for name in ("acme", "beta"):
        await saved(store, name)
    await deliver(store, run, [contact("a")])
    with pytest.raises(NameTaken, match="'beta' is used"):
        await store.connections.rename("acme", "beta")
    await store.connections.remove("acme", keep_rows=True)
    with pytest.raises(NameTaken, match="'acme' is used"):
        await store.connections.rename("beta", "acme")
    assert [each.name for each in await store.connections.list()] == ["beta"]


async def test_a_removed_connection_takes_everything_along(store: Store, run: Run, start: Start) -> None:
    await saved(store, "acme")
    await saved(store, "beta")
    other = await start("contacts", "beta")
    for each in (run, other):
        await deliver(store, each, [contact("a")])
        await store.rows.commit(each, [], Position("contact", None, {}), 1)
    await store.connections.remove("acme")
    assert [each.name for each in await store.connections.list()] == ["beta"]
    assert [row["connection"] async for row in store.rows.read("contact")] == ["beta"]
    assert [each.connection for each in await store.runs.list()] == ["beta"]
    assert await store.runs.checkpoints("contacts", "acme") == {}
    assert set(await store.runs.checkpoints("contacts", "beta")) == {"contact"}


async def test_rows_and_runs_can_be_kept_but_checkpoints_go(store: Store, run: Run) -> None:
    await saved(store, "acme")
    await deliver(store, run, [contact("a")])
    await store.rows.commit(run, [], Position("contact", None, {}), 1)
    await store.connections.remove("acme", keep_rows=True)
    assert await names(store) == {"a": "Ann"}
    assert len(await store.runs.list()) == 1
    assert await store.runs.checkpoints("contacts", "acme") == {}


async def test_removing_an_unknown_connection_is_refused(store: Store) -> None:
    with pytest.raises(NameUnknown, match="no connection"):
        await store.connections.remove("acme")


async def test_two_who_tag_a_connection_at_once_lose_no_tag(store: Store) -> None:
    await saved(store, "acme", tags=["eu", "trial"])
    async with anyio.create_task_group() as both:
        both.start_soon(lambda: store.connections.update("acme", add_tags=["gold"], remove_tags=["trial"]))
        both.start_soon(lambda: store.connections.update("acme", add_tags=["big", "eu"]))
    assert sorted((await store.connections.get("acme")).tags) == ["big", "eu", "gold"]


async def test_a_tag_to_remove_that_is_not_there_changes_nothing(store: Store) -> None:
    await saved(store, "acme", tags=["eu", "trial"])
    with pytest.raises(NameUnknown, match="acme has no tag 'trail'; did you mean 'trial'"):
        await store.connections.update("acme", metadata_={"a": 1}, add_tags=["gold"], remove_tags=["trail"])
    found = await store.connections.get("acme")
    assert (found.tags, found.metadata_) == (["eu", "trial"], {})
