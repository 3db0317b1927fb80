"""Files (the latest version of each), with their contents in a folder, kept up to date every hour."""

from datetime import datetime

from orgsync import Batches, Context, Record, field, sync


class File(Record, table=True):
    """The latest version of a file; its content is at `content_path`, from the project's folder."""

    __sobject__ = "ContentVersion"

    content_document_id: str | None
    title: str | None
    path_on_client: str | None
    file_type: str | None
    file_extension: str | None
    version_number: str | None
    owner_id: str | None
    content_size: int | None
    checksum: str | None
    created_date: datetime | None
    last_modified_date: datetime | None
    version_data: str | None
    content_path: str | None = field(local=True)
    content_sha256: str | None = field(local=True, index=True)
    content_error: str | None = field(local=True)


@sync(every="1h", reconcile="1d")
def files(ctx: Context) -> Batches[File]:
    """Every file that changed since the last run, then the contents that are missing in the folder."""
    return ctx.contents(File, where="IsLatest = true", budget=ctx.connection.metadata.get("contents_budget"))
