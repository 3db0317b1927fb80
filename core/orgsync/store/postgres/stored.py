"""Values as the driver reads them, made the store's."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast

__all__ = ["instants_in_utc", "types_in"]


def instants_in_utc(row: Sequence[Any]) -> list[Any]:
    """Return a row whose instants bear `UTC` itself, as everywhere in orgsync."""
    return [value.astimezone(UTC) if type(value) is datetime else value for value in row]


def types_in(positions: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the Python type of each column that the positions of streams name."""
    kinds: dict[str, str] = {}
    for position in positions:
        columns: Any = position.get("columns")
        if isinstance(columns, dict):
            shapes = cast("dict[str, Any]", columns)
            kinds |= {name: shape[1] for name, shape in shapes.items() if name}
    return kinds
