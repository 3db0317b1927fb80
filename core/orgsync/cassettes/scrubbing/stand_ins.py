"""Stand-ins: what a scrubbed cassette holds in place of values, and how they differ from real ones.

A stand-in keeps the shape of what it stands for and is recognised by itself: texts are `Xxxxx07` (every letter and
digit an x, the last ones a number), e-mail addresses `xxxx12@xxx.invalid`, telephone numbers `+00 (000) 000-0012`,
dates those of the eighteenth century, numbers zero, ids `005TESTS0000001`. So what has been scrubbed stays as it is
when it is scrubbed again. Values that are too short for a number share a stand-in.
"""

import re
from collections.abc import Callable
from datetime import date, timedelta
from enum import StrEnum

__all__ = ["EMAIL", "RECORD_ID", "SECRET_STAND_IN", "Kind", "StandIns", "comparable", "is_stand_in", "numbered_id"]

_LETTER = r"[^\W_]"
EMAIL = re.compile(rf"(?<![\w.+-])[\w.+-](?:[\w.+-]|\\?')*@(?:{_LETTER}(?:[\w-]*)\.)+(?!\d)[^\W\d_][\w-]*")
"""An e-mail address in a text, with a SOQL literal's `\\'` in it or not."""

RECORD_ID = re.compile(r"(?<![0-9A-Za-z])(00[5D][0-9A-Za-z]{12})([0-9A-Za-z]{3})?(?![0-9A-Za-z]|![\w.])")
"""What may be a user's or an org's id, and does not begin a token: 15 characters, and the three that check them."""

SECRET_STAND_IN = re.compile(
    r"(?:ACCESS-TOKEN|REFRESH-TOKEN|ID-TOKEN|TOKEN|CLIENT-ID|CLIENT-SECRET|ASSERTION|CODE|CODE-VERIFIER"
    r"|CODE-CHALLENGE|PASSWORD|SIGNATURE|PRIVATE-KEY|ORG-ID|USER-ID)-[1-9]\d*"
)
_EMAIL_STAND_IN = re.compile(r"x*\d*(?<=[x\d])@x+\.invalid")
_TEXT_STAND_IN = re.compile(r"[xX]*(?:(?<=[xX])[1-9]\d*)?")
_ID_STAND_IN = re.compile(r"00[5D]TESTS\d{7}")
_FIRST_DATE, _LAST_DATE = date(1700, 1, 1), date(1799, 12, 31)
_FRACTION = re.compile(r"\.\d+")
_SHORTEST_EMAIL = len("x@x.invalid")


class Kind(StrEnum):
    """The kind of a value, which decides the form of its stand-in."""

    TEXT = "text"
    EMAIL = "e-mail address"
    PHONE = "telephone number"
    DATE = "date"
    NUMBER = "number"


def is_stand_in(kind: Kind, value: str) -> bool:
    """Return whether a value is a stand-in of its kind, or holds nothing that needs one."""
    if kind is Kind.EMAIL:
        return _EMAIL_STAND_IN.fullmatch(value) is not None
    if kind is Kind.PHONE:
        return _is_phone(value)
    if kind is Kind.DATE:
        return f"{_FIRST_DATE}" <= value <= f"{_LAST_DATE}"
    if kind is Kind.NUMBER:
        return not re.search("[1-9]", value)
    return _TEXT_STAND_IN.fullmatch(_slots(value)) is not None


def numbered_id(prefix: str, number: int) -> str:
    """Return a stand-in for an org's or a user's id, of 15 characters."""
    return f"{prefix}TESTS{number:07}"


def comparable(text: str) -> str:
    """Return a text with which a live request and a scrubbed one compare equal: without addresses, org and user ids."""
    if "@" in text:
        text = EMAIL.sub("<e-mail>", text)
    if "%40" in text:
        text = _ENCODED_EMAIL.sub("<e-mail>", text)
    return RECORD_ID.sub(lambda found: "<org id>" if found[1][2] == "D" else "<user id>", text)


_ENCODED_EMAIL = re.compile(r"(?:[\w.-]|%2B|%27)+%40(?:[^\W_][\w-]*\.)+[^\W\d_][\w-]*")


