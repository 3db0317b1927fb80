"""How a field of a record class says where its value comes from."""

import re
from dataclasses import dataclass
from typing import Any, cast

from pydantic import Field
from pydantic.fields import FieldInfo

__all__ = ["FieldOptions", "field", "options_of", "path_of", "table_name"]

_EXTRA = "orgsync"
_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


@dataclass(frozen=True, slots=True)
class FieldOptions:
    """What `field(...)` says of a column."""

    path: str | None = None
    optional: bool = False
    local: bool = False
    index: bool = False


def field(path: str | None = None, *, optional: bool = False, local: bool = False, index: bool = False) -> Any:
    """Name the Salesforce field, as in `field("Account.Name")`; without one, the CamelCase rule holds.

    An optional field that the org lacks, or that the connection's user may not see, is NULL and one warning;
    any other missing field ends the run. A local column is the script's own: Salesforce is not asked for it, and it
    is written as the script yields it. `index` makes an index on the column.
    """
    return Field(json_schema_extra={_EXTRA: {"path": path, "optional": optional, "local": local, "index": index}})


def options_of(info: FieldInfo) -> FieldOptions:
    """Read back what `field` was given; the defaults for a plain annotation."""
    given: Any = info.json_schema_extra
    return FieldOptions(**cast("dict[str, Any]", given).get(_EXTRA, {})) if isinstance(given, dict) else FieldOptions()


def path_of(name: str) -> str:
    """Turn a Python name into a Salesforce field name: `account_id` into `AccountId`."""
    return "".join(word[:1].upper() + word[1:] for word in name.split("_"))


def table_name(class_name: str) -> str:
    """Turn a class name into a table name: `OpportunityLineItem` into `opportunity_line_item`."""
    return _WORD.sub("_", class_name).lower()
