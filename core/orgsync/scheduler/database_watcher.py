"""The project's database while the scheduler runs: which connections there are, and what other processes have run."""

import math
from collections.abc import Collection
from datetime import datetime, timedelta

import anyio
from sqlmodel import col, select

from orgsync.engine.job import Job
from orgsync.project import Project
from orgsync.scripts.own_schedules import OwnSchedule, own_schedules
from orgsync.store import Connection, Run
from orgsync.store.run_history import RunHistory

from .agenda import Agenda
from .log import SchedulerLog
from .rules import ConnectionState

__all__ = ["DatabaseWatcher"]

_TIDY_EVERY = 86_400.0
"""Seconds between deletions of runs that are older than they need be kept."""

_UNKNOWN = "Salesforce has refused the sign-in."


class DatabaseWatcher:
    """Reads connections and runs into the agenda, and logs which connections have changed.

    `names` are the connections that are wanted, all where it is empty.
    """

    def __init__(self, project: Project, agenda: Agenda, log: SchedulerLog, names: Collection[str]) -> None:
        self._project = project
        self._agenda = agenda
        self._log = log
        self._names = names
        self._reasons: dict[str, str] | None = None  # by connection, why it needs a sign-in; None at first
        self._set: dict[tuple[str, str], OwnSchedule] | None = None  # as they were read last; None at first
        self._ran: set[tuple[str, str]] = set()  # of which a run has ended since they were reset last
        self._last_run = 0
        self._under_way: dict[tuple[str, str], int] = {}  # the runs whose end has not been read
        self._own: set[int] = set()
        self._tidy_at = -math.inf

    @property
    def was_read(self) -> bool:
        """Whether the database has been read at least once."""
        return self._reasons is not None

    def note_own(self, run: int, job: Job) -> None:
        """Note the number of a run of this scheduler that has ended: the agenda knows of it already."""
        self._own.add(run)
        self._ran.add((job.name, job.connection))

    async def read(self, now: datetime) -> list[str]:
        """Read the connections and what was run since the last time, and return the connections' names."""
        runs = await self._runs()
        ran = await self._project.store.runs.pairs_that_ran()  # after the runs: what has ended meanwhile was not reset
        ended = {of for of, run in runs.items() if run.finished_at is not None}
        self._agenda.note_reset((self._ran | ended) - ran, now)
        self._ran = ran
        self._last_run = max([self._last_run, *(run.id for run in runs.values())])
        others = {of: run for of, run in runs.items() if run.id not in self._own}
        self._agenda.note_runs([run for of, run in others.items() if of in ran or run.finished_at is None], now)
        self._under_way = {of: run.id for of, run in others.items() if run.status == "running"}
        self._own.clear()
        self._agenda.set_own_schedules(await self._own_schedules(), now)
        columns = (Connection.name, Connection.org_id, col(Connection.status), Connection.status_reason)
        async with self._project.store.session() as session:
            found = (await session.exec(select(*columns))).all()
        wanted = [each for each in found if not self._names or each[0] in self._names]
        self._agenda.set_connections(
            [ConnectionState(name, org or name, status == "ready") for name, org, status, _ in wanted], now
        )
        self._report({name: "" if status == "ready" else why or _UNKNOWN for name, _, status, why in wanted})
        return [name for name, *_ in wanted]

    async def _runs(self) -> dict[tuple[str, str], Run]:
        """Read the last new run of every pair, and those again that were under way: as failed if its process died."""
        new = await self._project.store.runs.last(after=self._last_run)
        under_way = {of: number for of, number in self._under_way.items() if of not in new}
        numbers = [*under_way.values(), *(run.id for run in new.values() if run.status == "running")]
        again = await RunHistory(self._project.store).numbered(numbers)
        return new | {(run.sync, run.connection): run for run in again}

    async def _own_schedules(self) -> dict[tuple[str, str], OwnSchedule]:
        """Read what is set for syncs on connections, and log what has changed."""
        own = own_schedules(await self._project.store.schedules.list())
        if self._set is not None:
            for of in sorted({*own, *self._set}):
                if own.get(of) != self._set.get(of):
                    self._log.rescheduled(*of, own.get(of))
        self._set = own
        return own

    @property
    def scheduled(self) -> set[str]:
        """The syncs that are due on some connection by a schedule of its own."""
        return {sync for (sync, _), each in (self._set or {}).items() if each.every is not None and not each.off}

    async def tidy(self, now: datetime) -> None:
        """Once a day, delete the runs, and what is kept of writes, that are too old."""
        if (at := anyio.current_time()) >= self._tidy_at:
            self._tidy_at = at + _TIDY_EVERY
            before = now - timedelta(days=self._project.settings.keep_runs)
            await self._project.store.runs.remove_before(before)
            await self._project.store.org_writes.remove_before(before)

    def _report(self, reasons: dict[str, str]) -> None:
        """Log which connections were added or removed, ceased to be ready or became so."""
        before, logged = self._reasons or {}, self._project.store.connections.take_logged()
        if self._reasons is not None:
            added, removed = sorted(reasons.keys() - before.keys()), sorted(before.keys() - reasons.keys())
            self._log.connections(added=added, removed=removed)
        for name, reason in reasons.items():
            if reason and not before.get(name):
                if name not in logged:  # by a run here
                    self._log.needs_sign_in(name, reason)
            elif before.get(name) and not reason:
                self._log.signed_in(name)
        self._reasons = reasons
