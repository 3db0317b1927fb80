"""A connection's metadata: a JSON object that its owner keeps with it."""

import math
from collections.abc import Iterable, Mapping
from typing import Any, cast

from orgsync.errors import ArgumentInvalid
from orgsync.records.wording import kind_of

__all__ = ["checked_metadata"]


def checked_metadata(metadata: object) -> dict[str, Any]:
    """Return metadata as the database would give it back; raises ArgumentInvalid for what JSON does not hold."""
    if not isinstance(metadata, Mapping):
        raise ArgumentInvalid(
            f"metadata is {kind_of(metadata)}, but it takes a mapping.", 'Pass metadata={"plan": "gold"}.'
        )
    return cast("dict[str, Any]", _plain(cast("object", metadata), "metadata"))


def _plain(value: object, place: str) -> object:
    if value is None or isinstance(value, str | bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if isinstance(value, Mapping):
        return {_key(name, place): _plain(each, f"{place}[{name!r}]") for name, each in _items(value)}
    if isinstance(value, list | tuple):
        return [_plain(each, f"{place}[{at}]") for at, each in enumerate(cast("Iterable[object]", value))]
    what = "no finite number" if isinstance(value, float) else kind_of(value)
    raise ArgumentInvalid(
        f"{place} is {what}, which JSON does not hold.", "Write it as text, a number, a list or a mapping."
    )


def _items(value: object) -> Iterable[tuple[object, object]]:
    return cast("Mapping[object, object]", value).items()


def _key(name: object, place: str) -> str:
    if isinstance(name, str):
        return name
    raise ArgumentInvalid(f"A key in {place} is {kind_of(name)}, and JSON's are text.", "Write it as a str.")
