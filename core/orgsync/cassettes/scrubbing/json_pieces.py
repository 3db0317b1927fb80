"""JSON, split into its texts and joined again: what does not change stays byte for byte."""

import json
import re
from collections.abc import Callable, Iterator
from typing import TypeAlias

import msgspec

from .pieces import Role, Visit

__all__ = ["Frame", "rewritten_json"]

_STRING = r'"([^"\\]*(?:\\.[^"\\]*)*)"'
_NUMERAL = r"(-?\d[\d.eE+-]*)"
_TOKEN = re.compile(rf"{_STRING}(?:(\s*:\s*)(?:{_STRING}|{_NUMERAL}|[a-z]+)?)?|([{{}}\[\]])|{_NUMERAL}", re.S)
_ALONE, _KEY, _KEY_AND_STRING, _KEY_AND_NUMBER, _BRACKET = range(1, 6)  # its groups; the last one that matched

_Value: TypeAlias = tuple[int, int, str | None, "Frame", str]
"""Where a value begins and ends, its text if it is a string, and the object and the key it belongs to."""


class Frame:
    """An object or a list of a document: the key it is under, and what its own keys say about it."""

    __slots__ = ("current", "key", "listed", "parent", "sobject", "url")

    def __init__(self, parent: "Frame | None", sobject: str = "", *, listed: bool = False) -> None:
        self.parent = parent
        self.key: str = parent.current if parent else ""
        self.current: str = self.key if listed else ""
        self.listed = listed
        self.sobject = sobject
        self.url = ""

    def learn(self, text: str) -> None:
        """Learn what the frame's object is, from the value of its current key."""
        if self.current == "type" and self.key == "attributes" and self.parent is not None:
            self.parent.sobject = text
        elif self.current == "url":
            self.url = text

    @property
    def owner(self) -> "Frame":
        """The object that a value belongs to: of a list, the one that holds it."""
        frame = self
        while frame.listed and frame.parent is not None:
            frame = frame.parent
        return frame


def rewritten_json(text: str, root: str, role: Callable[[Frame, str], tuple[Role, str]], visit: Visit) -> str | None:
    """Visit every string, and the numbers that a role is for; None where the text is not JSON.

    `root` is the object that the outermost keys belong to, as far as the request shows; `role` returns a value's
    role and full name.
    """
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return None
    pieces: list[str] = []
    end = 0
    for start, stop, raw, frame, key in _values(text, root):
        what, name = role(frame, key)
        if raw is None:
            if what not in (Role.NUMBER, Role.IDENTITY, Role.CHOSEN):
                continue
            literal = visit(text[start:stop], Role.NUMBER, name)
        else:
            value: str = json.loads(text[start:stop]) if "\\" in raw else raw
            new = visit(value, what, name)
            if new == value:
                continue
            literal = json.dumps(new, ensure_ascii=raw.isascii())
        pieces += (text[end:start], literal)
        end = stop
    return "".join(pieces) + text[end:]


def _values(text: str, root: str) -> Iterator[_Value]:
    """Yield the strings and numbers of a document, in order; those of a record once the record has ended.

    Until then its object may not be known: `attributes` need not come first.
    """
    frame = top = Frame(None, root)
    waiting: list[_Value] = []
    for found in _TOKEN.finditer(text):
        group = found.lastindex or _BRACKET
        if group == _BRACKET:
            frame = _across(found[_BRACKET], frame, top)
            if frame.listed:
                yield from waiting
                waiting.clear()
            continue
        if group in (_KEY, _KEY_AND_STRING, _KEY_AND_NUMBER):
            frame.current = found[1]
        if group in (_ALONE, _KEY_AND_STRING):
            frame.learn(found[group])
            waiting.append((found.start(group) - 1, found.end(group) + 1, found[group], frame, frame.current))
        elif group != _KEY:
            waiting.append((found.start(group), found.end(group), None, frame, frame.current))
    yield from waiting


def _across(bracket: str, frame: Frame, top: Frame) -> Frame:
    """Return the frame on the other side of a bracket."""
    if bracket in "}]":
        return frame.parent or top
    outermost = frame is top or (frame.listed and frame.parent is top)
    return Frame(frame, top.sobject if outermost else "", listed=bracket == "[")
