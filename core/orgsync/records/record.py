"""The base class of record classes, and how a class statement becomes a table."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from inspect import get_annotations
from types import new_class
from typing import TYPE_CHECKING, Any, ClassVar, cast, dataclass_transform

import sqlalchemy as sa
from pydantic import Field, PydanticUserError
from sqlalchemy.orm import registry
from sqlmodel import SQLModel
from sqlmodel.main import SQLModelMetaclass

from orgsync.column_names import table_name
from orgsync.errors import BatchInvalid, RecordClassInvalid
from orgsync.suggest import nearest

from .declaration import require_fields, require_names, require_object, require_plain
from .declared_columns import COLUMN_TYPES, column_of
from .field_options import field
from .schema import BOOKKEEPING, FEED_NUMBER, Column, Schema
from .types import UtcDateTime

__all__ = ["Record", "schema_of", "table_columns", "undeclared_class", "unseen_class"]

_SYSTEM = ("id", "system_modstamp", "is_deleted")
_OWN = (*_SYSTEM, *BOOKKEEPING)
_TAKEN = (*_OWN, FEED_NUMBER)
_RESERVED = frozenset(name for name in dir(SQLModel) if not name.startswith("_"))


@dataclass_transform(kw_only_default=True, field_specifiers=(field, Field))
class _RecordMeta(SQLModelMetaclass):
    """Makes the table. Each class has its own registry, so two scripts may each define a Contact."""

    def __new__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **kwargs: Any) -> Any:
        is_table = bool(kwargs.pop("table", False))
        declared = namespace.get("__annotations__", ())
        if any(isinstance(base, _RecordMeta) for base in bases):
            require_plain(name, namespace, is_table=is_table)
            require_names(name, declared, _TAKEN, _RESERVED)
        try:
            model = super().__new__(cls, name, bases, namespace, **kwargs)
        except PydanticUserError as error:
            raise RecordClassInvalid(
                f"{name} cannot be a record class: {str(error).splitlines()[0]}",
                "Write each field as name: type, or name: type = field(...).",
            ) from error
        if is_table:
            _become_table(model, namespace)
        return model


class Record(SQLModel, metaclass=_RecordMeta):
    """A row of one Salesforce object; subclass it with `table=True` and name the fields.

    `__sobject__` names the object if the class does not; None is for data that is not Salesforce's, which a sync
    yields in batches of its own. With `__optional__ = True`, an org that lacks the object, or does not show it to the
    connection's user, has no rows of it, which the run reports as a warning. `id` has 18 characters. `system_modstamp`
    is the SystemModstamp of this version of the row (for an object without one, the field that its changes are read
    by). A deleted row stays, with `is_deleted` true. `sync_change` is the kind of the last change, `sync_number` its
    number, which grows with every change. To follow changes, read `orgsync.changes` or the table's view, never the
    table by this number.
    """

    __sobject__: ClassVar[str | None]
    __optional__: ClassVar[bool]
    if TYPE_CHECKING:
        __tablename__: ClassVar[Any]  # a subclass may simply assign its table's name
    __orgsync_schema__: ClassVar[Schema]

    connection: str = ""
    id: str = ""
    system_modstamp: datetime | None = None
    is_deleted: bool = False
    sync_change: str = ""
    sync_number: int = 0
    sync_changed_at: datetime | None = None
    sync_first_seen_at: datetime | None = None

    if not TYPE_CHECKING:  # type checkers know the parameters from the fields

        def __init__(self, **values: Any) -> None:
            unknown = values.keys() - type(self).model_fields.keys()
            if unknown:
                raise _unknown_field(type(self), min(unknown))
            super().__init__(**values)


def schema_of(model: type[Record]) -> Schema:
    """Return the schema of a record class; raise RecordClassInvalid for one without a table."""
    schema = model.__dict__.get("__orgsync_schema__")
    if not isinstance(schema, Schema):
        raise undeclared_class(model)
    return schema


def unseen_class(name: str, sobject: str, table: str, columns: Sequence[Column]) -> type[Record]:
    """Make a record class at run time that is a schema alone; rows pass through in stored form.

    It costs a tenth of a class with fields or less, in time and in memory, and has no instances: making one raises
    BatchInvalid. Raises RecordClassInvalid for an invalid name of the object or the table.
    """

    def refuse(self: object, **values: Any) -> None:
        raise BatchInvalid(
            f"{sobject} is copied without a script, so its rows have no class.",
            f"Write one, to read or change them: orgsync new sync {sobject}.",
        )

    require_object(name, sobject, table, optional=False)
    space = {"__doc__": f"One row of {sobject}.", "__module__": __name__, "__sobject__": sobject, "__init__": refuse}
    model: Any = new_class(name, (Record,), {}, lambda made: made.update(space))
    type.__setattr__(model, "__orgsync_schema__", Schema(model, sobject, table, (*_system_columns(), *columns)))
    return cast("type[Record]", model)


def undeclared_class(model: type[Record]) -> RecordClassInvalid:
    """Return the error for a record class that is used without being declared with table=True."""
    return RecordClassInvalid(
        f"{model.__qualname__} is not declared with table=True, so it has no object to read and no table to write.",
        f"Declare it as class {model.__name__}(Record, table=True), even if its rows are only mapped into another "
        "class: the table is made only when rows are stored.",
    )


def _become_table(model: Any, namespace: dict[str, Any]) -> None:
    """Give the class its schema and its columns: keys, the author's fields, then the bookkeeping."""
    name = model.__name__
    names = [key for key in model.model_fields if key not in _OWN]
    require_names(name, get_annotations(model), _TAKEN, ())
    require_names(name, names, _TAKEN, ())
    fields = [column_of(name, key, model.model_fields[key]) for key in names]
    require_fields(name, model, [column.name for column in fields if column.type is Decimal])
    table = namespace.get("__tablename__", table_name(name))
    sobject = getattr(model, "__sobject__", name)
    optional = namespace.get("__optional__", False)
    require_object(name, sobject, table, optional)
    own_registry = registry()
    type.__setattr__(model, "_sa_registry", own_registry)
    type.__setattr__(model, "metadata", own_registry.metadata)
    type.__setattr__(model, "__tablename__", table)
    schema = Schema(model, sobject, table, (*_system_columns(), *fields), optional)
    type.__setattr__(model, "__orgsync_schema__", schema)
    for column in table_columns(fields):
        type.__setattr__(model, column.name, column)
    # What SQLModel itself sets for table=True; columns are ours, to store JSON, Decimal and UTC times exactly.
    model.model_config["table"] = True
    model.model_config["read_from_attributes"] = True


