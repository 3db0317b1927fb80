"""Python names for what Salesforce has: fields, record classes and syncs.

A field has its API name in snake_case, without a custom field's suffix and namespace: `Level__c` is `level`,
`ns__Level__c` is `level`, `Site__Latitude__s` is `site_latitude`. Where several fields would share a name, standard
fields have it before the org's own, these before those of person accounts, and all before those of packages; the
others are distinguished by where they come from: `level_custom`, `level_person`, `ns_level`, and finally by a number. A
name that Python, a record class or the script itself needs gets `_value`: `metadata_value`. One that would begin with
a digit, or with the `model_` that pydantic keeps for itself, begins with `field_`. One that underscores would make too
long has none but the org's own.
"""

import builtins
import keyword
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import count

from orgsync.column_names import table_name
from orgsync.records import Record

__all__ = ["class_name", "field_names", "parent_field_name", "sync_name"]

_OTHER = re.compile(r"[^a-z0-9]+")
_VOWELS = "aeiou"

_USED_IN_CLASS = frozenset({"bool", "date", "datetime", "dict", "field", "float", "int", "object", "str", "time"})
"""What the lines of a record class refer to; a field of such a name would hide it from the lines below."""

_USED_IN_MODULE = frozenset({"Batches", "Context", "Record", "date", "datetime", "field", "sync", "time"})

_AWKWARD = frozenset({"cls", "l", "registry", "self"})
"""Names that constructors have for themselves, that SQLAlchemy may refuse, and that linters do."""

_LONGEST = 47
"""Letters of a field's name: with a package's prefix, PostgreSQL still does not cut it short."""

_TABLES_TAKEN = ("sqlite_", "orgsync_")


def field_names(fields: Iterable[str]) -> dict[str, str]:
    """Return a Python name for each field of one object, all different; the order of the fields does not matter."""
    names: dict[str, str] = {}
    for part in sorted((_Parts.of(field) for field in set(fields)), key=lambda part: (part.rank, part.name)):
        names[part.name] = _first_free(part.candidates(), names.values())
    return names


def parent_field_name(relationship: str, taken: Collection[str]) -> str:
    """Return a name for a parent's Name: `Account` gives `account_name`, `Region__r` gives `region_name`."""
    return _first_free(_numbered(f"{_snake(_Parts.of(relationship).core)}_name"), taken)


def class_name(sobject: str) -> str:
    """Return a name for an object's record class: `Invoice__c` is `Invoice`, `ns__Invoice__Share` is `InvoiceShare`."""
    words = [word for word in re.split(r"[^A-Za-z0-9]+", _core(sobject)) if word]
    name = "".join(word[0].upper() + word[1:] for word in words)
    if not name or name[0].isdigit():
        name = f"Object{name}"
    if keyword.iskeyword(name) or hasattr(builtins, name) or name in _USED_IN_MODULE:
        name = f"{name}Row"
    return f"My{name}" if table_name(name).startswith(_TABLES_TAKEN) else name


def sync_name(plural: str, sobject: str) -> str:
    """Return a name for an object's sync: its plural label, or its API name where the label is not of Latin letters."""
    decomposed = unicodedata.normalize("NFKD", plural)
    letters = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    name = "" if any(letter.isalnum() and not letter.isascii() for letter in letters) else _snake(letters)
    if not name or name[0].isdigit():
        name = _plural(table_name(class_name(sobject)))
    if keyword.iskeyword(name) or hasattr(builtins, name) or name in _USED_IN_MODULE:
        return f"{name}_rows"
    return name


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
        name = _snake(self.core) or "unnamed"
        if len(name) > _LONGEST:
            name = _words(self.core)
        if self.suffix:
            origin = "person" if self.suffix == "pc" else "custom"
            yield name
            yield f"{_snake(self.namespace)}_{name}" if self.namespace else f"{name}_{origin}"
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


def _snake(text: str) -> str:
    """Return words in snake_case, of ASCII letters and digits alone; a label's words are separate already."""
    return _words(text if " " in text.strip() else table_name(text))


def _words(text: str) -> str:
    """Return a text in lower case, with one underscore for each stretch of other characters."""
    return _OTHER.sub("_", text.lower()).strip("_")


def _core(sobject: str) -> str:
    """Return an object's name without namespace, and without suffix unless it is Share, History and the like."""
    segments = sobject.split("__")
    if len(segments) == 1:
        return sobject
    return segments[-2] if segments[-1].islower() else "_".join(segments[-2:])


def _plural(noun: str) -> str:
    """Return the plural by the rules of English; what ends in a single s is taken for one."""
    if noun.endswith("y") and noun[-2:-1] not in _VOWELS:
        return f"{noun[:-1]}ies"
    if noun.endswith("s") and not noun.endswith("ss"):
        return noun
    return f"{noun}es" if noun.endswith(("ss", "x", "z", "ch", "sh")) else f"{noun}s"
