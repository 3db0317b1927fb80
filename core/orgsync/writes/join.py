"""Joining the results of a job with the rows that were sent: Salesforce keeps neither their order nor all columns.

A result names the values of those columns that match a field. It belongs to a row with the same values in them; equal
rows are interchangeable. Where Salesforce has written a value in another way (`1.50` for `1.5`), values are compared
by what they mean, and last the key alone decides: the Id, or the external id. What no result is found for is in no
file, and stays open.

Rows that differ in the columns which do not come back alone cannot be told apart. Where all of them have met the same
fate, that is theirs, without their Ids; where they have not, what became of each is unknown.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import blake2b
from typing import Protocol

from orgsync.records import long_id
from orgsync.salesforce.bulk.ingest_results import IngestResult, ResultKind

from .row_result import RowResult, RowStatus
from .values import NULL

__all__ = ["SentRows", "Texts"]

_LONGEST_NUMBER = 40
_DATE = len("2024-01-31")
_EXACT, _MEANING, _KEY = range(3)
_UNCLEAR = -1
_ALIKE = "Salesforce's results do not tell the row from others that they show alike."
_ERROR = re.compile(r"([A-Z][A-Z0-9_]*):(.*?)(?::([\w., ]*?))?\s*(?:--)?", re.DOTALL)
_STATUS: Mapping[ResultKind, RowStatus] = {
    "successfulResults": RowStatus.WRITTEN,
    "failedResults": RowStatus.REFUSED,
    "unprocessedrecords": RowStatus.UNPROCESSED,
}


class Texts(Protocol):
    """The rows of a part as they were sent; they can be read again and again."""

    columns: Sequence[str]

    def places(self) -> Sequence[int]:
        """Return the places of the rows."""
        ...

    def texts(self) -> Iterator[tuple[int, Sequence[str]]]:
        """Yield place and CSV texts of each row."""
        ...


@dataclass(frozen=True, slots=True)
class _Result:
    """One line of a file: its status, the message of Salesforce, and the values that came back by lower-case name."""

    status: RowStatus
    id: str
    created: str
    error: str
    cells: Mapping[str, str]


class SentRows:
    """The rows of one job, until a result is found for each. `key` is the column that says which row is meant.

    `tried` counts the results that were read of rows which Salesforce has tried, `strangers` those, of any kind, that
    belong to no row that was sent. After all files, `unclear` yields what is known of rows that results show alike.
    """

    def __init__(self, rows: Texts, key: str | None) -> None:
        self.tried = 0
        self.strangers = 0
        self._rows = rows
        self._at = {name.lower(): index for index, name in enumerate(rows.columns)}
        self._key = key.lower() if key else None
        self._left = set(rows.places())
        self._indexes: dict[tuple[int, tuple[str, ...]], dict[bytes, int | list[int]]] = {}
        self._alike: dict[tuple[int, tuple[str, ...]], set[bytes]] = {}
        self._unclear: dict[tuple[int, ...], list[_Result]] = {}

    @property
    def left(self) -> Sequence[int]:
        """The places of the rows that no result was found for."""
        return sorted(self._left)

    def join(self, kind: ResultKind, file: IngestResult) -> Iterator[RowResult]:
        """Yield what a file of results says of the rows that were sent."""
        waiting: list[_Result] = []
        for header, lines in file.parts():
            names = tuple(name.lower() for name in header)
            for line in lines:
                result = _result(_STATUS[kind], names, line, self._key)
                self.tried += result.status is not RowStatus.UNPROCESSED
                if (place := self._find(_EXACT, result)) is None:
                    waiting.append(result)
                elif place != _UNCLEAR:
                    yield _row_result(place, result)
        for result in waiting:
            place = self._find(_MEANING, result)
            place = self._find(_KEY, result) if place is None else place
            if place is None:
                self.strangers += 1
            elif place != _UNCLEAR:
                yield _row_result(place, result)

    def unclear(self) -> Iterator[RowResult]:
        """Yield what is known of rows that results show alike, though they were sent with different values."""
        for places, results in self._unclear.items():
            left = [place for place in places if place in self._left]
            self._left.difference_update(left)
            fates = {replace(_row_result(0, each), id="") for each in results}
            if len(fates) > 1 or len(left) != len(results):
                fates = {RowResult(0, RowStatus.UNKNOWN)}
            [fate] = fates
            yield from (replace(fate, place=place, message=fate.message or _ALIKE) for place in left)

    def _find(self, level: int, result: _Result) -> int | None:
        """Take a row that a result belongs to: None where there is none left, _UNCLEAR where it may be several."""
        names = self._names(level, result)
        if not names:
            return None
        index = self._index(level, names)
        digest = _digest(level, names, [result.cells[name] for name in names])
        found = index.get(digest, [])
        if isinstance(found, list) and digest in self._alike[level, names]:
            self._unclear.setdefault(tuple(found), []).append(result)
            return _UNCLEAR
        if isinstance(found, int):
            return self._take(index.pop(digest, -1))
        while found:
            if (place := self._take(found.pop())) is not None:
                return place
        return None

    def _take(self, place: object) -> int | None:
        if not isinstance(place, int) or place not in self._left:
            return None
        self._left.remove(place)
        return place

    def _names(self, level: int, result: _Result) -> tuple[str, ...]:
        """Return the columns by which a result is compared."""
        if level == _KEY:
            return (self._key,) if self._key and self._key in result.cells else ()
        return tuple(sorted(name for name in result.cells if name in self._at))

    def _index(self, level: int, names: tuple[str, ...]) -> dict[bytes, int | list[int]]:
        """Return places by the digest of the values in some columns."""
        if (level, names) not in self._indexes:
            self._indexes[level, names] = self._made(level, names)
        return self._indexes[level, names]

    def _made(self, level: int, names: tuple[str, ...]) -> dict[bytes, int | list[int]]:
        made: dict[bytes, int | list[int]] = {}
        alike, whole = self._alike.setdefault((level, names), set()), dict[bytes, bytes]()
        every, at = tuple(self._at), [self._at[name] for name in names]
        for place, texts in self._rows.texts():
            if place not in self._left:
                continue
            digest = _digest(level, names, [texts[each] for each in at])
            if len(names) < len(every):
                of_all = _digest(_MEANING, every, texts)
                if whole.setdefault(digest, of_all) != of_all:
                    alike.add(digest)
            before = made.setdefault(digest, place)
            if isinstance(before, list):
                before.append(place)
            elif before != place:
                made[digest] = [before, place]
        return made


def _result(status: RowStatus, names: Sequence[str], line: Sequence[str], key: str | None) -> _Result:
    cells = dict(zip(names, line, strict=False))
    row_id, created, error = (cells.pop(name, "") for name in ("sf__id", "sf__created", "sf__error"))
    if key == "id" and row_id:
        cells.setdefault("id", row_id)
    return _Result(status, row_id, created, error, cells)


def _row_result(place: int, result: _Result) -> RowResult:
    if result.status is RowStatus.WRITTEN:
        created = {"true": True, "false": False}.get(result.created.lower())
        return RowResult(place, result.status, result.id, created)
    if result.status is RowStatus.UNPROCESSED:
        return RowResult(place, result.status)
    code, message, fields = _error(result.error)
    return RowResult(place, result.status, result.id, code=code, message=message, fields=fields)


def _error(text: str) -> tuple[str, str, tuple[str, ...]]:
    """Split `CODE:message:Field, Field --`, as Salesforce writes what is wrong with a row."""
    found = _ERROR.fullmatch(text.strip())
    if found is None:
        return "UNKNOWN_EXCEPTION", text, ()
    code, message, fields = found.groups()
    return code, message.strip(), tuple(each.strip() for each in (fields or "").split(",") if each.strip())


def _digest(level: int, names: Sequence[str], texts: Sequence[str]) -> bytes:
    """Return a fingerprint of values, letter for letter or by what they mean."""
    same: Sequence[str] = texts
    if level != _EXACT:
        same = [_meaning(text, is_id=name == "id") for name, text in zip(names, texts, strict=True)]
    return blake2b("\x1f".join(f"{len(text)}:{text}" for text in same).encode(), digest_size=16).digest()


def _meaning(text: str, *, is_id: bool) -> str:
    """Return a value as it may be compared with another spelling of it."""
    plain = text.strip()
    if plain == NULL:
        return ""
    if is_id and len(plain) == 15:
        return long_id(plain)
    if len(plain) <= _LONGEST_NUMBER and plain[:1] in "+-.0123456789":
        try:
            return str(Decimal(plain).normalize())
        except ArithmeticError:  # no number, or one beyond any: a serial number such as 7e12345678
            pass
        try:
            instant = datetime.fromisoformat(plain)
        except ValueError:
            return plain.casefold()
        if len(plain) > _DATE:
            instant = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
            return instant.astimezone(UTC).isoformat()
    return plain.casefold()
