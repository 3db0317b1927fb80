"""Putting a connection's name into what an error says to do, where the connection is known."""

from collections.abc import Generator
from contextlib import contextmanager

from .base import OrgsyncError

__all__ = ["naming_connection"]


@contextmanager
def naming_connection(name: str) -> Generator[None]:
    """Name the connection in the remedies of errors that pass; without a name, leave them as they are."""
    try:
        yield
    except OrgsyncError as error:
        if name:
            error.name_connection(name)
        raise
