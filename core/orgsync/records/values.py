"""Values that a script gives: checked against the declared type, and converted to stored form.

Under Salesforce's names a value is what Salesforce's JSON has; under Python's names it is an object of the declared
type, where an instant, a date or a time may also be the text that Salesforce writes.
"""

import json
import math
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, cast

from orgsync.errors import BatchInvalid

from .columns import FROM_JSON
from .scalars import NumberOutOfRange, to_stored
from .schema import Column, Schema, StoredValue
from .wording import kind_of

__all__ = ["stored_from_json", "stored_from_python"]

_WIDEST = 2**63  # SQLite's integers
_TOO_LONG = "a number of more than 1,000 digits"
_TOO_WIDE = "a number that no integer column can hold"
_NOT_FINITE = "a number that is not finite", "Give None for a missing number."


class _Unfit(Exception):
    """A value does not fit: `what` describes it, `remedy` says what to give instead if the default does not."""

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy


def stored_from_python(schema: Schema, column: Column, value: Any, at: int) -> StoredValue:
    """Convert a Python object to stored form; raise ScriptProblem with the class, the field and the row's number."""
    if value is None:
        return None
    try:
        return _FROM_PYTHON[column.type](value)
    except _Unfit as unfit:
        raise _problem(schema, column, unfit, at) from None
    except NumberOutOfRange:
        raise _problem(schema, column, _Unfit(_TOO_LONG), at) from None
    except (TypeError, ValueError, ArithmeticError):
        raise _problem(schema, column, _Unfit(_named(value)), at) from None


def stored_from_json(schema: Schema, column: Column, value: Any, at: int) -> StoredValue:
    """Convert a value of Salesforce's JSON to stored form; treat other objects as Python's."""
    if value is None:
        return None
    if not isinstance(value, str | int | float | dict | list):
        return stored_from_python(schema, column, value, at)
    try:
        if isinstance(value, float) and not math.isfinite(value):
            raise _Unfit(*_NOT_FINITE)
        return FROM_JSON[column.type]([value])[0]
    except _Unfit as unfit:
        raise _problem(schema, column, unfit, at) from None
    except OverflowError:
        raise _problem(schema, column, _Unfit(_TOO_WIDE), at) from None
    except NumberOutOfRange:
        raise _problem(schema, column, _Unfit(_TOO_LONG), at) from None
    except (TypeError, ValueError, ArithmeticError):
        raise _problem(schema, column, _Unfit(_named(cast("object", value))), at) from None


def _problem(schema: Schema, column: Column, unfit: _Unfit, at: int) -> BatchInvalid:
    return BatchInvalid(
        f"{schema.model.__name__}.{column.name} is declared {column.type.__name__}, but row {at} of the batch holds "
        f"{unfit.what}.",
        unfit.remedy or f"Give a {column.type.__name__} or None, or change the type in the class.",
    )


def _named(value: object) -> str:
    return f"{kind_of(value)} that is not one" if isinstance(value, str) else kind_of(value)


def _of(value: Any, *types: type) -> Any:
    """Return the value; raise _Unfit for one of another type. A bool is not a number here."""
    if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
        raise _Unfit(kind_of(value))
    return value


def _in_range(number: Any) -> Any:
    if not -_WIDEST <= number < _WIDEST:
        raise _Unfit(_TOO_WIDE)
    return number


def _text(value: Any) -> StoredValue:
    return str(_of(value, str))


def _boolean(value: Any) -> StoredValue:
    return bool(_of(value, bool))


def _integer(value: Any) -> StoredValue:
    number = _in_range(_finite(value))
    if number != int(number):
        raise _Unfit(f"{kind_of(value)} with a fraction")
    return int(number)


def _float(value: Any) -> StoredValue:
    return float(_finite(float(_finite(value))))


def _decimal(value: Any) -> StoredValue:
    return FROM_JSON[Decimal]([_finite(value)])[0]


def _finite(value: Any) -> Any:
    number = _of(value, int, float, Decimal)
    if not (number.is_finite() if isinstance(number, Decimal) else isinstance(number, int) or math.isfinite(number)):
        raise _Unfit(*_NOT_FINITE)
    return number


def _instant(value: Any) -> StoredValue:
    instant = datetime.fromisoformat(value) if isinstance(value, str) else _of(value, datetime)
    if instant.tzinfo is None:
        raise _Unfit("a datetime without a time zone", "Write datetime.now(UTC), not datetime.now().")
    return to_stored(instant)


def _date(value: Any) -> StoredValue:
    if isinstance(value, datetime):
        raise _Unfit("a datetime", "Give its date: instant.date().")
    return (date.fromisoformat(value) if isinstance(value, str) else _of(value, date)).isoformat()


def _time(value: Any) -> StoredValue:
    if isinstance(value, str):
        return FROM_JSON[time]([value])[0]
    if _of(value, time).tzinfo is not None:
        raise _Unfit("a time with a time zone", "Give it in UTC, without a zone: moment.replace(tzinfo=None).")
    return str(value.isoformat(timespec="milliseconds"))


def _object(value: Any) -> StoredValue:
    return _json(_of(value, Mapping))


def _array(value: Any) -> StoredValue:
    return _json(_of(value, list, tuple))


def _json(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError):
        raise _Unfit(
            "something in it that JSON cannot hold", "Give strings, finite numbers, True, False, None, lists and dicts."
        ) from None


_FROM_PYTHON: dict[type, Callable[[Any], StoredValue]] = {
    str: _text,
    bool: _boolean,
    int: _integer,
    float: _float,
    Decimal: _decimal,
    datetime: _instant,
    date: _date,
    time: _time,
    dict: _object,
    list: _array,
}
