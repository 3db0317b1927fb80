"""Tasks, archived ones too, kept up to date every fifteen minutes."""

from datetime import date, datetime

from orgsync import Batches, Context, Record, sync


class Task(Record, table=True):
    """Something to do, or a call or an e-mail that was logged.

    `who_id` is a person (a contact or a lead), `what_id` what the task is about (an account, a case, ...).
    """

    subject: str | None
    status: str | None
    priority: str | None
    activity_date: date | None
    task_subtype: str | None
    description: str | None
    who_id: str | None
    what_id: str | None
    account_id: str | None
    owner_id: str | None
    is_closed: bool | None
    is_archived: bool | None
    completed_date_time: datetime | None
    call_duration_in_seconds: int | None
    created_date: datetime | None
    last_modified_date: datetime | None


@sync(every="15m", reconcile="1d")
def tasks(ctx: Context) -> Batches[Task]:
    """Every task that changed since the last run, deletions included."""
    return ctx.changes(Task)
