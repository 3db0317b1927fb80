"""Keys: made once, readable by their owner alone, never replaced behind anyone's back."""

import stat
from pathlib import Path

import anyio
import anyio.to_thread
import pytest
from cryptography.fernet import Fernet

from orgsync.errors import KeyUnusable, StoreUnavailable
from orgsync.store import Connection, Store
from orgsync.store.vault import Vault
from tests.store.databases import Database

ACME = Connection(name="acme")
SECRETS = {"refresh_token": "t0ken"}


def key_files(folder: Path) -> list[str]:
    return [path.name for path in folder.glob("key*")]


def new_key() -> str:
    return Fernet.generate_key().decode()


async def test_the_first_connection_makes_the_key_and_reading_never_does(url: str, folder: Path) -> None:
    async with Store.open(url, folder=folder) as store:
        assert await store.connections.list() == []
        assert not (folder / "key").exists()
        await store.connections.save(ACME, SECRETS)
    assert stat.S_IMODE((folder / "key").stat().st_mode) == 0o600
    assert key_files(folder) == ["key"]
    async with Store.open(url, folder=folder) as store:
        assert await store.connections.secrets("acme") == SECRETS


async def test_a_second_connection_keeps_the_key(url: str, folder: Path) -> None:
    async with Store.open(url, folder=folder) as store:
        await store.connections.save(ACME, SECRETS)
        key = (folder / "key").read_bytes()
        await store.connections.save(Connection(name="beta"), SECRETS)
    assert (folder / "key").read_bytes() == key


async def test_a_missing_key_file_is_reported_and_not_replaced(url: str, folder: Path) -> None:
    async with Store.open(url, folder=folder) as store:
        await store.connections.save(ACME, SECRETS)
    (folder / "key").unlink()
    async with Store.open(url, folder=folder) as store:
        for touch in (store.connections.secrets("acme"), store.connections.update("acme", secrets=SECRETS)):
            with pytest.raises(
                KeyUnusable, match=r"'acme' cannot be (de|en)crypted: there is no key.*Put the key back.*connect acme"
            ):
                await touch
        with pytest.raises(KeyUnusable, match="there is no key"):
            await store.connections.rename("acme", "beta")
        assert (await store.connections.get("acme")).name == "acme"
    assert not (folder / "key").exists()


async def test_a_key_file_that_leads_to_an_absent_volume_is_not_replaced(
    url: str, folder: Path, tmp_path: Path
) -> None:
    async with Store.open(url, folder=folder) as store:
        (folder / "key").symlink_to(tmp_path / "volume" / "key")
        with pytest.raises(StoreUnavailable, match="is a symbolic link"):
            await store.connections.save(ACME, SECRETS)
    assert (folder / "key").is_symlink()


async def test_another_key_is_reported(url: str, folder: Path) -> None:
    async with Store.open(url, key=new_key(), folder=folder) as store:
        await store.connections.save(ACME, SECRETS)
    async with Store.open(url, key=new_key(), folder=folder) as store:
        with pytest.raises(KeyUnusable, match="encrypted with another key"):
            await store.connections.secrets("acme")
    assert not (folder / "key").exists()


async def test_of_several_keys_the_first_encrypts_and_each_decrypts(url: str, folder: Path) -> None:
    old, new = new_key(), new_key()
    async with Store.open(url, key=old, folder=folder) as store:
        await store.connections.save(ACME, SECRETS)
    async with Store.open(url, key=f"{new}, {old}", folder=folder) as store:
        assert await store.connections.secrets("acme") == SECRETS
        await store.connections.update("acme", secrets={"refresh_token": "next"})
    async with Store.open(url, key=new, folder=folder) as store:
        assert await store.connections.secrets("acme") == {"refresh_token": "next"}


@pytest.mark.parametrize("key", ["", " ", "secret-but-no-key", "x" * 44])
async def test_a_key_that_is_none_is_refused_without_showing_it(url: str, folder: Path, key: str) -> None:
    async with Store.open(url, key=key, folder=folder) as store:
        with pytest.raises(KeyUnusable, match="ORGSYNC_KEY is not a Fernet key") as caught:
            await store.connections.save(ACME, SECRETS)
    assert "secret-but" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"half a k", b"\xff\xfe"])
async def test_a_broken_key_file_is_reported_and_left_alone(url: str, folder: Path, content: bytes) -> None:
    async with Store.open(url, folder=folder) as store:
        (folder / "key").write_bytes(content)
        with pytest.raises(KeyUnusable, match=r"key"):
            await store.connections.save(ACME, SECRETS)
    assert (folder / "key").read_bytes() == content


async def test_credentials_moved_to_another_connection_are_refused(url: str, folder: Path, database: Database) -> None:
    async with Store.open(url, folder=folder) as store:
        await store.connections.save(ACME, SECRETS)
        await store.connections.save(Connection(name="beta"), {"refresh_token": "other"})
    database.execute(
        "UPDATE orgsync_connection SET secrets = (SELECT secrets FROM orgsync_connection WHERE name = 'acme')"
    )
    async with Store.open(url, folder=folder) as store:
        assert await store.connections.secrets("acme") == SECRETS
        with pytest.raises(KeyUnusable, match=r"'beta' cannot be .*encrypted for another owner"):
            await store.connections.secrets("beta")


async def test_a_connection_that_was_stored_without_credentials_has_none(url: str, folder: Path) -> None:
    async with Store.open(url, folder=folder) as store:
        await store.connections.save(ACME, {})
        assert await store.connections.secrets("acme") == {}
    assert Vault(None, folder / "other").decrypt("acme", b"") == {}


async def test_of_many_that_make_the_key_at_once_the_first_wins(url: str, folder: Path) -> None:
    async with Store.open(url, folder=folder) as store, anyio.create_task_group() as tasks:
        for number in range(8):
            tasks.start_soon(anyio.to_thread.run_sync, Vault(None, folder / "key").make_key)
            tasks.start_soon(store.connections.save, Connection(name=f"c{number}"), {"n": number})
    async with Store.open(url, folder=folder) as store:
        assert [(await store.connections.secrets(f"c{number}"))["n"] for number in range(8)] == list(range(8))
    assert key_files(folder) == ["key"]
