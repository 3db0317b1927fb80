"""Tickets: each case with all that was said about it, in order, kept up to date every fifteen minutes."""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from datetime import datetime

from orgsync import Batch, Batches, Context, Record, field, sync


class Ticket(Record, table=True):
    """A case. `conversation` is its comments and posts, the oldest first, each with kind, text, author and time."""

    __sobject__ = "Case"

    case_number: str | None
    subject: str | None
    description: str | None
    status: str | None
    priority: str | None
    account_name: str | None = field("Account.Name")
    contact_name: str | None = field("Contact.Name")
    contact_email: str | None = field("Contact.Email")
    owner_id: str | None
    is_closed: bool | None
    created_date: datetime | None
    conversation: list[dict[str, object]] | None = field(local=True)


class TicketComment(Record, table=True):
    """A comment on a case."""

    __sobject__ = "CaseComment"

    ticket_id: str | None = field("ParentId", index=True)
    text: str | None = field("CommentBody")
    author_id: str | None = field("CreatedById")
    is_public: bool | None = field("IsPublished")
    created_date: datetime | None


class TicketPost(Record, table=True):
    """An entry in the feed of a case: a post, a call, an e-mail, a change of its status."""

    __sobject__ = "CaseFeed"
    __optional__ = True

    ticket_id: str | None = field("ParentId", index=True)
    kind: str | None = field("Type")
    text: str | None = field("Body")
    author_id: str | None = field("CreatedById")
    created_date: datetime | None


Entry = TicketComment | TicketPost


@sync(every="15m", reconcile="1d")
async def tickets(ctx: Context) -> Batches[Ticket | TicketComment | TicketPost]:
    """Every case that changed, or that something new was said about, with its whole conversation."""
    async for batch in ctx.changes(Ticket):
        said = by_ticket(await entries(ctx, [ticket.id for ticket in batch]))
        yield batch.replace([with_conversation(ticket, said) for ticket in batch])
    async for comments in ctx.changes(TicketComment):
        async for renewed in renewals(ctx, comments):
            yield renewed
        yield comments
    async for posts in ctx.changes(TicketPost):
        async for renewed in renewals(ctx, posts):
            yield renewed
        yield posts


async def renewals(ctx: Context, batch: Batch[TicketComment] | Batch[TicketPost]) -> AsyncIterator[Batch[Ticket]]:
    """Give the tickets that these entries belong to, with their new conversations.

    They are yielded before the entries: after a run that is killed in between, the next one reads the entries again.
    """
    changed = [*batch, *await ctx.copied(batch.model, batch.deleted_ids)]
    gone = {*batch.deleted_ids, *(entry.id for entry in batch if entry.is_deleted)}
    found = await ctx.copied(Ticket, [entry.ticket_id for entry in changed if entry.ticket_id])
    live = [ticket for ticket in found if not ticket.is_deleted]
    known = await entries(ctx, [ticket.id for ticket in live])
    newest = {entry.id: entry for entry in [*known, *batch] if entry.id not in gone}
    said = by_ticket(newest.values())
    if live:
        yield Batch(Ticket, [with_conversation(ticket, said) for ticket in live])


async def entries(ctx: Context, tickets: list[str]) -> list[Entry]:
    """Return what the copy has of the comments and posts on these tickets: no query is sent."""
    comments: list[Entry] = [*await ctx.copied(TicketComment, tickets, by="ticket_id")]
    posts: list[Entry] = [*await ctx.copied(TicketPost, tickets, by="ticket_id")]
    return [entry for entry in comments + posts if not entry.is_deleted]


def by_ticket(said: Iterable[Entry]) -> dict[str | None, list[Entry]]:
    """Sort entries by time, and put each to its ticket."""
    found: dict[str | None, list[Entry]] = defaultdict(list)
    for entry in sorted(said, key=lambda entry: (str(entry.created_date), entry.id)):
        found[entry.ticket_id].append(entry)
    return found


def with_conversation(ticket: Ticket, said: dict[str | None, list[Entry]]) -> Ticket:
    """Give a ticket what was said about it."""
    ticket.conversation = [
        {
            "kind": entry.kind if isinstance(entry, TicketPost) else "Comment",
            "text": entry.text,
            "author_id": entry.author_id,
            "at": entry.created_date and entry.created_date.isoformat(),
        }
        for entry in said.get(ticket.id, [])
    ]
    return ticket
