"""Knowledge: the versions of articles. An org has it when an administrator enables it; a new org does not."""

from dataclasses import replace

from .fields import SObject, Value
from .standard_fields import (
    AUDIT_FIELDS,
    OWNER,
    checkbox,
    choice,
    deleted_fields,
    read_only,
    record_id,
    text,
)

# Object reference: no getUpdated, no getDeleted.
KNOWLEDGE = SObject(
    name="Knowledge__kav", label="Knowledge", plural="Knowledge", prefix="ka0", replicateable=False,
    fields=(
        record_id("Knowledge"), read_only("KnowledgeArticleId", "Knowledge Article ID", "string", length=18), OWNER,
        *deleted_fields("Knowledge__kav", merges=False), *AUDIT_FIELDS,
        read_only("ArticleNumber", "Article Number", "string", length=30),
        choice("PublishStatus", "Publication Status", ("Draft", "Online", "Archived"), "Draft"),
        read_only("VersionNumber", "Version Number", "int"), checkbox("IsLatestVersion", "Is Latest Version"),
        choice("Language", "Language", ("en_US", "de", "fr"), "en_US"),
        replace(text("Title", "Title", 255), nillable=False, name_field=True),
        replace(text("UrlName", "URL Name", 255), nillable=False), text("Summary", "Summary", 1000, "textarea"),
        read_only("FirstPublishedDate", "First Published Date", "datetime"),
        read_only("LastPublishedDate", "Last Published Date", "datetime"),
    ),
)  # fmt: skip


def first_articles() -> list[dict[str, Value]]:
    """Return the articles of an org that has just begun with Knowledge: one each of what can become of a version."""
    return [
        {"Title": "How to vent a pump", "UrlName": "vent-a-pump", "PublishStatus": "Online", "IsLatestVersion": True},
        {"Title": "Reading the meter", "UrlName": "meter", "PublishStatus": "Online", "IsLatestVersion": True},
        {"Title": "Returns", "UrlName": "returns", "PublishStatus": "Draft", "IsLatestVersion": True},
        {"Title": "Returns, 2019", "UrlName": "returns-2019", "PublishStatus": "Archived"},
    ]
