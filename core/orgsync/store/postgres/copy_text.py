"""Rows as the text that COPY takes.

Joining texts is the fastest way through many values, and what stands between them is not looked at one by one: control
characters that hardly any text holds part the values, so that what has to be escaped is replaced in all rows at once.
Where a text does hold one of them, each value is escaped for itself.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ..commit_types import require_no_nul

if TYPE_CHECKING:
    from orgsync.records import Column, Row, Schema

__all__ = ["FORMAT", "copy_text"]

_NULL, _ROW, _BETWEEN = "\x1d", "\x1e", "\x1f"

FORMAT = "(DELIMITER E'\\x1f', NULL E'\\x1d')"
"""The options of COPY that the text is made for."""

_ESCAPES = {"\\": r"\\", "\n": r"\n", "\r": r"\r"}
_IN_BYTES = [(each.encode(), escaped.encode()) for each, escaped in _ESCAPES.items()]
_ESCAPED = str.maketrans({**_ESCAPES, **{each: f"\\x{ord(each):02x}" for each in (_NULL, _ROW, _BETWEEN)}})
_NUL_IN_JSON = b"u0000"  # without its backslash, which COPY's text has twice
_WIDEST = 2**63
_ROWS_A_PIECE = 1_000
_WORDS = {True: "t", False: "f", None: _NULL}


def copy_text(schema: "Schema", rows: "Sequence[Row]", first: int, constants: Sequence[str] = ()) -> Iterator[bytes]:
    """Yield rows in pieces: behind its own columns each has its number, from the first on, and then the constants.

    Raises UnicodeEncodeError for text that no database here can hold, NUL included, and OverflowError for an integer
    of more than 64 bits.
    """
    for at in range(0, len(rows), _ROWS_A_PIECE):
        part = rows[at : at + _ROWS_A_PIECE]
        yield _piece(schema, part, [*map(str, range(first + at, first + at + len(part)))], constants)


def _piece(schema: "Schema", rows: "Sequence[Row]", numbers: Sequence[str], constants: Sequence[str]) -> bytes:
    columns = [*zip(*rows, strict=True)]
    text = _plain(schema, columns, numbers, constants)
    if text is None:
        text = _joined([[*map(_text, values)] for values in columns], numbers, [*map(_text, constants)]).encode()
    if _NUL_IN_JSON in text:
        _require_no_escaped_nul(schema, columns)
    if b"\0" in text:
        raise UnicodeEncodeError("utf-8", "\0", 0, 1, "NUL is not allowed")
    return text.replace(_ROW.encode(), b"\n")


def _plain(
    schema: "Schema", columns: Sequence[Sequence[Any]], numbers: Sequence[str], constants: Sequence[str]
) -> bytes | None:
    """Return the text, escaped as a whole; None where a value is of another type, or holds what parts the values."""
    nulls, written = 0, list[Sequence[Any]]()
    for column, values in zip(schema.columns, columns, strict=True):
        present = [value for value in values if value is not None]
        lacking = len(values) - len(present)
        nulls += lacking
        if column.type in _WRITERS:
            written.append([*map(_WRITERS[column.type], values)])
        elif lacking:
            written.append([_NULL if value is None else value for value in values])
        else:
            written.append(values)
    try:
        text = _joined(written, numbers, constants).encode()
    except TypeError:
        return None
    parts = len(numbers) * (len(columns) + len(constants))
    if (text.count(b"\x1d"), text.count(b"\x1e"), text.count(b"\x1f")) != (nulls, len(numbers), parts):
        return None
    for character, escaped in _IN_BYTES:
        text = text.replace(character, escaped)
    return text


def _joined(columns: Sequence[Sequence[Any]], numbers: Sequence[str], constants: Sequence[str]) -> str:
    end = "".join(f"{_BETWEEN}{each}" for each in constants) + _ROW
    return end.join(map(_BETWEEN.join, zip(*columns, numbers, strict=True))) + end


def _text(value: Any) -> str:
    """Return one value as COPY writes it."""
    if value is None or type(value) is bool:
        return _WORDS[value]
    if type(value) is int and not -_WIDEST <= value < _WIDEST:
        raise OverflowError("an integer of more than 64 bits")
    return value.translate(_ESCAPED) if type(value) is str else repr(value)


_WRITERS: dict[type, Callable[[Any], str | None]] = {bool: _WORDS.get, int: _text, float: _text}
"""How values are written that are no texts already, by the type that the class declares; None for one that is none."""


def _require_no_escaped_nul(schema: "Schema", columns: Iterable[Sequence[Any]]) -> None:
    """Raise UnicodeEncodeError for JSON with a text that holds NUL."""
    for values in (values for column, values in zip(schema.columns, columns, strict=True) if _is_json(column)):
        require_no_nul("".join(value for value in values if type(value) is str), in_json=True)


def _is_json(column: "Column") -> bool:
    return column.type in (dict, list)
