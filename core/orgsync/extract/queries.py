"""The queries of a pass: what they select, in which order, and how they resume behind a key.

A key marks how far a query was read. In time order it is the last row's stamp and Id. In Id order it is the last row's
Id, and the window of time that it was read in, if time is cut into windows: each window begins with the smallest Id
again, so an Id means nothing without its window's beginning and end.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from operator import ge
from typing import Any, Protocol

from orgsync.errors import ResponseUnreadable
from orgsync.records import parse_instant, stored_instant, stored_instants, to_stored, values_of
from orgsync.soql import contains, literal, select

from .column_groups import column_groups
from .state import Key

__all__ = ["IdOrder", "Order", "ReadQuery", "StampOrder", "last_key"]

_Record = dict[str, Any]


class Order(Protocol):
    """How a query's rows are ordered, and how a key in that order marks what has been read."""

    @property
    def stamp(self) -> str | None:
        """The field that windows of time are cut by; None if there is none."""
        ...

    @property
    def fields(self) -> list[str]:
        """The fields that the rows are ordered by."""
        ...

    def start(self, key: Key) -> datetime | None:
        """Return the instant from which on there may be rows behind a key."""
        ...

    def width(self, key: Key) -> timedelta | None:
        """Return the width of the window that a key is in; None if it has no end."""
        ...

    def behind(self, key: Key) -> str | None:
        """Write the condition for the rows behind a key."""
        ...

    def before(self, key: Key) -> Key:
        """Return the nearest key at or before another behind which a query needs no OR."""
        ...

    def key_of(self, record: _Record) -> Key:
        """Return a row's key; raise KeyError, TypeError or ValueError for a row that has none."""
        ...

    def keys_of(self, records: Sequence[_Record]) -> Sequence[Key]:
        """Return the key of each row; raise as `key_of` does."""
        ...

    def within(self, key: Key, start: datetime | None, upto: datetime | None) -> Key:
        """Add to a row's key the window that it was read in."""
        ...

    def window_from(self, start: datetime) -> Key:
        """Return the key before the first row of a window."""
        ...


@dataclass(frozen=True, slots=True)
class StampOrder:
    """By the time of the change, then by Id: a row that changes in the meantime moves back and is read again."""

    stamp: str

    @property
    def fields(self) -> list[str]:
        """Both, since many rows share a stamp."""
        return [self.stamp, "Id"]

    def start(self, key: Key) -> datetime | None:
        """The key's own stamp."""
        return parse_instant(key[0]) if key else None

    def width(self, key: Key) -> timedelta | None:
        """None: a stamp needs no window."""
        return None

    def behind(self, key: Key) -> str | None:
        """After the stamp, or at it with a greater Id; at or after it if no row was read yet."""
        if not key:
            return None
        stamp = literal(parse_instant(key[0]))
        if not key[1]:
            return f"{self.stamp} >= {stamp}"
        return f"{self.stamp} > {stamp} OR ({self.stamp} = {stamp} AND Id > {literal(key[1])})"

    def before(self, key: Key) -> Key:
        """The first row of its stamp."""
        return (key[0], "") if key else ()

    def key_of(self, record: _Record) -> Key:
        """The stamp in stored form, whose text order is time order, and the Id."""
        return stored_instant(record[self.stamp]), record["Id"]

    def keys_of(self, records: Sequence[_Record]) -> Sequence[Key]:
        """The key of each row."""
        return [*zip(stored_instants(values_of(records, self.stamp)), values_of(records, "Id"), strict=True)]

    def within(self, key: Key, start: datetime | None, upto: datetime | None) -> Key:
        """The key, which already contains its stamp."""
        return key

    def window_from(self, start: datetime) -> Key:
        """At the window's first instant, before any Id."""
        return to_stored(start), ""


@dataclass(frozen=True, slots=True)
class IdOrder:
    """By Id; `stamp` may be a parent's, so that a query stays on indexed fields."""

    stamp: str | None = None

    @property
    def fields(self) -> list[str]:
        """The Id alone; Salesforce orders Ids by their bytes."""
        return ["Id"]

    def start(self, key: Key) -> datetime | None:
        """The beginning of the window that the key was read in."""
        return parse_instant(key[1]) if len(key) > 1 else None

    def width(self, key: Key) -> timedelta | None:
        """From the beginning of the key's window to its end: behind the end no row was read, whatever its Id."""
        return parse_instant(key[2]) - parse_instant(key[1]) if len(key) > 2 else None

    def behind(self, key: Key) -> str | None:
        """A greater Id, not before the window."""
        conditions = [f"Id > {literal(key[0])}"] if key and key[0] else []
        if len(key) > 1:
            conditions.append(f"{self.stamp} >= {literal(parse_instant(key[1]))}")
        return " AND ".join(conditions) or None

    def before(self, key: Key) -> Key:
        """The key itself."""
        return key

    def key_of(self, record: _Record) -> Key:
        """The Id."""
        return (record["Id"],)

    def keys_of(self, records: Sequence[_Record]) -> Sequence[Key]:
        """The Id of each row."""
        return [*zip(values_of(records, "Id"), strict=True)]

    def within(self, key: Key, start: datetime | None, upto: datetime | None) -> Key:
        """Add the window's beginning, and its end where it has one."""
        if start is None:
            return key
        return (key[0], to_stored(start)) if upto is None else (key[0], to_stored(start), to_stored(upto))

    def window_from(self, start: datetime) -> Key:
        """In the window, before any Id."""
        return "", to_stored(start)


