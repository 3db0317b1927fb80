"""Models of the answers, made from the views that the command's `--json` writes."""

from functools import cache
from types import UnionType
from typing import Annotated, Any, Union, cast, get_args, get_origin, get_type_hints, is_typeddict

from pydantic import BaseModel, ConfigDict, WithJsonSchema, create_model

from orgsync.project.views import Instant

__all__ = ["model_of"]


@cache
def model_of(view: type) -> type[BaseModel]:
    """Return the model of a TypedDict, with those that stand in it; pydantic reads none before Python 3.12."""
    hints = get_type_hints(view, include_extras=True)
    fields: dict[str, Any] = {name: (_modelled(kind), ...) for name, kind in hints.items()}
    name = view.__name__.removesuffix("View").removeprefix("Listed")
    return create_model(name, __config__=ConfigDict(extra="forbid"), __doc__=view.__doc__, **fields)


def _modelled(kind: Any) -> Any:
    if is_typeddict(kind):
        return model_of(cast("type", kind))
    if kind == Instant:
        return Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
    origin, inner = get_origin(kind), tuple(_modelled(each) for each in get_args(kind))
    if origin in (Union, UnionType):
        return Union[inner]  # noqa: UP007 # made at run time
    if origin is None or not any(given is not now for given, now in zip(get_args(kind), inner, strict=True)):
        return kind
    return origin[inner]
