"""What a field of a new object is, in the words of a test: `Account__c=lookup("Account"), Key__c=key()`."""

from dataclasses import dataclass, replace

from .fields import NUMBER_TYPES, TEXT_TYPES, Derive, Field

_LENGTHS = {"textarea": 32_000, "phone": 40, "email": 80}


@dataclass(frozen=True, slots=True, kw_only=True)
class NewField:
    """A field of a new object: its type, and what is not as that type usually has it.

    Attributes:
        length: characters of a text; None for what is usual.
        precision: digits of a number, `scale` of them after the point.
        required: records must have a value.
        parent: the object that a lookup refers to; `children` is what it calls the records that refer to it.
        cascades: the record goes with its parent, as the detail goes with its master.
        formula: computes the value when it is read; such a field cannot be written.
    """

    type: str = "string"
    length: int | None = None
    precision: int = 18
    scale: int = 0
    required: bool = False
    external_id: bool = False
    unique: bool = False
    values: tuple[str, ...] = ()
    restricted: bool = False
    parent: str | None = None
    children: str | None = None
    cascades: bool = False
    formula: Derive | None = None

    def field(self, name: str, label: str) -> Field:
        """Return the field under a name."""
        plain, boolean = self.formula is None, self.type == "boolean"
        length = _LENGTHS.get(self.type, 255) if self.length is None else self.length
        made = Field(
            name=name, label=label, type=self.type, length=length if self.type in TEXT_TYPES else 0,
            precision=self.precision if self.type in NUMBER_TYPES - {"int"} else 0, scale=self.scale,
            nillable=not boolean and not self.required, defaulted=boolean, external_id=self.external_id,
            unique=self.unique, values=self.values, restricted=self.restricted, createable=plain, updateable=plain,
            derive=self.formula, formula=None if plain else "TODAY()",
        )  # fmt: skip
        if self.parent is None:
            return made
        followed = f"{name[:-1]}r" if name.endswith("__c") else name.removesuffix("Id")
        return replace(
            made, type="reference", length=18, refers_to=self.parent, relationship=followed,
            child_relationship=self.children, cascades=self.cascades,
        )  # fmt: skip


def key(*, length: int = 255, unique: bool = True) -> NewField:
    """Return an external id, which upserts name records by."""
    return NewField(length=length, external_id=True, unique=unique)


def lookup(parent: str, children: str | None = None, *, required: bool = False, cascades: bool = False) -> NewField:
    """Return a reference to records of a parent, which calls the records that refer to it `children`."""
    return NewField(parent=parent, children=children, required=required, cascades=cascades)


def picklist(*values: str, restricted: bool = True) -> NewField:
    """Return a picklist; one that is not restricted takes any other value, too."""
    return NewField(type="picklist", values=values, restricted=restricted)


def formula(compute: Derive, type: str = "string") -> NewField:
    """Return a field that is computed from its row, and from what else its `Scope` reads."""
    return NewField(type=type, formula=compute, length=1300)


def as_field(given: "str | NewField") -> NewField:
    """Return a field that is given by its type alone, or whole."""
    return NewField(type=given) if isinstance(given, str) else given
