"""A connection's field mapping as it is stored: which Salesforce fields fill columns of record classes there."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["MappedColumn", "mapping_as_json", "mapping_as_text", "mapping_from_json"]


@dataclass(frozen=True, slots=True)
class MappedColumn:
    """One column of a record class, and the fields that fill it on one connection: one, or several for extra fields.

    The class is known by its table; `model` is its name when the mapping was made.
    """

    model: str
    table: str
    column: str
    fields: tuple[str, ...]

    def is_of(self, table: str) -> bool:
        """Return whether the column belongs to a table; SQLite ignores the case of its name."""
        return self.table.lower() == table.lower()

    @property
    def key(self) -> tuple[str, str]:
        """What there is one mapping of."""
        return self.table.lower(), self.column

    @property
    def text(self) -> str:
        """The fields as they are written behind `Contact.level=`."""
        return ",".join(self.fields)


def mapping_as_json(mapping: Iterable[MappedColumn]) -> list[dict[str, Any]]:
    """Return a mapping as the store keeps it."""
    return [asdict(each) | {"fields": list(each.fields)} for each in mapping]


def mapping_from_json(stored: Iterable[Mapping[str, Any]]) -> tuple[MappedColumn, ...]:
    """Read a mapping as the store keeps it."""
    return tuple(MappedColumn(each["model"], each["table"], each["column"], tuple(each["fields"])) for each in stored)


def mapping_as_text(mapping: Sequence[MappedColumn]) -> dict[str, str]:
    """Return a mapping as people write it: `{"Contact.level": "Tier__c"}`.

    Where two classes share a name, their tables' names stand in its place.
    """
    tables = Counter(model for model, _ in {(each.model, each.table.lower()) for each in mapping})
    return {
        f"{each.model if tables[each.model] == 1 else each.table}.{each.column}": each.text
        for each in sorted(mapping, key=lambda each: (each.model, each.table, each.column))
    }
