"""Which Python types hold the values of which Salesforce field types; `str` holds those of every one."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal

from orgsync.errors import RecordClassInvalid
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
"""By Salesforce's type, the types beside `str`, the one to choose first. A multipicklist's value is a text, `A;B`."""


def fitting_types(field: FieldDescribe) -> tuple[type, ...] | None:
    """Name the types that hold a field's values, the one to choose first; None for a type that is not known here."""
    fitting = _FITTING.get(field.type)
    if fitting is None:
        return None
    if field.type in _FRACTIONS and field.scale == 0:
        fitting = (int, *fitting)
    return (*fitting, str)


def misfits(schema: Schema, fields: Mapping[str, FieldDescribe | None]) -> list[RecordClassInvalid]:
    """Name the columns whose type cannot hold what Salesforce keeps; `fields` are by path, parents' ones, too."""
    found: list[RecordClassInvalid] = []
    for column in schema.org_fields:
        field = fields.get(column.path)
        fitting = None if field is None else fitting_types(field)
        if field is not None and fitting is not None and column.type not in fitting:
            found.append(_misfit(schema, column, field, fitting))
    return found


def _misfit(schema: Schema, column: Column, field: FieldDescribe, fitting: Sequence[type]) -> RecordClassInvalid:
    empty = " | None" if column.nullable else ""
    others = f" ({' and '.join(each.__name__ for each in fitting[1:])} will do, too)" if len(fitting) > 1 else ""
    kind = f"{field.type} with decimals" if field.type in _FRACTIONS and column.type is int else field.type
    return RecordClassInvalid(
        f"{schema.model.__name__}.{column.name} is declared {column.type.__name__}, "
        f"but {schema.sobject}.{column.path} is of Salesforce's type {kind}.",
        f"Write {column.name}: {fitting[0].__name__}{empty}{others}.",
    )
