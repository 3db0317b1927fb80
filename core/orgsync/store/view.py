"""The database opened for reading: commands that only read do not load what writes."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from orgsync.errors import NameUnknown

from .free_query import QueryBounds, QueryResult
from .health_rows import AlertRow, SchemaRow, StandingRow
from .statuses import ConnectionStatus, Environment, Owed, RunKind, RunStatus
from .worker_tables import WorkersSeen

__all__ = [
    "ApiTokenRow",
    "ConnectionRow",
    "RunRow",
    "ScheduleRow",
    "Selection",
    "View",
    "connection_named",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """A run; see `orgsync.store.Run`. One whose process is known to have died has failed, whatever the database has."""

    id: int
    sync: str
    connection: str
    epoch: int
    status: RunStatus
    started_at: datetime
    finished_at: datetime | None
    added: int
    updated: int
    deleted: int
    unchanged: int
    api_calls: int
    watermark: datetime | None
    error: str | None
    error_code: str | None
    kind: RunKind = "sync"
    holder: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionRow:
    """A connection to one org as one user, without its credentials.

    `status` is ready or needs sign-in, and `status_reason` says why; `metadata` and `tags` are its owner's own.
    `mapping` names the fields that fill columns on this connection: `{"Contact.level": "Tier__c"}`.
    """

    name: str
    environment: Environment
    login_url: str
    instance_url: str
    org_id: str
    user_id: str
    username: str
    grant: str
    client_id: str
    scope: str
    api_version: str
    status: ConnectionStatus
    status_reason: str
    metadata: dict[str, Any]
    tags: list[str]
    mapping: dict[str, str]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Selection:
    """Rows of a record table, live ones by connection and Id, or with `changes` its change feed by number.

    `columns` are those to return, all by default; `where` is an expression in the database's SQL. Changes are those
    after one number and, where it is given, up to another; live rows are those behind the connection and Id of
    `after_key`, where it is given.
    """

    table: str
    connection: str | None = None
    changes: bool = False
    after: int = 0
    upto: int | None = None
    limit: int | None = None
    columns: Sequence[str] = ()
    where: str = ""
    after_key: tuple[str, str] | None = None

    def with_(self, **changed: Any) -> "Selection":
        """Return this selection with other values."""
        return replace(self, **changed)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiTokenRow:
    """A token of the HTTP API, without its secret; `connections` is None where it may work on all of them."""

    name: str
    id: str
    scopes: Sequence[str]
    connections: Sequence[str] | None
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    digest: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleRow:
    """What is set for a sync on one connection: `every` as a script writes it, None for the script's own; or `off`."""

    sync: str
    connection: str
    every: str | None = None
    off: bool = False


