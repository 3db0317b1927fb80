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
from orgsync.store.view import ConnectionRow, ScheduleRow, View
from orgsync.suggest import folded

from .standing import standings_of_syncs
from .status import Status, statuses

if TYPE_CHECKING:
    from orgsync.engine import Job, Resources
    from orgsync.store import SyncCopy

__all__ = ["ListedSync", "Syncs", "jobs_in", "listed_in", "names_of", "never_ran", "no_table"]


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


def never_ran(settings: Settings, sync: str) -> NameUnknown | None:
    """Return the error for a sync that exists in a script alone; None where no script has it."""
    if sync not in names_of(settings):
        return None
    return NameUnknown(f"The sync {sync} has not run yet, so there is nothing to reset.", f"Run it: orgsync run {sync}")


def no_table(view: View, settings: Settings, table: str) -> NameUnknown | None:
    """Return the error for a table that a sync writes and that is not there; None where no script writes it."""
    wanted = {folded(table), folded(object_table(table))}
    for each in survey(settings.syncs_folder, settings.objects):
        written = next((name for name in each.tables if folded(name) in wanted), None)
        if written is not None:
            return _no_table(view, each.name, written)
    return None


def _no_table(view: View, sync: str, table: str) -> NameUnknown:
    """Return the error for a table that is not there, with the reason as far as the runs of its sync tell it."""
    runs, run = view.runs(1, sync=sync), f"Run it: orgsync run {sync}"
    if not runs:
        return NameUnknown(f"The sync {sync} has not run yet, so there is no table {table}.", run)
    if runs[0].finished_at is not None and not any(name == sync for name, _ in standings_of_syncs(view.standings())):
        cause = f"The sync {sync} was reset and has not run since, so there is no table {table}."
        return NameUnknown(cause, f"{run}, which reads everything again.")
    return NameUnknown(
        f"There is no table {table}: the sync {sync} has run, and has not written to it, or it was dropped since.",
        f"See how its runs have ended: orgsync runs --sync {sync}. {run}",
    )


def names_of(settings: Settings) -> list[str]:
    """Return the names of the syncs that a project finds, without opening its store."""
    return [each.name for each in survey(settings.syncs_folder, settings.objects)]
