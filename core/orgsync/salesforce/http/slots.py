"""The slot that a run works in: who started the run lends it, and has it back while the run waits to try again."""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

from orgsync.errors import OrgsyncError

__all__ = ["SLOT", "Slot", "waiting"]


class Slot(Protocol):
    """One of so many slots that runs share."""

    def asked(self) -> None:
        """Note that a request is on its way; `answered` follows it, whatever comes of it."""
        ...

    def answered(self) -> None:
        """Note that a request waits no more: its answer has begun, or there is none."""
        ...

    def release(self, cause: OrgsyncError | None) -> None:
        """Give the slot back: nothing is done until `acquire`. `cause` is what makes the run wait, if anything does."""
        ...

    async def acquire(self) -> None:
        """Wait for a slot, where it was given back; return at once where it was not."""
        ...


class _Unlimited:
    """The slot of a run that shares none, as of `orgsync run`."""

    def asked(self) -> None:
        """Note nothing."""

    def answered(self) -> None:
        """Note nothing."""

    def release(self, cause: OrgsyncError | None) -> None:
        """Give nothing back."""

    async def acquire(self) -> None:
        """Wait for nothing."""


@contextmanager
def waiting() -> Generator[None]:
    """Tell the slot of the present run that it waits for an answer until the end of the block."""
    slot = SLOT.get()
    slot.asked()
    try:
        yield
    finally:
        slot.answered()


SLOT: ContextVar[Slot] = ContextVar("SLOT", default=_Unlimited())  # noqa: B039 - it holds no state
"""The slot of the present run; tasks that a run starts inherit it."""
