"""The schemas of orgs: the fields that a connection saw last, and what had changed when it looked again."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal, TypeAlias

from orgsync.records import parse_instant, to_stored

from .alerts import AlertChange, log_alerts, raise_alert
from .backend import Backend, Transaction
from .health_rows import SchemaRow
from .messages import tell

__all__ = ["CHANGES_KEPT", "FieldChange", "OrgSchemas", "SeenObject", "changes_of", "readers_of"]

CHANGES_KEPT = timedelta(days=1)
"""How long a change is kept, and is an alert: nobody has to do anything for that to end."""

_NAMED_IN_MESSAGE = 3

ChangeKind: TypeAlias = Literal["new", "gone", "retyped"]


@dataclass(frozen=True, slots=True)
class SeenObject:
    """An object as an org has just described it: the types of its fields by name; None where it is not there."""

    fields: Mapping[str, str] | None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """A field that is new, gone or of another type; `field` is "" for the whole object. `syncs` are those that read it.

    `type` is its type, None where it is gone, and `before` what it was.
    """

    connection: str
    object: str
    field: str
    change: ChangeKind
    type: str | None
    before: str | None
    found_at: datetime
    syncs: Sequence[str] = ()


class OrgSchemas:
    """The schemas in one open store."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def list(self, connection: str | None = None) -> Sequence[SchemaRow]:
        """Read what was seen, on one connection or on all."""
        async with self._backend.reading() as on:
            return await on.health.schemas(connection)

    async def objects(self) -> Sequence[str]:
        """List the objects that have been copied without a script."""
        async with self._backend.reading() as on:
            return await on.health.objects()

    async def note(
        self,
        connection: str,
        seen: Mapping[str, SeenObject],
        *,
        reader: str = "",
        reads: Mapping[str, Collection[str]] | None = None,
    ) -> Sequence[FieldChange]:
        """Compare objects with what was seen of them last, keep them instead, and tell what has changed; return that.

        An object that is seen for the first time has not changed. `reader` is the sync that reads the objects and, with
        a blank between, the table that it reads them for; `reads` are the fields that it reads of each.
        """

        async def note(on: Transaction) -> tuple[Sequence[FieldChange], Sequence[AlertChange | None]]:
            found: list[FieldChange] = []
            alerts: list[AlertChange | None] = []
            if await on.connections.get(connection) is None:
                return (), ()
            for name in sorted(seen):
                fields = sorted((reads or {}).get(name, ()))
                changes = await _noted(on, connection, name, seen[name], {reader: fields} if reader else {})
                if changes:
                    found += changes
                    alerts.append(await _tell(on, connection, name, changes))
            return found, alerts

        async def is_done(on: Transaction, done: tuple[Sequence[FieldChange], object]) -> bool:
            await on.connections.get(connection)  # which waits for whoever else writes under its name
            for each in done[0][:1]:
                row = await on.health.schema(connection, each.object)
                return row is not None and _stored(each) in row.changes
            return False  # nothing had changed, so that nothing comes of doing it again

        found, alerts = await self._backend.write(note, is_done=is_done)
        log_alerts([each for each in alerts if each is not None])
        return found


async def _noted(
    on: Transaction, connection: str, name: str, seen: SeenObject, readers: Mapping[str, Sequence[str]]
) -> Sequence[FieldChange]:
    """Keep an object as it is now, and return what has changed."""
    before, now = await on.health.schema(connection, name), await on.now()
    if before is None and seen.fields is None:
        return ()
    old = before.fields if before else dict(seen.fields or {})
    read = {**(before.readers if before else {}), **readers}
    changes = _differences(connection, name, old, seen.fields, now)
    kept = [each for each in before.changes if parse_instant(each["found_at"]) > now - CHANGES_KEPT] if before else []
    row = SchemaRow(
        connection=connection,
        object=name,
        fields=seen.fields or {},
        last_modified=seen.last_modified,
        readers=read,
        changes=[*kept, *map(_stored, changes)],
        checked_at=now,
        changed_at=now if changes else (before.changed_at if before else None),
    )
    await on.health.save_schema(row)
    return [_with_syncs(each, row) for each in changes]


def _differences(
    connection: str, name: str, old: Mapping[str, str], new: Mapping[str, str] | None, now: datetime
) -> list[FieldChange]:
    def change(field: str, kind: ChangeKind, before: str | None, after: str | None) -> FieldChange:
        return FieldChange(
            connection=connection, object=name, field=field, change=kind, type=after, before=before, found_at=now
        )

    if new is None:
        return [change("", "gone", None, None)] if old else []
    if not old and new:
        return [change("", "new", None, None)]
    found = [change(field, "new", None, new[field]) for field in sorted(new.keys() - old.keys())]
    found += [change(field, "gone", old[field], None) for field in sorted(old.keys() - new.keys())]
    both = sorted(old.keys() & new.keys())
    return found + [change(field, "retyped", old[field], new[field]) for field in both if old[field] != new[field]]


async def _tell(on: Transaction, connection: str, name: str, changes: Sequence[FieldChange]) -> AlertChange | None:
    """Tell what has changed, each time, and raise the alert of it unless it is active already."""
    data = {"connection": connection, "object": name, "changes": [_told(each) for each in changes]}
    await tell(on, "schema.changed", connection, data)
    return await raise_alert(on, "schema_changed", connection, name, _message(connection, name, changes))


def _message(connection: str, name: str, changes: Sequence[FieldChange]) -> str:
    first = sorted(changes, key=lambda each: (not each.syncs, each.change == "new"))[:_NAMED_IN_MESSAGE]
    said = ", ".join(_said(each) for each in first)
    more = f", and {len(changes) - len(first)} more" if len(changes) > len(first) else ""
    return f"{name} of {connection} has changed: {said}{more}. See all: orgsync drift -c {connection}"


def _said(change: FieldChange) -> str:
    """Say a change in a few words."""
    what = f"is now {change.type}, was {change.before}" if change.change == "retyped" else f"is {change.change}"
    read_by = f" (read by {', '.join(change.syncs)})" if change.syncs else ""
    return f"{change.field or 'the object'} {what}{read_by}"


def _stored(change: FieldChange) -> dict[str, Any]:
    at = to_stored(change.found_at)
    return {
        "field": change.field,
        "change": change.change,
        "type": change.type,
        "before": change.before,
        "found_at": at,
    }


def _told(change: FieldChange) -> dict[str, Any]:
    stored = _stored(change)
    return {**{name: stored[name] for name in ("field", "change", "type", "before")}, "syncs": [*change.syncs]}


def changes_of(row: SchemaRow) -> Sequence[FieldChange]:
    """Return the changes of an object that are kept, the oldest first, each with the syncs that read the field."""
    found = [
        FieldChange(
            connection=row.connection,
            object=row.object,
            field=each["field"],
            change=each["change"],
            type=each["type"],
            before=each["before"],
            found_at=parse_instant(each["found_at"]),
        )
        for each in row.changes
    ]
    return [_with_syncs(each, row) for each in found]


def readers_of(row: SchemaRow) -> set[str]:
    """Return the syncs that read an object."""
    return {reader.partition(" ")[0] for reader in row.readers}


def _with_syncs(change: FieldChange, row: SchemaRow) -> FieldChange:
    wanted = change.field.lower()
    found = {
        reader.partition(" ")[0]
        for reader, fields in row.readers.items()
        if not wanted or wanted in {each.lower() for each in fields}
    }
    return replace(change, syncs=sorted(found))
