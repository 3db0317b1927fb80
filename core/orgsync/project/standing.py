"""How a sync stands on a connection by its last runs and by what is kept of them, apart from any database.

A run stays listed when its sync is reset, but what is kept of how the sync stands goes with the rows. So runs that have
ended where nothing is kept were before a reset: they say nothing of the copy that there is, or is not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias

from orgsync.errors import ProcessDied, RunInterrupted
from orgsync.scripts.schedule import Every, due_again, jitter
from orgsync.store.health_rows import StandingRow

if TYPE_CHECKING:
    from orgsync.store import Run
    from orgsync.store.view import RunRow

__all__ = ["RUNS_NEEDED", "AnyRun", "Standing", "Success", "next_due", "standing_of", "standings_of_syncs"]

AnyRun: TypeAlias = "Run | RunRow"

_CUT_SHORT = (RunInterrupted.code, ProcessDied.code)

RUNS_NEEDED = 2
"""How many runs say how a sync stands: the one under way, and the one before it that has ended."""


@dataclass(frozen=True, slots=True)
class Success:
    """The last run that was done since the last reset."""

    started_at: datetime
    finished_at: datetime | None
    watermark: datetime | None


@dataclass(frozen=True, slots=True)
class Standing:
    """What counts of a sync's runs on a connection: those since it was reset last.

    `last` is the last of them; `failures` is how many have failed since the last success. `error` and `error_code` are
    those of the last of these failures; without one, those of the last ended run if it was stopped. `was_reset` says
    that it has run, and not since it was reset.
    """

    last: "AnyRun | None" = None
    success: Success | None = None
    failures: int = 0
    error: str = ""
    error_code: str | None = None
    was_reset: bool = False


def standings_of_syncs(rows: Sequence[StandingRow]) -> Mapping[tuple[str, str], StandingRow]:
    """Return what is kept of syncs, by sync and connection; it has to be read after the runs.

    A first run may end between the two, and would be taken for one before a reset, were the runs read later.
    """
    return {(each.sync, each.connection): each for each in rows if each.kind == "sync"}


def standing_of(runs: Sequence[AnyRun], kept: StandingRow | None) -> Standing:
    """Return how a sync stands by its last runs, the latest first, and by what is kept of it."""
    counted = [run for run in runs if kept is not None or run.finished_at is None]
    if not counted:
        return Standing(was_reset=bool(runs))
    last = counted[0]
    if last.status == "done":
        return Standing(last, success=Success(last.started_at, last.finished_at, last.watermark))
    failures = kept.failures if kept is not None else 0
    if last.status == "failed" and last.finished_at is None:
        failures += 1  # its process has died, which no run has noted yet
    success = None
    if kept is not None and kept.success_started_at is not None:
        success = Success(kept.success_started_at, kept.success_ended_at, kept.watermark)
    error, code = _reason(counted, kept)
    return Standing(last, success, failures, error, code)


def next_due(
    every: Every | None, last: "AnyRun | StandingRow | None", failures: int, *, since: datetime, now: datetime
) -> datetime | None:
    """Return when a sync is due after its last run, the pause after failures included; None for never by itself.

    One that has never run runs at once, also with a cron expression; `since` is when it could first have. One whose run
    was interrupted is due since that ended; after the API limit by its schedule: when the pause ends is not known here.
    """
    if every is None:
        return None
    if last is None:
        return min(every.at_or_after(since), now)
    if last.error_code in _CUT_SHORT:
        ended = last.ended_at if isinstance(last, StandingRow) else last.finished_at
        return ended or last.started_at  # of one whose process died, the end may not have been noted
    chance = jitter(last.sync, last.connection, failures)
    return due_again(every, last.started_at, failures=failures, chance=chance)


def _reason(runs: Sequence[AnyRun], kept: StandingRow | None) -> tuple[str, str | None]:
    """Return the error to show for a sync whose last run is not done, and its code; "" and None for none."""
    ended = next((run for run in runs if run.status != "running"), None)
    if kept is not None and kept.failures and (ended is None or ended.status != "failed"):
        return kept.failure_error or "", kept.failure_error_code
    if ended is None or ended.status == "done":
        return "", None
    return ended.error or "", ended.error_code
