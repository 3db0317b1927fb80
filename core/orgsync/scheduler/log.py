"""The scheduler's log, as structlog events: one for each run, and one for each thing that changes."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog

from orgsync.engine import Job
from orgsync.errors import OrgsyncError, StoreUnavailable
from orgsync.logs import RETRYING, get_logger
from orgsync.records import to_stored
from orgsync.scripts.own_schedules import OwnSchedule
from orgsync.store import Run

__all__ = ["RUN_ENDED", "SchedulerLog"]

RUN_ENDED = "run ended"
"""The event of a run, with its counts; `repeated` marks a failure that was reported before."""

_NOT_STORED = "not stored"
_COUNTS = ("added", "updated", "deleted", "unchanged", "api_calls")


class SchedulerLog:
    """Reports each problem once, and again only when it is another one or has been absent meanwhile."""

    def __init__(self) -> None:
        self._log: structlog.stdlib.BoundLogger = get_logger("orgsync.scheduler")
        self._reported: dict[str, str] = {}
        self._retried: dict[str, set[type[OrgsyncError]]] = {}  # by sync and connection

    def began(self, syncs: Sequence[str], connections: Sequence[str]) -> None:
        """Report what there is to run, and where."""
        self._log.info("scheduler started", syncs=sorted(syncs), connections=len(connections))

    def ended(self, run: Run, problem: OrgsyncError | None, failures: int) -> None:
        """Report how a run ended: with a warning, if it has a problem that is new."""
        facts = _facts(run)
        about = f"{run.sync} on {run.connection}"
        if problem is None:
            before, retried = self._reported.pop(about, None), self._retried.pop(about, None)
            self._reported.pop(_NOT_STORED, None)
            self._log.info(RUN_ENDED, **facts, **({"works_again": True} if before or retried else {}))
        elif self._is_new(about, problem):
            self._log.warning(RUN_ENDED, **facts, failures=failures)
        else:
            self._log.info(RUN_ENDED, **facts, failures=failures, repeated=True)

    def retrying(self, job: Job, problem: OrgsyncError) -> None:
        """Report why a run retries something, once for each kind of error until a run is done."""
        about, text = f"{job.name} on {job.connection}", str(problem)
        reported = self._retried.setdefault(about, set())
        if type(problem) not in reported and self._reported.get(about) != text:
            reported.add(type(problem))
            self._log.warning(RETRYING, sync=job.name, connection=job.connection, error=text)

    def not_run(self, sync: str, connection: str, problem: OrgsyncError) -> None:
        """Report that a run did not begin, or that its end could not be stored."""
        # What is wrong with the database is wrong for all.
        about = _NOT_STORED if isinstance(problem, StoreUnavailable) else f"{sync} on {connection}"
        if self._is_new(about, problem):
            self._log.warning(
                "run not stored", sync=sync, connection=connection, error=str(problem), error_code=problem.code
            )

    def nothing_due(self, next_due: datetime | None) -> None:
        """Report that there is nothing to run now, and when there will be; None where no time brings it."""
        self._log.info("nothing is due", **({"next_due": to_stored(next_due)} if next_due else {}))

    def elsewhere(self, sync: str, connection: str) -> None:
        """Report that another process runs this."""
        self._log.info("runs elsewhere", sync=sync, connection=connection)

    def takes_long(self, job: Job, rows: int, seconds: float, complaint: str) -> None:
        """Report a run that has been under way for long: with a warning, if it waits for something."""
        facts = {"sync": job.name, "connection": job.connection, "seconds": round(seconds), "rows": rows}
        if complaint:
            self._log.warning("run takes long", **facts, error=complaint)
        else:
            self._log.info("run takes long", **facts)

    def paused(self, org: str, until: datetime, problem: OrgsyncError) -> None:
        """Report that an org has reached its limit and is paused."""
        self._log.warning("org paused", org=org, until=to_stored(until), error=str(problem), error_code=problem.code)

    def clock_set_back(self, by: timedelta) -> None:
        """Report that the machine's clock was set back."""
        self._log.warning("clock was set back", seconds=round(by.total_seconds()))

    def connections(self, *, added: Sequence[str], removed: Sequence[str]) -> None:
        """Report which connections were added and removed."""
        for name in added:
            self._log.info("connection added", connection=name)
        for name in removed:
            self._log.info("connection removed", connection=name)

    def needs_sign_in(self, connection: str, reason: str) -> None:
        """Report that a connection has to be signed in before it runs again."""
        error = f"{reason} Run: orgsync connect {connection}"
        self._log.warning("sign-in needed", connection=connection, error=error)

    def signed_in(self, connection: str) -> None:
        """Report that a connection that needed a sign-in is ready."""
        self._log.info("signed in again", connection=connection)

    def rescheduled(self, sync: str, connection: str, own: OwnSchedule | None) -> None:
        """Report that the schedule of a sync on a connection was changed."""
        facts = {"every": str(own.every)} if own and own.every else {}
        state = "switched off" if own and own.off else "on"
        self._log.info("schedule changed", sync=sync, connection=connection, state=state, **facts)

    def scripts(self, syncs: Sequence[str], problems: Sequence[OrgsyncError], clashes: Sequence[OrgsyncError]) -> None:
        """Report that the scripts were reloaded, and what is newly wrong with them."""
        self._log.info("scripts reloaded", syncs=sorted(syncs))
        self.script_problems(problems, clashes)

    def script_problems(self, problems: Sequence[OrgsyncError], clashes: Sequence[OrgsyncError]) -> None:
        """Report what is newly wrong with the scripts, and which of their syncs would write one table."""
        there = {f"script: {problem}": problem for problem in [*problems, *clashes]}
        self._reported = {
            about: text for about, text in self._reported.items() if about[:8] != "script: " or about in there
        }
        for about, problem in there.items():
            if self._is_new(about, problem):
                what = "two syncs write one table" if problem in clashes else "script does not load"
                self._log.warning(what, error=str(problem), error_code=problem.code)

    def store(self, problem: OrgsyncError | None) -> None:
        """Report that the database cannot be read, or can again."""
        if problem is None:
            if self._reported.pop("store", None):
                self._log.info("database works again")
        elif self._is_new("store", problem):
            self._log.warning("database cannot be read", error=str(problem), error_code=problem.code)

    def _is_new(self, about: str, problem: OrgsyncError) -> bool:
        text = str(problem)
        known = self._reported.get(about) == text
        self._reported[about] = text
        return not known


def _facts(run: Run) -> dict[str, Any]:
    """Return what a log may hold of a run: no row, no secret."""
    seconds = (run.finished_at - run.started_at).total_seconds() if run.finished_at else 0.0
    counts = {name: getattr(run, name) for name in _COUNTS}
    return {"sync": run.sync, "connection": run.connection, "status": run.status, **counts, "seconds": seconds} | (
        {"error": run.error, "error_code": run.error_code} if run.error else {}
    )
