"""What two databases exchange when one is moved to the other: tables with kinds of columns, and rows of values."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias

import sqlalchemy as sa
from sqlalchemy.types import TypeEngine

from orgsync.records import UtcDateTime

from .creation import METADATA

__all__ = [
    "Arrived",
    "Kind",
    "MoveEnd",
    "MoveState",
    "MovedColumn",
    "MovedTable",
    "Page",
    "TypesOf",
    "control_tables",
    "counted_tables",
]

Kind: TypeAlias = Literal["text", "instant", "time", "date", "bool", "int", "float", "number", "json", "bytes"]
"""What values a column has. They travel as SQLite keeps them: instants, times, dates, numbers and JSON as texts,
booleans as 0 and 1."""

Page: TypeAlias = list[tuple[Any, ...]]

TypesOf: TypeAlias = Callable[[str], Mapping[str, str]]
"""Returns the names of the Python types of a record table's columns, as far as anybody knows them."""


@dataclass(frozen=True, slots=True)
class MovedColumn:
    """A column; `required` takes no NULL, and `indexed` has the index that a record class asks for.

    Where `is_unknown`, nobody says whether its texts are texts, instants or times of day: they are texts.
    """

    name: str
    kind: Kind
    required: bool = False
    indexed: bool = False
    is_unknown: bool = False


@dataclass(frozen=True, slots=True)
class MovedTable:
    """A table to move, with its key in the order by which its rows are read; `records` are made, others are there."""

    name: str
    columns: tuple[MovedColumn, ...]
    key: tuple[str, ...]
    records: bool


@dataclass(frozen=True, slots=True)
class Arrived:
    """What has arrived of a table: the number of its rows, and their checksum, which both databases give.

    `changed` counts, by column, the values that the target cannot hold as they were.
    """

    rows: int
    checksum: str
    changed: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class MoveState:
    """What a database notes of the move that it takes part in; `other` is where the other one is, for messages."""

    id: str
    role: Literal["source", "target"]
    state: Literal["copying", "done"]
    other: str


_CONTROL_KINDS: tuple[tuple[type[TypeEngine[Any]], Kind], ...] = (
    (UtcDateTime, "instant"),
    (sa.JSON, "json"),
    (sa.Boolean, "bool"),
    (sa.Integer, "int"),
    (sa.Float, "float"),
    (sa.LargeBinary, "bytes"),
)
_COUNTED_ANEW = "orgsync_sequence"


def control_tables() -> list[MovedTable]:
    """Describe the control tables; the counter of changes is none of them, for each database counts in its own way."""
    return [
        MovedTable(
            table.name,
            tuple(MovedColumn(column.name, _kind_of(column.type)) for column in table.columns),
            tuple(column.name for column in table.primary_key),
            records=False,
        )
        for table in METADATA.sorted_tables
        if table.name != _COUNTED_ANEW
    ]


def counted_tables() -> list[str]:
    """List the control tables whose rows the database numbers."""
    return [
        each.name
        for each in control_tables()
        if each.key == ("id",) and any(column.name == "id" and column.kind == "int" for column in each.columns)
    ]


def _kind_of(type: TypeEngine[Any]) -> Kind:
    for each, kind in _CONTROL_KINDS:
        if isinstance(type, each):
            return kind
    return "text"


class MoveEnd(Protocol):
    """One of the two databases of a move, opened by one process for itself."""

    shown: str
    """Where the database is, as messages name it; no password."""

    loses_nul: bool
    """Whether its texts cannot hold the character NUL."""

    def alone(self) -> AbstractContextManager[None]:
        """Keep other moves of the database out; raises AlreadyRunning while there is one."""
        ...

    def noted(self) -> MoveState | None:
        """Return what is noted of a move."""
        ...

    def contents(self) -> Sequence[str]:
        """Say what the database holds, in a few words each; nothing for an empty one."""
        ...

    def close_to_others(self, state: MoveState) -> None:
        """Note a move, and from now on let nobody else write; in one transaction.

        Raises AlreadyRunning, with nothing changed, while a run, an action, a write to an org or the renewal of a token
        is under way.
        """
        ...

    def begin_arrival(self, state: MoveState) -> None:
        """Note a move, and let nobody open the database until it is done."""
        ...

    def complete(self, state: MoveState, counters: Mapping[str, int]) -> None:
        """Note that a move is done. A target is opened to all, and counts on from the source's counters."""
        ...

    def reopen(self) -> None:
        """Forget the move that this database was the source of: everybody may use it again."""
        ...

    def counters(self) -> Mapping[str, int]:
        """Return the last number that was given to a row, by table, and to a change, as `change`.

        The last is at least what any reader of the change feed may remember.
        """
        ...

    def tables(self, types: TypesOf) -> Sequence[MovedTable]:
        """Describe every table that moves, the control tables first."""
        ...

    def left_behind(self) -> Sequence[str]:
        """List the tables and views that are not orgsync's, which do not move."""
        ...

    def read(self, table: MovedTable) -> Iterator[Page]:
        """Read a table's rows in the order of its key's bytes, page by page."""
        ...

    def arrived(self) -> Mapping[str, Arrived]:
        """Return what has arrived of each table that is whole."""
        ...

    def arrival(self, table: MovedTable) -> AbstractContextManager[Callable[[Page], None]]:
        """Make and fill a table in one transaction, with what the block gives; on any error nothing of it is there."""
        ...

    def note_arrived(self, table: MovedTable, arrived: Arrived) -> None:
        """Note, within the block of `arrival`, that a table is whole."""
        ...
