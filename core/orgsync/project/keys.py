"""The keys of a project's credentials: exchanged while syncs run."""

from orgsync.settings import Settings, load_settings
from orgsync.store import KeyRotation

from .project import open_store

__all__ = ["KeyRotation", "rotate_keys"]


async def rotate_keys(settings: Settings | None = None) -> KeyRotation:
    """Encrypt all credentials and secrets with the first key, in one transaction, as `orgsync keys rotate` does.

    Raises KeyUnusable, with nothing changed, where the secrets of a connection or webhook can be decrypted with
    none of the keys.
    """
    async with open_store(settings or load_settings()) as store:
        return await store.keys.rotate()
