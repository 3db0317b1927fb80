"""What a backend does with the control tables, a protocol for each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from orgsync.errors import OrgsyncError
from orgsync.records import Position

from .commit_types import Counts
from .model import Checkpoint, Connection, ObjectColumn, Run, RunKind, RunStatus
from .view import ScheduleRow

__all__ = [
    "CheckpointTable",
    "ConnectionTable",
    "Lease",
    "LeaseTable",
    "ObjectColumnTable",
    "OwnerTable",
    "RunTable",
    "ScheduleTable",
    "SeenIdTable",
    "SignInTable",
]


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write for (sync, connection), while somebody holds it; `holder` in the form of `Holder.text`."""

    sync: str
    connection: str
    holder: str
    taken_at: datetime
    expires_at: datetime


class ConnectionTable(Protocol):
    """The connections, and whatever in the control tables bears their name."""

    async def get(self, name: str) -> Connection | None:
        """Read one connection."""
        ...

    async def save(self, connection: Connection) -> Connection:
        """Insert or replace a connection, encrypted `secrets` included; the time it was made stays."""
        ...

    async def rename(self, old: str, new: str) -> None:
        """Rename a connection, in its checkpoints, schedules, runs and seen Ids too."""
        ...

    async def remove(self, name: str, *, runs: bool) -> None:
        """Delete a connection, its checkpoints, schedules and seen Ids, and its `runs` if they are to go."""
        ...

    async def list(self) -> Sequence[Connection]:
        """Read every connection, by name."""
        ...

    async def keep_unchanged(self) -> None:
        """Let nobody else save a connection or a sign-in until the transaction ends."""
        ...

    async def replace_secrets(self, name: str, secrets: bytes) -> None:
        """Replace a connection's encrypted secrets by the same, encrypted with another key."""
        ...


class SignInTable(Protocol):
    """Sign-ins that have begun in a browser; `key` is derived from their state, the secrets are encrypted."""

    async def save(self, key: str, secrets: bytes) -> None:
        """Store a sign-in."""
        ...

    async def take(self, key: str, *, ttl: timedelta) -> bytes | None:
        """Delete a sign-in and return its secrets; None if there is none under this key, or it is older than `ttl`."""
        ...

    async def remove_expired(self, ttl: timedelta) -> None:
        """Delete those older than `ttl`."""
        ...

    async def list(self) -> Sequence[tuple[str, bytes]]:
        """Read all: keys, and encrypted secrets."""
        ...

    async def replace_secrets(self, key: str, secrets: bytes) -> None:
        """Replace a sign-in's encrypted secrets by the same, encrypted with another key."""
        ...


class ScheduleTable(Protocol):
    """What is set for syncs on connections, where it differs from the scripts."""

    async def list(self) -> Sequence[ScheduleRow]:
        """Read all, by sync and connection."""
        ...

    async def save(self, row: ScheduleRow) -> None:
        """Insert or replace what is set for a sync on a connection."""
        ...

    async def remove(self, sync: str, connection: str) -> None:
        """Delete what is set for a sync on a connection."""
        ...


class LeaseTable(Protocol):
    """Leases, each with an epoch that only grows."""

    async def get(self, sync: str, connection: str) -> Lease | None:
        """Read a lease; None while nobody holds it."""
        ...

    async def acquire(self, sync: str, connection: str, holder: str, *, ttl: float) -> int:
        """Give the lease to a holder for `ttl` seconds, whoever had it, and return its new epoch."""
        ...

    async def renew(self, sync: str, connection: str, epoch: int) -> bool:
        """Extend a lease by its time to live; return False where it is not held under this epoch."""
        ...

    async def release(self, sync: str, connection: str, epoch: int) -> None:
        """End a lease, if it is held under this epoch."""
        ...

    async def revoke(self, *, sync: str | None = None, connection: str | None = None) -> None:
        """End the leases of a sync, of a connection, or of one on the other, whoever holds them."""
        ...

    async def is_holder(self, holder: str) -> bool:
        """Return whether somebody of this name holds any lease, or carries out an action."""
        ...

    async def list(self, sync: str, connection: str | None) -> Sequence[Lease]:
        """Read the leases of a sync that are held, on one connection or on all."""
        ...


