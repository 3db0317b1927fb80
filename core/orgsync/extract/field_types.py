"""The Python types that hold the values of each Salesforce field type; `str` holds all of them."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal

from orgsync.errors import MappingInvalid, OrgsyncError, RecordClassInvalid
from orgsync.records import Column, Schema
from orgsync.salesforce.api.describe import FieldDescribe

__all__ = ["fitting_types", "misfits"]

_TEXTS = (
    *("string", "textarea", "picklist", "multipicklist", "email", "phone", "url", "reference", "id", "combobox"),
    *("encryptedstring", "base64", "anyType", "masterrecord", "datacategorygroupreference"),
)
_FRACTIONS = ("double", "currency", "percent")

_FITTING: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(_TEXTS, ()),
    "boolean": (bool,),
    "int": (int, float, Decimal),
    "long": (int, float, Decimal),
    **dict.fromkeys(_FRACTIONS, (float, Decimal)),
    "date": (date, datetime),
    "datetime": (datetime,),
    "time": (time,),
    "address": (dict,),
    "location": (dict,),
    "complexvalue": (dict, list),
    "json": (dict, list),
}
"""The types beside `str` by Salesforce's type, the preferred one first. A multipicklist's value is text, `A;B`."""


def fitting_types(field: FieldDescribe) -> tuple[type, ...] | None:
    """Return the types that hold a field's values, the preferred one first; None for a type that is unknown here."""
    fitting = _FITTING.get(field.type)
    if fitting is None:
        return None
    if field.type in _FRACTIONS and field.scale == 0:
        fitting = (int, *fitting)
    return (*fitting, str)


def misfits(schema: Schema, fields: Mapping[str, FieldDescribe | None]) -> list[OrgsyncError]:
    """Return an error for each column whose type cannot hold the field's values; `fields` are by path."""
    found: list[OrgsyncError] = []
    for column in schema.org_fields:
        field = fields.get(column.path)
        fitting = None if field is None else fitting_types(field)
        if field is not None and fitting is not None and not column.extra and column.type not in fitting:
            found.append(_misfit(schema, column, field, fitting))
    return found


def _misfit(schema: Schema, column: Column, field: FieldDescribe, fitting: Sequence[type]) -> OrgsyncError:
    empty = " | None" if column.nullable else ""
    others = f" (or {', '.join(each.__name__ for each in fitting[1:])})" if len(fitting) > 1 else ""
    kind = f"{field.type} with decimals" if field.type in _FRACTIONS and column.type is int else field.type
    cause = (
        f"{schema.model.__name__}.{column.name} is declared {column.type.__name__}, "
        f"but {schema.sobject}.{column.path} is of Salesforce's type {kind}."
    )
    if column.mapped:
        return MappingInvalid(
            cause, f"Map a field of another type, or declare {column.name}: {fitting[-1].__name__}{empty} in the class."
        )
    return RecordClassInvalid(
        cause,
        f"Write {column.name}: {fitting[0].__name__}{empty}{others}.",
    )
