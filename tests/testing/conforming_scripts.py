"""Scripts for the conformance test: good ones of every kind, and bad ones by the check that must catch them."""

from textwrap import dedent

__all__ = ["BAD", "GOOD"]

_PLAIN = '''
"""Contacts."""

from orgsync import Batch, Batches, Context, Record, sync


class Contact(Record, table=True):
    """A person."""

    last_name: str | None
    email: str | None
    title: str | None
'''


def _plain(code: str) -> str:
    return _PLAIN.lstrip() + dedent(code)


GOOD = {
    "masked": '''
        """Contacts whose address stays in the org."""

        from typing import Any

        from orgsync import Batches, Context, Record, field, sync


        class Contact(Record, table=True):
            """A person, whose address is hashed."""

            last_name: str | None
            email: str | None = field(mask="hash")
            extra: dict[str, Any] | None = field(extra=True)


        @sync
        def masked(ctx: Context) -> Batches[Contact]:
            """Every contact."""
            return ctx.changes(Contact)
    ''',
    "own_data": '''
        """Data of another system, and contacts with a column of the script's own."""

        from orgsync import Batch, Batches, Context, Record, field, sync


        class Ticket(Record, table=True):
            """A ticket, which Salesforce does not know."""

            __sobject__ = None
            title: str
            rank: int | None = field(index=True)


        class Contact(Record, table=True):
            """A person, and how loud they are."""

            last_name: str | None
            shout: str | None = field(local=True)


        def louder(contact: Contact) -> Contact:
            """Fill the script's own column."""
            contact.shout = (contact.last_name or "").upper()
            return contact


        @sync
        async def own_data(ctx: Context) -> Batches[Contact | Ticket]:
            """Tickets, and loud contacts."""
            yield Batch(Ticket, [{"id": "T-1", "title": "Broken", "rank": 2}])
            async for batch in ctx.changes(Contact):
                yield batch.map(louder)
    ''',
    "custom_objects": '''
        """Sites of a custom object, with fields of every type, and their regions."""

        from datetime import date, datetime, time
        from decimal import Decimal
        from typing import Any

        from orgsync import Batches, Context, Record, field, sync


        class Site(Record, table=True):
            """A site, its region and the region's owner."""

            __sobject__ = "Site__c"
            name: str | None
            code: str = field("Code__c")
            region_id: str | None = field("Region__c")
            region_code: str | None = field("Region__r.Code__c")
            region_owner: str | None = field("Region__r.Owner.Name")
            account_name: str | None = field("Account.Name")
            floors: int | None = field("Floors__c")
            area: float | None = field("Area__c")
            rent: Decimal | None = field("Rent__c")
            is_open: bool = field("IsOpen__c")
            opened: date | None = field("Opened__c")
            seen: datetime | None = field("Seen__c")
            opens_at: time | None = field("OpensAt__c")
            extra: dict[str, Any] | None = field("Extra__c", optional=True)


        class Region(Record, table=True):
            """Regions themselves."""

            __sobject__ = "Region__c"
            name: str | None
            code: str | None = field("Code__c")


        @sync
        def sites(ctx: Context) -> Batches[Site]:
            """Every site."""
            return ctx.changes(Site)
    ''',
    "several_classes": '''
        """Two classes in one sync, and a class that an own query reads with a checkpoint."""

        from collections.abc import AsyncIterator
        from datetime import datetime

        from orgsync import Batch, Context, Record, field, sync


        class Case(Record, table=True):
            """A case."""

            subject: str | None
            contact_id: str | None


        class Visit(Record, table=True):
            """A visit, read by a query of one's own."""

            __sobject__ = "Visit__c"
            name: str | None
            place: str | None = field("Place__c")


        @sync
        async def cases(ctx: Context) -> AsyncIterator[Batch[Case] | Batch[Visit]]:
            """Open cases, and visits page by page."""
            async for case in ctx.changes(Case, where="Status = :status AND Origin = 'Web'", status="Open"):
                yield case
            since = (ctx.checkpoint or {}).get("since", "2000-01-01T00:00:00.000+0000")
            soql = (
                "SELECT Id, Name, Place__c, SystemModstamp, IsDeleted FROM Visit__c "
                "WHERE SystemModstamp >= :since AND Weight__c != 4.5 ORDER BY SystemModstamp, Id"
            )
            rows = [row async for row in ctx.query(soql, deleted=True, since=datetime.fromisoformat(since))]
            for start in range(0, len(rows), 10):
                page = rows[start : start + 10]
                yield Batch(Visit, page, checkpoint={"since": page[-1]["SystemModstamp"]})
    ''',
    "snapshots": '''
        """A snapshot of what meets a condition, narrowed once more in Python."""

        from orgsync import Batches, Context, Record, field, sync


        class Order(Record, table=True):
            """An order."""

            order_number: str | None = field("OrderNumber")
            status: str | None


        class Person(Record, table=True):
            """A contact with a title, in capitals."""

            __sobject__ = "Contact"
            title: str | None
            last_name: str


        @sync
        def orders(ctx: Context) -> Batches[Order]:
            """Activated orders."""
            return ctx.snapshot(Order, where="Status = 'Activated'")


        def _louder(person: Person) -> Person:
            person.last_name = person.last_name.upper()
            return person


        @sync
        async def people(ctx: Context) -> Batches[Person]:
            """Contacts with a title."""
            async for batch in ctx.changes(Person):
                yield batch.filter(lambda person: person.title is not None).map(_louder)
    ''',
    "mapped": '''
        """People, made of contacts and kept in a table of their own."""

        from orgsync import Batches, Context, Record, sync


        class Contact(Record, table=True):
            """What is read."""

            first_name: str | None
            last_name: str | None


        class Person(Record, table=True):
            """What is kept."""

            name: str


        async def _person(contact: Contact) -> Person:
            return Person(id=contact.id, name=f"{contact.first_name or '?'} {contact.last_name}")


        @sync
        async def mapped(ctx: Context) -> Batches[Person]:
            """People."""
            async for batch in ctx.changes(Contact):
                yield await batch.map(_person, model=Person)
    ''',
}  # fmt: skip

