"""Syncs that would write the same table, according to their scripts and the owners of tables in the store."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from orgsync.errors import RecordClassInvalid
from orgsync.store.ownership import taken

__all__ = ["Clash", "clashes_of"]


class Writer(Protocol):
    """A sync, by its name and the tables that it writes."""

    @property
    def name(self) -> str: ...

    @property
    def tables(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True)
class Clash:
    """A table that two syncs would write; `owned` says that it belongs to the other."""

    sync: str
    table: str
    other: str
    owned: bool

    @property
    def problem(self) -> RecordClassInvalid:
        """The error for it."""
        if self.owned:
            return taken(self.table, self.other, self.sync)
        return RecordClassInvalid(
            f"The syncs {self.sync} and {self.other} both write to the table {self.table}, which can have one owner.",
            f"Give {self.sync} a table of its own (in a script a record class or a __tablename__, in [[objects]] a "
            "table); otherwise whichever runs first keeps the table, and the other is refused.",
        )


def clashes_of(sync: Writer, others: Iterable[Writer], owners: Mapping[str, str]) -> list[Clash]:
    """Return the clashes of a sync: tables that belong to another, or that have no owner and another would write.

    `owners` maps tables to the syncs that they belong to. A sync that owns its tables has no clash: the others do.
    """
    rivals = [other for other in others if other.name != sync.name]
    known = {table.lower(): owner for table, owner in owners.items()}
    found: list[Clash] = []
    for table in sync.tables:
        owner = known.get(table.lower())
        if owner is not None and owner != sync.name:
            found.append(Clash(sync.name, table, owner, owned=True))
        elif owner is None:
            found += [
                Clash(sync.name, table, rival.name, owned=False)
                for rival in rivals
                if table.lower() in {each.lower() for each in rival.tables}
            ]
    return found
