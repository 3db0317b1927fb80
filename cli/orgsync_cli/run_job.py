"""`orgsync run --job`: one job that a program gives as JSON, a sync's or an action's."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orgsync.errors import ArgumentInvalid, FileUnusable
from orgsync.suggest import path_remedy

from .connection_choice import require_connected
from .interruptions import ACTION, ACTION_INTERRUPTED, NOT_BEGUN, NOTHING_RUN, RUNS_RECORDED, Stopping, sync_stopping
from .output import say
from .signals import Interruption

if TYPE_CHECKING:
    from orgsync.engine import Job

__all__ = ["GivenJob", "read_job"]


def read_job(source: str) -> "Job":
    """Read a job from a file, or from stdin for `-`.

    Raises FileUnusable for a file that cannot be read, ArgumentInvalid for what is no job.
    """
    from orgsync.engine import Job

    name = "stdin" if source == "-" else source
    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        remedy = path_remedy(Path(source), otherwise="Check the path after --job.")
        raise FileUnusable(f"{name} cannot be read: {reason}.", remedy) from None
    return Job.from_json(text)


@dataclass(slots=True)
class GivenJob:
    """A job that a program gives, and what is shown of it; `begun` is whether it is run yet."""

    source: str
    dry_run: bool
    limit: int | None
    on_workers: bool
    as_json: bool
    begun: bool = False

    async def run(self) -> int:
        """Run the job to its end, show how it ended as `orgsync run` or `orgsync do` does, and return the exit code."""
        import anyio

        from orgsync.project import FolderScripts, open_project
        from orgsync.settings import load_settings

        from .do import show_outcome
        from .run import execute_sync

        job, code = read_job(self.source), 0
        is_action = job.kind == "action"
        if is_action and (self.dry_run or self.on_workers):
            option = "--dry-run" if self.dry_run else "--on-workers"
            raise ArgumentInvalid(f"{option} is for a sync; this job is an action's.", f"Leave {option} out.")
        if self.dry_run and self.on_workers:
            raise ArgumentInvalid("A dry run is made here, not by a worker.", "Leave --on-workers out.")
        settings = load_settings()
        scripts = FolderScripts(settings.syncs_folder, settings.objects)

        def stopping() -> Stopping:
            if not self.begun:
                return NOT_BEGUN
            return ACTION if is_action else sync_stopping(dry_run=self.dry_run, on_workers=self.on_workers)

        await require_connected([job.connection], settings)
        async with open_project(settings, scripts=scripts) as project:  # outside the scope, so that it closes in order
            with anyio.CancelScope() as scope, Interruption(scope, stopping) as interruption:
                if is_action:
                    self.begun = True
                    code = show_outcome(await project.execute(job), as_json=self.as_json)
                else:
                    project.scripts.sync(job.name)  # what keeps it from being run is an error of the call, not of a run
                    await project.connections.get(job.connection)
                    self.begun = True
                    code = await execute_sync(
                        project,
                        job,
                        dry_run=self.dry_run,
                        limit=self.limit,
                        on_workers=self.on_workers,
                        as_json=self.as_json,
                    )
            if self.begun and not (is_action or self.dry_run or self.on_workers):
                interruption.recorded = RUNS_RECORDED
            if interruption.code and not self.begun:
                say(NOTHING_RUN)
            elif is_action and interruption.code and scope.cancelled_caught:
                say(ACTION_INTERRUPTED)
        return interruption.code or code
