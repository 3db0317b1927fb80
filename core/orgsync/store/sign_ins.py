"""Sign-ins that have begun in a browser: encrypted, usable once, deleted after a day."""

from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha256
from typing import Any

from .backend import Backend
from .keys import require_key
from .vault import Vault

__all__ = ["SignIns"]

_TTL = timedelta(days=1)


class SignIns:
    """The sign-ins of one open store, each stored under its `state`, which is secret until the callback."""

    def __init__(self, backend: Backend, vault: Vault) -> None:
        self._backend = backend
        self._vault = vault

    async def save(self, state: str, secrets: Mapping[str, Any]) -> None:
        """Store a sign-in, and delete expired ones."""
        await require_key(self._backend, self._vault)
        key = _key_of(state)
        async with self._backend.writing(durable=True) as on:
            await on.sign_ins.remove_expired(_TTL)  # which waits for a rotation of keys: what follows has the new one
            await on.sign_ins.save(key, self._vault.encrypt(key, secrets, kind="sign-in"))

    async def take(self, state: str) -> dict[str, Any] | None:
        """Delete the sign-in with this state and return its secrets; None if there is none, expired or used before."""
        key = _key_of(state)
        async with self._backend.writing(durable=True) as on:
            encrypted = await on.sign_ins.take(key, ttl=_TTL)
        return None if encrypted is None else self._vault.decrypt(key, encrypted, kind="sign-in")


def _key_of(state: str) -> str:
    """Return the name of a sign-in, from which its state cannot be guessed."""
    return sha256(state.encode(errors="replace")).hexdigest()
