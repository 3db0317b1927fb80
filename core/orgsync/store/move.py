"""Moving everything from one database to another: closed to writers, copied table by table, compared, handed over.

The source is closed first: from then on nothing is written there, and nobody works with the target until all has
arrived. Each table arrives in one transaction, which also notes its rows and checksum, so that a move that was ended
at any point goes on with the next table. At the end every table is read back from the target and compared. Then the
target is opened, and after that the source is marked as moved; in between, only the source's mark is missing, which
the next call makes good.

Each row keeps its change number, and the target numbers later changes above all that the source has given, so whoever
reads the change feed goes on from where they are.
"""

import secrets
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from orgsync.errors import ArgumentInvalid, StoreUnavailable

from .move_types import Arrived, MovedTable, MoveEnd, MoveState, TypesOf
from .move_values import Checksum, carried

__all__ = ["Moved", "Progress", "move", "nobody"]

Progress: TypeAlias = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class Moved:
    """A complete move: from where, to where, and what has arrived by table.

    `left_behind` are tables and views that are not orgsync's, which do not move. `unknown` are columns of texts of
    which neither a script nor a run says whether they are instants or times of day; they are texts in the target.
    """

    source: str
    target: str
    tables: Mapping[str, Arrived]
    left_behind: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def changed(self) -> dict[str, int]:
        """How many values of which columns the target cannot hold as they were."""
        return {f"{name}.{column}": n for name, table in self.tables.items() for column, n in table.changed.items()}


def nobody(_table: str, _rows: int) -> None:
    """Report to nobody."""


def move(source: MoveEnd, target: MoveEnd, types: TypesOf, *, progress: Progress = nobody) -> Moved:
    """Move everything from one database into another, empty one; a move that was ended continues.

    `progress` is told of each table how many rows have been written. Raises AlreadyRunning while anything is under way
    in the source, ArgumentInvalid for a target that holds anything else, and StoreUnavailable for a value that is not
    of its column's type, and where what has arrived is not what was sent.
    """
    if source.shown == target.shown:
        raise ArgumentInvalid("The database is there already.", "Name another one with --to.")
    with source.alone(), target.alone():
        return _move(source, target, types, progress)


def _move(source: MoveEnd, target: MoveEnd, types: TypesOf, progress: Progress) -> Moved:
    tables = source.tables(types)
    state = _begin(source, target, tables)
    there = target.noted()
    if there is None:
        target.begin_arrival(MoveState(state.id, "target", "copying", source.shown))
    if there is None or there.state != "done":
        _copy(source, target, tables, progress)
        _compare(target, tables)
        target.complete(MoveState(state.id, "target", "done", source.shown), source.counters())
    source.complete(MoveState(state.id, "source", "done", target.shown), {})
    unknown = tuple(f"{table.name}.{column.name}" for table in tables for column in table.columns if column.is_unknown)
    return Moved(source.shown, target.shown, target.arrived(), tuple(source.left_behind()), unknown)


def _begin(source: MoveEnd, target: MoveEnd, tables: Sequence[MovedTable]) -> MoveState:
    """Close the source for this move, or find that it is closed for it already."""
    known, there = source.noted(), target.noted()
    if known is not None and known.role == "source":
        if known.state == "done":
            raise ArgumentInvalid(
                f"The database was moved to {known.other} already.",
                "Set ORGSYNC_DATABASE_URL to that one. To use this one again as it is: orgsync move --undo",
            )
        if (there.id != known.id) if there is not None else bool(target.contents()):
            raise _holds_something(target)
        if there is None and known.other != target.shown:
            raise ArgumentInvalid(
                f"A move of this database to {known.other} has begun.",
                "Name that one to complete it, or end it: orgsync move --undo",
            )
        return known
    if known is not None and known.state == "copying":
        raise ArgumentInvalid(
            f"This database is being filled by a move from {known.other}, which is not complete.",
            "Complete that one first: run the command again that began it.",
        )
    if there is not None or target.contents():
        raise _holds_something(target)
    _require_free_names(target, tables)
    state = MoveState(secrets.token_hex(8), "source", "copying", target.shown)
    source.close_to_others(state)
    return state


def _require_free_names(target: MoveEnd, tables: Sequence[MovedTable]) -> None:
    """Raise ArgumentInvalid where something in the target has the name of a table to be made, or of its feed."""
    wanted = {
        name for table in tables if table.records for name in (table.name.lower(), f"{table.name}_changes".lower())
    }
    for other in target.left_behind():
        if other.partition(" ")[2].lower() in wanted:
            raise ArgumentInvalid(
                f"{target.shown} has a {other}, a name that the copy needs.",
                "Rename that one, or name an empty database, or a schema of its own with options=-csearch_path=NAME.",
            )


def _holds_something(target: MoveEnd) -> ArgumentInvalid:
    found = target.contents() or ["the mark of another move"]
    return ArgumentInvalid(
        f"{target.shown} is not empty: it holds {', '.join(found)}.",
        "Name an empty database, or a schema of its own with options=-csearch_path=NAME; what is there is not touched.",
    )


def _copy(source: MoveEnd, target: MoveEnd, tables: Sequence[MovedTable], progress: Progress) -> None:
    """Copy each table that has not arrived yet, in a transaction of its own."""
    known = target.arrived()
    for table in tables:
        if table.name in known:
            continue
        checksum, changed = Checksum(table), Counter[str]()
        with target.arrival(table) as write:
            for page in source.read(table):
                given = carried(table, page, changed, loses_nul=target.loses_nul)
                write(given)
                checksum.add(given)
                progress(table.name, checksum.rows)
            target.note_arrived(table, Arrived(checksum.rows, checksum.text, +changed))


def _compare(target: MoveEnd, tables: Sequence[MovedTable]) -> None:
    """Read every table back; raises StoreUnavailable where it is not what was sent."""
    sent = target.arrived()
    for table in tables:
        found, expected = Checksum(table), sent[table.name]
        for page in target.read(table):
            found.add(page)
        if (found.rows, found.text) != (expected.rows, expected.checksum):
            values = " with other values" if found.rows == expected.rows else ""
            raise StoreUnavailable(
                f"The table {table.name} in {target.shown} is not what was sent: {found.rows} rows of {expected.rows}"
                f"{values}.",
                "Nothing is lost: the source has everything. End the move with `orgsync move --undo`, empty the "
                "target, and move again.",
            )
