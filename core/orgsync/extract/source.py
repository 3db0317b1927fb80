"""What extraction works with: an org to read, the copy as it stands, and somewhere to say things."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from orgsync.records import Schema
from orgsync.salesforce.client import Client

__all__ = ["Copy", "Source"]


class Copy(Protocol):
    """The rows that one connection has in the store."""

    async def live_among(self, schema: Schema, ids: Sequence[str]) -> list[str]:
        """Name those of the Ids that have a live row in the copy."""
        ...

    async def live_ids(self, schema: Schema, after: str, limit: int) -> list[str]:
        """Name the next live rows' Ids in byte order."""
        ...


def _nothing(_: object) -> None:
    """Say it to nobody."""


@dataclass(frozen=True, slots=True)
class Source:
    """An org as extraction sees it.

    `lag` is how far behind the org's clock the watermark stays for an object that getUpdated does not cover.
    `warn` takes a sentence for the operator; `expect` the number of rows that a query will give.
    """

    client: Client
    copy: Copy
    lag: timedelta = timedelta(minutes=5)
    warn: Callable[[str], None] = field(default=_nothing)
    expect: Callable[[int], None] = field(default=_nothing)