class View(Protocol):
    """A database opened for reading; if there is none yet, it looks like an empty one."""

    @property
    def has_tables(self) -> bool:
        """Whether orgsync's tables are there; where they are not, nothing was kept yet."""
        ...

    def connections(self) -> list[ConnectionRow]:
        """Read every connection, by name."""
        ...

    def connection(self, name: str) -> ConnectionRow:
        """Read one connection; raises NameUnknown, with the nearest name, for one that does not exist."""
        ...

    def run(self, run_id: int) -> RunRow:
        """Read one run; raises NameUnknown for a number that none has."""
        ...

    def runs(
        self, limit: int, *, sync: str | None = None, action: str | None = None, connection: str | None = None
    ) -> list[RunRow]:
        """Read runs, the latest first: all, or those of one sync or of one action."""
        ...

    def pairs(self) -> list[tuple[str, str]]:
        """List each sync and connection that has a run."""
        ...

    def syncs(self) -> list[str]:
        """List the syncs that have a run, a checkpoint or a table."""
        ...

    def require_sync(self, name: str) -> None:
        """Raise NameUnknown, with the nearest name, for a sync that has no run, no checkpoint and no table."""
        ...

    def schedules(self) -> list[ScheduleRow]:
        """Read what is set for syncs on connections, where it differs from the scripts."""
        ...

    def webhooks_off(self) -> list[tuple[str, str]]:
        """Read the webhooks that are off, each with the reason."""
        ...

    def standings(self) -> list[StandingRow]:
        """Read how each sync and action stands on each connection, by the runs that have ended."""
        ...

    def owed(self) -> dict[tuple[str, str], Owed]:
        """Read what the next run of a sync on a connection has to do because an earlier one was to do it, and ended."""
        ...

    def alerts(self) -> list[AlertRow]:
        """Read the alerts that are active, by connection."""
        ...

    def schemas(self, connection: str | None = None) -> list[SchemaRow]:
        """Read the fields of objects as the connections saw them last, of one connection or of all."""
        ...

    def pending_messages(self) -> tuple[int, datetime | None]:
        """Count the messages of webhooks that are not delivered, and return when the oldest was written."""
        ...

    def workers(self, ttl: float) -> WorkersSeen | None:
        """Read the workers that were seen within so many seconds; None where the database is a file of one host."""
        ...

    def owners(self) -> dict[str, str]:
        """Read the sync that each record table belongs to."""
        ...

    def objects(self) -> set[str]:
        """Return the names of the objects that have been copied without a script."""
        ...

    def last_change(self) -> int:
        """Return the number up to which the change feed is complete; 0 if nothing was ever written."""
        ...

    def held_back(self) -> str:
        """Say what has held back the change feeds for long, and what to do about it; empty where nothing has."""
        ...

    def live_count(self, table: str, connection: str) -> int:
        """Count a connection's live rows in a record table; a table that was dropped has none."""
        ...

    def back_up(self, to: Path, progress: Callable[[int, int], None]) -> None:
        """Copy the whole database as it is now into an empty file, while others read and write, and check the copy.

        No lease is held in it. `progress` is told how much is copied, and of how much; what it raises ends the copy.
        Raises StoreUnavailable where there is no database yet, or it is damaged, and where a database of this kind is
        backed up by tools of its own: the remedy names them.
        """
        ...

    def is_own(self, path: Path) -> bool:
        """Return whether a path is that of the database, or of a file that belongs to it."""
        ...

    def require_in_place(self) -> None:
        """Raise StoreReplaced where the database was deleted or replaced since it was opened."""
        ...

    def tables(self) -> list[str]:
        """List every record table."""
        ...

    def table(self, name: str, *, changes: bool = False) -> str:
        """Return a record table by its own name or its class's, in any case; raises NameUnknown.

        With `changes` it may have been dropped: its change feed is still there.
        """
        ...

    def columns(self, table: str, *, changes: bool = False) -> dict[str, str]:
        """Return the type of each column of a table, or of its change feed, as the database names it, in order."""
        ...

    def read(self, selection: Selection) -> Iterator[dict[str, Any]]:
        """Read rows of a record table, or its changes, with values as `Rows.read` has them.

        Raises ArgumentInvalid, before the first row, for a column that does not exist, and for a condition that is not
        one expression or reads anything but record tables.
        """
        ...

    def pages(self, selection: Selection) -> Iterator[list[tuple[Any, ...]]]:
        """Read what `read` does, in stored form and page by page: a thousand rows at a time, and no page is empty."""
        ...

    def query(self, sql: str, bounds: QueryBounds) -> QueryResult:
        """Run one SELECT of somebody who may read the record tables and their change feeds, and nothing else.

        Raises ArgumentInvalid for any other statement, for one that reads more, and for one that costs too much.
        """
        ...

    def one_state(self) -> AbstractContextManager[None]:
        """Let everything that is read in the block be read from one state of the database."""
        ...

    def one_schema(self) -> AbstractContextManager[None]:
        """Ask for tables and columns once in the block, where asking takes long, and take them to stay as they are."""
        ...

    def indexed(self, table: str) -> list[str]:
        """Return the columns of a table by whose value rows are found without reading all of them."""
        ...

    def stored_types(self, table: str) -> dict[str, str]:
        """Return the Python type of each column whose field was read from an org, by its name: `datetime`.

        It says what the database's own type does not: which texts are instants and times of day.
        """
        ...


def connection_named(name: str, there: Sequence[ConnectionRow], database: str) -> ConnectionRow:
    """Return one of the connections by its name; raises NameUnknown, with the nearest name."""
    known = {each.name: each for each in there}
    if name in known:
        return known[name]
    none_yet = f"Create it: orgsync connect {name}."
    raise NameUnknown.among("connection", name, list(known), none_yet=none_yet, database=database)
