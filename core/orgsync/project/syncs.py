"""The syncs of a project: which there are, how they stand, and what they have copied."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from orgsync.errors import NameUnknown
from orgsync.object_names import object_table
from orgsync.scripts.own_schedules import OwnSchedule, own_schedules
from orgsync.scripts.survey import SurveyedSync, survey
from orgsync.scripts.table_clashes import Clash, clashes_of
from orgsync.settings import Settings
from orgsync.store.view import ConnectionRow, ScheduleRow
from orgsync.suggest import folded

from .status import Status, statuses

if TYPE_CHECKING:
    from orgsync.engine import Job, Resources
    from orgsync.store import SyncCopy

__all__ = ["ListedSync", "Syncs", "jobs_in", "listed_in", "names_of", "never_ran"]


@dataclass(frozen=True, slots=True)
class ListedSync:
    """A sync and where it was found, with the tables that other syncs would write as well.

    `schedules` are those that connections have of their own.
    """

    found: SurveyedSync
    clashes: Sequence[Clash] = ()
    schedules: Sequence[ScheduleRow] = ()


@dataclass(frozen=True, slots=True)
class Syncs:
    """The syncs of the project's folder and of installed packages, and those that have ever run."""

    project: "Resources"

    async def list(self) -> list[ListedSync]:
        """Return every sync: the project's, scripts that do not import, and what packages bring."""
        store = self.project.store
        return listed_in(self.project.settings, await store.rows.owners(), await store.schedules.list())

    async def status(self, *, now: datetime | None = None) -> Sequence[Status]:
        """Return how each sync stands on each connection."""
        return await statuses(self.project, now=now)

    async def copy_of(self, sync: str, connection: str | None = None) -> "SyncCopy":
        """Count the rows and checkpoints that a sync has, on one connection or on all.

        Raises NameUnknown, with the nearest name, for a sync that the store does not know.
        """
        return await self.project.store.rows.of_sync(sync, connection)

    async def reset(self, sync: str, connection: str | None = None) -> "SyncCopy":
        """Discard what a sync has copied and its position, and return what that was.

        Raises AlreadyRunning while a run of it is under way, NameUnknown as `copy_of` does.
        """
        return await self.project.store.rows.reset(sync, connection)


def listed_in(
    settings: Settings, owners: Mapping[str, str] | None = None, schedules: Sequence[ScheduleRow] = ()
) -> list[ListedSync]:
    """Return every sync of a project, with its clashes; `owners` names the sync that each table belongs to.

    `schedules` are those that connections have of their own, of all syncs.
    """
    found = survey(settings.syncs_folder, settings.objects)
    syncs = [each for each in found if each.loads]
    own = {each.name: [row for row in schedules if row.sync == each.name] for each in found}
    return [
        ListedSync(each, clashes_of(each, syncs, owners or {}) if each.loads else (), own[each.name]) for each in found
    ]


def jobs_in(
    settings: Settings, connections: Sequence[ConnectionRow], schedules: Sequence[ScheduleRow] = ()
) -> "list[Job]":
    """Return what `orgsync up` runs again and again: a job for each sync that is due by itself, on each connection.

    Connections that need a sign-in are among them, and what is switched off is not.
    """
    from orgsync.engine import Job

    here, listed = own_schedules(schedules), listed_in(settings)
    by_itself = {each.found.name: each.found.every for each in listed if each.found.loads and not each.found.shipped}
    names = sorted({*by_itself, *(sync for sync, _ in here)} & {each.found.name for each in listed if each.found.loads})
    return [
        Job("sync", name, connection.name)
        for name in names
        for connection in connections
        if here.get((name, connection.name), OwnSchedule()).applied(by_itself.get(name)) is not None
    ]


def never_ran(settings: Settings, *, sync: str = "", table: str = "") -> NameUnknown | None:
    """Return the error for a sync, or a table of one, that exists in a script alone; None where no script has it."""
    for each in survey(settings.syncs_folder, settings.objects):
        wanted = {folded(table), folded(object_table(table))} if table else set[str]()
        written = [name for name in each.tables if folded(name) in wanted]
        if each.name == sync or written:
            missing = f"no table {written[0]}" if written else "nothing to reset"
            return NameUnknown(
                f"The sync {each.name} has not run yet, so there is {missing}.",
                f"Run it: orgsync run {each.name}",
            )
    return None


def names_of(settings: Settings) -> list[str]:
    """Return the names of the syncs that a project finds, without opening its store."""
    return [each.name for each in survey(settings.syncs_folder, settings.objects)]
