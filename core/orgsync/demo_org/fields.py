"""What an object's field is: its type, its size, and what the API lets one do with it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property

Value = str | int | float | date | None
"""A stored value: bool is an int, and datetime (aware, UTC) is a date."""

Row = Mapping[str, Value]
"""One version of a record; a change makes a new one, so a version once read never changes."""

Derived = Value | dict[str, Value]
Lookup = Callable[[str, Value], Row | None]


@dataclass(frozen=True, slots=True)
class Scope:
    """What a formula reads beside its own row: other rows, even those the user may not see, and the day."""

    find: Lookup
    today: date


Derive = Callable[[Row, Scope], Derived]

TEXT_TYPES = frozenset({"string", "textarea", "picklist", "multipicklist", "combobox", "phone", "email", "url"})
CURSORS = ("SystemModstamp", "LastModifiedDate", "CreatedDate")
ID_TYPES = frozenset({"id", "reference"})
NUMBER_TYPES = frozenset({"int", "double", "currency", "percent"})

_SOAP_TYPES = {
    "id": "tns:ID",
    "reference": "tns:ID",
    "boolean": "xsd:boolean",
    "int": "xsd:int",
    "double": "xsd:double",
    "currency": "xsd:double",
    "percent": "xsd:double",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
    "address": "urn:address",
    "anyType": "xsd:anyType",
    "base64": "xsd:base64Binary",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of an object.

    `derive` computes a value that is not stored. A reference to one object names it in `refers_to`. One that may
    point to several names them in `kinds`, and refers to what all of them share, the object Name. `may_filter` and
    `may_sort` are False where describe differs from the type.
    """

    name: str
    label: str
    type: str
    length: int = 0
    precision: int = 0
    scale: int = 0
    nillable: bool = True
    createable: bool = True
    updateable: bool = True
    defaulted: bool = False
    permissionable: bool = True
    refers_to: str | None = None
    kinds: tuple[str, ...] = ()
    relationship: str | None = None
    child_relationship: str | None = None
    cascades: bool = False
    values: tuple[str, ...] = ()
    restricted: bool = False
    compound: str | None = None
    extra_type: str | None = None
    name_field: bool = False
    id_lookup: bool = False
    external_id: bool = False
    unique: bool = False
    derive: Derive | None = None
    formula: str | None = None
    default: Value = None
    may_filter: bool = True
    may_sort: bool = True

    @property
    def targets(self) -> tuple[str, ...]:
        """The objects whose records the field may refer to."""
        return self.kinds or ((self.refers_to,) if self.refers_to else ())

    @property
    def custom(self) -> bool:
        """Whether the org made the field."""
        return self.name.endswith("__c")

    @property
    def finds_rows(self) -> bool:
        """Whether upserts and references may name a record by the field, which describe calls idLookup."""
        return self.id_lookup or self.external_id

    @property
    def is_text(self) -> bool:
        """Whether values are text that is compared without regard to case."""
        return self.type in TEXT_TYPES

    @property
    def is_id(self) -> bool:
        """Whether values are record ids, compared byte by byte."""
        return self.type in ID_TYPES

    @property
    def is_long_text(self) -> bool:
        """Whether the text is too long to filter, sort or group by."""
        return self.type == "textarea" and self.length > 255

    @property
    def filterable(self) -> bool:
        """Whether WHERE may name the field."""
        return self.may_filter and not self.is_long_text and self.type not in {"anyType", "base64"}

    @property
    def sortable(self) -> bool:
        """Whether ORDER BY may name the field."""
        return self.may_sort and self._comparable

    @property
    def groupable(self) -> bool:
        """Whether GROUP BY may name the field."""
        return self._comparable and self.type not in {"datetime", "double", "currency", "percent"}

    @property
    def aggregatable(self) -> bool:
        """Whether COUNT, MIN and their kin take the field."""
        return self._comparable and self.type != "boolean"

    @property
    def _comparable(self) -> bool:
        return not self.is_long_text and self.type not in {"address", "multipicklist", "anyType", "base64"}

    @property
    def soap_type(self) -> str:
        """The type's name in the SOAP schema."""
        return _SOAP_TYPES.get(self.type, "xsd:string")


@dataclass(frozen=True, kw_only=True)
class SObject:
    """One object: its key prefix, its names and its fields in describe's order.

    `belongs_to` is what describe calls the associated entity, such as ("History", "Contact"). `has_pages` is true
    where users see the object on pages of its own, which goes with search, triggers, layouts and undelete;
    `has_search` is that of search alone where it differs, `has_recent` that of the list of recent records, which
    otherwise goes with both.

    What some objects demand of queries: `requires_filter` names the fields of which a query must compare one with Ids,
    `disjunctions` is whether OR is allowed. `archives` is whether old rows are archived (IsArchived), so that
    queryAll alone gives them.
    """

    name: str
    label: str
    plural: str
    prefix: str
    fields: tuple[Field, ...]
    createable: bool = True
    updateable: bool = True
    deletable: bool = True
    mergeable: bool = False
    replicateable: bool = True
    has_pages: bool = True
    has_search: bool | None = None
    has_recent: bool | None = None
    belongs_to: tuple[str, str] | None = None
    requires_filter: tuple[str, ...] = ()
    disjunctions: bool = True
    archives: bool = False

    @property
    def searchable(self) -> bool:
        """Whether search finds the object's records."""
        return self.has_pages if self.has_search is None else self.has_search

    @property
    def listed_as_recent(self) -> bool:
        """Whether the object's records are among the recent ones."""
        return self.has_pages and self.searchable if self.has_recent is None else self.has_recent

    @property
    def custom(self) -> bool:
        """Whether the org made the object."""
        return self.name.endswith("__c")

    @cached_property
    def stored(self) -> dict[str, Field]:
        """The fields that hold a value of their own, by lower-case name."""
        return {field.name.lower(): field for field in self.fields if field.derive is None}

    @cached_property
    def blank(self) -> dict[str, Value]:
        """A row in which every field has its default, to be copied."""
        return {field.name: False if field.type == "boolean" else field.default for field in self.stored.values()}

    @cached_property
    def cursor(self) -> str | None:
        """The field whose stamp says when a row changed; None where rows carry no stamp."""
        return next((name for name in CURSORS if name.lower() in self.stored), None)

    @cached_property
    def has_recycle_bin(self) -> bool:
        """Whether the object has IsDeleted, so that rows can be deleted and restored."""
        return any(field.name == "IsDeleted" for field in self.fields)

    def is_current(self, row: Row) -> bool:
        """Return whether `query` returns a row: one that is neither deleted nor archived."""
        return not row.get("IsDeleted") and not (self.archives and row.get("IsArchived"))