class StandIns:
    """Give each value a stand-in: equal ones for equal values, different ones for different, where they have room.

    Stand-ins that exist already are reserved with `take`, first.
    """

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._by_value: dict[tuple[Kind, str], str] = {}
        self._digits: dict[str, str] = {}
        self._numbers: dict[tuple[Kind, str], int] = {}

    def take(self, kind: Kind, stand_in: str) -> None:
        """Reserve a stand-in, so that no value gets it."""
        self._taken.add(_digits(stand_in) if kind is Kind.PHONE else stand_in)

    def of(self, kind: Kind, value: str) -> str:
        """Return the stand-in for a value; a stand-in is its own."""
        stand_in = self._by_value.get((kind, value))
        if stand_in is None:
            stand_in = value if is_stand_in(kind, value) else self._made(kind, value)
            self._by_value[kind, value] = stand_in
        return stand_in

    def _made(self, kind: Kind, value: str) -> str:
        if kind is Kind.NUMBER:
            return _zero(value)
        if kind is Kind.DATE:
            return self._numbered(kind, "", _date)
        if kind is Kind.EMAIL:
            at = value.index("@")
            return self._numbered(kind, f"{len(value)}", lambda number: _email(len(value), at, number))
        masked = _masked(value, digit="0" if kind is Kind.PHONE else "x")
        if kind is Kind.PHONE:
            digits = iter(self._phone_digits(_digits(value)))
            return "".join(next(digits) if char == "0" else char for char in masked)
        return self._numbered(kind, masked, lambda number: _overlaid(masked, number))

    def _phone_digits(self, real: str) -> str:
        """Number a telephone number by its digits, so that it is the same however it is punctuated."""
        room = len(real)
        if real not in self._digits:
            self._digits[real] = self._numbered(Kind.PHONE, f"{room}", lambda number: _phone(room, number))
        return self._digits[real]

    def _numbered(self, kind: Kind, shape: str, form: Callable[[int], str | None]) -> str:
        """Return the first form that is not taken, or the one without a number where all that have room for one are."""
        number = self._numbers.get((kind, shape), 0)
        while True:
            number += 1
            made = form(number)
            if made is None:
                shared = form(0)
                return shared or ""
            if made not in self._taken:
                self._taken.add(made)
                self._numbers[kind, shape] = number
                return made


class _Masks(dict[int, str]):
    """A table for `str.translate`: letters become x or X, digits what it was made with."""

    def __init__(self, digit: str) -> None:
        super().__init__()
        self._digit = digit

    def __missing__(self, code: int) -> str:
        char = chr(code)
        if char.isalpha():
            self[code] = "X" if char.isupper() else "x"
        elif char.isnumeric():
            self[code] = self._digit
        else:
            self[code] = "#" if char == "@" else char  # so that what is around an address does not become one
        return self[code]


_MASKS = {digit: _Masks(digit) for digit in "x0"}


def _masked(value: str, *, digit: str) -> str:
    return value.translate(_MASKS[digit])


class _Slots(dict[int, str | None]):
    """A table for `str.translate`: only what a mask replaces remains."""

    def __missing__(self, code: int) -> str | None:
        char = chr(code)
        self[code] = char if char.isalnum() or char == "@" else None
        return self[code]


_ONLY_SLOTS = _Slots()


def _slots(value: str) -> str:
    return value.translate(_ONLY_SLOTS)


def _overlaid(masked: str, number: int) -> str | None:
    """Write a number over the last letters of a mask; one letter at least stays."""
    if number == 0:
        return masked
    digits = str(number)
    if len(digits) >= masked.count("x") + masked.count("X"):
        return None
    letters = list(masked)
    at = len(letters)
    for digit in reversed(digits):
        at -= 1
        while letters[at] not in "xX":
            at -= 1
        letters[at] = digit
    return "".join(letters)


def _email(length: int, at: int, number: int) -> str | None:
    digits = str(number) if number else ""
    length = max(length, _SHORTEST_EMAIL) if length >= _SHORTEST_EMAIL else _SHORTEST_EMAIL + max(len(digits) - 1, 0)
    room = length - len("@x.invalid")
    if len(digits) > room:
        return None
    local = min(max(at, len(digits), 1), room)
    return f"{digits:x>{local}}@{'x' * (length - local - len('@.invalid'))}.invalid"


def _digits(value: str) -> str:
    return "".join(char for char in value if char.isnumeric())


def _zeros_before(room: int) -> int:
    """Return how many zeros a stand-in for a telephone number begins with; real ones begin with two at most."""
    return min(3, (room + 1) // 2)


def _phone(room: int, number: int) -> str | None:
    digits = str(number) if number else ""
    return None if len(digits) > room - _zeros_before(room) else digits.rjust(room, "0")


def _is_phone(value: str) -> bool:
    digits, letters = _digits(value), re.sub(r"\d", "", _slots(value))
    if letters.strip("xX"):
        return False
    return not digits.strip("0") or (digits.isascii() and digits.startswith("0" * _zeros_before(len(digits))))


def _date(number: int) -> str | None:
    days = (_LAST_DATE - _FIRST_DATE).days
    return None if number > days else (_FIRST_DATE + timedelta(days=number)).isoformat()


def _zero(value: str) -> str:
    fraction = _FRACTION.search(value)
    return "0" + (re.sub(r"\d", "0", fraction[0]) if fraction else "")
