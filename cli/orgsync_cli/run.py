"""`orgsync run`: run syncs on connections, one after the other."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orgsync.errors import AlreadyRunning, ArgumentInvalid, OrgsyncError

from .commands import wait_for
from .completion import connection_names, sync_names
from .connection_choice import choose_connections
from .output import amount, brief, examples, instant, json_line, result, say, show_problem, stdout
from .progress import shown_progress
from .signals import Interruption

if TYPE_CHECKING:
    from orgsync.engine import RunOptions
    from orgsync.extract import Route
    from orgsync.project import Project
    from orgsync.records import Record
    from orgsync.scripts import Sync
    from orgsync.store import Run, RunRow

__all__ = ["EXAMPLES", "as_object", "outcome_line", "run"]

EXAMPLES = examples(
    "orgsync run contacts                      on the only connection there is",
    "orgsync run contacts accounts -c acme",
    "orgsync run contacts --all                on every connection, one after the other",
    "orgsync run contacts -c acme --full       read everything again",
    "orgsync run contacts -c acme --reconcile  compare the copy's Ids with the org's, too",
    "orgsync run contacts -c acme --dry-run    show what would change",
    "orgsync run contacts -c acme --json       one JSON object a run, for programs",
)


def run(
    sync: Annotated[
        list[str], typer.Argument(metavar="SYNC", help="The syncs to run, by name.", autocompletion=sync_names)
    ],
    connection: Annotated[
        list[str] | None,
        typer.Option(
            "--connection", "-c", metavar="NAME", help="Where to run; may be repeated.", autocompletion=connection_names
        ),
    ] = None,
    every_one: Annotated[bool, typer.Option("--all", help="Run on every connection.")] = False,
    full: Annotated[bool, typer.Option("--full", help="Read everything, not only what changed.")] = False,
    reconcile: Annotated[
        bool, typer.Option("--reconcile", help="Compare the copy's Ids with the org's, and read formulas again.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change, and write nothing to the copy.")
    ] = False,
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="With --dry-run: stop at N changes, and show them.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a run, for programs.")] = False,
) -> None:
    """Run syncs: read what changed in the org since the last run, and commit it to the copy.

    Each batch of rows is committed together with the point it reaches, so an interrupted run loses nothing and the
    next one goes on from there. A dry run asks the org the same, on a copy of the database that is thrown away; what
    a script itself writes to the org is written all the same. Exit code: 0 done, 1 a run failed, 2 usage or
    configuration, 3 sign-in needed, 4 stopped to spare the API limit, 130 or 143 interrupted; of several runs that of
    the worst.
    """
    if limit is not None and not dry_run:
        raise ArgumentInvalid("--limit is for a dry run.", "Add --dry-run, or leave --limit out.")
    chosen = _Chosen(list(dict.fromkeys(sync)), connection or [], every_one, full, reconcile, dry_run, limit, as_json)
    raise typer.Exit(wait_for(lambda: _run(chosen)))


@dataclass(frozen=True, slots=True)
class _Chosen:
    syncs: Sequence[str]
    connections: Sequence[str]
    every_one: bool
    full: bool
    reconcile: bool
    dry_run: bool
    limit: int | None
    as_json: bool


async def _run(chosen: _Chosen) -> int:
    import anyio

    from orgsync.project import open_project
    from orgsync.scripts.discovery import load_syncs, required
    from orgsync.settings import load_settings

    settings = load_settings()
    syncs = [required(found) for found in load_syncs(settings.syncs_folder, chosen.syncs)]
    worst = 0
    async with open_project(settings) as project:  # outside the scope, so that it is closed in order
        with anyio.CancelScope() as scope, Interruption(scope) as interruption:
            there = await choose_connections(project.store, chosen.connections, every_one=chosen.every_one)
            for connection in there:
                for sync in syncs:
                    worst = max(worst, await _one(project, sync, connection.name, chosen))
                    if interruption.code:  # the signal came when the run was over
                        return interruption.code
    return interruption.code or worst


async def _one(project: "Project", sync: "Sync[Record]", connection: str, chosen: _Chosen) -> int:
    if not chosen.dry_run:
        return await _OneRun(project, sync, connection, chosen).run()
    from .dry_run import OneDryRun

    options: RunOptions = {"full": chosen.full, "reconcile": chosen.reconcile}
    return await OneDryRun(project, sync, connection, options, chosen.limit, chosen.as_json).run()


@dataclass(slots=True)
class _OneRun:
    """One sync on one connection, and what is told of it."""

    project: "Project"
    sync: "Sync[Record]"
    connection: str
    chosen: _Chosen

    async def run(self) -> int:
        import anyio

        began = datetime.now(UTC)
        try:
            with shown_progress(f"{self.sync.name} on {self.connection}", show=not self.chosen.as_json) as watch:
                outcome = await self.project.run(
                    self.sync, self.connection, full=self.chosen.full, reconcile=self.chosen.reconcile, watch=watch
                )
        except AlreadyRunning as problem:
            show_problem(problem)
            if self.chosen.as_json:
                json_line(_not_run(self.sync.name, self.connection, problem))
            return problem.exit_code
        except anyio.get_cancelled_exc_class():
            with anyio.CancelScope(shield=True):
                await self._tell_stopped(began)
            raise
        return self._told(outcome.run, outcome.problem, outcome.plan)

    def _told(self, finished: "Run", problem: OrgsyncError | None, plan: "Route | None" = None) -> int:
        if self.chosen.as_json:
            json_line({**as_object(finished), "plan": None if plan is None else str(plan)})
        else:
            result(outcome_line(finished))
            stdout().flush()
        if problem is None:
            return 0
        show_problem(problem, detail=not self.chosen.as_json)
        return problem.exit_code

    async def _tell_stopped(self, began: datetime) -> None:
        """Tell what an interrupted run has kept, if it came as far as to begin."""
        runs = await self.project.store.runs.list(1, sync=self.sync.name, connection=self.connection)
        latest = [each for each in runs if each.started_at >= began.replace(microsecond=0)]
        for stopped in latest:
            self._told(stopped, None)
            kept = stopped.added + stopped.updated + stopped.deleted
            say(f"Interrupted; {amount(kept, 'change')} kept, and the next run goes on from there.")


def as_object(run: "Run | RunRow") -> dict[str, Any]:
    """Write a run for a program."""
    return {
        "sync": run.sync,
        "connection": run.connection,
        "status": run.status,
        "added": run.added,
        "updated": run.updated,
        "deleted": run.deleted,
        "unchanged": run.unchanged,
        "api_calls": run.api_calls,
        "seconds": _seconds(run),
        "watermark": instant(run.watermark),
        "error": run.error,
        "error_code": run.error_code,
    }


def outcome_line(run: "Run") -> str:
    """Tell a run in one line."""
    changes = [f"{count:,} {kind}" for kind, count in _counts(run) if count]
    nothing = "nothing new" if run.status == "done" else "nothing was changed"
    told = ", ".join(changes) if changes else nothing
    ending = "" if run.status == "done" else f"{run.status}, "
    cost = f"{amount(run.api_calls, 'API call')}, {brief(_seconds(run))}"
    return f"{run.sync} on {run.connection}: {ending}{told} ({cost})"


def _counts(run: "Run") -> list[tuple[str, int]]:
    kinds = [("added", run.added), ("updated", run.updated), ("deleted", run.deleted)]
    return [*kinds, ("unchanged", run.unchanged)] if any(count for _, count in kinds) else kinds


def _seconds(run: "Run | RunRow") -> float:
    """Tell how long a run took, or has taken so far."""
    return round(((run.finished_at or datetime.now(UTC)) - run.started_at).total_seconds(), 3)


def _not_run(sync: str, connection: str, problem: OrgsyncError) -> dict[str, Any]:
    counts = dict.fromkeys(("added", "updated", "deleted", "unchanged", "api_calls"), 0)
    error = f"{problem.cause} {problem.remedy}".strip()
    ending = {"seconds": 0.0, "watermark": None, "error": error, "error_code": problem.code}
    return {"sync": sync, "connection": connection, "status": "not started", **counts, **ending, "plan": None}
