"""Column types that SQLite lacks: each keeps a value exactly, as text that sorts as the value does where it can."""

from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Any

from sqlalchemy import DateTime, Dialect, Numeric, String, Time
from sqlalchemy.types import TypeDecorator, TypeEngine

from .instants import parse_instant, to_stored
from .numbers import stored_number

__all__ = ["StoredDecimal", "StoredTime", "UtcDateTime"]


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime in UTC; SQLite keeps the text `2026-01-31T10:15:00.000Z`."""

    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Use the database's own type where it knows time zones."""
        return dialect.type_descriptor(String() if dialect.name == "sqlite" else DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Refuse a naive datetime: its meaning would depend on the machine."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a datetime needs a time zone: datetime.now(UTC), not datetime.now()")
        return to_stored(value) if dialect.name == "sqlite" else value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Give the datetime back aware, in UTC."""
        if value is None:
            return None
        return parse_instant(value) if isinstance(value, str) else value.astimezone(UTC)


class StoredDecimal(TypeDecorator[Decimal]):
    """A Decimal kept exactly; SQLite keeps its digits as text (compare with CAST there)."""

    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Use the database's own exact type where it has one."""
        return dialect.type_descriptor(String() if dialect.name == "sqlite" else Numeric())

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        """Write the digits, never an exponent."""
        return stored_number(value) if value is not None and dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        """Read the digits."""
        return None if value is None else Decimal(value)


class StoredTime(TypeDecorator[time]):
    """A time of day; SQLite keeps the text `10:15:00.000`."""

    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Use the database's own type where it has one."""
        return dialect.type_descriptor(String() if dialect.name == "sqlite" else Time())

    def process_bind_param(self, value: time | None, dialect: Dialect) -> Any:
        """Write milliseconds, the precision Salesforce keeps."""
        return value.isoformat(timespec="milliseconds") if value and dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> time | None:
        """Read the time."""
        return time.fromisoformat(value) if isinstance(value, str) else value