class RunTable(Protocol):
    """The runs, numbered upwards."""

    async def start(self, sync: str, connection: str, epoch: int) -> Run:
        """Insert a run."""
        ...

    async def start_action(self, action: str, connection: str, holder: str) -> Run:
        """Insert a run of an action, which no lease covers."""
        ...

    async def running_actions(self, action: str, connection: str) -> Sequence[tuple[int, str]]:
        """Read the runs of an action that have not ended, by number, with their holders."""
        ...

    async def fail_action(self, run_id: int, error: OrgsyncError) -> Run | None:
        """End a run of an action with an error; None where it is not running."""
        ...

    async def finish(
        self, run_id: int, *, status: RunStatus, error: OrgsyncError | None, api_calls: int, watermark: datetime | None
    ) -> Run | None:
        """End a run; None where it is not running."""
        ...

    async def fail(self, sync: str, connection: str | None, error: OrgsyncError) -> Sequence[Run]:
        """End with an error what is running of a sync, on one connection or on all; return it."""
        ...

    async def note(self, run_id: int, error: str | None) -> None:
        """Set the error of a run that is running."""
        ...

    async def add(self, run: Run, counts: Counts, *, api_calls: int, changed: Sequence[str], size: int) -> bool:
        """Add to the counters of a run, and set its API calls; return False where it is not running.

        `changed` are tables with changes among this transaction's last `size` change numbers. Where there is any
        webhook, they are kept: the end of the run tells them.
        """
        ...

    async def get(self, run_id: int) -> Run | None:
        """Read one run."""
        ...

    async def last(self, *, after: int) -> Sequence[Run]:
        """Read the last run of every (sync, connection), by number; for `after`, all of syncs with a higher number."""
        ...

    async def remove_before(self, instant: datetime, *, limit: int) -> int:
        """Delete at most `limit` runs that ended before an instant, never a sync's last on a connection; count them."""
        ...

    async def list(
        self, *, limit: int, name: str | None, kind: RunKind | None, connection: str | None
    ) -> Sequence[Run]:
        """Read runs, the latest first; `name` is a sync's or an action's."""
        ...


class CheckpointTable(Protocol):
    """The checkpoints."""

    async def get(self, sync: str, connection: str) -> Mapping[str, Checkpoint]:
        """Read where a sync stands on a connection, by stream."""
        ...

    async def save(self, run: Run, position: Position, kept_in: str | None) -> None:
        """Store the position of the run's sync, and the table of its rows unless that is None."""
        ...

    async def streams(self, sync: str, connection: str | None) -> Sequence[str]:
        """List the streams of a sync, on one connection or on all."""
        ...

    async def remove(self, sync: str, connection: str | None) -> None:
        """Delete the checkpoints of a sync, on one connection or on all."""
        ...


class OwnerTable(Protocol):
    """Which sync each record table belongs to."""

    async def claim(self, table: str, sync: str) -> str:
        """Give a table that belongs to nobody to a sync; return the sync that it belongs to."""
        ...

    async def remove(self, table: str) -> None:
        """Make a table nobody's."""
        ...

    async def syncs(self) -> Sequence[str]:
        """List every sync that has a checkpoint, a table or a run."""
        ...

    async def get(self) -> Mapping[str, str]:
        """Read the owner of each table."""
        ...


class SeenIdTable(Protocol):
    """The Ids that a pass has seen in a connection's org; `owner` names the pass."""

    async def add(self, connection: str, owner: str, ids: Sequence[str]) -> None:
        """Store Ids; those that are stored already stay."""
        ...

    async def unseen(
        self, table: str, connection: str, owner: str, *, after: str, limit: int, upto_seq: int
    ) -> Sequence[str]:
        """List Ids of live rows that were not seen, in order, among rows numbered up to `upto_seq`."""
        ...

    async def not_copied(self, table: str, connection: str, owner: str, *, after: str, limit: int) -> Sequence[str]:
        """List seen Ids that have no live row in the table, in order; the table must be there."""
        ...

    async def clear(self, connection: str, owner: str, *, limit: int) -> int:
        """Delete at most `limit` Ids that a pass has seen, and return how many were deleted."""
        ...

    async def remove(self, owner: str, connection: str | None) -> None:
        """Delete all that a pass has seen, on one connection or on all."""
        ...

    async def list(self, connection: str, owner: str, *, after: str, limit: int) -> Sequence[str]:
        """List seen Ids, in order."""
        ...


class ObjectColumnTable(Protocol):
    """The columns of tables without a record class, and the fields that fill them."""

    async def list(self, table: str) -> Sequence[ObjectColumn]:
        """Read the columns of a table, by name."""
        ...

    async def add(self, columns: Sequence[ObjectColumn]) -> None:
        """Insert columns."""
        ...

    async def remove(self, table: str) -> None:
        """Delete the columns of a table."""
        ...
