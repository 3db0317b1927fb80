"""The control tables of workers: who is there, and the jobs that they carry out."""

from datetime import datetime
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlmodel import Field

from orgsync.records import UtcDateTime

from .model import Control

__all__ = ["Worker", "WorkerJob"]


class Worker(Control, table=True):
    """A process that runs jobs, under the name by which its store holds leases, and when it was last seen alive.

    `plans` says that it is the planner: it decides what is due, for all workers.
    """

    __tablename__ = "orgsync_worker"  # pyright: ignore[reportAssignmentType] # SQLModel declares a method

    name: str = Field(primary_key=True)
    concurrency: int
    plans: bool = False
    started_at: datetime = Field(sa_type=UtcDateTime)
    seen_at: datetime = Field(sa_type=UtcDateTime)


class WorkerJob(Control, table=True):
    """A job on its way to a worker, at one, or back: the truth about it, whatever becomes of it in the queue.

    `state` is requested, sent, running, ended or reported, `since` since when. What is sent or running is sent again,
    under the next `epoch`, once `expires_at` has passed; a worker may only take it, and end it, under its epoch.
    `waits` says that the run under way waits to retry, and needs no slot. `cause`, `remedy`, `error_code`
    and `exit_code` are of the problem that ended it.
    """

    __tablename__ = "orgsync_job"  # pyright: ignore[reportAssignmentType] # SQLModel declares a method
    __table_args__: ClassVar[Any] = (sa.Index("orgsync_job_state", "state"), {"sqlite_autoincrement": True})

    id: int = Field(default=None, primary_key=True, sa_type=sa.BigInteger().with_variant(sa.Integer, "sqlite"))
    job: str
    priority: int
    state: str
    epoch: int
    since: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    worker: str | None = None
    waits: bool = False
    run_id: int | None = Field(default=None, sa_type=sa.BigInteger)
    end: str | None = None
    cause: str | None = None
    remedy: str | None = None
    error_code: str | None = None
    exit_code: int = 0