BAD = {
    "imports without side effects": _plain('''
        import os
        from pathlib import Path

        Path(os.environ["TOUCHED"]).write_text("here")


        @sync
        def contacts(ctx: Context) -> Batches[Contact]:
            """Contacts."""
            return ctx.changes(Contact)
    '''),
    "has docstrings": _plain("""
        @sync
        def contacts(ctx: Context) -> Batches[Contact]:
            return ctx.changes(Contact)
    """),
    "has valid tables": _plain('''
        class Clash(Record, table=True):
            """A class whose table has a name of orgsync's own."""

            __sobject__ = "Account"
            __tablename__ = "orgsync_clash"
            name: str | None


        @sync
        def contacts(ctx: Context) -> Batches[Clash]:
            """Accounts."""
            return ctx.changes(Clash)
    '''),
    "sends queries that parse": _plain('''
        @sync
        async def contacts(ctx: Context) -> Batches[Contact]:
            """Contacts."""
            yield Batch(Contact, [row async for row in ctx.query("SELECT Id LastName FROM Contact")])
    '''),
    "brings every row in a first run": _plain('''
        @sync
        async def contacts(ctx: Context) -> Batches[Contact]:
            """Contacts, of a kind that there is not."""
            async for batch in ctx.changes(Contact):
                yield batch.filter(lambda contact: contact.last_name is None)
    '''),
    "brings every row in a first run: rewritten": _plain('''
        @sync
        async def contacts(ctx: Context) -> Batches[Contact]:
            """Contacts, in batches made anew."""
            async for batch in ctx.changes(Contact):
                yield Batch(Contact, [row for row in batch])
    '''),
    "brings every row in a first run: types": _plain('''
        class Crowd(Record, table=True):
            """Contacts by their number."""

            __sobject__ = "Contact"
            size: int | None


        @sync
        async def contacts(ctx: Context) -> Batches[Crowd]:
            """Contacts, with words where numbers belong."""
            async for row in ctx.query("SELECT Id, LastName, IsDeleted FROM Contact", deleted=True):
                yield Batch(Crowd, [{"id": row["Id"], "size": row["LastName"], "is_deleted": row["IsDeleted"]}])
    '''),
    "follows changes in a second run": _plain('''
        @sync
        async def contacts(ctx: Context) -> Batches[Contact]:
            """Contacts that had a title when they were met."""
            async for batch in ctx.changes(Contact):
                kept = [row for row in batch.rows if row[5] is not None]
                yield Batch.read(Contact, kept, deleted_ids=batch.deleted_ids, position=batch.position)
    '''),
    "follows changes in a second run: deletions": _plain('''
        @sync
        async def contacts(ctx: Context) -> Batches[Contact]:
            """Contacts, whose rows and positions are passed on, and whose deletions are not."""
            async for batch in ctx.changes(Contact):
                yield Batch.read(Contact, batch.rows, position=batch.position)
    '''),
    "follows changes in a second run: mapped deletions": _plain('''
        class Person(Record, table=True):
            """What is kept."""

            name: str | None


        @sync
        async def contacts(ctx: Context) -> Batches[Person]:
            """People, whose deletions are not passed on."""
            async for batch in ctx.changes(Contact):
                people = batch.map(lambda contact: {"id": contact.id, "name": contact.last_name}, model=Person)
                yield Batch.read(Person, people.rows, position=people.position)
    '''),
    "changes nothing when run again": _plain('''
        @sync
        async def contacts(ctx: Context) -> Batches[Contact]:
            """Contacts, each deleted and brought back once more in every run."""
            soql = "SELECT Id, LastName, Email, Title, IsDeleted FROM Contact"
            rows = [row async for row in ctx.query(soql, deleted=True)]
            yield Batch.deleted(Contact, [row["Id"] for row in rows])
            yield Batch(Contact, rows)
    '''),
    "resumes after an interruption": _plain('''
        @sync
        async def contacts(ctx: Context) -> Batches[Contact]:
            """Contacts, whose checkpoint is ahead of the rows it is committed with."""
            after = (ctx.checkpoint or {}).get("after", "")
            soql = "SELECT Id, LastName, Email, Title, SystemModstamp, IsDeleted FROM Contact ORDER BY Id"
            rows = [row async for row in ctx.query(soql, deleted=True)]
            todo = [row for row in rows if row["Id"] > after]
            for start in range(0, len(todo), 10):
                last = start + 10 >= len(todo)
                ahead = "" if last else rows[min(len(rows) - 1, start + 20)]["Id"]
                yield Batch(Contact, todo[start : start + 10], checkpoint={"after": ahead})
    '''),
    "keeps no state between connections": _plain('''
        _seen: set[str] = set()


        @sync
        async def contacts(ctx: Context) -> Batches[Contact]:
            """Contacts, but for those that were met before."""
            async for batch in ctx.changes(Contact):
                kept = [row for row in batch.rows if row[0] not in _seen]
                _seen.update(str(row[0]) for row in kept)
                yield Batch.read(Contact, kept, deleted_ids=batch.deleted_ids, position=batch.position)
    '''),
    "keeps no state between connections: a context": _plain('''
        _contexts: list[Context] = []


        @sync
        def contacts(ctx: Context) -> Batches[Contact]:
            """Contacts, of the connection that came first."""
            _contexts.append(ctx)
            return _contexts[0].changes(Contact)
    '''),
    "survives a 503": _plain('''
        @sync
        async def contacts(ctx: Context) -> Batches[Contact]:
            """Contacts, as many as could be had."""
            try:
                async for batch in ctx.changes(Contact):
                    yield batch
            except Exception:
                ctx.log.warning("something went wrong")
    '''),
    "survives a 401": _plain('''
        @sync
        async def contacts(ctx: Context) -> Batches[Contact]:
            """Contacts, with a token that is taken once."""
            access = await ctx._source.client._session.access()
            async for batch in ctx.changes(Contact):
                still = (await ctx._source.client._session.access()).token == access.token
                yield batch if still else batch.filter(lambda _: False)
    '''),
}  # fmt: skip
