"""Keys are exchanged in one transaction, while others read and write, and a kill leaves everything readable."""

import stat
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import pytest
from cryptography.fernet import Fernet

from orgsync.errors import KeyUnusable
from orgsync.store import Connection, Store
from orgsync.store.vault import Vault
from tests.store.databases import Database

SECRETS = {"refresh_token": "t0ken"}
OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


async def connect(store: Store, *names: str) -> None:
    for name in names:
        await store.connections.save(Connection(name=name), SECRETS)


async def rotated_twice(store: Store) -> None:
    for _ in range(2):
        await store.keys.rotate()


async def require_readable(url: str, folder: Path, *names: str, key: str | None = None) -> None:
    async with Store.open(url, key=key, folder=folder) as store:
        for name in names:
            assert await store.connections.secrets(name) == SECRETS


async def test_all_is_encrypted_with_the_first_of_the_keys_and_stays_what_it_was(url: str, folder: Path) -> None:
    async with Store.open(url, key=OLD, folder=folder) as store:
        await connect(store, "acme", "beta")
        masking = await store.connections.masking_key("acme")
        await store.sign_ins.save("state", {"verifier": "v"})
        _, secret = await store.webhooks.add("https://example.com/hook", events=[], connections=None, tags=[])
        before = await store.connections.get("acme")
    async with Store.open(url, key=f"{NEW},{OLD}", folder=folder) as store:
        await connect(store, "gamma")
        done = await store.keys.rotate()
        assert (done.connections, done.sign_ins, done.unchanged) == (2, 1, 1)
        assert (done.webhooks, done.keys, done.is_complete) == (1, 2, False)
        done = await store.keys.rotate()
        assert (done.connections, done.sign_ins, done.unchanged, done.is_complete) == (0, 0, 5, True)
    await require_readable(url, folder, "acme", "beta", "gamma", key=NEW)
    async with Store.open(url, key=NEW, folder=folder) as store:
        assert await store.connections.masking_key("acme") == masking
        assert await store.sign_ins.take("state") == {"verifier": "v"}
        [webhook] = await store.webhooks.list()
        assert store.webhooks.secrets(webhook, datetime.now(UTC)) == [secret]
        after = await store.connections.get("acme")
        assert (after.secrets != before.secrets, after.updated_at) == (True, before.updated_at)
    async with Store.open(url, key=OLD, folder=folder) as store:
        with pytest.raises(KeyUnusable, match=r"encrypted with another key.*Put the key back"):
            await store.connections.secrets("acme")


async def test_one_connection_that_no_key_decrypts_keeps_everything_as_it_is(url: str, folder: Path) -> None:
    async with Store.open(url, key=Fernet.generate_key().decode(), folder=folder) as store:
        await connect(store, "lost")
    async with Store.open(url, key=OLD, folder=folder) as store:
        await connect(store, "acme")
    async with Store.open(url, key=f"{NEW},{OLD}", folder=folder) as store:
        with pytest.raises(KeyUnusable, match="'lost' cannot be decrypted"):
            await store.keys.rotate()
    await require_readable(url, folder, "acme", key=OLD)


async def test_without_a_key_there_is_nothing_to_change_and_none_is_made(url: str, folder: Path) -> None:
    async with Store.open(url, folder=folder) as store:
        done = await store.keys.rotate()
    assert (done.connections, done.keys) == (0, 0)
    assert not (folder / "key").exists()


async def test_a_key_file_is_exchanged_where_nothing_is_encrypted_too(url: str, folder: Path) -> None:
    async with Store.open(url, folder=folder) as store:
        await connect(store, "acme")
        await store.connections.remove("acme")
        old = (folder / "key").read_text()
        done = await store.keys.rotate()
        if store.is_shared:  # another host may encrypt with the old one before it has the new file
            assert (done.keys, done.is_complete) == (2, False)
            done = await store.keys.rotate()
        assert (done.connections, done.unchanged, done.keys, done.is_complete) == (0, 0, 1, True)
    assert old not in (folder / "key").read_text()


