"""Which records files belong to, read once a day."""

from orgsync import Batches, Context, Record, sync


class FileLink(Record, table=True):
    """That a file is shared with a record, a user or a group; join `file` by content_document_id."""

    __sobject__ = "ContentDocumentLink"

    content_document_id: str | None
    linked_entity_id: str | None
    share_type: str | None
    visibility: str | None


@sync(every="1d")
def file_links(ctx: Context) -> Batches[FileLink]:
    """Every link of every file: Salesforce takes no filter but one by Ids, so changes alone cannot be read."""
    return ctx.snapshot(FileLink, where="ContentDocumentId IN (SELECT Id FROM ContentDocument)")
