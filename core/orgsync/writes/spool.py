"""The rows of a write and what became of each, in a private temporary database that is gone when it is closed.

Rows of the same columns form a group, for a column that is absent is left as it is in the org and one that is null is
emptied there, and a file has the same columns in every row. Rows of a CSV, and of ever more different columns, share a
group whose cells may be absent: an empty cell of a file is ignored. Memory stays bounded, however many rows there are.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from .row_result import RowResult, RowStatus, WriteCounts

__all__ = ["ABSENT", "Absent", "Given", "Group", "Spool", "Value"]


class Absent(Enum):
    """The type of `ABSENT`."""

    ABSENT = "absent"


ABSENT = Absent.ABSENT
"""In place of a value: the field stays as it is."""

Value: TypeAlias = str | int | float | bool | Absent | None
"""A value on its way: text, number or boolean, as JSON has them; None empties the field."""

_ABSENT_JSON: list[object] = []  # no value of a field is a list

_CACHE_KIB = 8 * 1024
_SCHEMA = """
CREATE TABLE row (
    place INTEGER PRIMARY KEY, columns INTEGER NOT NULL, size INTEGER NOT NULL, line INTEGER NOT NULL,
    cells TEXT NOT NULL
);
CREATE INDEX row_of_columns ON row (columns, place);
CREATE TABLE outcome (
    place INTEGER PRIMARY KEY, status TEXT NOT NULL, id TEXT NOT NULL, created INTEGER, code TEXT NOT NULL,
    fields TEXT NOT NULL, message TEXT NOT NULL
);
"""
_ANY = "*"
_OUTCOME = "place, status, id, created, code, fields, message"


@dataclass(frozen=True, slots=True)
class Given:
    """A row of the input: its place, the line it begins on (0: not from a file), its group and its cells.

    `cells` are in the order of the group's columns; `size` is about their bytes as CSV.
    """

    place: int
    line: int
    group: int
    size: int
    cells: Sequence[Value]


@dataclass(frozen=True, slots=True)
class Group:
    """Rows with the same columns; `literal` ones hold the text #N/A itself, which no file can say."""

    number: int
    columns: tuple[str, ...]
    literal: bool
    rows: int


