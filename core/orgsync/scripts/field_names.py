"""Python names for an object's fields.

A field has its API name in snake_case, without a custom field's suffix and namespace: `Level__c` is `level`,
`ns__Level__c` is `level`, `Site__Latitude__s` is `site_latitude`. Where several fields would share a name, standard
fields have it before the org's own, these before those of person accounts, and all before those of packages; the
others are distinguished by where they come from: `level_custom`, `level_person`, `ns_level`, and finally by a number. A
name that Python, a record class or the script itself needs gets `_value`: `metadata_value`. One that would begin with
a digit, or with the `model_` that pydantic keeps for itself, begins with `field_`. One that underscores would make too
long has none but the org's own.
"""

import keyword
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count

from orgsync.object_names import snake, words
from orgsync.records import Record
from orgsync.records.schema import FEED_NUMBER

__all__ = ["field_names", "parent_field_name", "varied"]

_USED_IN_CLASS = frozenset({"bool", "date", "datetime", "dict", "field", "float", "int", "object", "str", "time"})
"""What the lines of a record class refer to; a field of such a name would hide it from the lines below."""

_AWKWARD = frozenset({"cls", "l", "registry", "self", FEED_NUMBER})
"""Names of constructors' own, names that SQLAlchemy or linters refuse, and one that the change feed has."""

_LONGEST = 47
"""Letters of a field's name: with a package's prefix, PostgreSQL still does not cut it short."""


def field_names(
    fields: Iterable[str], held: Mapping[str, str] | None = None, taken: Iterable[str] = ()
) -> dict[str, str]:
    """Return a Python name for each field of one object, all different; the order of the fields does not matter.

    `held` are names that fields have already, perhaps of fields that are not among these: they stay as they are, and no
    other field gets one of them, nor one of those that are `taken`.
    """
    kept = held or {}
    wanted = set(fields)
    names = {field: name for field, name in kept.items() if field in wanted}
    used = {*kept.values(), *taken}
    new = (_Parts.of(field) for field in wanted - names.keys())
    for part in sorted(new, key=lambda part: (part.rank, part.name)):
        names[part.name] = _first_free(part.candidates(), used)
        used.add(names[part.name])
    return names


def varied(name: str, kind: str, taken: Collection[str]) -> str:
    """Return another name for a field whose values are of another kind than before: `tier` gives `tier_number`."""
    return _first_free(_numbered(f"{name}_{kind}"), taken)


def parent_field_name(relationship: str, taken: Collection[str]) -> str:
    """Return a name for a parent's Name: `Account` gives `account_name`, `Region__r` gives `region_name`."""
    return _first_free(_numbered(f"{snake(_Parts.of(relationship).core)}_name"), taken)


@dataclass(frozen=True, slots=True)
class _Parts:
    """The parts of a field's API name."""

    name: str
    core: str
    namespace: str
    suffix: str

    @classmethod
    def of(cls, name: str) -> "_Parts":
        """Split a name: `ns__Site__Latitude__s` is of the package `ns`, and a part of the location `Site`."""
        *before, last = name.split("__")
        if not before or not last.islower():
            return cls(name, name, "", "")
        own = 2 if last == "s" else 1
        return cls(name, "_".join(before[-own:]), "_".join(before[:-own]), last)

    @property
    def rank(self) -> int:
        """Whose name comes first: 0 standard fields, 1 the org's own, 2 person accounts', 3 packages'."""
        if self.namespace:
            return 3
        return 0 if not self.suffix else 2 if self.suffix == "pc" else 1

    def candidates(self) -> Iterator[str]:
        """Yield possible names, best first."""
        name = snake(self.core) or "unnamed"
        if len(name) > _LONGEST:
            name = words(self.core)
        if self.suffix:
            origin = "person" if self.suffix == "pc" else "custom"
            yield name
            yield f"{snake(self.namespace)}_{name}" if self.namespace else f"{name}_{origin}"
        yield from _numbered(name)


def _numbered(name: str) -> Iterator[str]:
    yield name
    yield from (f"{name}_{number}" for number in count(2))


def _first_free(candidates: Iterable[str], taken: Collection[str]) -> str:
    return next(name for name in map(_allowed, candidates) if name not in taken)


def _allowed(name: str) -> str:
    """Return the name, changed if a field of a record class cannot have it."""
    name = name.strip("_")
    if name[0].isdigit() or name.startswith("model_"):
        name = f"field_{name}"
    unusable = keyword.iskeyword(name) or name in _USED_IN_CLASS or name in _AWKWARD
    # hasattr, for pydantic warns of every attribute that the class has, its metaclass's methods too.
    return f"{name}_value" if unusable or name in Record.model_fields or hasattr(Record, name) else name
