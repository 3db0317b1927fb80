"""Users of the org, kept up to date every hour."""

from datetime import datetime

from orgsync import Batches, Context, Record, sync


class OrgUser(Record, table=True):
    """Someone who signs in to the org, or did: users are not deleted, `is_active` becomes false.

    `user` is a reserved word in SQL, so the table is not called as the object is, but `org_user`.
    """

    __sobject__ = "User"

    username: str | None
    first_name: str | None
    last_name: str | None
    name: str | None
    email: str | None
    alias: str | None
    title: str | None
    department: str | None
    is_active: bool | None
    user_type: str | None
    profile_id: str | None
    user_role_id: str | None
    manager_id: str | None
    time_zone_sid_key: str | None
    last_login_date: datetime | None
    created_date: datetime | None
    last_modified_date: datetime | None


@sync(every="1h")
def users(ctx: Context) -> Batches[OrgUser]:
    """Every user that changed since the last run."""
    return ctx.changes(OrgUser)
