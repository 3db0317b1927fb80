"""A page of a query whose fields are known: JSON becomes columns of values, without a dict for every record.

This takes half of the time that dicts take, measured for 20 fields: no names are made, nor the `attributes` that
Salesforce puts into each record.
"""

from decimal import Decimal
from functools import lru_cache
from typing import Any

import msgspec

from .field_values import FieldValues

__all__ = ["of_fields"]


def of_fields(content: bytes, fields: tuple[str, ...], *, exact: bool) -> dict[str, Any] | None:
    """Read a page as a dict of its parts, its records as FieldValues.

    None where that is not what it is: JSON with other contents, a record that lacks a field, one of these fields with
    text that is not UTF-8.
    """
    try:
        body = _decoder(fields, exact).decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    rows = body.records
    columns = zip(*map(msgspec.structs.astuple, rows), strict=True) if rows else [()] * len(fields)
    values = FieldValues(dict(zip(fields, columns, strict=True)), len(rows))
    return {"records": values, "done": body.done, "totalSize": body.totalSize, "nextRecordsUrl": body.nextRecordsUrl}


@lru_cache(maxsize=256)
def _decoder(fields: tuple[str, ...], exact: bool) -> msgspec.json.Decoder[Any]:
    names = {f"f{at}": name for at, name in enumerate(fields)}  # any name will do for a field, also a keyword
    record: Any = msgspec.defstruct("_Record", [(name, Any) for name in names], rename=names, gc=False)
    page = msgspec.defstruct(
        "_Page",
        [("records", list[record]), ("done", Any, None), ("totalSize", Any, None), ("nextRecordsUrl", Any, None)],
    )
    return msgspec.json.Decoder(page, float_hook=Decimal if exact else None)
