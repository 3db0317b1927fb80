"""The keys that credentials are encrypted with: exchanged while processes work."""

from dataclasses import dataclass
from datetime import timedelta

import anyio.to_thread

from orgsync.errors import KeyUnusable

from .backend import Backend, Transaction
from .vault import Vault

__all__ = ["KeyRotation", "Keys", "require_key"]

_SIGN_IN_TTL = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class KeyRotation:
    """What a rotation has done: how many of each kind it has encrypted with the first key, how many were so already.

    `place` is the key's file, or the name of its variable; `keys` how many keys are there now, the first of which is
    the one that encrypts; 0 where there has never been one. Once `is_complete`, nothing needs another key than that.
    """

    connections: int
    sign_ins: int
    webhooks: int
    unchanged: int
    place: str
    is_file: bool
    keys: int
    is_complete: bool


async def require_key(backend: Backend, vault: Vault) -> None:
    """Make the key file unless there is a key; raises KeyUnusable for an unusable key.

    It is raised, too, on a host without a key whose database, which others use, has credentials already: a key of its
    own would make what the others cannot read.
    """
    if backend.is_shared and not vault.has_key:
        async with backend.reading() as on:
            found = next((f"those of {each.name!r}" for each in await on.connections.list() if each.secrets), None)
            found = found or next((f"the secret of {each.id}" for each in await on.webhooks.list()), None)
        if found is not None:
            raise KeyUnusable(
                f"This host has no key, but the database has encrypted secrets already, {found} among them.",
                f"Copy the file `key` from the host that made them to {vault.place}, or set ORGSYNC_KEY to its "
                "content. Where it is lost, make a new key as the how-to page on backups says, connect each connection "
                "again, and run `orgsync webhooks rotate ID` for each webhook.",
            )
    await anyio.to_thread.run_sync(vault.make_key)


class Keys:
    """The keys of one open store."""

    def __init__(self, backend: Backend, vault: Vault) -> None:
        self._backend = backend
        self._vault = vault

    async def rotate(self) -> KeyRotation:
        """Encrypt everything with the first key, in one transaction; where the key is a file, with a new one.

        Of a file, the new key stands before the old one until all is encrypted with it, so that the database is
        readable whenever this is ended; run again, it continues. The old one then goes, at once where the database is
        this host's alone: otherwise in a later rotation that finds nothing to do, for other hosts need the file first.

        Where nothing is encrypted, the file gets a new key all the same: it may be known to somebody else.

        Raises KeyUnusable, with nothing changed, where the secrets of a connection or webhook can be decrypted with
        none of the keys, or a key is not usable.
        """
        added = False
        async with self._backend.lock("keys", timeout=None):
            await self._require_decryptable()
            if not self._vault.has_key:
                return KeyRotation(0, 0, 0, 0, self._vault.place, self._vault.is_file, 0, is_complete=True)
            await anyio.to_thread.run_sync(self._vault.make_key)  # there is one: raises where it is not usable
            if self._vault.is_file and self._vault.count_keys() == 1:
                await anyio.to_thread.run_sync(self._vault.add_key)
                added = True
            connections, sign_ins, webhooks, unchanged = await self._encrypt()
            has_changed = connections + sign_ins + webhooks > 0
            is_alone = not self._backend.is_shared or not (has_changed or added)
            if self._vault.is_file and is_alone:
                await anyio.to_thread.run_sync(self._vault.drop_old_keys)
            keys = self._vault.count_keys()
        return KeyRotation(
            connections,
            sign_ins,
            webhooks,
            unchanged,
            self._vault.place,
            self._vault.is_file,
            keys,
            is_complete=is_alone if self._vault.is_file else not has_changed,
        )

    async def _require_decryptable(self) -> None:
        """Raise KeyUnusable for a connection or webhook whose secrets no key decrypts."""
        async with self._backend.reading() as on:
            for connection in await on.connections.list():
                self._vault.decrypt(connection.name, connection.secrets)
            for webhook in await on.webhooks.list():
                self._vault.decrypt(webhook.id, webhook.secrets, kind="webhook")

    async def _encrypt(self) -> tuple[int, int, int, int]:
        """Encrypt with the first key what has another; count what was changed, by kind, and what had it already."""
        async with self._backend.writing(durable=True) as on:
            await on.connections.keep_unchanged()
            connections = await self._encrypt_connections(on)
            sign_ins = await self._encrypt_sign_ins(on)
            webhooks = await self._encrypt_webhooks(on)
        return connections[0], sign_ins[0], webhooks[0], connections[1] + sign_ins[1] + webhooks[1]

    async def _encrypt_connections(self, on: Transaction) -> tuple[int, int]:
        changed = unchanged = 0
        for each in await on.connections.list():
            if not each.secrets:
                continue
            encrypted = self._vault.with_first_key(each.name, each.secrets)
            unchanged += encrypted is None
            if encrypted is not None:
                changed += 1
                await on.connections.replace_secrets(each.name, encrypted)
        return changed, unchanged

    async def _encrypt_webhooks(self, on: Transaction) -> tuple[int, int]:
        changed = unchanged = 0
        for each in await on.webhooks.list():
            encrypted = self._vault.with_first_key(each.id, each.secrets, kind="webhook")
            unchanged += encrypted is None
            if encrypted is not None:
                changed += 1
                await on.webhooks.set_secrets(each.id, encrypted)
        return changed, unchanged

    async def _encrypt_sign_ins(self, on: Transaction) -> tuple[int, int]:
        """Encrypt the sign-ins under way; one that no key decrypts cannot be completed anyway, and is left as it is."""
        changed = unchanged = 0
        await on.sign_ins.remove_expired(_SIGN_IN_TTL)
        for key, secrets in await on.sign_ins.list():
            try:
                encrypted = self._vault.with_first_key(key, secrets, kind="sign-in")
            except KeyUnusable:
                continue
            unchanged += encrypted is None
            if encrypted is not None:
                changed += 1
                await on.sign_ins.replace_secrets(key, encrypted)
        return changed, unchanged
