"""Text made fit to be shown: that of others without control characters, on one line, no longer than is read."""

import re
from collections.abc import Sequence

__all__ = ["counted", "escaped", "excerpt", "first_names", "printable", "whole"]

# C0 but tab and line end, DEL, C1, and what turns the direction of writing or ends a line unseen.
_CONTROL = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]|\r(?!\n)"
)
_HALF = re.compile("[\ud800-\udfff]")
_ADDRESS = re.compile(r"[^\s@<>()\"',;:]+@[^\s@<>()\"',;:]+")


def printable(text: str) -> str:
    """Return the text with each control character replaced by one that a terminal shows and does not obey."""
    return _CONTROL.sub(_picture, text)


def whole(text: str) -> str:
    """Return the text with halves of surrogate pairs replaced, which no database and no terminal takes."""
    return _HALF.sub("\ufffd", text)


def escaped(json: str) -> str:
    """Return JSON text of the same meaning, in which a terminal finds no control character either."""
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", json)


def excerpt(text: str, longest: int = 240, *, addresses: bool = False) -> str:
    """Return a server's text on one line of so many characters, as an error may quote it: without e-mail addresses.

    With `addresses` they stay, as in a user's name.
    """
    line = " ".join(text[: 8 * longest].split())
    line = printable(line if addresses else _ADDRESS.sub("…", line))
    return line if len(line) <= longest and len(text) <= 8 * longest else f"{line[: longest - 1]}…"


def _picture(found: re.Match[str]) -> str:
    code = ord(found[0])
    return chr(0x2400 + code) if code < 0x20 else "\u2421" if code == 0x7F else "\ufffd"


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number and what it counts, in the plural where it is not one: `1 run`, `2,000 runs`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def first_names(names: Sequence[str], most: int = 5) -> str:
    """Return names in a sentence: all of them where they are few, else the first ones and how many more there are."""
    return ", ".join(names) if len(names) <= most + 1 else f"{', '.join(names[:most])} and {len(names) - most:,} more"
