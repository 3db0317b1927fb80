"""A sync of an object without a script: its record class is built from the org's describe in each run."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from orgsync.errors import ArgumentInvalid, FilterRequired, NameUnknown, SnapshotRefused
from orgsync.extract.query_rules import demands_filter
from orgsync.object_entry import ObjectEntry
from orgsync.records import Batch, Record
from orgsync.salesforce.api.client import Client
from orgsync.salesforce.api.describe import ObjectDescribe
from orgsync.settings import PROJECT_FILE

from .context import Context, Reading
from .object_condition import require_fields_of
from .object_fields import KNOWN_FILTERS, described_object, read_by_changes
from .object_model import columns_of_object, missing_columns, object_model, retyped, wanted_fields
from .object_plan import PlannedObject, planned_objects
from .sync import Sync

__all__ = ["ObjectSync", "object_sync", "object_syncs", "planned_sync"]


@dataclass(frozen=True, kw_only=True)
class ObjectSync(Sync[Record]):
    """A sync that copies an object as `entry` says; its record class is known only when it has an org."""

    entry: ObjectEntry
    about: str

    @property
    def summary(self) -> str:
        """What it copies, in a few words."""
        return self.about

    @property
    def tables(self) -> tuple[str, ...]:
        """The one table that it writes."""
        return (self.entry.kept_in,)


def object_sync(
    name: str,
    *,
    every: str | None = None,
    reconcile: str | None = None,
    formulas: str | None = None,
    fields: Sequence[str] = (),
    where: str | None = None,
    table: str | None = None,
) -> Sync[Record]:
    """Make a sync that copies an object without a script: `orgsync.object_sync("Invoice__c")`.

    The options are those of `[[objects]]` in orgsync.toml. Its name is the object's. Raises SettingInvalid for a wrong
    schedule, and ArgumentInvalid for what is not a name.
    """
    try:
        entry = ObjectEntry(
            name=name,
            every=every,
            reconcile=reconcile,
            formulas=formulas,
            fields=tuple(fields),
            where=where,
            table=table,
        )
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise ArgumentInvalid(
            f"object_sync: {first['loc'][0]} is wrong: {first['msg']}.",
            'Write the API name of the object, as in object_sync("Invoice__c").',
        ) from None
    return planned_sync(PlannedObject.of(entry))


def object_syncs(entries: Iterable[ObjectEntry]) -> list[ObjectSync]:
    """Return the syncs of the objects that a project names; raises SettingInvalid as `planned_objects` does."""
    return [planned_sync(each) for each in planned_objects(entries)]


def planned_sync(planned: PlannedObject) -> ObjectSync:
    """Return the sync of an object."""
    entry = planned.entry

    async def read(ctx: Context) -> AsyncIterator[Batch[Record]]:
        async with aclosing(_batches(ctx, entry)) as batches:
            async for batch in batches:
                yield batch

    read.__doc__ = planned.summary
    return ObjectSync(
        entry.name,
        read,
        planned.every,
        planned.reconcile,
        planned.formulas,
        entry=entry,
        about=planned.summary,
    )


async def _batches(ctx: Context, entry: ObjectEntry) -> AsyncGenerator[Batch[Record]]:
    """Read what changed, or everything where changes cannot be read."""
    reading = ctx.reading
    described = await described_entry(reading.source.client, entry)
    where = condition_for(described, entry)
    model = await built_model(reading, described, entry)
    if any(described.field(path) for path in reading.absent_before(entry.kept_in)):
        ctx.read_anew(entry.kept_in)  # a field has come back
    read: Callable[..., Any] = ctx.changes if read_by_changes(described) else ctx.snapshot
    try:
        async with aclosing(read(model, where=where)) as batches:
            async for batch in batches:
                yield batch
    except FilterRequired as problem:
        raise FilterRequired(problem.cause, _give_filter(entry.name)) from None
    except SnapshotRefused as problem:
        raise SnapshotRefused(
            problem.cause,
            "Check what the connection's user may see. If the rows were deleted, discard the copy, and the next run "
            f"makes another: orgsync reset {entry.name}.",
        ) from None


async def described_entry(client: Client, entry: ObjectEntry) -> ObjectDescribe:
    """Describe the object of an entry; raises NameUnknown for a name that Salesforce writes in another case."""
    described = await described_object(client, entry.name)
    if described.name != entry.name:
        raise NameUnknown(f"Salesforce writes the object {entry.name} as {described.name}.", "Write it so.")
    return described


def condition_for(described: ObjectDescribe, entry: ObjectEntry) -> str | None:
    """Return the condition that the object is read under.

    Raises NameUnknown for a field in it that the object does not have, QueryRefused for what is no condition, and
    FilterRequired where Salesforce demands one and none is given.
    """
    if entry.where is not None:
        require_fields_of(described, entry.where)
        return entry.where
    if not demands_filter(described.name):
        return None
    if described.name in KNOWN_FILTERS:
        return KNOWN_FILTERS[described.name]
    raise FilterRequired(f"{described.name} can only be queried with a certain filter.", _give_filter(described.name))


def _give_filter(name: str) -> str:
    return f'Give it one in {PROJECT_FILE}: [[objects]] with name = "{name}" and where = "...".'


async def built_model(reading: Reading, described: ObjectDescribe, entry: ObjectEntry) -> type[Record]:
    """Build the object's record class; fields that are new get columns, whose names hold from now on."""
    table = entry.kept_in
    before = reading.columns_before(table)
    fields = wanted_fields(described, entry, before)
    had, new = await reading.object_columns.settle(table, lambda had: missing_columns(table, described, fields, had))
    for old, other in retyped(had, new):
        reading.source.warn(
            f"{described.name}.{other.field} has values of another type than the column {table}.{old.column} takes, in "
            f"this org or since a change in it: they go to the column {other.column}."
        )
    columns = columns_of_object(described, entry, fields, [*had, *new], before)
    return object_model(described.name, table, columns)
