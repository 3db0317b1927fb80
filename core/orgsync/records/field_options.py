"""`field(...)`: which Salesforce field fills a column of a record class, and how."""

from dataclasses import dataclass
from typing import Any, Literal, cast

from pydantic import Field
from pydantic.fields import FieldInfo

__all__ = ["FieldOptions", "field", "options_of", "path_of"]

_EXTRA = "orgsync"


@dataclass(frozen=True, slots=True)
class FieldOptions:
    """The options that `field(...)` was given."""

    path: str | None = None
    optional: bool = False
    local: bool = False
    index: bool = False
    mask: str | None = None
    extra: bool = False
    formula: bool = False


def field(
    path: str | None = None,
    *,
    optional: bool = False,
    local: bool = False,
    index: bool = False,
    mask: Literal["hash"] | None = None,
    extra: bool = False,
    formula: bool = False,
) -> Any:
    """Name the Salesforce field, as in `field("Account.Name")`; without one, the name in CamelCase is used.

    An optional field that the org does not have, or that the connection's user may not see, is NULL and logged as one
    warning; any other missing field ends the run with FieldNotFound. A local column is the script's own: it is not
    queried, and is stored as the script yields it. `index` makes an index on the column. `mask="hash"` stores a keyed
    hash in place of a text: the script sees the value, the database never does. An `extra` column, a `dict[str, Any]
    | None`, holds the fields that a connection maps to it, by their names, and None where it maps none. `formula` says
    that the field changes without its row's SystemModstamp, though describe does not call it calculated: it is read
    again in all rows whenever formulas are.
    """
    given: dict[str, Any] = {"path": path, "optional": optional, "local": local, "index": index}
    given |= {"mask": mask, "extra": extra, "formula": formula}
    return Field(json_schema_extra={_EXTRA: given})


def options_of(info: FieldInfo) -> FieldOptions:
    """Return the options that `field` was given; the defaults for a plain annotation."""
    given: Any = info.json_schema_extra
    return FieldOptions(**cast("dict[str, Any]", given).get(_EXTRA, {})) if isinstance(given, dict) else FieldOptions()


def path_of(name: str) -> str:
    """Turn a Python name into a Salesforce field name: `account_id` into `AccountId`."""
    return "".join(word[:1].upper() + word[1:] for word in name.split("_"))
