"""Jobs that callers have posted: carried out in this process, a bounded number at a time, and watched."""

from collections import OrderedDict
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Literal, TypeAlias
from uuid import uuid4

import anyio
import msgspec
from anyio.abc import TaskGroup

from orgsync.engine import Committed, Ended, Event, Job, Outcome, Planned, Started
from orgsync.errors import OrgsyncError, ServerBusy
from orgsync.logs import get_logger
from orgsync.project import Project

__all__ = ["JobState", "Jobs", "PostedJob"]

JobState: TypeAlias = Literal["queued", "running", "done", "failed", "stopped", "refused"]
"""Refused is a job that could not begin; stopped one that was cancelled, or that waits for the org's API limit."""

_MOST_WAITING = 1000
_MOST_KEPT = 1000
_MOST_EVENTS = 200


@dataclass(slots=True)
class PostedJob:
    """A job and what has become of it. `events` are those of its run, numbered; of many commits the last is kept."""

    job: Job
    id: str = field(default_factory=lambda: uuid4().hex)
    state: JobState = "queued"
    run_id: int | None = None
    outcome: Outcome | None = None
    problem: OrgsyncError | None = None
    events: list[tuple[int, Event]] = field(default_factory=list[tuple[int, Event]])
    has_begun: anyio.Event = field(default_factory=anyio.Event)
    has_ended: anyio.Event = field(default_factory=anyio.Event)
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    is_cancelled: bool = False
    _changed: anyio.Event = field(default_factory=anyio.Event)
    _number: int = 0

    def note(self, event: Event) -> None:
        """Note an event of the run, and wake those who watch."""
        if isinstance(event, Started):
            self.run_id, self.state = event.run, "running"
            event = msgspec.structs.replace(event, job=msgspec.structs.replace(event.job, arguments={}))
            self.has_begun.set()
        self._number += 1
        if isinstance(event, Committed | Planned):  # what is newer says all that the older one said
            self.events = [each for each in self.events if type(each[1]) is not type(event)]
        if len(self.events) < _MOST_EVENTS or isinstance(event, Ended):
            self.events.append((self._number, event))
        self.wake()

    def wake(self) -> None:
        """Wake those who watch."""
        self._changed.set()
        self._changed = anyio.Event()

    async def watch(self, after: int = 0, *, beat: float) -> AsyncGenerator[tuple[int, Event] | None]:
        """Yield the events behind a number, and those that come, until the run ends; None after a silent `beat`."""
        while True:
            changed = self._changed
            for number, event in list(self.events):
                if number > after:
                    after = number
                    yield number, event
            if self.has_ended.is_set():
                return
            with anyio.move_on_after(beat) as silence:
                await changed.wait()
            if silence.cancelled_caught:
                yield None


class Jobs:
    """The jobs of one server process."""

    def __init__(self, project: Project, group: TaskGroup) -> None:
        self._project = project
        self._group = group
        self._slots = anyio.Semaphore(project.settings.concurrency)
        self._jobs: OrderedDict[str, PostedJob] = OrderedDict()

    def get(self, job_id: str) -> PostedJob | None:
        """Return a job of this process by its id."""
        return self._jobs.get(job_id)

    def of_run(self, run_id: int) -> PostedJob | None:
        """Return the job whose run has this number, if it is one of this process."""
        return next((each for each in self._jobs.values() if each.run_id == run_id), None)

    def require_room(self, number: int = 1) -> None:
        """Raise ServerBusy where so many jobs more are too many that wait; where none waits, any number is taken."""
        waiting = sum(each.state == "queued" for each in self._jobs.values())
        if waiting and waiting + number > _MOST_WAITING:
            raise ServerBusy

    def post(self, *jobs: Job) -> list[PostedJob]:
        """Begin jobs, at once or when others have ended; raises ServerBusy, and begins none, where too many wait."""
        self.require_room(len(jobs))
        return [self.begin(PostedJob(job)) for job in jobs]

    def begin(self, posted: PostedJob, *, is_keyed: bool = False) -> PostedJob:
        """Begin a job for which there is room; that of a call with an idempotency key keeps the number of its run."""
        self._jobs[posted.id] = posted
        ended = [each.id for each in self._jobs.values() if each.has_ended.is_set()]
        for job_id in ended[: max(0, len(ended) - _MOST_KEPT)]:
            del self._jobs[job_id]
        self._group.start_soon(self._carry_out, posted, is_keyed)
        if is_keyed:
            self._group.start_soon(self._keep_run, posted)
        return posted

    def cancel(self, posted: PostedJob) -> None:
        """Cancel a job: a run ends behind its last commit, and a later one resumes there."""
        posted.is_cancelled = True
        posted.scope.cancel()

    async def _carry_out(self, posted: PostedJob, is_keyed: bool) -> None:
        try:
            with posted.scope:
                async with self._slots:
                    posted.outcome = await self._project.execute(posted.job, observe=posted.note)
            self._note_end(posted)
        except OrgsyncError as problem:  # it did not begin
            posted.state, posted.problem = "refused", problem
            if is_keyed:
                await self._release(posted)
        except anyio.get_cancelled_exc_class():  # the server ends
            posted.state = "stopped"
            raise
        finally:
            posted.has_begun.set()
            posted.has_ended.set()
            posted.wake()

    async def _release(self, posted: PostedJob) -> None:
        """Let a call that did nothing be made when it is sent again."""
        try:
            await self._project.store.idempotency.release(posted.id)
        except OrgsyncError as problem:
            get_logger("orgsync.server").warning("a refused call keeps its Idempotency-Key", error=problem.cause)

    async def _keep_run(self, posted: PostedJob) -> None:
        await posted.has_begun.wait()
        if posted.run_id is not None:
            await self._project.store.idempotency.note_run(posted.id, posted.run_id)

    def _note_end(self, posted: PostedJob) -> None:
        if posted.outcome is None:
            posted.state = "stopped"
            return
        status, posted.problem = posted.outcome.run.status, posted.outcome.problem
        posted.state = "done" if status == "done" else "stopped" if status == "stopped" else "failed"
