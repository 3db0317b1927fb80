"""The slot that a run occupies: it is released while the run waits to retry, so that another can start."""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

from orgsync.errors import OrgsyncError

__all__ = ["SLOT", "Slot", "waiting"]


class Slot(Protocol):
    """One of so many slots that runs share."""

    def request_sent(self) -> None:
        """Note that a request is being sent; `request_ended` follows in any case."""
        ...

    def request_ended(self) -> None:
        """Note that a request is no longer waiting: its response has begun to arrive, or there is none."""
        ...

    def release(self, cause: OrgsyncError | None) -> None:
        """Release the slot: the run reads nothing until `acquire`, and writes at most what it has read ahead.

        `cause` is the error that makes it wait, if any.
        """
        ...

    async def acquire(self) -> None:
        """Wait for a slot, if it was released; return at once if it was not."""
        ...


class _Unlimited:
    """The slot of a run that shares none, as of `orgsync run`."""

    def request_sent(self) -> None:
        """Note nothing."""

    def request_ended(self) -> None:
        """Note nothing."""

    def release(self, cause: OrgsyncError | None) -> None:
        """Release nothing."""

    async def acquire(self) -> None:
        """Wait for nothing."""


@contextmanager
def waiting() -> Generator[None]:
    """Mark the present run as waiting for a response inside the block."""
    slot = SLOT.get()
    slot.request_sent()
    try:
        yield
    finally:
        slot.request_ended()


SLOT: ContextVar[Slot] = ContextVar("SLOT", default=_Unlimited())  # noqa: B039 - it holds no state
"""The slot of the present run; tasks that a run starts inherit it."""
