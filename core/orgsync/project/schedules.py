"""When syncs are due on connections, where that is set for the connection and not by the script alone."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from orgsync.errors import ArgumentInvalid, NameUnknown, ScriptNotLoaded
from orgsync.scripts.schedule import Every, parse_every
from orgsync.scripts.survey import survey
from orgsync.settings import Settings
from orgsync.store.view import ScheduleRow, View

from .view import require_existing

if TYPE_CHECKING:
    from orgsync.engine import Resources
    from orgsync.records import Record
    from orgsync.scripts import Sync

    _Syncs: TypeAlias = Sync[Record] | str | Sequence[Sync[Record] | str]

__all__ = ["Schedule", "Schedules", "defaults", "schedule_of", "schedules_in"]


@dataclass(frozen=True, slots=True)
class Schedule:
    """When `orgsync up` runs a sync on one connection.

    `every` is an interval or a cron expression, None for never; `off` says that it is switched off, whatever `every`
    is; `own` that any of this was set for the connection, and `default` what the script says.
    """

    sync: str
    connection: str
    every: str | None
    off: bool = False
    own: bool = False
    default: str | None = None


def schedule_of(row: ScheduleRow, default: Every | None) -> Schedule:
    """Return what is set for a sync on a connection, over what its script says."""
    said = None if default is None else str(default)
    own = row.off or row.every is not None
    return Schedule(row.sync, row.connection, row.every or said, row.off, own, said)


def schedules_in(view: View, settings: Settings, connection: str | None = None) -> list[Schedule]:
    """Return what is set for connections, or for one; of a sync that no longer exists, too, so that it can be removed.

    Raises NameUnknown for a connection that does not exist.
    """
    if connection is not None:
        view.connection(connection)
    rows = [row for row in view.schedules() if connection in (None, row.connection)]
    said = defaults(settings) if rows else {}
    return [schedule_of(row, said.get(row.sync)) for row in rows]


def defaults(settings: Settings) -> dict[str, Every | None]:
    """Return when each sync is due by its script; one that a package brings runs by itself nowhere."""
    found = survey(settings.syncs_folder, settings.objects)
    return {each.name: None if each.shipped else each.every for each in found if each.loads}


def require_sync(settings: Settings, sync: "Sync[Record] | str", known: Sequence[str] = ()) -> Every | None:
    """Return when a sync is due by its script; `known` are names that need no script any more.

    A sync itself, in place of its name, need not be the folder's.

    Raises NameUnknown, with the nearest name, for one that does not exist, or the problem of a script that may hold
    it.
    """
    name = _name_of(sync)
    found = survey(settings.syncs_folder, settings.objects)
    said = {each.name: None if each.shipped else each.every for each in found if each.loads}
    if name in said or name in known:
        return said.get(name)
    if not isinstance(sync, str):
        return sync.every
    broken = next((each.problem for each in found if each.problem and not each.loads), None)
    if broken is not None:
        raise broken
    is_like_an_object = name[:1].isupper() and name.replace("_", "").isalnum()
    hint = "An object without a script has its schedule in orgsync.toml: [[objects]], with name and every."
    raise NameUnknown.among(
        "sync", name, [*said], none_yet="Write one: orgsync new sync OBJECT.", hint=hint if is_like_an_object else ""
    )


def checked_every(every: str) -> str:
    """Return an interval or cron expression as a script would write it; raises ArgumentInvalid for anything else."""
    try:
        return str(parse_every(every))
    except ScriptNotLoaded as problem:
        raise ArgumentInvalid(problem.cause, problem.remedy) from None


@dataclass(frozen=True, slots=True)
class Schedules:
    """The schedules of the project that `open` opens for each call.

    `view` opens its database for reading alone, and makes none; without it, `open` does.
    """

    open: Callable[[], AbstractAsyncContextManager["Resources"]] = field(repr=False)
    view: Callable[[], AbstractContextManager[View]] | None = field(default=None, repr=False)

    async def list(self, connection: str | None = None) -> list[Schedule]:
        """Return what is set for syncs on connections, or on one; raises NameUnknown for one that does not exist."""
        if connection is not None:
            await require_existing(self.view, connection)
        elif self.view is not None and not await _has_connections(self.view):
            return []  # no database is made to find nothing
        async with self.open() as project:
            rows = await project.store.schedules.list()
            said = defaults(project.settings) if rows else {}
            return [schedule_of(row, said.get(row.sync)) for row in rows if connection in (None, row.connection)]

    async def set(
        self,
        syncs: "_Syncs",
        connections: str | Sequence[str],
        *,
        every: str | None = None,
        off: bool | None = None,
    ) -> Sequence[Schedule]:
        """Set when a sync is due on connections, or switch it off or on there; what is not given stays as it is.

        `every` is written as in the decorator: "15m", "0 6 * * 1-5". Several syncs may be given as a list, by name or
        themselves. `orgsync up` follows within five seconds; a run that is under way goes on to its end. Raises
        ArgumentInvalid for an `every` that is none, and NameUnknown for a sync or a connection that does not exist;
        then nothing is set.
        """
        if every is None and off is None:
            raise ArgumentInvalid("There is nothing to set.", 'Give every="1h", off=True or off=False.')
        every = None if every is None else checked_every(every)
        names = await self._existing(connections)
        async with self.open() as project:
            known = await _known(project) if every is None else []
            said = _required(project, syncs, known)
            rows = await project.store.schedules.change([*said], names, every=every, off=off)
            return [schedule_of(row, said[row.sync]) for row in rows]

    async def clear(self, syncs: "_Syncs", connections: str | Sequence[str]) -> Sequence[Schedule]:
        """Remove what was set for syncs on connections, so that the scripts decide again; raises as `set` does."""
        names = await self._existing(connections)
        async with self.open() as project:
            said = _required(project, syncs, await _known(project))
            rows = await project.store.schedules.remove([*said], names)
            return [schedule_of(row, said[row.sync]) for row in rows]

    async def _existing(self, connections: str | Sequence[str]) -> Sequence[str]:
        names = [connections] if isinstance(connections, str) else [*dict.fromkeys(connections)]
        for name in names:
            await require_existing(self.view, name)
        return names


async def _has_connections(view: Callable[[], AbstractContextManager[View]]) -> bool:
    from anyio import to_thread

    def read() -> bool:
        with view() as opened:
            return bool(opened.connections())

    return await to_thread.run_sync(read)


async def _known(project: "Resources") -> list[str]:
    return [row.sync for row in await project.store.schedules.list()]


def _required(project: "Resources", syncs: "_Syncs", known: Sequence[str]) -> dict[str, Every | None]:
    """Return when each of these syncs is due by its script; raises as `require_sync` does."""
    given = [*syncs] if isinstance(syncs, Sequence) and not isinstance(syncs, str) else [syncs]
    return {_name_of(sync): require_sync(project.settings, sync, known) for sync in given}


def _name_of(sync: "Sync[Record] | str") -> str:
    return sync if isinstance(sync, str) else sync.name
