"""Published Knowledge articles, kept up to date every hour."""

from datetime import datetime

from orgsync import Batches, Context, Record, field, sync


class Article(Record, table=True):
    """The published version of an article in one language. A later version is another row, with another Id.

    Salesforce keeps the versions of articles in the object Knowledge__kav (Knowledge article version); an org that does
    not use Knowledge lacks it, which `__optional__` allows. `article_id` is the same for all versions and languages of
    an article. Its text is in fields that each org makes for itself, such as Answer__c: to copy them, start from this
    script with a class of your own.
    """

    __sobject__ = "Knowledge__kav"
    __optional__ = True

    article_id: str | None = field("KnowledgeArticleId")
    article_number: str | None
    title: str | None
    summary: str | None
    url_name: str | None
    language: str | None
    version_number: int | None
    publish_status: str | None
    first_published_date: datetime | None
    last_published_date: datetime | None
    owner_id: str | None
    created_date: datetime | None
    last_modified_date: datetime | None


@sync(every="1h", reconcile="1d")
def articles(ctx: Context) -> Batches[Article]:
    """Every article that was published, or taken down, since the last run; none in an org without Knowledge."""
    return ctx.changes(Article, where="PublishStatus = 'Online'")
