"""Tickets: a case with all that was said about it, complete again whenever one of its parts changes."""

from typing import Any

import pytest

from orgsync.demo_org import DemoOrg
from orgsync.errors import FieldNotFound, ObjectNotFound
from orgsync_syncs.tickets import tickets
from tests.extract.extracting import warnings
from tests.projects import SampleProject


def said(row: dict[str, Any]) -> list[str | None]:
    return [each["text"] or each["kind"] for each in row["conversation"]]


async def test_a_ticket_has_its_comments_and_posts_in_the_order_of_their_times(
    project: SampleProject, org: DemoOrg
) -> None:
    case = org.insert("Case", Subject="Pump is loud")
    for kind, text in (("CaseComment", "first"), ("FeedItem", "second"), ("CaseComment", "third")):
        org.advance(minutes=1)
        body = {"CommentBody": text} if kind == "CaseComment" else {"Body": text, "Type": "TextPost"}
        org.insert(kind, ParentId=case, **body)
    org.update("Case", case, Status="Closed")
    await project.run(tickets)
    row = (await project.live("ticket"))[case]
    assert said(row) == ["first", "second", "third", "TrackedChange"]
    assert {each["kind"] for each in row["conversation"]} == {"Comment", "TextPost", "TrackedChange"}
    assert all(each["author_id"] == org.user_id and each["at"] for each in row["conversation"])


async def test_a_ticket_is_complete_again_when_a_comment_is_added_changed_deleted_and_undeleted(
    project: SampleProject, org: DemoOrg
) -> None:
    case = org.insert("Case", Subject="Pump is loud")
    kept, lost = (org.insert("CaseComment", ParentId=case, CommentBody=text) for text in ("kept", "lost"))
    await project.run(tickets)
    stamp = (await project.live("ticket"))[case]["system_modstamp"]

    async def now() -> list[str | None]:
        org.advance(minutes=20)
        run = await project.run(tickets)
        assert run.status == "done"
        row = (await project.live("ticket"))[case]
        assert row["system_modstamp"] == stamp  # the case itself did not change
        return said(row)

    org.advance(minutes=20)
    org.insert("CaseComment", ParentId=case, CommentBody="more")
    assert await now() == ["kept", "lost", "more"]
    org.update("CaseComment", kept, CommentBody="kept, corrected")
    assert await now() == ["kept, corrected", "lost", "more"]
    org.delete("CaseComment", lost)
    assert await now() == ["kept, corrected", "more"]
    org.undelete("CaseComment", lost)
    assert await now() == ["kept, corrected", "lost", "more"]
    org.hard_delete("CaseComment", lost)
    assert await now() == ["kept, corrected", "more"]


async def test_a_deleted_case_keeps_what_was_said_and_an_undeleted_one_has_it_again(
    project: SampleProject, org: DemoOrg
) -> None:
    case = org.insert("Case", Subject="Pump is loud")
    org.insert("CaseComment", ParentId=case, CommentBody="kept")
    await project.run(tickets)
    org.advance(minutes=20)
    org.delete("Case", case)
    await project.run(tickets)
    assert case not in await project.live("ticket")
    gone = (await project.opened.store.rows.get("ticket", "acme", [case]))[case]
    assert (gone["is_deleted"], said(gone)) == (True, ["kept"])
    org.advance(minutes=20)
    org.undelete("Case", case)
    await project.run(tickets)
    assert said((await project.live("ticket"))[case]) == ["kept"]


async def test_the_number_of_calls_does_not_grow_with_the_number_of_cases(project: SampleProject, org: DemoOrg) -> None:
    few = (await project.run(tickets)).api_calls
    for number in range(300):
        case = org.insert("Case", Subject=f"Case {number}")
        org.insert("CaseComment", ParentId=case, CommentBody="seen")
    org.advance(minutes=20)
    assert (await project.run(tickets, full=True)).api_calls <= few
    assert all(said(row) for row in (await project.live("ticket")).values() if row["subject"].startswith("Case "))


async def test_comments_that_cannot_be_read_end_the_run(project: SampleProject, org: DemoOrg) -> None:
    org.hide_field("CaseComment", "CommentBody")
    with pytest.raises(FieldNotFound, match=r"CaseComment has no field CommentBody.*TicketComment\.text needs it"):
        await project.run(tickets)
    org.hide_object("CaseComment")
    with pytest.raises(ObjectNotFound):
        await project.run(tickets)


async def test_an_org_without_a_feed_has_tickets_of_comments_alone(project: SampleProject, org: DemoOrg) -> None:
    org.hide_object("CaseFeed")
    with warnings() as warned:
        assert (await project.run(tickets)).status == "done"
    assert [each for each in warned if "no CaseFeed" in each]
    rows = await project.live("ticket")
    assert {each["kind"] for row in rows.values() for each in row["conversation"]} == {"Comment"}