async def test_a_key_file_that_holds_no_key_is_not_exchanged(url: str, folder: Path) -> None:
    async with Store.open(url, folder=folder) as store:
        (folder / "key").write_text("no-key")
        (folder / "key").chmod(0o600)
        with pytest.raises(KeyUnusable, match="is not a Fernet key"):
            await store.keys.rotate()
    assert (folder / "key").read_text() == "no-key"


async def test_a_webhook_that_no_key_decrypts_is_named_with_what_helps_and_changes_nothing(
    url: str, folder: Path
) -> None:
    async with Store.open(url, folder=folder) as store:
        webhook, _ = await store.webhooks.add("https://example.com/hook", events=[], connections=None, tags=[])
    (folder / "key").write_text(NEW)
    async with Store.open(url, folder=folder) as store:
        for _ in range(2):
            with pytest.raises(KeyUnusable) as caught:
                await store.keys.rotate()
            assert str(caught.value.cause).startswith(f"The secrets of the webhook {webhook.id} cannot be decrypted")
            assert f"`orgsync webhooks rotate {webhook.id}`" in caught.value.remedy
            assert (folder / "key").read_text() == NEW
        rotated = await store.webhooks.rotate(webhook.id, overlap=timedelta(days=1))
        assert rotated.warning.endswith("encrypted with another key. From now on the new secret alone signs.")
        assert store.webhooks.secrets(await store.webhooks.get(webhook.id), datetime.now(UTC)) == [rotated.secret]
        assert (await store.webhooks.rotate(webhook.id, overlap=timedelta(days=1))).warning == ""
        assert (await store.keys.rotate()).webhooks == 1


async def test_a_webhook_gets_a_new_secret_with_a_new_key_where_the_file_is_lost(url: str, folder: Path) -> None:
    async with Store.open(url, folder=folder) as store:
        webhook, _ = await store.webhooks.add("https://example.com/hook", events=[], connections=None, tags=[])
        (folder / "key").unlink()
    async with Store.open(url, folder=folder) as store:
        with pytest.raises(KeyUnusable, match=rf"webhook {webhook.id} cannot be decrypted: there is no key"):
            await store.keys.rotate()
        if store.is_shared:
            with pytest.raises(KeyUnusable, match=rf"no key.*the secret of {webhook.id} among them"):
                await store.webhooks.rotate(webhook.id, overlap=timedelta())
            (folder / "key").write_text(NEW)
            (folder / "key").chmod(0o600)
        rotated = await store.webhooks.rotate(webhook.id, overlap=timedelta())
        assert "encrypted with another key" in rotated.warning
        assert (await store.keys.rotate()).webhooks == 1


async def test_a_sign_in_that_no_key_decrypts_says_to_begin_it_again(url: str, folder: Path) -> None:
    async with Store.open(url, key=OLD, folder=folder) as store:
        await store.sign_ins.save("state", SECRETS)
    async with Store.open(url, key=NEW, folder=folder) as store:
        with pytest.raises(KeyUnusable, match=r"of this sign-in cannot be decrypted.*, or begin the sign-in again\.$"):
            await store.sign_ins.take("state")


async def test_a_key_file_gets_a_new_key_and_loses_the_old_one_where_no_other_host_needs_it(
    database: Database, folder: Path
) -> None:
    async with Store.open(database.url, folder=folder) as store:
        await connect(store, "acme")
        old = (folder / "key").read_text()
        done = await store.keys.rotate()
        if store.is_shared:
            assert (done.connections, done.keys, done.is_complete) == (1, 2, False)
            assert (folder / "key").read_text().endswith(f",{old}")
            done = await store.keys.rotate()  # the others have had the file
        assert (done.keys, done.is_complete) == (1, True)
    assert old not in (folder / "key").read_text()
    assert stat.S_IMODE((folder / "key").stat().st_mode) == 0o600
    assert [path.name for path in folder.glob("key*")] == ["key"]
    await require_readable(database.url, folder, "acme")


