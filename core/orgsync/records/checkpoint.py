"""An author's own checkpoint: JSON, checked when it is given rather than when it is read back."""

import json
from datetime import datetime
from typing import Any, cast

from orgsync.errors import BatchInvalid

from .wording import kind_of

__all__ = ["as_json"]

_WIDEST = 3322  # bits: 1,000 digits
_INFINITE = (float("inf"), float("-inf"))


def as_json(checkpoint: Any) -> dict[str, Any]:
    """Return a checkpoint as it will be read back; raise BatchInvalid for what JSON cannot hold."""
    if not isinstance(checkpoint, dict):
        raise BatchInvalid(f"checkpoint= is {kind_of(checkpoint)}, not a dict.", 'Give a dict: checkpoint={"page": 2}.')
    _require_json(checkpoint, "checkpoint")
    return cast("dict[str, Any]", json.loads(json.dumps(checkpoint)))


def _require_json(value: Any, place: str) -> None:
    if isinstance(value, dict):
        items = cast("dict[Any, Any]", value).items()  # type: ignore[redundant-cast] # pyright asks for it
        for key, each in items:
            if not isinstance(key, str):
                raise BatchInvalid(f"{place} has {kind_of(key)} as a key.", "Keys in JSON are strings: str(key).")
            _require_json(each, f"{place}[{key!r}]")
    elif isinstance(value, list | tuple):
        for at, each in enumerate(cast("list[Any]", value)):
            _require_json(each, f"{place}[{at}]")
    elif isinstance(value, datetime):
        raise BatchInvalid(
            f"{place} is a datetime, which JSON does not have.",
            "Store instant.isoformat(), and read it back with datetime.fromisoformat(...).",
        )
    elif isinstance(value, int) and value.bit_length() > _WIDEST:
        raise BatchInvalid(
            f"{place} is an int of more than 1,000 digits, which JSON parsers do not accept.", "Store it as a str."
        )
    elif not (value is None or isinstance(value, str | int | float)) or value != value or value in _INFINITE:
        raise BatchInvalid(
            f"{place} is {kind_of(value)} that JSON does not have.",
            "A checkpoint holds strings, finite numbers, True, False, None, lists and dicts.",
        )
