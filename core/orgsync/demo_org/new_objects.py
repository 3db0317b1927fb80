"""Objects and fields that an administrator adds to the org, with what every object and field of its kind has."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from .fields import NUMBER_TYPES, TEXT_TYPES, Derive, Field, SObject
from .ids import ALPHABET, base62
from .new_fields import NewField, as_field
from .objects import OPPORTUNITY
from .standard_fields import AUDIT_FIELDS

_BY_NAME = {field.name: field for field in OPPORTUNITY.fields}
_NAME_LENGTH = 80


def new_field(
    name: str,
    type: str,
    length: int = 255,
    *,
    values: Sequence[str] = (),
    external_id: bool = False,
    unique: bool = False,
    formula: Derive | None = None,
) -> Field:
    """Return a field as an administrator makes it; one with a formula cannot be written."""
    writable, boolean = formula is None, type == "boolean"
    return Field(
        name=name, label=label_of(name), values=tuple(values), type=type, length=length_of(type, length),
        precision=precision_of(type), nillable=not boolean, defaulted=boolean, external_id=external_id, unique=unique,
        createable=writable, updateable=writable, derive=formula, formula=None if writable else "TODAY()",
    )  # fmt: skip


def new_lookup(name: str, parent: str, relationship: str | None) -> Field:
    """Return a lookup: `Region__c` is followed by `Region__r`, `AccountId` by `Account`, unless named otherwise."""
    custom = name.endswith("__c")
    followed = relationship or (f"{name[:-1]}r" if custom else name.removesuffix("Id"))
    return Field(name=name, label=label_of(name), type="reference", length=18, refers_to=parent, relationship=followed)


def new_object(
    name: str, prefix: str, fields: Mapping[str, str | NewField], *, label: str | None = None, changes: bool = True
) -> SObject:
    """Return an object whose fields are given by name, and by type or whole, beside those that every object has.

    One without `changes` has neither stamps nor a recycle bin and is not replicated, as some setup objects are.
    """
    shown = label or label_of(name)
    system = ("IsDeleted", "OwnerId", *(field.name for field in AUDIT_FIELDS)) if changes else ()
    own = (
        replace(_BY_NAME["Id"], label=f"{shown} ID"),
        replace(_BY_NAME["Name"], label=f"{shown} Name", length=_NAME_LENGTH, nillable=True, defaulted=True),
        *(_BY_NAME[known] for known in system),
    )
    taken = {field.name.lower() for field in own}
    added = [as_field(of).field(each, label_of(each)) for each, of in fields.items() if each.lower() not in taken]
    return SObject(
        name=name, label=shown, plural=f"{shown}s", prefix=prefix, fields=(*own, *added), replicateable=changes,
        has_pages=changes,
    )  # fmt: skip


def free_prefix(name: str, taken: set[str]) -> str:
    """Return a key prefix that no object has; those of custom objects begin with a."""
    first = "a" if name.endswith("__c") else "8"
    return next(free for number in range(len(ALPHABET) ** 2) if (free := first + base62(number, 2)) not in taken)


def length_of(type: str, length: int) -> int:
    """Return the length of a type's values, 0 where it has none."""
    return length if type in TEXT_TYPES else 0


def precision_of(type: str) -> int:
    """Return the digits of a type's values, 0 where it has none."""
    return 18 if type in NUMBER_TYPES - {"int"} else 0


def label_of(name: str) -> str:
    """Return what a name is shown as."""
    return name.removesuffix("__c").replace("_", " ")