async def test_processes_that_have_the_database_open_continue_with_the_new_key(url: str, folder: Path) -> None:
    async with Store.open(url, folder=folder) as other, Store.open(url, folder=folder) as store:
        await connect(other, "acme", "beta")
        read_before = await other.connections.get("acme")
        for _ in range(2):
            await store.keys.rotate()
        assert other.connections.decrypt(read_before) == SECRETS
        assert await other.connections.secrets("acme") == SECRETS
        await other.connections.update("beta", secrets=SECRETS)
        await connect(other, "gamma")
    await require_readable(url, folder, "acme", "beta", "gamma")


@pytest.mark.parametrize("step", ["add_key", "with_first_key", "drop_old_keys"])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_killed_at_any_point_everything_is_readable_and_the_next_rotation_ends_it(
    step: str, when: str, url: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """What ends the process."""

    original = getattr(Vault, step)

    def killed(self: Vault, *arguments: str) -> None:
        if when == "after":
            original(self, *arguments)
        raise Killed

    async with Store.open(url, folder=folder) as store:
        await connect(store, "acme", "beta")
        old = (folder / "key").read_text()
    with monkeypatch.context() as patch:
        patch.setattr(Vault, step, killed)
        async with Store.open(url, folder=folder) as store:
            with pytest.raises(Killed):
                await rotated_twice(store)
    await require_readable(url, folder, "acme", "beta")
    async with Store.open(url, folder=folder) as store:
        while not (await store.keys.rotate()).is_complete:
            pass
    assert old not in (folder / "key").read_text()
    await require_readable(url, folder, "acme", "beta")


async def test_what_others_save_meanwhile_is_encrypted_with_the_new_key_as_well(url: str, folder: Path) -> None:
    """The writers hold the old key alone until they meet the file that holds both."""
    async with Store.open(url, folder=folder) as store, Store.open(url, folder=folder) as other:
        await connect(store, *(f"c{at}" for at in range(8)))

        async def save(at: int) -> None:
            for again in range(6):
                await other.connections.update(f"c{at}", secrets=SECRETS)
                await connect(other, f"new-{at}-{again}")
                await other.sign_ins.save(f"state-{at}-{again}", SECRETS)

        async with anyio.create_task_group() as tasks:
            for at in range(8):
                tasks.start_soon(save, at)
            tasks.start_soon(store.keys.rotate)
        while not (await store.keys.rotate()).is_complete:
            pass
        names = [each.name for each in await store.connections.list()]
    assert len(names) == 56
    await require_readable(url, folder, *names)


async def test_a_host_without_the_key_says_so_and_changes_nothing(url: str, folder: Path, tmp_path: Path) -> None:
    async with Store.open(url, folder=folder) as store:
        await connect(store, "acme")
    async with Store.open(url, folder=tmp_path / "another host") as store:
        asked: list[Awaitable[object]] = [store.keys.rotate(), store.connections.secrets("acme")]
        for each in asked:
            with pytest.raises(KeyUnusable, match="there is no key"):
                await each
        if store.is_shared:  # a key of its own would make what the other host cannot read
            token = await store.api_tokens.find(await store.api_tokens.create("ops", scopes=["read"]))
            assert token is not None
            for each in (
                store.connections.save(Connection(name="beta"), SECRETS),
                store.sign_ins.save("s", SECRETS),
                store.api_tokens.begin_session(token, lasts=timedelta(hours=1)),
            ):
                with pytest.raises(KeyUnusable, match=r"This host has no key.*Copy the file `key`"):
                    await each
            assert not (tmp_path / "another host" / "key").exists()
    await require_readable(url, folder, "acme")
