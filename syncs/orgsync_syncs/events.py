"""Calendar events, archived ones too, kept up to date every fifteen minutes."""

from datetime import date, datetime

from orgsync import Batches, Context, Record, sync


class Event(Record, table=True):
    """A meeting or another entry of a user's calendar.

    `who_id` is a person (a contact or a lead), `what_id` what it is about (an account, a case, ...). An event that
    lasts all day has its day in `activity_date`.
    """

    subject: str | None
    location: str | None
    is_all_day_event: bool | None
    activity_date: date | None
    start_date_time: datetime | None
    end_date_time: datetime | None
    duration_in_minutes: int | None
    description: str | None
    who_id: str | None
    what_id: str | None
    account_id: str | None
    owner_id: str | None
    show_as: str | None
    is_private: bool | None
    is_archived: bool | None
    created_date: datetime | None
    last_modified_date: datetime | None


@sync(every="15m", reconcile="1d")
def events(ctx: Context) -> Batches[Event]:
    """Every event that changed since the last run, deletions included."""
    return ctx.changes(Event)
