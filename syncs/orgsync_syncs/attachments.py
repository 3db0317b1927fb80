"""Attachments, as older orgs have them, with their contents in a folder, kept up to date every hour."""

from datetime import datetime

from orgsync import Batches, Context, Record, field, sync


class Attachment(Record, table=True):
    """A file that belongs to one record; its content is at `content_path`, from the project's folder."""

    name: str | None
    parent_id: str | None
    content_type: str | None
    body_length: int | None
    is_private: bool | None
    owner_id: str | None
    created_date: datetime | None
    last_modified_date: datetime | None
    body: str | None
    content_path: str | None = field(local=True)
    content_sha256: str | None = field(local=True, index=True)
    content_error: str | None = field(local=True)


@sync(every="1h", reconcile="1d")
def attachments(ctx: Context) -> Batches[Attachment]:
    """Every attachment that changed since the last run, then the contents that are missing in the folder."""
    return ctx.contents(Attachment, budget=ctx.connection.metadata.get("contents_budget"))
