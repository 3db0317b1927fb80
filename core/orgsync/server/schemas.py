"""Models of the answers, made from the views that the command's `--json` writes."""

from functools import cache
from types import UnionType
from typing import Any, Union, cast, get_args, get_origin, get_type_hints, is_typeddict

from pydantic import BaseModel, ConfigDict, create_model

__all__ = ["model_of"]


@cache
def model_of(view: type) -> type[BaseModel]:
    """Return the model of a TypedDict, with those that stand in it; pydantic reads none before Python 3.12."""
    fields: dict[str, Any] = {name: (_modelled(kind), ...) for name, kind in get_type_hints(view).items()}
    return create_model(view.__name__, __config__=ConfigDict(extra="forbid"), __doc__=view.__doc__, **fields)


def _modelled(kind: Any) -> Any:
    if is_typeddict(kind):
        return model_of(cast("type", kind))
    origin, inner = get_origin(kind), tuple(_modelled(each) for each in get_args(kind))
    if origin in (Union, UnionType):
        return Union[inner]  # noqa: UP007 # made at run time
    if origin is None or not any(given is not now for given, now in zip(get_args(kind), inner, strict=True)):
        return kind
    return origin[inner]
