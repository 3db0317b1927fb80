"""Schema drift: what orgs say of the objects that syncs read, held against what they said last."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypedDict

import anyio

from orgsync.engine.seen_objects import seen_object
from orgsync.errors import ObjectNotFound, OrgsyncError, SignInNeeded
from orgsync.salesforce.api.client import Client
from orgsync.salesforce.api.describe import changed_since, describe
from orgsync.scripts.packages import SYNCS, provided
from orgsync.scripts.survey import own_syncs
from orgsync.store import Connection
from orgsync.store.health_rows import SchemaRow
from orgsync.store.org_schemas import CHANGES_KEPT, FieldChange, SeenObject, changes_of, readers_of

from .project import Project
from .views import instant

__all__ = ["Drift", "FieldChange", "FieldChangeView", "field_change_view", "find_drift"]


@dataclass(frozen=True, slots=True)
class Drift:
    """What has changed since yesterday, how many objects were looked at, and what kept connections from being asked."""

    changes: Sequence[FieldChange]
    looked_at: int
    problems: dict[str, OrgsyncError]


class FieldChangeView(TypedDict):
    """A field that is new, gone or retyped, as JSON; `field` is None for the whole object."""

    connection: str
    object: str
    field: str | None
    change: str
    type: str | None
    before: str | None
    syncs: list[str]
    found_at: str


def field_change_view(change: FieldChange) -> FieldChangeView:
    """Return a change as JSON."""
    return {
        "connection": change.connection,
        "object": change.object,
        "field": change.field or None,
        "change": change.change,
        "type": change.type,
        "before": change.before,
        "syncs": [*change.syncs],
        "found_at": str(instant(change.found_at)),
    }


async def find_drift(project: Project, connections: Sequence[str] = (), *, now: datetime) -> Drift:
    """Ask the orgs for the objects that syncs have read, tell what has changed, and return the changes of a day.

    An object costs one call, without a body where nothing has changed. Objects are known once a run has read them;
    those whose syncs are all gone are not asked for. Raises NameUnknown for a connection that does not exist.
    """
    for name in connections:
        await project.store.connections.get(name)
    known = _known(project, await project.store.org_schemas.objects())
    wanted = [each for each in await project.store.org_schemas.list() if readers_of(each) & known]
    wanted = [each for each in wanted if not connections or each.connection in connections]
    problems: dict[str, OrgsyncError] = {}
    asked: list[SchemaRow] = []
    slots = anyio.CapacityLimiter(project.settings.concurrency)

    async def look(connection: str, rows: Sequence[SchemaRow]) -> None:
        async with slots:
            try:
                client = project.open_client(await _ready(project, connection))
                for row in rows:
                    await _look(project, client, row)
                    asked.append(row)
            except OrgsyncError as problem:
                problems[connection] = problem

    async with anyio.create_task_group() as group:
        for name in dict.fromkeys(each.connection for each in wanted):
            group.start_soon(look, name, [each for each in wanted if each.connection == name])
    keys = {(each.connection, each.object) for each in wanted}
    rows = [each for each in await project.store.org_schemas.list() if (each.connection, each.object) in keys]
    found = [change for row in rows for change in changes_of(row) if change.found_at > now - CHANGES_KEPT]
    mine = [replace(each, syncs=[name for name in each.syncs if name in known]) for each in found]
    return Drift(mine, len(asked), problems)


def _known(project: Project, copied: Sequence[str]) -> set[str]:
    """Return the names of all syncs that there are."""
    settings = project.settings
    own = {each.name for each in own_syncs(settings.syncs_folder, settings.objects)}
    return own | provided(SYNCS).keys() | set(copied)


async def _ready(project: Project, name: str) -> Connection:
    """Return a connection; raises SignInNeeded for one that Salesforce has refused."""
    found = await project.store.connections.get(name)
    if found.status != "ready":
        raise SignInNeeded.again(name, found.status_reason)
    return found


async def _look(project: Project, client: Client, row: SchemaRow) -> None:
    """Ask for one object, and tell what has changed."""
    try:
        if row.last_modified is None or not row.fields:
            seen = seen_object(await describe(client, row.object))
        elif (changed := await changed_since(client, row.object, row.last_modified)) is None:
            return
        else:
            seen = seen_object(changed)
    except ObjectNotFound:
        seen = SeenObject(None)
    await project.store.org_schemas.note(row.connection, {row.object: seen})