def _system_columns() -> list[Column]:
    return [
        Column("id", "Id", str),
        Column("system_modstamp", "SystemModstamp", datetime),
        Column("is_deleted", "IsDeleted", bool),
    ]


def table_columns(fields: Sequence[Column]) -> list[sa.Column[Any]]:
    """Make the table's columns; the author's are all nullable, since Salesforce's `nillable` is not reliable."""
    return [
        sa.Column("connection", sa.String, primary_key=True),
        sa.Column("id", sa.String, primary_key=True),
        *(sa.Column(c.name, COLUMN_TYPES[c.type](), nullable=True) for c in fields),
        sa.Column("system_modstamp", UtcDateTime(), nullable=True),
        sa.Column("is_deleted", sa.Boolean, nullable=False),
        sa.Column("sync_change", sa.String, nullable=False),
        sa.Column("sync_number", sa.Integer, nullable=False),
        sa.Column("sync_changed_at", UtcDateTime(), nullable=False),
        sa.Column("sync_first_seen_at", UtcDateTime(), nullable=False),
    ]


def _unknown_field(model: type[Record], name: str) -> BatchInvalid:
    suggestion = nearest(name, model.model_fields)
    return BatchInvalid(
        f"{model.__name__} does not have the field {name}{f'; did you mean {suggestion}?' if suggestion else '.'}",
        f"Correct the name, or add the field to {model.__name__}.",
    )
