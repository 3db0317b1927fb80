"""Record ids as Salesforce makes them: 15 case-sensitive characters and three of checksum."""

import re
from functools import lru_cache

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CHECKSUM = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_ID = re.compile(r"[0-9A-Za-z]{15}(?:[A-Za-z0-5]{3})?\Z")


def checksum(id15: str) -> str:
    """Return the three characters that make an id safe where case is lost."""
    return _checked(id15[:5]) + _checked(id15[5:10]) + _checked(id15[10:])


@lru_cache(maxsize=4096)
def _checked(chunk: str) -> str:
    return _CHECKSUM[sum(1 << bit for bit, letter in enumerate(chunk) if letter.isascii() and letter.isupper())]


def to18(record_id: str) -> str | None:
    """Return the 18 character form of an id, or None for what is not one."""
    if not _ID.match(record_id):
        return None
    id15 = record_id[:15]
    whole = id15 + checksum(id15)
    return whole if record_id in (id15, whole) else None


def base62(number: int, width: int) -> str:
    """Return a number in Salesforce's digits, so that byte order is number order."""
    digits: list[str] = []
    while number:
        number, digit = divmod(number, 62)
        digits.append(ALPHABET[digit])
    return "".join(reversed(digits)).rjust(width, "0")


def number_of(record_id: str) -> int:
    """Return the number that an id's last nine places of fifteen hold."""
    number = 0
    for letter in record_id[6:15]:
        number = number * 62 + ALPHABET.index(letter)
    return number


def make_id(prefix: str, pod: str, number: int) -> str:
    """Build the id of the number-th record of an object, e.g. `003Dn00000Xk2aQAAR`."""
    id15 = f"{prefix}{pod}{base62(number, 15 - len(prefix) - len(pod))}"
    return id15 + checksum(id15)
