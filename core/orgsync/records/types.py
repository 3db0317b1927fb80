"""Column types that SQLite does not have: each stores a value exactly, and compares and sorts like the value."""

from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Any, cast

from sqlalchemy import (
    Alias,
    BindParameter,
    Column,
    ColumnClause,
    ColumnElement,
    DateTime,
    Dialect,
    Label,
    Numeric,
    String,
    Table,
    Time,
    column,
)
from sqlalchemy.exc import CompileError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeDecorator, TypeEngine

from orgsync.column_names import exact_name

from .scalars import parse_instant, stored_number, to_stored

__all__ = ["StoredDecimal", "StoredTime", "UtcDateTime", "exact_name"]


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime in UTC; SQLite stores the text `2026-01-31T10:15:00.000Z`."""

    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Use the database's own type where it knows time zones."""
        return dialect.type_descriptor(String() if dialect.name == "sqlite" else DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Raise ValueError for a naive datetime: its meaning would depend on the machine."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a datetime needs a time zone: datetime.now(UTC), not datetime.now()")
        return to_stored(value) if dialect.name == "sqlite" else value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Return the datetime aware, in UTC."""
        if value is None:
            return None
        return parse_instant(value) if isinstance(value, str) else value.astimezone(UTC)


class StoredDecimal(TypeDecorator[Decimal]):
    """A Decimal that compares and sorts as a number and is returned exactly.

    In SQLite the digits are text in a separate column, named by `exact_name`, and the column itself is a generated
    number. What SQL computes from the column, such as a sum, has a double's 15 digits.
    """

    impl = Numeric
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Use the database's own exact type where it has one."""
        return dialect.type_descriptor(String() if dialect.name == "sqlite" else Numeric())

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        """Write the digits, without an exponent."""
        return stored_number(value) if value is not None and dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        """Read the digits; those of a double as `str` writes them."""
        return None if value is None else Decimal(str(value))

    def bind_expression(self, bindparam: BindParameter[Any]) -> ColumnElement[Decimal]:
        """Convert the digits as SQLite does, so that equal numbers are equal."""
        return _Number(bindparam)

    def column_expression(self, column: ColumnElement[Decimal]) -> ColumnElement[Decimal]:
        """Select the digits."""
        return _Digits(column)


class _Number(ColumnElement[Decimal]):
    """Digits that the database has to convert to a number."""

    inherit_cache = False

    def __init__(self, of: ColumnElement[Decimal]) -> None:
        self.of = of
        self.type = of.type


class _Digits(_Number):
    """The exact value of a number column."""

    inherit_cache = False


@compiles(_Number)
def _as_given(element: _Number, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.of, **options)


@compiles(_Number, "sqlite")
def _as_number(element: _Number, compiler: SQLCompiler, **options: Any) -> str:
    return f"CAST({compiler.process(element.of, **options)} AS NUMERIC)"


@compiles(_Digits, "sqlite")
def _as_digits(element: _Digits, compiler: SQLCompiler, **options: Any) -> str:
    found = element.of.element if isinstance(element.of, Label) else element.of
    if not isinstance(found, Column):
        return compiler.process(found, **options)
    holder: Any = cast("Any", found.table).element if isinstance(found.table, Alias) else found.table
    if not isinstance(holder, Table):
        raise CompileError(
            f"The exact digits of {found.name} are not available through a subquery. "
            "Take the column from its record class, or cast it to Float."
        )
    digits: ColumnClause[str] = column(exact_name(found.name))
    digits.table = found.table
    return compiler.process(digits, **options)


class StoredTime(TypeDecorator[time]):
    """A time of day; SQLite stores the text `10:15:00.000`."""

    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Use the database's own type where it has one."""
        return dialect.type_descriptor(String() if dialect.name == "sqlite" else Time())

    def process_bind_param(self, value: time | None, dialect: Dialect) -> Any:
        """Write milliseconds, which is Salesforce's precision."""
        return value.isoformat(timespec="milliseconds") if value and dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> time | None:
        """Read the time."""
        return time.fromisoformat(value) if isinstance(value, str) else value
