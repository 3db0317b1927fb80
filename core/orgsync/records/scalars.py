"""Instants, numbers and Ids: from Salesforce's notations to the one that the store keeps."""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import cast

__all__ = [
    "NumberOutOfRange",
    "all_finite",
    "are_long_ids",
    "count_of",
    "decimal_of",
    "long_id",
    "parse_instant",
    "stored_instant",
    "stored_instants",
    "stored_number",
    "to_stored",
    "valid_id",
]

_STORED_LENGTH = len("2026-01-31T10:15:00.000Z")
_REST_LENGTH = len("2026-01-31T10:15:00.000+0000")

_MOST_DIGITS = 1000  # before and behind the point; a double of Salesforce's has 309 before it and 324 behind it
_LONGEST = _MOST_DIGITS + 8  # characters, with a sign, a point and an exponent
_LARGEST_COUNT = 2**53  # what JSON's readers agree on

_ID = re.compile(r"[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?", re.ASCII)
_ID_CHECK = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def stored_instant(text: str) -> str:
    """Turn a datetime as Salesforce writes it into stored form, `2026-01-31T10:15:00.000Z`.

    REST writes `...000+0000`, Bulk CSV `...000Z`, identity responses `...00Z`: all UTC, all seen in recordings.
    """
    if len(text) == _STORED_LENGTH and text[-1] == "Z":
        return text
    if len(text) == _REST_LENGTH and text.endswith("+0000"):
        return text[:-5] + "Z"
    return to_stored(parse_instant(text))


def stored_instants(texts: Sequence[str]) -> Sequence[str]:
    """Do as `stored_instant` for many: all at once where all are written in one of the two usual notations."""
    lengths, joined = set(map(len, texts)), "".join(texts)
    if lengths == {_STORED_LENGTH} and _all_have(joined, _STORED_LENGTH, "Z"):
        return texts
    if lengths == {_REST_LENGTH} and _all_have(joined, _REST_LENGTH, "+0000"):
        return [text[:-5] + "Z" for text in texts]
    return [*map(stored_instant, texts)]


def _all_have(joined: str, length: int, ending: str) -> bool:
    """Return whether joined texts of one length all have an ending: each of its letters is at that place in all."""
    places = zip(range(length - len(ending), length), ending, strict=True)
    return all(joined[place::length] == letter * (len(joined) // length) for place, letter in places)


def parse_instant(text: str) -> datetime:
    """Read a datetime in any ISO 8601 notation; one without an offset is UTC. Raises ValueError."""
    instant = datetime.fromisoformat(text)
    try:
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"no instant between the years 1 and 9999 in UTC: {text!r}") from None


def to_stored(instant: datetime) -> str:
    """Write an aware datetime in stored form: UTC, milliseconds, fixed width, so that text order is time order."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


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


def long_id(record_id: str) -> str:
    """Return the 18-character form of an Id: the last three say which of the 15 before them are capitals."""
    if len(record_id) != 15:
        return record_id
    groups = (record_id[at : at + 5] for at in (0, 5, 10))
    return record_id + "".join(
        _ID_CHECK[sum(each.isupper() << bit for bit, each in enumerate(group))] for group in groups
    )


def are_long_ids(values: Sequence[object]) -> bool:
    """Return whether all values are texts of 18 characters, as Ids are in every response."""
    return set(map(type, values)) == {str} and set(map(len, cast("Sequence[str]", values))) == {18}


def valid_id(value: object) -> str | None:
    """Return the 18-character form of an Id; None for a value of another type, length or alphabet."""
    return long_id(value) if isinstance(value, str) and _ID.fullmatch(value) else None
