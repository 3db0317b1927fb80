"""JSON that every reader and every database can hold."""

import re
from collections.abc import Iterable, Mapping
from typing import cast

import msgspec

from orgsync.errors import ArgumentInvalid

__all__ = ["require_characters", "require_nesting"]

_DEEPEST = 64
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")  # behind an odd number of backslashes it is no NUL


def require_nesting(document: object, what: str) -> None:
    """Raise ArgumentInvalid for a document that is nested more deeply than readers of JSON have to bear."""
    level, depth = [document], 0
    while level:
        depth += 1
        if depth > _DEEPEST:
            raise ArgumentInvalid(f"{what} is nested more than {_DEEPEST} levels deep.", "Write it with fewer levels.")
        level = [within for each in level for within in _within(each)]


def require_characters(document: object, what: str) -> None:
    """Raise ArgumentInvalid for JSON whose text holds half of a character, or NUL.

    Python reads `"\\ud800"` as a text, which can be written neither as JSON again nor into a database; PostgreSQL takes
    no NUL.
    """
    try:
        written = msgspec.json.encode(document)
    except UnicodeEncodeError:
        cause = f"{what} holds half of a character: a lone surrogate, such as \\ud800."
        raise ArgumentInvalid(cause, "Write whole characters.") from None
    if _NUL.search(written):
        raise ArgumentInvalid(f"{what} holds a NUL character.", "Leave it out.")


def _within(value: object) -> Iterable[object]:
    if isinstance(value, Mapping):
        return cast("Mapping[object, object]", value).values()
    return cast("Iterable[object]", value) if isinstance(value, list | tuple) else ()
