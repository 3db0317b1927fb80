"""Which field fills each column of a table that no record class describes: given once, and kept for all connections."""

from collections.abc import Callable, Sequence

from .backend import Backend, Transaction
from .model import ObjectColumn

__all__ = ["ObjectColumns"]


class ObjectColumns:
    """The columns of one open store's tables of objects."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def list(self, table: str) -> Sequence[ObjectColumn]:
        """Read the columns of a table."""
        async with self._backend.reading() as on:
            return await on.object_columns.list(table)

    async def settle(
        self, table: str, choose: Callable[[Sequence[ObjectColumn]], Sequence[ObjectColumn]]
    ) -> tuple[Sequence[ObjectColumn], Sequence[ObjectColumn]]:
        """Return the columns that a table had, and those that were added: what `choose` returns, given the former.

        No other process gives columns to the table meanwhile.
        """
        known = await self.list(table)
        if not choose(known):
            return known, ()

        async def add(on: Transaction) -> tuple[Sequence[ObjectColumn], Sequence[ObjectColumn]]:
            known = await on.object_columns.list(table)
            new = choose(known)
            await on.object_columns.add(new)
            return known, new

        return await self._backend.write(add)
