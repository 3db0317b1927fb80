"""The columns that a record class's annotations declare."""

import types
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin

from pydantic.fields import FieldInfo
from sqlalchemy import JSON, Boolean, Date, Float, Integer, String
from sqlalchemy.types import TypeEngine

from orgsync.errors import RecordClassInvalid

from .declaration import require_extra, require_index_or_nothing, require_maskable, require_path
from .field_options import options_of, path_of
from .schema import Column
from .types import StoredDecimal, StoredTime, UtcDateTime

__all__ = ["COLUMN_TYPES", "column_of"]

COLUMN_TYPES: dict[type, type[TypeEngine[Any]]] = {
    str: String,
    bool: Boolean,
    int: Integer,
    float: Float,
    Decimal: StoredDecimal,
    datetime: UtcDateTime,
    date: Date,
    time: StoredTime,
    dict: JSON,
    list: JSON,
}


def column_of(owner: str, name: str, info: FieldInfo) -> Column:
    """Return the column of a field; raise RecordClassInvalid for a type that no column can hold."""
    kind, nullable = _kind(info.annotation)
    if kind not in COLUMN_TYPES:
        known = ", ".join(sorted(each.__name__ for each in COLUMN_TYPES))
        raise RecordClassInvalid(
            f"{owner}.{name} has a type that no column can hold: {info.annotation!r}.",
            f"Use one of {known}, with `| None` where Salesforce may leave it empty.",
        )
    given = options_of(info)
    if given.local and (given.path is not None or given.optional or given.formula):
        raise RecordClassInvalid(
            f"{owner}.{name} is local and has a Salesforce field at the same time.",
            "A local column has no Salesforce field: write field(local=True), or leave local=True out.",
        )
    path = "" if given.local else given.path or path_of(name)
    require_path(owner, name, given.path)
    if given.extra:
        require_extra(owner, name, kind, given, nullable=nullable)
        return Column(name, "", dict, given.optional, extra=True)
    index = require_index_or_nothing(owner, name, info) or given.index
    require_maskable(owner, name, kind, path, given)
    return Column(
        name, path, kind, given.optional, nullable, given.local, index, mask=given.mask or "", formula=given.formula
    )


def _kind(annotation: Any) -> tuple[Any, bool]:
    """Reduce an annotation to the class that determines the column, and whether None is allowed."""
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        options = [arg for arg in get_args(annotation) if arg is not type(None)]
        nullable = len(options) < len(get_args(annotation))
        return (_kind(options[0])[0] if len(options) == 1 else annotation), nullable
    if origin is Annotated:
        return _kind(get_args(annotation)[0])
    if origin is Literal:
        kinds: list[Any] = list({type(arg) for arg in get_args(annotation)})
        return (kinds[0] if len(kinds) == 1 else annotation), False
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return dict, False
    return cast("Any", origin or annotation), False
