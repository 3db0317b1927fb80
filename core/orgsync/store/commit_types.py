"""What a batch brings to a table, and what became of it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from orgsync.records import EncodedRows, Row, Schema

__all__ = ["Counts", "Write", "encodable", "newest", "require_no_nul"]

_ESCAPED_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")


@dataclass(frozen=True, slots=True)
class Write:
    """Rows for one table, in stored form, and the ids of rows to mark deleted after them.

    The rows of a `partial` write have some of the class's columns, which are changed in rows that are there. The
    `cleared` columns are emptied first, in all of the connection's rows, which is no change of theirs.
    """

    schema: Schema
    rows: Sequence[Row] = field(default=(), repr=False)
    deleted_ids: Sequence[str] = field(default=(), repr=False)
    cleared: Sequence[str] = ()
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the rows that were delivered; each is counted once.

    `unchanged` are live rows that the copy holds as they came. A deleted row, or an Id to be marked deleted, that
    changes nothing is not counted: the copy may never have had it, as where a script filters.
    """

    added: int = 0
    updated: int = 0
    deleted: int = 0
    unchanged: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.added + other.added,
            self.updated + other.updated,
            self.deleted + other.deleted,
            self.unchanged + other.unchanged,
        )


def newest(rows: Sequence[Row]) -> Sequence[Row]:
    """Keep one row an id: the one of the newest stamp, the later one where stamps are equal."""
    if isinstance(rows, EncodedRows) or len(set(map(itemgetter(0), rows))) == len(rows):
        return rows
    kept: dict[Any, Row] = {}
    for row in rows:
        if row[0] not in kept or str(row[1] or "") >= str(kept[row[0]][1] or ""):
            kept[row[0]] = row
    return list(kept.values())


def encodable(schema: Schema, rows: Sequence[Row]) -> list[Row]:
    """Replace by question marks what JSON may hold and no copy keeps: halves of surrogate pairs, and NUL."""
    as_json = [column.type in (dict, list) for column in schema.columns]
    return [
        tuple(
            _encodable(value, in_json) if isinstance(value, str) else value
            for value, in_json in zip(row, as_json, strict=True)
        )
        for row in rows
    ]


def _encodable(value: str, in_json: bool) -> str:
    text = value.encode(errors="replace").decode().replace("\0", "?")
    return _ESCAPED_NUL.sub(r"\1?", text) if in_json else text


def require_no_nul(text: str, *, in_json: bool = False) -> None:
    """Raise UnicodeEncodeError for a text, or many that are joined, with NUL in it; in JSON that may be escaped."""
    place = text.find("\0")
    if place < 0 and in_json and r"\u0000" in text and (found := _ESCAPED_NUL.search(text)):
        place = found.start()
    if place >= 0:
        raise UnicodeEncodeError("utf-8", text, place, place + 1, "NUL is not allowed")
