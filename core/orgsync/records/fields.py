"""How a field of a record class says where its value comes from."""

import re
from typing import Any, cast

from pydantic import Field
from pydantic.fields import FieldInfo

__all__ = ["field", "path_of", "table_name", "told"]

_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def field(path: str | None = None, *, optional: bool = False) -> Any:
    """Name the Salesforce field, as in `field("Account.Name")`; without one, the CamelCase rule holds.

    An optional field that the org lacks, or that the connection's user may not see, is NULL and one warning;
    any other missing field ends the run.
    """
    return Field(json_schema_extra={"path": path, "optional": optional})


def told(info: FieldInfo) -> tuple[str | None, bool]:
    """Read back what `field` was told: the path, and whether the field is optional."""
    given: Any = info.json_schema_extra
    if not isinstance(given, dict):
        return None, False
    extra = cast("dict[str, Any]", given)
    return extra.get("path"), bool(extra.get("optional"))


def path_of(name: str) -> str:
    """Turn a Python name into a Salesforce field name: `account_id` into `AccountId`."""
    return "".join(word[:1].upper() + word[1:] for word in name.split("_"))


def table_name(class_name: str) -> str:
    """Turn a class name into a table name: `OpportunityLineItem` into `opportunity_line_item`."""
    return _WORD.sub("_", class_name).lower()
