"""The context of a sync: its connection's org, and the reading that continues from run to run."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, TypeVar, cast
from weakref import WeakSet

from orgsync.contents import ContentFolder, ContentReader
from orgsync.errors import ArgumentInvalid, BatchInvalid
from orgsync.extract import Api, Source, changes, snapshot
from orgsync.extract.state import Shape, StreamState
from orgsync.records import Batch, Position, Record, Schema, schema_of
from orgsync.records.convert import from_stored
from orgsync.soql import bind, require_condition
from orgsync.store import ContentRows, ObjectColumns, owed_in
from orgsync.suggest import nearest
from orgsync.writes import Ledgers

from .deliveries import Deliveries
from .org import ConnectionInfo, Org
from .query_class import QueryClass, query_class

__all__ = ["Context", "Reading", "Stored", "read_twice"]

R = TypeVar("R", bound=Record)


@dataclass(frozen=True, slots=True)
class Stored:
    """What a context has of its store: contents of files, their folder, None where none is kept, the bytes of a run."""

    contents: ContentRows
    folder: ContentFolder | None
    budget: int | None
    object_columns: ObjectColumns


@dataclass(frozen=True, slots=True)
class Reading:
    """What a class is built by that no script declares: the org, how far it has been read, the columns of tables."""

    source: Source
    positions: Mapping[str, Position]
    object_columns: ObjectColumns

    def columns_before(self, stream: str) -> Mapping[str, Shape]:
        """Return the columns that earlier runs have read a stream with; none before the first."""
        saved = self.positions.get(stream)
        return {} if saved is None else StreamState.columns_of(saved)

    def absent_before(self, stream: str) -> Sequence[str]:
        """Return the fields that the last run did not find in the org."""
        saved = self.positions.get(stream)
        return () if saved is None else StreamState.absent_of(saved)


class Context(Org):
    """The org of a connection inside a sync, which also has `changes`, `snapshot` and `checkpoint`.

    `log` is bound to the sync and the connection.
    """

    def __init__(
        self,
        connection: ConnectionInfo,
        source: Source,
        *,
        ledgers: Ledgers,
        positions: Mapping[str, Position] | None = None,
        full: bool = False,
        reconcile: bool = False,
        require_own: Callable[[Schema], Awaitable[None]] | None = None,
        stored: Stored | None = None,
    ) -> None:
        super().__init__(
            connection,
            source.client,
            ledgers=ledgers,
            stalled_after=timedelta(seconds=source.stalled_after),
            mapping=source.mapping,
        )
        self._source = source
        self._positions = positions or {}
        self._full = full
        self._reconcile = reconcile
        self._require_own = require_own
        self._stored = stored
        self._tables_read: set[str] = set()
        self._deliveries = Deliveries()
        self._passes: WeakSet[AsyncGenerator[Any]] = WeakSet()  # each is closed as soon as nobody holds it

    @property
    def checkpoint(self) -> dict[str, Any] | None:
        """The JSON of the last committed `Batch(..., checkpoint=...)`; None before the first."""
        saved = self._positions.get("")
        return None if saved is None or self._full else dict(saved.state)

    def changes(
        self, model: type[R], *, where: str | None = None, api: Api | None = None, **binds: object
    ) -> AsyncIterator[Batch[R]]:
        """Read what changed in a record class's object since the last run, deletions included.

        `where` narrows it, with binds as in `query`; a changed row that no longer matches leaves the copy.
        The first time everything is read. A column that is new, masked, or filled from another field than before is
        read of every row; where the script's own code sees the rows, it is given all of them again. `api` forces "rest"
        or "bulk"; without it, the number of rows decides. A table can be read once in a run: what one condition would
        remove, another would bring back.
        """
        return self._changes(model, where, api, binds)

    def snapshot(
        self,
        model: type[R],
        *,
        where: str | None = None,
        api: Api | None = None,
        allow_mass_deletion: bool = False,
        **binds: object,
    ) -> AsyncIterator[Batch[R]]:
        """Read every row of an object whose changes cannot be read, and mark rows deleted that no longer exist.

        Nothing is marked, and SnapshotRefused raised, when that would be more than half of the copy's rows, unless
        `allow_mass_deletion` permits it. The rest is as in `changes`.
        """
        saved = self._position_of(model)
        condition = None if where is None else require_condition(bind(where, binds))
        batches = snapshot(
            self._source,
            model,
            where=condition,
            api=api,
            saved=None if self._full else saved,
            allow_mass_deletion=allow_mass_deletion,
            reconcile=self._reconcile,
        )
        return self._owned(model, batches)

    async def copied(self, model: type[R], values: Iterable[str], *, by: str = "id") -> list[R]:
        """Return the records that the copy has of these Ids, as the last commit left them; in the order of their Ids.

        `by` is another field of the class, a text, whose values are given instead: `by="account_id"`. Deleted records
        are among them, with `is_deleted` true and their last values; `batch.deleted_ids` are Ids alone. Raises
        ArgumentInvalid for a field that the class does not have.
        """
        schema = schema_of(model)
        texts = [column.name for column in schema.columns if column.type is str]
        if by not in texts:
            near = nearest(by, texts)
            raise ArgumentInvalid(
                f"{model.__name__} has no text field {by}{f'; did you mean {near}?' if near else '.'}",
                f"Give one of {', '.join(texts)}.",
            )
        rows = await self._source.copy.get(schema, list(dict.fromkeys(values)), by=by)
        return [cast("R", from_stored(schema, row)) for row in rows]

    async def query_class(self, soql: str) -> QueryClass:
        """Make a record class of a query that is only known when the sync runs, such as one in `connection.metadata`.

        It selects fields of one object and of its parents, with or without a condition. Raises QueryRefused for what
        sorts, cuts, groups or counts rows, and ObjectNotFound and FieldNotFound for what the org does not have.
        """
        return await query_class(self._client, soql)

    def contents(
        self, model: type[R], *, where: str | None = None, budget: int | None = None, **binds: object
    ) -> AsyncIterator[Batch[R]]:
        """Read what changed, as `changes` does, and keep the contents of the files in a folder, by their SHA-256.

        The class reads the field that has the contents (VersionData of ContentVersion, Body of Attachment or Document),
        and has three columns of its own, `content_path`, `content_sha256` and `content_error`, each
        `str | None = field(local=True)`. Rows are committed first, then each content with its row, so that a run that
        ends early is resumed where it stopped. `budget` is how many bytes a run downloads at most, by default the
        setting `contents_budget`; a content that is larger is the only one of its run. What may not be read is a row
        with a `content_error`, and a warning. Raises RecordClassInvalid for a class without these columns.
        """
        if self._stored is None:
            raise ArgumentInvalid("This context keeps no contents.", "Read them in a run: orgsync.run(...).")
        reader = ContentReader(
            self._client,
            model,
            self._stored.contents,
            self._stored.folder,
            self.log,
            budget=_positive(budget) if budget is not None else self._stored.budget,
            again=self._full or self._reconcile or self._is_owed(model),
        )
        return reader.read(self._changes(model, where, None, binds))

    @property
    def reading(self) -> Reading:
        """What a record class is built by, for syncs that have no script."""
        if self._stored is None:
            raise ValueError("a context without a store builds no record class")
        return Reading(self._source, self._positions, self._stored.object_columns)

    def read_anew(self, stream: str) -> None:
        """Forget what is known of a stream's object, so that the object is inspected again, and all its rows read."""
        if saved := self._positions.get(stream):
            self._positions = {**self._positions, stream: replace(saved, state={**saved.state, "facts": None})}

    @property
    def deliveries(self) -> Deliveries:
        """The positions that were handed out in each pass, for the engine that commits them."""
        return self._deliveries

    def _changes(
        self, model: type[R], where: str | None, api: Api | None, binds: Mapping[str, object]
    ) -> AsyncGenerator[Batch[R]]:
        saved = self._position_of(model)
        condition = None if where is None else require_condition(bind(where, binds))
        handed_out: list[int] = []
        batches = changes(
            self._source,
            model,
            where=condition,
            api=api,
            saved=saved,
            full=self._full,
            reconcile=self._reconcile,
            may_refill=lambda: self._deliveries.passed_on in handed_out,
        )
        owned = self._owned(model, batches)
        handed_out.append(id(owned))  # not the pass itself: it would keep itself alive, and be closed too late
        return owned

    async def close_passes(self) -> None:
        """Close the passes that the script has left open, which may be read ahead, before the run ends."""
        for each in list(self._passes):
            await each.aclose()

    def _owned(self, model: type[R], read: AsyncGenerator[Batch[R]]) -> AsyncGenerator[Batch[R]]:
        """Return a pass that reads, unless the table belongs to another sync."""
        owned = self._tracked(model, read)
        self._passes.add(owned)
        return owned

    async def _tracked(self, model: type[R], read: AsyncGenerator[Batch[R]]) -> AsyncGenerator[Batch[R]]:
        schema = schema_of(model)
        if self._require_own is not None:
            await self._require_own(schema)
        async with aclosing(self._deliveries.track(model, schema.table, read)) as batches:
            async for batch in batches:
                yield batch

    def _is_owed(self, model: type[Record]) -> bool:
        """Return whether an earlier run has left a full read of a class, or a comparison of its Ids, to this one."""
        table = schema_of(model).table
        saved = self._positions.get(table)
        return saved is not None and owed_in(table, saved.state) != ""

    def _position_of(self, model: type[Record]) -> Position | None:
        """Return the saved position of a table; raise ScriptProblem when it is read a second time in a run."""
        table = schema_of(model).table
        if table.lower() in self._tables_read:
            raise read_twice(table)
        self._tables_read.add(table.lower())
        return self._positions.get(table)


def _positive(budget: int) -> int:
    if isinstance(budget, bool) or not isinstance(cast("object", budget), int) or budget <= 0:
        raise ArgumentInvalid(f"budget={budget!r} is not a number of bytes.", "Give a number: budget=10_000_000_000.")
    return budget


def read_twice(table: str) -> BatchInvalid:
    """Return the error for a table that is read twice."""
    return BatchInvalid(
        f"The table {table} is read twice in one run.",
        "Join the conditions with OR, or give each its own record class and table.",
    )
