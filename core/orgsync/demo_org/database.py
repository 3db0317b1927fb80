"""The org's rows, and the transactions that change them.

A row is never changed in place: a change makes a new version, so whoever holds a table's copy holds a snapshot.
Every change belongs to a transaction. It stamps its rows while it runs, keeps others off them, and shows nothing
before it ends: that is how a row can appear with an older stamp than rows that were there before it.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from .clock import Clock
from .fields import Row, Value
from .ids import make_id
from .row_index import RowIndex, key_of
from .schema import Schema

FIRST_NUMBER = 62**3 * 1_000
KEPT_DELETIONS = timedelta(days=15)


@dataclass(frozen=True, slots=True)
class Deletion:
    """One line of the delete log."""

    sobject: str
    record_id: str
    at: datetime


@dataclass(frozen=True, eq=False, slots=True)
class OpenTransaction:
    """A transaction whose changes nobody sees yet: when it began, and the rows it holds."""

    started: datetime
    locked: set[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The rows and the delete log of a moment."""

    tables: Mapping[str, Mapping[str, Row]]
    deletions: int


class Database:
    """Tables by object name, each a mapping from 18 character id to the row's present version."""

    def __init__(self, clock: Clock, schema: Schema, *, pod: str) -> None:
        self.clock = clock
        self.schema = schema
        self.lock = threading.RLock()
        self.user_id = ""
        self.tables: dict[str, dict[str, Row]] = {sobject.name: {} for sobject in schema.sobjects()}
        self.hidden: dict[str, frozenset[str]] = {}
        self.deletions: list[Deletion] = []
        self.deletions_since = clock.stamp - KEPT_DELETIONS
        self.open: list[OpenTransaction] = []
        self.viewed: list[tuple[str, str]] = []
        self._pod = pod
        self._numbers: dict[str, int] = {}
        self._indexes: dict[str, dict[str, RowIndex]] = {}

    def table(self, sobject: str) -> dict[str, Row]:
        """Return an object's rows, by the object's name in any case; KeyError where there is none."""
        return self.tables[self.schema.everything(sobject).name]

    def find(self, sobject: str, record_id: Value) -> Row | None:
        """Return the present version of a row, deleted or not."""
        return self.tables[sobject].get(record_id) if isinstance(record_id, str) else None

    def having(self, sobject: str, field: str, value: Value) -> list[Row]:
        """Return the rows, deleted ones too, whose field has a value; text is compared without regard to case."""
        table, indexes = self.tables[sobject], self._indexes.setdefault(sobject, {})
        if field not in indexes:
            indexes[field] = RowIndex(field, table.values())
        rows = (table.get(record_id) for record_id in indexes[field].ids(value))
        return [row for row in rows if row is not None and key_of(row.get(field)) == key_of(value)]

    def forget_indexes(self, sobject: str) -> None:
        """Read an object's rows anew before the next search by a key, because they were changed directly."""
        self._indexes.pop(sobject, None)

    def is_shared(self, sobject: str, record_id: str) -> bool:
        """Return whether the user may see a row."""
        return record_id not in self.hidden.get(sobject, ())

    def next_id(self, sobject: str, step: int = 1) -> str:
        """Return the next id of an object: bytes ascend with creation."""
        prefix = self.schema.everything(sobject).prefix  # some objects share theirs
        number = self._numbers.get(prefix, FIRST_NUMBER) + step
        self._numbers[prefix] = number
        return make_id(prefix, self._pod, number)

    def oldest_open(self) -> datetime | None:
        """Return when the oldest transaction still open began."""
        return min((transaction.started for transaction in self.open), default=None)

    def deleted_between(self, sobject: str, start: datetime, end: datetime) -> list[Deletion]:
        """Return the delete log's lines of a window, one for each row.

        Assumed, as the documentation does not say: a row that was restored is not listed, and one that was deleted
        again is listed by its last deletion. Emptying the recycle bin adds no line and removes none: a row is
        listed at the time it was put there, for as long as the log reaches back.
        """
        table = self.tables[sobject]
        last = {deletion.record_id: deletion for deletion in self.deletions if deletion.sobject == sobject}
        return [
            deletion
            for deletion in last.values()
            if start <= deletion.at < end
            and (deletion.record_id not in table or table[deletion.record_id].get("IsDeleted"))
            and self.is_shared(sobject, deletion.record_id)
        ]

    def earliest_deletion(self) -> datetime:
        """Return the instant that the delete log reaches back to."""
        return max(self.deletions_since, self.clock.stamp - KEPT_DELETIONS)

    def snapshot(self) -> Snapshot:
        """Remember the rows, for requests that are rolled back as a whole."""
        return Snapshot({name: dict(table) for name, table in self.tables.items()}, len(self.deletions))

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to what a snapshot holds; only for whoever has held the lock since."""
        self.tables = {name: dict(table) for name, table in snapshot.tables.items()}
        del self.deletions[snapshot.deletions :]
        self._indexes.clear()

    def apply(self, staged: Mapping[tuple[str, str], Row | None], deletions: list[Deletion]) -> None:
        """Show what a transaction did, all at once."""
        with self.lock:
            for (sobject, record_id), row in staged.items():
                if row is None:
                    self.tables[sobject].pop(record_id, None)
                else:
                    self.tables[sobject][record_id] = row
                    for index in self._indexes.get(sobject, {}).values():
                        index.add(row)
            self.deletions.extend(deletions)
