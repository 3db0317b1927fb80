"""Shipped syncs of several objects, replayed from cassettes that were recorded from the demo org."""

from orgsync.demo_org import DemoOrg
from orgsync.testing import RunSync
from orgsync_syncs.articles import articles
from orgsync_syncs.tickets import tickets


async def test_a_ticket_has_what_was_said_about_it_and_a_new_comment_renews_it(
    run: RunSync, recorded_org: DemoOrg | None
) -> None:
    first = await run(tickets)
    assert (first.run.status, first.added) == ("done", 24)  # 8 cases, 12 comments, 4 posts
    if recorded_org:
        case = next(str(row["Id"]) for row in recorded_org.rows("Case") if row["Subject"] == "Cannot log in")
        recorded_org.advance(minutes=20)
        recorded_org.insert("CaseComment", ParentId=case, CommentBody="Try again, please")
    second = await run(tickets)
    assert (second.added, second.updated) == (1, 1)


async def test_an_org_without_knowledge_has_no_articles(run: RunSync) -> None:
    ran = await run(articles)
    assert (ran.run.status, ran.added, ran.api_calls) == ("done", 0, 1)