class Spool:
    """The rows of one write. Not to be used by two tasks at once."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        self._database.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        self._database.execute("PRAGMA temp_store = FILE")
        self._database.executescript(_SCHEMA)
        self._columns: list[tuple[str, ...]] = []
        self._literal: list[bool] = []
        self._numbers: dict[tuple[tuple[str, ...], bool], int] = {}

    def close(self) -> None:
        """Delete everything."""
        self._database.close()

    def group_of(self, columns: tuple[str, ...], *, literal: bool = False) -> int:
        """Return the number of the group with these columns."""
        key = columns, literal
        if key not in self._numbers:
            self._numbers[key] = len(self._columns)
            self._columns.append(columns)
            self._literal.append(literal)
        return self._numbers[key]

    def wide_group_of(self, columns: tuple[str, ...], *, literal: bool = False) -> tuple[int, Sequence[int]]:
        """Return the number of the group that takes any columns, and where each of these stands in it."""
        key = (_ANY,), literal
        if key not in self._numbers:
            self._numbers[key] = len(self._columns)
            self._columns.append(())
            self._literal.append(literal)
        group = self._numbers[key]
        known = self._columns[group]
        self._columns[group] = known = (*known, *(name for name in columns if name not in known))
        return group, [known.index(name) for name in columns]

    def columns(self, group: int) -> tuple[str, ...]:
        """Return the columns of a group."""
        return self._columns[group]

    def add(self, rows: Iterable[Given]) -> None:
        """Store rows."""
        values = ((row.place, row.group, row.size, row.line, _cells_json(row.cells)) for row in rows)
        self._change("INSERT INTO row (place, columns, size, line, cells) VALUES (?, ?, ?, ?, ?)", values)

    def groups(self) -> list[Group]:
        """Return the groups that have rows."""
        sql = "SELECT columns, count(*) FROM row GROUP BY columns ORDER BY columns"
        found: list[tuple[int, int]] = self._database.execute(sql).fetchall()
        return [Group(at, self._columns[at], self._literal[at], rows) for at, rows in found]

    def sizes(self, group: int) -> Iterator[tuple[int, int]]:
        """Yield place and size of each row of a group that has no result yet, in order."""
        yield from self._database.execute(
            "SELECT place, size FROM row WHERE columns = ? AND place NOT IN (SELECT place FROM outcome) ORDER BY place",
            (group,),
        )

    def at(self, places: Sequence[int]) -> Iterator[Given]:
        """Read the rows at some places, in order."""
        yield from self._read(*_at(places))

    def cells_at(self, places: Sequence[int]) -> Iterator[tuple[int, str]]:
        """Read place and cells of the rows at some places, the cells as the JSON in which they are stored."""
        condition, parameters = _at(places)
        sql = f"SELECT place, cells FROM row WHERE {condition} ORDER BY place"  # noqa: S608
        yield from self._database.execute(sql, parameters)

    def every_row(self) -> Iterator[Given]:
        """Read all rows in the input's order."""
        yield from self._read("1", ())

    def save(self, results: Iterable[RowResult]) -> None:
        """Store what became of rows; a later result of a row replaces an earlier one."""
        values = (
            (row.place, row.status.value, row.id, row.created, row.code, ",".join(row.fields), row.message)
            for row in results
        )
        self._change(f"INSERT OR REPLACE INTO outcome ({_OUTCOME}) VALUES (?, ?, ?, ?, ?, ?, ?)", values)  # noqa: S608

    def settle(self, status: RowStatus, message: str = "") -> None:
        """Give every row that has no result yet this one."""
        self._database.execute(
            f"INSERT INTO outcome ({_OUTCOME}) SELECT place, ?, '', NULL, '', '', ? FROM row "  # noqa: S608
            "WHERE place NOT IN (SELECT place FROM outcome)",
            (status.value, message),
        )

    def results(self, *statuses: RowStatus) -> Iterator[RowResult]:
        """Read what became of the rows, in the input's order; of those with these statuses, or of all."""
        wanted = [each.value for each in statuses or RowStatus]
        sql = f"SELECT {_OUTCOME} FROM outcome WHERE status IN (SELECT value FROM json_each(?)) ORDER BY place"  # noqa: S608
        yield from (_result(row) for row in self._database.execute(sql, (json.dumps(wanted),)))

    def results_at(self, places: Sequence[int]) -> Iterator[RowResult]:
        """Read what became of the rows at some places, as far as it is known."""
        condition, parameters = _at(places)
        sql = f"SELECT {_OUTCOME} FROM outcome WHERE {condition} ORDER BY place"  # noqa: S608
        yield from (_result(row) for row in self._database.execute(sql, parameters))

    def settled(self) -> int:
        """Count the rows with a result."""
        return int(self._database.execute("SELECT count(*) FROM outcome").fetchone()[0])

    def refused_for(self, code: str) -> list[int]:
        """Return the places of the rows that were refused with a code."""
        sql = "SELECT place FROM outcome WHERE status = 'refused' AND code = ? ORDER BY place"
        return [place for (place,) in self._database.execute(sql, (code,))]

    def line(self, place: int) -> int:
        """Return the line that a row begins on, 0 where it is not from a file."""
        found = self._database.execute("SELECT line FROM row WHERE place = ?", (place,)).fetchone()
        return found[0] if found else 0

    def counts(self) -> WriteCounts:
        """Count the rows, and what became of them."""
        (rows,) = self._database.execute("SELECT count(*) FROM row").fetchone()
        by_status = dict(
            self._database.execute(
                "SELECT status, count(*) FROM outcome WHERE place IN (SELECT place FROM row) GROUP BY status"
            )
        )
        (created,) = self._database.execute(
            "SELECT count(*) FROM outcome WHERE status = 'written' AND created"
        ).fetchone()
        return WriteCounts(rows, created=created, **{each.value: by_status.get(each.value, 0) for each in RowStatus})

    def _read(self, condition: str, parameters: Sequence[object]) -> Iterator[Given]:
        sql = f"SELECT place, line, columns, size, cells FROM row WHERE {condition} ORDER BY place"  # noqa: S608
        place: int
        group: int
        for place, line, group, size, cells in self._database.execute(sql, parameters):
            values: list[Value] = json.loads(cells)
            if "[]" in cells:
                values = [ABSENT if isinstance(value, list) else value for value in values]
            values += [ABSENT] * (len(self._columns[group]) - len(values))
            yield Given(place, line, group, size, values)

    def _change(self, sql: str, values: Iterable[Sequence[object]]) -> None:
        self._database.execute("BEGIN")
        self._database.executemany(sql, values)
        self._database.execute("COMMIT")


def _at(places: Sequence[int]) -> tuple[str, Sequence[object]]:
    """Return a condition for rows at some places, and its parameters."""
    if isinstance(places, range):
        return "place >= ? AND place < ?", (places.start, places.stop)
    return "place IN (SELECT value FROM json_each(?))", (json.dumps(list(places)),)


def _cells_json(cells: Sequence[Value]) -> str:
    """Return cells as JSON, in which an absent one is an empty list."""
    return json.dumps(cells, ensure_ascii=False, separators=(",", ":"), default=lambda _: _ABSENT_JSON)


def _result(row: Sequence[object]) -> RowResult:
    place, status, row_id, created, code, fields, message = row
    return RowResult(
        place=int(str(place)),
        status=RowStatus(str(status)),
        id=str(row_id),
        created=None if created is None else bool(created),
        code=str(code),
        fields=tuple(each for each in str(fields).split(",") if each),
        message=str(message),
    )
