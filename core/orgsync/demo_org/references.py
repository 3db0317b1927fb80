"""References of composite requests to each other's results: `@{newAccount.id}`, `@{found.records[0].Id}`."""

import re
from collections.abc import Iterator, Mapping

from .refusal import Refusal
from .wire import Json

_REFERENCE = re.compile(r"@\{(\w+)\.?([^{}]*)\}")
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


def referenced(value: Json) -> Iterator[str]:
    """Give the reference ids that a request names, wherever they stand in it."""
    if isinstance(value, str):
        yield from (match[1] for match in _REFERENCE.finditer(value))
    elif isinstance(value, list):
        for item in value:
            yield from referenced(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from referenced(item)


def resolved(value: Json, results: Mapping[str, Json]) -> Json:
    """Return a request with each reference replaced by what it names; what is nothing but a reference keeps its type.

    Raises:
        Refusal: PROCESSING_HALTED, where a reference names nothing.
    """
    if isinstance(value, str):
        whole = _REFERENCE.fullmatch(value)
        if whole:
            return _named(whole, results)
        return _REFERENCE.sub(lambda match: _text(_named(match, results)), value)
    if isinstance(value, list):
        return [resolved(item, results) for item in value]
    if isinstance(value, dict):
        return {name: resolved(item, results) for name, item in value.items()}
    return value


def _named(reference: re.Match[str], results: Mapping[str, Json]) -> Json:
    name, path = reference[1], reference[2]
    found: Json = results.get(name)
    for step in _STEP.finditer(path):
        if isinstance(found, dict) and step[1]:
            members: dict[str, Json] = found
            found = next((value for key, value in members.items() if key.lower() == step[1].lower()), None)
        elif isinstance(found, list) and step[2]:
            found = found[int(step[2])] if int(step[2]) < len(found) else None
        else:
            found = None
    if found is None:
        message = f"Invalid reference specified. No value for {name}.{path} found in {name}"
        raise Refusal(400, "PROCESSING_HALTED", message)
    return found


def _text(value: Json) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)
