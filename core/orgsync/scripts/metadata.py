"""A connection's metadata: a JSON object that its owner keeps with it, and the models that syncs declare for it."""

import json
import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from orgsync.errors import ArgumentInvalid, MetadataInvalid
from orgsync.plain_json import require_characters, require_nesting
from orgsync.records.wording import kind_of
from orgsync.suggest import nearest

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError
    from pydantic_core import ErrorDetails

__all__ = ["checked_metadata", "fitted"]

M = TypeVar("M", bound="BaseModel")

_OWN_CHECKS = ("value_error", "assertion_error")  # their text is the author's, and may quote a value


def checked_metadata(metadata: object) -> dict[str, Any]:
    """Return metadata as the database would give it back; raises ArgumentInvalid for what JSON does not hold."""
    if not isinstance(metadata, Mapping):
        raise ArgumentInvalid(
            f"metadata is {kind_of(metadata)}, but it takes a mapping.", 'Pass metadata={"plan": "gold"}.'
        )
    given = cast("object", metadata)
    require_nesting(given, "metadata")
    plain = cast("dict[str, Any]", _plain(given, "metadata"))
    require_characters(plain, "metadata")
    return plain


def fitted(model: type[M], metadata: Mapping[str, Any], *, connection: str, sync: str = "") -> M:
    """Return metadata as a model of pydantic's, read as JSON is.

    Raises MetadataInvalid, which names each field that does not fit, but no value.
    """
    from pydantic import ValidationError

    try:
        return model.model_validate_json(json.dumps(dict(metadata)))
    except ValidationError as error:
        wants = f"the sync {sync} wants" if sync else f"{model.__name__} wants"
        raise MetadataInvalid(
            f"The metadata of {connection} is not what {wants}: {'; '.join(_misfits(error, metadata))}.",
            f"Correct it: orgsync connections update {connection} --metadata JSON",
        ) from None  # the original quotes values


def _misfits(error: "ValidationError", metadata: Mapping[str, Any]) -> list[str]:
    return [_misfit(each, metadata) for each in error.errors(include_url=False, include_input=False)]


def _misfit(found: "ErrorDetails", metadata: Mapping[str, Any]) -> str:
    place = ".".join(str(part) for part in found["loc"]) or "it"
    if found["type"] == "missing":
        given = nearest(place, list(metadata))
        return f"{place} is missing{f' (there is {given})' if given else ''}"
    if found["type"] in _OWN_CHECKS:
        return f"{place} is refused by the model's own check"
    return f"{place}: {found['msg'][:1].lower()}{found['msg'][1:]}"


def _plain(value: object, place: str) -> object:
    if value is None or isinstance(value, str | bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if isinstance(value, Mapping):
        return {_key(name, place): _plain(each, f"{place}[{name!r}]") for name, each in _items(cast("object", value))}
    if isinstance(value, list | tuple):
        return [_plain(each, f"{place}[{at}]") for at, each in enumerate(cast("Iterable[object]", value))]
    what = "no finite number" if isinstance(value, float) else kind_of(value)
    remedy = "Write it as text, a number, a list or a mapping."
    raise ArgumentInvalid(f"{place} is {what}, which JSON does not hold.", remedy)


def _items(value: object) -> Iterable[tuple[object, object]]:
    return cast("Mapping[object, object]", value).items()


def _key(name: object, place: str) -> str:
    if isinstance(name, str):
        return name
    raise ArgumentInvalid(f"A key in {place} is {kind_of(name)}, and JSON's are text.", "Write it as a str.")
