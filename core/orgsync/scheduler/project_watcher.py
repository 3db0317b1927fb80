"""What decides what is due, kept up to date: the scripts, the database and the clock, read into the agenda."""

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime

import anyio

from orgsync.errors import OrgsyncError, StoreReplaced
from orgsync.project import Project

from .agenda import Agenda
from .alert_watcher import AlertWatcher
from .database_watcher import DatabaseWatcher
from .log import SchedulerLog
from .rules import Bounds
from .script_watcher import ScriptWatcher
from .wall_clock import WallClock

__all__ = ["SCRIPTS_EVERY", "ProjectWatcher"]

_DATABASE_EVERY = 5.0
"""Seconds between reads of the database for connections and for what others run: a few small queries."""
SCRIPTS_EVERY = 1.0
"""Seconds between checks of the scripts' files. A change is loaded when there was none for one more."""


class ProjectWatcher:
    """The agenda of a project, and what is read into it: of all connections, or of those that are named."""

    def __init__(
        self,
        project: Project,
        scripts: ScriptWatcher,
        *,
        connections: Collection[str],
        bounds: Bounds,
        chance: Callable[[str, str, int], float],
        log: SchedulerLog | None = None,
    ) -> None:
        self.project = replace(project, scripts=scripts)
        self.scripts = scripts
        self.log = log or SchedulerLog()
        self.agenda = Agenda(bounds, chance=chance)
        self.database = DatabaseWatcher(self.project, self.agenda, self.log, connections)
        self.alerts = AlertWatcher(self.project, scripts, self.agenda, connections)
        self._connections = connections
        self._time = WallClock()
        self._database_at = self._scripts_at = -math.inf

    async def begin(self) -> Sequence[str]:
        """Read everything for the first time, and return the connections' names; whatever is wrong now is raised."""
        for name in self._connections:
            await self.project.store.connections.get(name)
        now = self.now()
        self.agenda.set_syncs(self.scripts.schedules, now)
        return await self._read_database(now)

    def now(self) -> datetime:
        """Return the time. Where the clock was set back, so is what was planned by it: nothing waits for longer."""
        now = self.project.clock()
        if back := self._time.set_back(now, anyio.current_time()):
            self.agenda.set_back(back, now)
            self.log.clock_set_back(back)
        return now

    @property
    def next_at(self) -> float:
        """When there is something to read again, by the event loop's clock."""
        return min(self._database_at, self._scripts_at)

    def forget(self, *, scripts: bool = False) -> None:
        """Let the next poll read the database again, and the scripts too."""
        self._database_at = -math.inf
        if scripts:
            self._scripts_at = -math.inf

    async def poll(self, now: datetime) -> bool:
        """Check the scripts and the database where it is time to; return whether the scripts were checked.

        A fault of either is reported and waited out. Raises StoreReplaced, which no waiting mends.
        """
        at, checks_scripts = anyio.current_time(), anyio.current_time() >= self._scripts_at
        if checks_scripts:
            self._scripts_at = at + SCRIPTS_EVERY
            if self.scripts.reload():
                self.agenda.set_syncs(self.scripts.schedules, now)
                self.log.scripts([*self.scripts.syncs], self.scripts.problems, self.scripts.clashes)
            self.project.store.require_in_place()
        if at >= self._database_at:
            try:
                await self._read_database(now)
                await self.database.tidy(now)
                await self.alerts.poll(now)
                self.log.store(None)
            except StoreReplaced:
                raise
            except OrgsyncError as problem:
                self.log.store(problem)
        return checks_scripts

    async def _read_database(self, now: datetime) -> list[str]:
        """Read the database, and return the connections' names."""
        self._database_at = anyio.current_time() + _DATABASE_EVERY
        names = await self.database.read(now)
        if self.scripts.schedule(self.database.scheduled):
            self.agenda.set_syncs(self.scripts.schedules, now)
        return names
