"""Checks of a record class's declaration: options that have no effect are refused, so that nothing is ignored.

Titles, descriptions and examples are accepted: they are for people.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Annotated, Any, get_args, get_origin

from pydantic.fields import FieldInfo

from orgsync.errors import RecordClassInvalid
from orgsync.suggest import nearest

from .field_options import FieldOptions
from .types import exact_name

__all__ = [
    "is_key",
    "is_path",
    "require_extra",
    "require_fields",
    "require_index_or_nothing",
    "require_maskable",
    "require_names",
    "require_object",
    "require_path",
    "require_plain",
]

_NAME = re.compile(r"[A-Za-z]\w*", re.ASCII)
_PATH = re.compile(r"[A-Za-z]\w*(\.[A-Za-z]\w*)*", re.ASCII)
_SPECIAL = ("__sobject__", "__tablename__", "__optional__")

_NO_COLUMN = "Leave it out: the annotation decides the column's type."
_NO_CHECK = "Leave it out: values are stored as Salesforce sends them, without validation."
_NO_ALIAS = 'Name the Salesforce field instead: field("Level__c").'
_NO_DEFAULT = 'Leave it out: a missing value is NULL. A Salesforce field is named by field("Level__c").'

_SQLMODEL: Mapping[str, str] = {
    "primary_key": "Leave it out: the key of every table is connection and id.",
    "unique": "Leave it out: one table holds the rows of all connections. field(index=True) makes an index.",
    "foreign_key": "Leave it out: rows arrive in any order. Join tables by connection and id.",
    "ondelete": "Leave it out: deleted rows stay, marked as deleted.",
    "nullable": "Leave it out: write `| None` where a value may be missing. Every column accepts NULL.",
    **dict.fromkeys(("sa_type", "sa_column", "sa_column_args", "sa_column_kwargs"), _NO_COLUMN),
}
_PYDANTIC: Mapping[str, str] = {
    "default_factory": _NO_DEFAULT,
    **dict.fromkeys(("alias", "alias_priority", "validation_alias", "serialization_alias"), _NO_ALIAS),
    **dict.fromkeys(("discriminator", "frozen", "validate_default", "init", "init_var", "kw_only"), "Leave it out."),
}
_STATEMENT: Mapping[str, str] = {
    "__table_args__": "Leave it out: field(index=True) makes an index.",
    "__mapper_args__": "Leave it out.",
    "__abstract__": "Leave it out: a class without table=True has no table.",
    "__table__": "Leave it out: the fields make the table.",
    "model_config": _NO_CHECK,
}
_UNTOUCHED = FieldInfo()
_KEYS = ("id", "systemmodstamp", "isdeleted")
_HASH = 'Write mask="hash", or leave it out.'


def require_names(owner: str, names: Iterable[str], own: Collection[str], reserved: Collection[str]) -> None:
    """Raise RecordClassInvalid for names that no column can have; SQLite ignores case."""
    taken = sorted(name for name in names if name.lower() in own)
    if taken:
        raise RecordClassInvalid(
            f"{owner} declares {', '.join(taken)}, a name that orgsync's own columns have.",
            "Remove the line, or give the field another name with field(...).",
        )
    seen: dict[str, str] = {}
    for name in names:
        if name in reserved:
            raise RecordClassInvalid(
                f"{owner}.{name} hides the attribute {name} that every record class has.",
                f"Give the field another name, and say which it is: field({name.title()!r}).",
            )
        other = seen.setdefault(name.lower(), name)
        if other != name:
            raise RecordClassInvalid(
                f"{owner}.{other} and {owner}.{name} would be the same column: SQLite ignores case.",
                "Give one of them another name, and say which it is with field(...).",
            )


def require_plain(owner: str, namespace: Mapping[str, Any], *, is_table: bool) -> None:
    """Raise RecordClassInvalid for attributes of SQLAlchemy or pydantic, and for misspelt special names."""
    for name, remedy in _STATEMENT.items():
        if name in namespace:
            raise RecordClassInvalid(f"{owner} sets {name}, which has no effect in a record class.", remedy)
    if "__tablename__" in namespace and not is_table:
        raise RecordClassInvalid(
            f"{owner} sets __tablename__, but has no table.", f"Declare it as class {owner}(Record, table=True)."
        )
    for name in namespace:
        near = nearest(name, _SPECIAL, cutoff=0.8) if name.startswith("__") else None
        if near and name != near:
            raise RecordClassInvalid(f"{owner} sets {name}, which means nothing.", f"Write {near}.")


def require_object(owner: str, sobject: Any, table: Any, optional: Any) -> None:
    """Raise RecordClassInvalid for an invalid name of the object or the table, and for what is not yes or no."""
    if sobject is not None and not (isinstance(sobject, str) and _NAME.fullmatch(sobject)):
        raise RecordClassInvalid(
            f"{owner}.__sobject__ is {sobject!r}, which is not the name of an object.",
            'Write it as Salesforce does, "Invoice__c"; None is for data that is not Salesforce\'s.',
        )
    if not isinstance(table, str) or not table.strip():
        raise RecordClassInvalid(f"{owner}.__tablename__ is {table!r}, which is not a name.", "Give it as a str.")
    if not isinstance(optional, bool) or (optional and sobject is None):
        raise RecordClassInvalid(
            f"{owner}.__optional__ is {optional!r}, which says nothing.",
            "Write True where an org may lack the object; otherwise leave it out.",
        )


def require_fields(owner: str, model: Any, decimals: Iterable[str]) -> None:
    """Raise RecordClassInvalid for validators, relationships and the like, and for the name of a digits column."""
    found = model.__pydantic_decorators__
    kinds = {
        "validates": (found.validators, found.field_validators, found.root_validators, found.model_validators),
        "serializes": (found.field_serializers, found.model_serializers),
        "computes": (found.computed_fields,),
    }
    for verb, groups in kinds.items():
        for name in (each for group in groups for each in group):
            raise RecordClassInvalid(
                f"{owner}.{name} {verb} values with pydantic, which is not applied to rows.",
                "Change rows in the sync, with batch.map(...); field(local=True) declares a column of your own.",
            )
    for name in model.__sqlmodel_relationships__:
        raise RecordClassInvalid(
            f"{owner}.{name} is a relationship, which a record class cannot have.",
            'Name the field of the parent, field("Account.Name"), or join tables by connection and id.',
        )
    names = {name.lower() for name in model.model_fields}
    for name in decimals:
        if exact_name(name).lower() in names:
            raise RecordClassInvalid(
                f"{owner}.{exact_name(name)} has the name of the column that stores the digits of {name}.",
                "Give the field another name, and say which it is with field(...).",
            )


def is_path(text: str) -> bool:
    """Return whether a text can be the path of a Salesforce field."""
    return _PATH.fullmatch(text) is not None


def require_path(owner: str, name: str, path: str | None) -> None:
    """Raise RecordClassInvalid for what cannot be the path of a Salesforce field."""
    if path is not None and not is_path(path):
        raise RecordClassInvalid(
            f"{owner}.{name} reads {path!r}, which is not the name of a field.",
            'Write it as field("Level__c"), or through parents as field("Account.Owner.Name").',
        )


def require_maskable(owner: str, name: str, kind: type, path: str, given: FieldOptions) -> None:
    """Raise RecordClassInvalid for a mask on a column that has to be read as it is, or holds no text."""
    if given.mask is None:
        return
    if given.mask != "hash":
        raise RecordClassInvalid(f"{owner}.{name} has the mask {given.mask!r}, which does not exist.", _HASH)
    if given.local:
        raise RecordClassInvalid(
            f"{owner}.{name} is local, so it is stored as its script yields it, and has no mask.",
            "Leave mask out, and hash it in the script.",
        )
    if is_key(path):
        raise RecordClassInvalid(
            f"{owner}.{name} reads {path}, by which rows are found and compared, so it cannot be masked.",
            "Leave mask out, or leave the column out.",
        )
    if kind is not str:
        raise RecordClassInvalid(
            f"{owner}.{name} is declared {kind.__name__}, but a hash is a text.",
            f'Declare it as text: {name}: str | None = field(mask="hash").',
        )


def require_extra(owner: str, name: str, kind: type, given: FieldOptions, *, nullable: bool) -> None:
    """Raise RecordClassInvalid for a column of extra fields that is declared as anything else as well."""
    declared = f"{name}: dict[str, Any] | None = field(extra=True)"
    if kind is not dict or not nullable:
        raise RecordClassInvalid(
            f"{owner}.{name} holds extra fields, but is not declared dict[str, Any] | None.", f"Write {declared}."
        )
    if given.path is not None or given.local or given.mask or given.index:
        raise RecordClassInvalid(
            f"{owner}.{name} holds the extra fields of each connection, and is given another source or use as well.",
            f"Write {declared}, and declare what is to be masked or indexed as a column of its own.",
        )


def is_key(path: str) -> bool:
    """Return whether a field of the object itself is one that rows are found and compared by."""
    return path.lower() in _KEYS


def require_index_or_nothing(owner: str, name: str, info: FieldInfo) -> bool:
    """Return whether SQLModel's `Field` requests an index; raise RecordClassInvalid for options without effect."""
    if info.default is not _UNTOUCHED.default and info.default is not None and info.default is not ...:
        raise RecordClassInvalid(f"{owner}.{name} has the default {info.default!r}.", _NO_DEFAULT)
    for option, remedy in _PYDANTIC.items():
        if getattr(info, option, None) != getattr(_UNTOUCHED, option, None):
            raise _without_effect(owner, name, option, remedy)
    extra = [each for each in info.metadata if hasattr(each, "sa_type")]
    for option, remedy in _SQLMODEL.items():
        unset = (None, _UNTOUCHED.default) if option == "nullable" else (None, _UNTOUCHED.default, False)
        if any(getattr(each, option, None) not in unset for each in (info, *extra)):
            raise _without_effect(owner, name, option, remedy)
    for each in (*info.metadata, *_nested(info.annotation)):
        if each not in extra and not isinstance(each, str) and type(each).__name__ != "Doc":
            raise _without_effect(owner, name, repr(each), _NO_CHECK)
    return any(getattr(each, "index", None) is True for each in (info, *extra))


def _without_effect(owner: str, name: str, option: str, remedy: str) -> RecordClassInvalid:
    return RecordClassInvalid(f"{owner}.{name} is given {option}, which has no effect in a record class.", remedy)


def _nested(annotation: Any) -> Iterator[Any]:
    """Yield what `Annotated` adds inside an annotation, as in `Annotated[str, ...] | None`."""
    if get_origin(annotation) is Annotated:
        yield from annotation.__metadata__
    for inner in get_args(annotation):
        yield from _nested(inner)
