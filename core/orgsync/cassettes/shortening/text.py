"""JSON and CSV cut as text, so that the rest stays unchanged: number tokens, escapes, spaces and quotes."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeAlias

__all__ = ["Edit", "Token", "at_most", "count_rows", "edited", "elements", "first_rows", "left_out", "members", "short"]

_SPACE = re.compile(r"[ \t\n\r]*")
_DECODER = json.JSONDecoder()
_RECORD = re.compile(rb'(?:[^"\n]++|"[^"]*+")*+\n')  # a doubled quote ends one quoted part and begins the next

Edit: TypeAlias = tuple[int, int, str]
"""From where to where a text is replaced, and by what."""


@dataclass(frozen=True, slots=True)
class Token:
    """A JSON value and its place in its text; `named` is where the name of an object's member begins."""

    value: Any
    start: int
    end: int
    named: int


def members(text: str, at: int = 0) -> dict[str, Token]:
    """Return the members of the JSON object that begins at a place. Raises ValueError where there is none."""
    return dict(_values(text, at, "{", "}"))


def elements(text: str, at: int = 0) -> Iterator[Token]:
    """Yield the elements of the JSON list that begins at a place. Raises ValueError where there is none."""
    return (token for _, token in _values(text, at, "[", "]"))


def at_most(number: Token | None, most: int) -> list[Edit]:
    """Return the edits that lower a whole number; none for anything else."""
    if number is None or type(number.value) is not int or number.value <= most:
        return []
    return [(number.start, number.end, str(most))]


def short(text: str, values: Token, most: int) -> list[Edit]:
    """Return the edits that keep a list's first elements."""
    if len(values.value) <= most:
        return []
    kept = list(islice(elements(text, values.start), most))
    return [(kept[-1].end if kept else values.start + 1, values.end - 1, "")]


def left_out(member: str, body: Mapping[str, Token]) -> list[Edit]:
    """Return the edits that remove a member from an object, if it is there."""
    if member not in body:
        return []
    tokens = list(body.values())
    place = list(body).index(member)
    if place:
        return [(tokens[place - 1].end, tokens[place].end, "")]
    return [(tokens[0].named, tokens[1].named if len(tokens) > 1 else tokens[0].end, "")]


def edited(text: str, edits: Sequence[Edit]) -> str:
    """Return a text with edits, none of which overlap."""
    parts, at = list[str](), 0
    for start, end, new in sorted(edits):
        parts += text[at:start], new
        at = end
    return "".join([*parts, text[at:]])


def first_rows(content: bytes, rows: int) -> bytes:
    """Return a CSV's header and first rows, or all of it where there are no more; line ends inside quotes are text."""
    end = 0
    for _ in range(1 + rows):
        record = _RECORD.match(content, end)
        if record is None:
            return content
        end = record.end()
    return content[:end]


def count_rows(content: bytes) -> int:
    """Return the number of a CSV's rows below its header."""
    end = rows = 0
    while record := _RECORD.match(content, end):
        end, rows = record.end(), rows + 1
    return max(0, rows + (end < len(content)) - 1)


def _values(text: str, at: int, opening: str, closing: str) -> Iterator[tuple[str, Token]]:
    """Yield an object's or a list's values, with their names."""
    at, name = _behind(opening, text, at), ""
    while not text.startswith(closing, at):
        named = at
        if opening == "{":
            name, at = _DECODER.raw_decode(text, at)
            at = _behind(":", text, at)
        value, end = _DECODER.raw_decode(text, at)
        yield name, Token(value, at, end, named)
        at = _skipped(text, end)
        if not text.startswith(closing, at):
            at = _behind(",", text, at)


def _behind(symbol: str, text: str, at: int) -> int:
    """Return the place behind a symbol and the spaces around it."""
    at = _skipped(text, at)
    if not text.startswith(symbol, at):
        raise ValueError(f"no {symbol} where one is expected")
    return _skipped(text, at + len(symbol))


def _skipped(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return space.end() if space else at