@dataclass(frozen=True, slots=True)
class ReadQuery:
    """A query of an object, which can be written for REST and for Bulk.

    The first `common` of `paths` identify the version of a row. `since` is where the time of `order` begins; `ids`
    limit it to these rows. `bin` uses queryAll, which returns archived rows and the recycle bin's as well; `live` is
    the condition that excludes the latter, None if they are wanted. `exact` reads numbers as Decimal; `disjunctions`
    says that the object accepts OR. Every change up to `settled` was visible before the query is sent.
    """

    sobject: str
    paths: Sequence[str]
    order: Order
    conditions: Sequence[str | None] = ()
    since: datetime | None = None
    ids: Sequence[str] = ()
    bin: bool = True
    live: str | None = None
    exact: bool = False
    common: int = 1
    disjunctions: bool = True
    settled: datetime | None = None

    @property
    def fields(self) -> Sequence[str]:
        """The names under which a record of the response holds the values: fields, and parents."""
        return [*dict.fromkeys(path.partition(".")[0] for path in self.paths)]

    def resumes_by_or(self, after: Key) -> bool:
        """Return whether the query behind a key contains OR, which some objects do not accept."""
        return self.disjunctions and " OR " in (self.order.behind(after) or "")

    def version(self, record: _Record) -> Key:
        """Return what identifies the version of the row that a record is, in the order of the rows."""
        try:
            return (*self.order.key_of(record), *(str(record[path]) for path in self.paths[: self.common]))
        except (KeyError, TypeError, ValueError):
            raise ResponseUnreadable(
                f"Salesforce's response has a row of {self.sobject} without a valid "
                f"{' or '.join(self.paths[: self.common])}.",
                "Run the sync again; if this persists, look for a proxy that changes responses.",
            ) from None

    def queries(self, *, after: Key = (), upto: datetime | None = None) -> list[str]:
        """Write the query for REST: in order, behind a key, up to an instant; once for each group of columns."""
        groups = column_groups(self.paths, self.common, lambda paths: self._ordered(paths, after=after, upto=upto))
        return [self._ordered(paths, after=after, upto=upto) for paths in groups]

    def counting(self, *, after: Key = (), upto: datetime | None = None) -> str:
        """Write the query that counts the rows which `queries` finds."""
        return select(["COUNT()"], self.sobject, where=self._conditions(after, upto))

    def unordered(self, paths: Sequence[str]) -> str:
        """Write the query for Bulk: whole and without an order, so that Salesforce can split it by primary keys."""
        return select(paths, self.sobject, where=[self._since, *self.conditions, self.live])

    @property
    def condition(self) -> str | None:
        """What limits the rows, except for the recycle bin, as one condition; None for all of them."""
        parts = [part for part in (self._since, *self.conditions) if part]
        return " AND ".join(f"({part})" for part in parts) or None

    def _ordered(self, paths: Sequence[str], *, after: Key, upto: datetime | None) -> str:
        return select(paths, self.sobject, where=self._conditions(after, upto), order_by=self.order.fields)

    def _conditions(self, after: Key, upto: datetime | None) -> list[str | None]:
        until = f"{self.order.stamp} < {literal(upto)}" if upto else None
        since = None if self.order.start(after) else self._since
        among = contains("Id", self.ids) if self.ids else None
        behind = self.order.behind(after if self.disjunctions else self.order.before(after))
        return [since, until, behind, *self.conditions, self.live, among]

    @property
    def _since(self) -> str | None:
        return f"{self.order.stamp} >= {literal(self.since)}" if self.since else None


def last_key(records: Sequence[_Record], order: Order, settled: datetime | None = None) -> Key | None:
    """Return the last row's key; None if the rows are not in the requested order, so that none is passed over.

    A row with a stamp after `settled` may have changed since the query began: its place in the order is that of its
    earlier stamp, and its key would pass over rows that were not read. The row before it counts then.
    """
    try:
        keys = [*order.keys_of(records)]
        if any(map(ge, keys, islice(keys, 1, None))):
            return None
    except (KeyError, TypeError, ValueError):
        return None
    while keys and settled and (stamp := order.start(keys[-1])) and stamp > settled:
        keys.pop()
    return keys[-1] if keys else None
