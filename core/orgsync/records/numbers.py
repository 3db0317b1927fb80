"""Numbers: from Salesforce's several notations to the one that the store keeps where digits count."""

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from math import isfinite

__all__ = ["NumberOutOfRange", "all_finite", "count_of", "decimal_of", "stored_number"]

_MOST_DIGITS = 1000  # before and behind the point; a double of Salesforce's has 309 before it and 324 behind it
_LONGEST = _MOST_DIGITS + 8  # characters, with a sign, a point and an exponent
_LARGEST_COUNT = 2**53  # what JSON's readers agree on


class NumberOutOfRange(ValueError):
    """A number is not finite, or written out it has more digits than any number of Salesforce's."""


def decimal_of(value: object) -> Decimal:
    """Read a number exactly; what is made of it, written out or cut to an integer, is of a bounded size.

    Raises NumberOutOfRange, and ValueError for what is no number.
    """
    text = str(value)
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError("not a number") from None
    if number.is_finite() and not number:
        return Decimal(0)  # an exponent of it may be of any size
    if not number.is_finite() or len(text) > _LONGEST or not -_MOST_DIGITS <= number.adjusted() <= _MOST_DIGITS:
        raise NumberOutOfRange
    return number


def stored_number(value: object) -> str:
    """Write a number by its value: no exponent, and no zeros behind a point that change nothing.

    REST writes 3.0 and 1.5E10, Bulk may write 3 and 15000000000: equal numbers get equal text. Raises
    NumberOutOfRange, and ValueError for what is no number.
    """
    number = decimal_of(value)
    if not number:
        return "0"
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def all_finite(numbers: Iterable[float | None]) -> bool:
    """Return whether no number is infinite or NaN; None is no number."""
    return all(map(isfinite, filter(None, numbers)))


def count_of(value: object) -> int:
    """Return a count as JSON has it, a whole number from 0 to 2**53; raises ValueError for anything else."""
    if type(value) is not int or not 0 <= value <= _LARGEST_COUNT:
        raise ValueError("not a count")
    return value
