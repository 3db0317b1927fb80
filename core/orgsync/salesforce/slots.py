"""The slot that a run works in: who started the run lends it, and has it back while the run waits to try again."""

from contextvars import ContextVar
from typing import Protocol

from orgsync.errors import OrgsyncError

__all__ = ["SLOT", "Slot"]


class Slot(Protocol):
    """One of so many slots that runs share."""

    def answered(self) -> None:
        """Note a sign of life: an answer has come."""
        ...

    def release(self, cause: OrgsyncError | None) -> None:
        """Give the slot back: nothing is done until `acquire`. `cause` is what makes the run wait, if anything does."""
        ...

    async def acquire(self) -> None:
        """Wait for a slot, where it was given back; return at once where it was not."""
        ...


class _Unlimited:
    """The slot of a run that shares none, as of `orgsync run`."""

    def answered(self) -> None:
        """Note nothing."""

    def release(self, cause: OrgsyncError | None) -> None:
        """Give nothing back."""

    async def acquire(self) -> None:
        """Wait for nothing."""


SLOT: ContextVar[Slot] = ContextVar("SLOT", default=_Unlimited())  # noqa: B039 - it holds no state
"""The slot of the present run; tasks that a run starts inherit it."""
