"""Sign-ins that have begun in a browser and not come back yet: kept encrypted, taken once, forgotten after a day."""

from datetime import timedelta
from hashlib import sha256

from sqlmodel import col, delete, select
from sqlmodel.ext.asyncio.session import AsyncSession

from .model import PendingSignIn, utc_now

__all__ = ["keep", "key_of", "take"]

_KEPT_FOR = timedelta(days=1)


def key_of(state: str) -> str:
    """Name a pending sign-in without keeping its state, which is a secret until it comes back."""
    return sha256(state.encode(errors="replace")).hexdigest()


async def keep(session: AsyncSession, key: str, encrypted: bytes) -> None:
    """Keep a sign-in that has begun, and forget those that never came back."""
    await session.exec(delete(PendingSignIn).where(col(PendingSignIn.begun_at) < utc_now() - _KEPT_FOR))
    session.add(PendingSignIn(key=key, secrets=encrypted))


async def take(session: AsyncSession, key: str) -> bytes | None:
    """Take a pending sign-in out; None where there is none, so that a callback works once."""
    since = utc_now() - _KEPT_FOR
    query = select(PendingSignIn).where(PendingSignIn.key == key, col(PendingSignIn.begun_at) >= since)
    found = (await session.exec(query)).one_or_none()
    if found is None:
        return None
    await session.delete(found)
    return found.secrets
