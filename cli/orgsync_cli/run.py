"""`orgsync run`: run syncs on connections, one after the other."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer

from orgsync.errors import ArgumentInvalid, UsageInvalid

from .completion import object_names, sync_names
from .connection_choice import choose_connections, require_connected, require_one_choice
from .interruptions import NOT_BEGUN, NOTHING_RUN, RUNS_RECORDED, Stopping, sync_stopping, wait_for_runs
from .one_run import OneRun, show_run
from .options import connection_option, tag_option
from .output import examples, say
from .run_job import GivenJob
from .run_lines import left_line
from .signals import Interruption

if TYPE_CHECKING:
    from orgsync.engine import Job
    from orgsync.project import Project

__all__ = ["EXAMPLES", "execute_sync", "run"]

EXAMPLES = examples(
    "orgsync run contacts                       on the only connection there is",
    "orgsync run contacts accounts -c acme",
    "orgsync run contacts --all                 on every connection, one after the other",
    "orgsync run contacts --tag eu              on every connection that has the tag",
    "orgsync run --object Invoice__c -c acme    any object, without a script",
    "orgsync run contacts -c acme --full        read everything again",
    "orgsync run contacts -c acme --reconcile   compare the copy's Ids with the org's, too",
    "orgsync run contacts -c acme --dry-run     show what would change",
    "orgsync run contacts -c acme --json        one JSON object a run, for programs",
    "orgsync run contacts -c acme --on-workers  a worker runs it, before what is due",
    "orgsync run --job job.json                 one job as JSON, a sync's or an action's; - reads stdin",
)


def _require_any(ctx: typer.Context, syncs: list[str] | None) -> list[str] | None:
    """Raise UsageInvalid where neither a sync nor an object is named: options that are given are read before."""
    if not syncs and not ctx.params.get("sobject") and not ctx.params.get("job") and not ctx.resilient_parsing:
        raise UsageInvalid(
            "orgsync run needs SYNC (the syncs to run, by name), --object OBJECT or --job FILE.",
            "For example: orgsync run contacts; orgsync syncs lists the syncs. See: orgsync run --help",
        )
    return syncs


Syncs = Annotated[
    list[str] | None,
    typer.Argument(metavar="SYNC", help="The syncs to run, by name.", autocompletion=sync_names, callback=_require_any),
]
Objects = Annotated[
    list[str] | None,
    typer.Option(
        "--object",
        metavar="OBJECT",
        help="Copy this object without a script, by its API name; may be repeated.",
        autocompletion=object_names,
    ),
]


Connections = Annotated[list[str] | None, connection_option("The connection to run on; may be repeated.")]
Tags = Annotated[list[str] | None, tag_option("On every connection that has this tag; may be repeated.")]
EveryOne = Annotated[bool, typer.Option("--all", help="Run on every connection.")]
Full = Annotated[bool, typer.Option("--full", help="Read everything, not only what changed.")]
Reconcile = Annotated[
    bool, typer.Option("--reconcile", help="Compare the copy's Ids with the org's, and read formulas again.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would change, and write nothing to the copy.")]
Limit = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="With --dry-run: stop at N changes, and show them.")
]
OnWorkers = Annotated[
    bool, typer.Option("--on-workers", help="Let a worker run it, before what is due, and wait for the end.")
]
JobFile = Annotated[
    str | None,
    typer.Option("--job", metavar="FILE", help="Run one job given as JSON, a sync's or an action's; - reads stdin."),
]


def run(  # noqa: PLR0913 - each is an option of the command
    sync: Syncs = None,
    sobject: Objects = None,
    connection: Connections = None,
    tag: Tags = None,
    every_one: EveryOne = False,
    full: Full = False,
    reconcile: Reconcile = False,
    dry_run: DryRun = False,
    limit: Limit = None,
    on_workers: OnWorkers = False,
    job: JobFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a run, for programs.")] = False,
) -> None:
    """Run syncs: read what changed in the org since the last run, and commit it to the copy.

    Each batch of rows is committed together with the point it reaches, so an interrupted run loses nothing and the
    next one resumes there. A dry run reads the org likewise, into a temporary copy of the database; what a script
    itself writes to the org is written all the same. What orgsync.toml says of an object holds for --object, too;
    otherwise all its fields are copied, as the org describes them. A job as JSON is what `orgsync syncs --jobs` prints,
    for programs that decide themselves what runs when; an action's ends as with `orgsync do`. Exit code: 0 done, 1 a
    run failed, 2 usage or configuration, 3 sign-in needed, 4 stopped to stay below the API limit, 130 or 143
    interrupted; of several runs the highest.
    """
    syncs, objects = (list(dict.fromkeys(names or [])) for names in (sync, sobject))
    options = _Options(
        syncs, objects, connection or [], tag or [], every_one, full, reconcile, dry_run, limit, on_workers, as_json
    )
    _require_fitting(options, job)
    work = _Work(options) if job is None else GivenJob(job, dry_run, limit, on_workers, as_json)
    raise typer.Exit(wait_for_runs(work))


@dataclass(frozen=True, slots=True)
class _Options:
    syncs: Sequence[str]
    objects: Sequence[str]
    connections: Sequence[str]
    tags: Sequence[str]
    every_one: bool
    full: bool
    reconcile: bool
    dry_run: bool
    limit: int | None
    on_workers: bool
    as_json: bool


def _require_fitting(options: _Options, job: str | None) -> None:
    """Raise ArgumentInvalid for options that exclude each other."""
    if options.limit is not None and not options.dry_run:
        raise ArgumentInvalid("--limit is for a dry run.", "Add --dry-run, or leave --limit out.")
    where = options.connections or options.tags or options.every_one
    if job is not None:
        if options.syncs or options.objects or where or options.full or options.reconcile:
            raise ArgumentInvalid(
                "--job says what to run, where and how; the call names another part of it too.",
                "Put all of it into the job, or call orgsync run without --job.",
            )
        return
    if options.on_workers and (options.dry_run or options.objects):
        other = "--dry-run" if options.dry_run else "--object"
        raise ArgumentInvalid(
            f"--on-workers runs syncs that the workers know, and {other} is for here.",
            "Leave one of the two out; an object that orgsync.toml names is a sync.",
        )
    require_one_choice(options.connections, options.tags, every_one=options.every_one)


@dataclass(slots=True)
class _Work:
    """The runs of every sync on every connection; `left` is how many of them it has not come to."""

    options: _Options
    begun: bool = False
    left: int = 0

    async def run(self) -> int:
        """Run them, and return the exit code."""
        import anyio

        from orgsync.engine import Job
        from orgsync.project import FolderScripts, open_project, sync_of_object
        from orgsync.settings import load_settings

        settings = load_settings()
        scripts = FolderScripts(settings.syncs_folder, settings.objects)
        syncs = scripts.load(self.options.syncs) if self.options.syncs else []
        worst = 0
        await require_connected(self.options.connections, settings)
        async with open_project(settings, scripts=scripts) as project:  # outside the scope, so that it closes in order
            with anyio.CancelScope() as scope, Interruption(scope, self.stopping) as interruption:
                chosen = await choose_connections(
                    project, self.options.connections, tags=self.options.tags, every_one=self.options.every_one
                )
                for name in self.options.objects:
                    copied = await sync_of_object(project, name, chosen[0])
                    scripts.add(copied)
                    syncs = [*(each for each in syncs if each.name != copied.name), copied]
                off = {(row.sync, row.connection) for row in await project.schedules.list() if row.off}
                pairs = [(sync.name, connection) for connection in chosen for sync in syncs]
                jobs = [Job("sync", *pair, full=self.options.full, reconcile=self.options.reconcile) for pair in pairs]
                self.left = len(jobs)
                for job in jobs:
                    if (job.name, job.connection) in off:
                        say(f"{job.name} is switched off on {job.connection} (orgsync schedule); it is run by hand.")
                    self.begun = True
                    self.left -= 1
                    code = await execute_sync(
                        project,
                        job,
                        dry_run=self.options.dry_run,
                        limit=self.options.limit,
                        on_workers=self.options.on_workers,
                        as_json=self.options.as_json,
                    )
                    worst = max(worst, code)
                    if interruption.code:  # the signal came when the run was over
                        break
            if self.begun and not (self.options.dry_run or self.options.on_workers):
                # A run that is interrupted reads its recorded end before it passes that on.
                interruption.recorded = RUNS_RECORDED
            if interruption.code and not self.begun:
                say(NOTHING_RUN)
            elif interruption.code and self.left:
                say(left_line(self.left))
        return interruption.code or worst

    def stopping(self) -> Stopping:
        """Return what is said where they are being stopped."""
        if not self.begun:
            return NOT_BEGUN
        now = sync_stopping(dry_run=self.options.dry_run, on_workers=self.options.on_workers)
        return replace(now, kept=f"{now.kept} {left_line(self.left)}") if self.left else now


async def execute_sync(
    project: "Project", job: "Job", *, dry_run: bool, limit: int | None, on_workers: bool, as_json: bool
) -> int:
    """Run a sync's job, or try it, show how it ended, and return the exit code."""
    if on_workers:
        from .on_workers import execute_on_workers

        ended = await execute_on_workers(project, job, as_json=as_json)
        return ended if isinstance(ended, int) else show_run(ended, as_json=as_json)
    if not dry_run:
        return await OneRun(project, job, as_json).execute()
    from .dry_run import OneDryRun

    return await OneDryRun(project, job, limit, as_json).execute()
