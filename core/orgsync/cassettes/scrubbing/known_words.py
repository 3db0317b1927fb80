"""Known personal values, found again in other texts: a name in a description, a telephone number in a note."""

import re
from collections.abc import Collection, Mapping

__all__ = ["KnownWords"]

_IDEOGRAPHS = "\u2e80-\ud7ff\uf900-\ufaff"
_HEAD = re.compile(rf"[{_IDEOGRAPHS}]|[^\W_{_IDEOGRAPHS}]+|[^\s\w]")
_SHORTEST_WORD = 3
_IDEOGRAPH = re.compile(f"[{_IDEOGRAPHS}]")


class KnownWords:
    """Replaces known values where they stand as whole words; very short ones, and the protocol's words, stay."""

    def __init__(self, replacements: Mapping[str, str], words: Collection[str]) -> None:
        self._replacements: dict[str, str] = {}
        self._lengths: dict[str, list[int]] = {}
        for value, stand_in in replacements.items():
            if _is_distinctive(value) and value not in words and value != stand_in:
                self._add(value, stand_in)
                if "'" in value or "\\" in value:
                    self._add(_escaped(value), _escaped(stand_in))

    def _add(self, value: str, stand_in: str) -> None:
        head = _HEAD.match(value)
        if head is None:
            return
        self._replacements[value] = stand_in
        lengths = self._lengths.setdefault(head[0], [])
        if len(value) not in lengths:
            lengths.append(len(value))
            lengths.sort(reverse=True)

    def sub(self, text: str) -> str:
        """Replace every known value in a text, the longest first."""
        if not self._lengths:
            return text
        pieces: list[str] = []
        end = 0
        for found in _HEAD.finditer(text):
            start = found.start()
            if start < end or (lengths := self._lengths.get(found[0])) is None:
                continue
            for length in lengths:
                value = text[start : start + length]
                stand_in = self._replacements.get(value)
                if stand_in is not None and _ends_a_word(text, start + length):
                    pieces += (text[end:start], stand_in)
                    end = start + length
                    break
        return "".join(pieces) + text[end:] if pieces else text


def _is_distinctive(value: str) -> bool:
    """Return whether a value is long enough to be looked for in other texts."""
    if value.isascii() and value.isalpha():
        return len(value) >= _SHORTEST_WORD
    least = 2 if _IDEOGRAPH.search(value) else _SHORTEST_WORD if any(map(str.isalpha, value)) else 5
    return sum(map(str.isalnum, value)) >= least


def _ends_a_word(text: str, end: int) -> bool:
    if end >= len(text) or not text[end].isalnum() or not text[end - 1].isalnum():
        return True
    return _IDEOGRAPH.match(text[end]) is not None or _IDEOGRAPH.match(text[end - 1]) is not None


def _escaped(value: str) -> str:
    """Return a value as it is written in a SOQL literal."""
    return value.replace("\\", "\\\\").replace("'", "\\'")
