"""An object that is copied without a script, as `[[objects]]` in orgsync.toml names it."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, cast

from pydantic import BaseModel, ConfigDict, Field

from .object_names import object_table
from .suggest import nearest

__all__ = ["ObjectEntry", "as_entries", "is_object_name", "wrong_entry"]

_NAME = r"[A-Za-z][A-Za-z0-9_]*"


class ObjectEntry(BaseModel):
    """An object by its API name, when it is due, and which of its fields and rows are copied.

    Without `fields` they are all that a copy can have; `where` is a SOQL condition, `table` where the rows are kept.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: str = Field(pattern=rf"^{_NAME}$", max_length=255)
    every: str | None = None
    reconcile: str | None = None
    formulas: str | None = None
    fields: tuple[str, ...] = Field(default=(), strict=False)
    where: str | None = None
    table: str | None = Field(default=None, pattern=r"^[a-z][a-z0-9_]*$", max_length=63)

    @property
    def kept_in(self) -> str:
        """The table of the rows."""
        return self.table or object_table(self.name)


def is_object_name(text: str) -> bool:
    """Return whether a text can be the API name of an object."""
    return re.fullmatch(_NAME, text) is not None


def as_entries(given: object) -> object:
    """Take a name alone for an entry with this name, so that `objects = ["Invoice__c"]` will do."""
    if not isinstance(given, list | tuple):
        return given
    return [{"name": each} if isinstance(each, str) else each for each in cast("Sequence[Any]", given)]


def wrong_entry(
    loc: Sequence[int | str], kind: str, message: str, given: object, settings: Collection[str]
) -> tuple[str, str]:
    """Return cause and remedy for an entry that pydantic refuses, by the place and the kind of its error.

    `given` is what the settings have as objects, `settings` the names of all settings.
    """
    _, *place = loc
    example = 'Write it so: [[objects]] with name = "Invoice__c" below it, at the end of the file.'
    if not place:
        return "objects is not a list of tables.", example
    number = cast("int", place[0])
    entry = cast("Sequence[Any]", as_entries(given))[number]
    if len(place) == 1:
        return f"Entry {number + 1} of objects is not a table.", example
    key = str(place[1])
    if kind == "missing":
        return f"Entry {number + 1} of objects has no {key}.", example
    name = cast("Mapping[str, Any]", entry).get("name")
    about = f"The object {name}" if isinstance(name, str) else f"Entry {number + 1} of objects"
    if kind == "extra_forbidden":
        return f"{about} has the key {key}, which an object does not take.", _instead(key, settings)
    if kind == "string_pattern_mismatch":
        given = cast("Mapping[str, Any]", entry)[key]
        return f"Entry {number + 1} of objects: {given!r} is not a valid {key}.", _FORMS[key]
    return f"{about}: {key} is {_KINDS.get(kind, f'wrong: {message}')}.", _FORMS.get(key, example)


_KINDS = {"string_type": "not a text", "tuple_type": "not a list"}


_FORMS = {
    "name": 'Write the API name of the object: name = "Invoice__c".',
    "every": 'Write a number and a unit: every = "15m"; or a cron expression.',
    "reconcile": 'Write a number and a unit: reconcile = "1d".',
    "formulas": 'Write a number and a unit: formulas = "6h".',
    "fields": 'Write a list of API names: fields = ["Name", "Amount__c"].',
    "where": "Write what follows WHERE in SOQL: where = \"Status__c = 'Open'\".",
    "table": 'Write a name in lower case: table = "customer_invoice".',
}


def _instead(key: str, settings: Collection[str]) -> str:
    if key in settings:
        return f"{key} is a setting of the project: write it above the first [[objects]]."
    near = nearest(key, ObjectEntry.model_fields)
    return f"Did you mean {near}?" if near else f"What it takes: {', '.join(ObjectEntry.model_fields)}."
