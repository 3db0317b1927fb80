"""What mypy and pyright, both strict, know of a sync: they read this file in CI, and running it checks the same."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import Any, assert_type

from sqlalchemy import update

import orgsync
from orgsync import Batch, Batches, Change, Context, DryRun, Record, Run, Sync, field, select, sync


class Contact(Record, table=True):
    last_name: str
    account_name: str | None = field("Account.Name")


class Account(Record, table=True):
    name: str | None


@sync(every="15m")
def contacts(ctx: Context) -> Batches[Contact]:
    return ctx.changes(Contact)


@sync
async def named(ctx: Context) -> Batches[Contact]:
    async for batch in ctx.changes(Contact):
        assert_type(batch, Batch[Contact])
        yield batch.filter(lambda contact: contact.last_name != "")


async def followed() -> None:
    stream: AsyncIterator[Change[Contact]] = orgsync.changes(Contact, after=7, wait=True)
    async for change in stream:
        assert_type(change.record, Contact | None)
        assert_type(change.id, str | None)
    assert_type(orgsync.changes(Contact), AsyncGenerator[Change[Contact], None])
    assert_type(orgsync.changes(Contact, Account), AsyncGenerator[Change[Contact | Account], None])
    assert_type(orgsync.changes(connection="acme"), AsyncGenerator[Change[dict[str, Any]], None])


class Person(Record, table=True):
    name: str


def renamed(contact: Contact) -> Contact:
    return contact


async def renamed_later(contact: Contact) -> Contact:
    return contact


def to_person(contact: Contact) -> Person:
    return Person(id=contact.id, name=contact.last_name)


async def to_person_later(contact: Contact) -> Person:
    return to_person(contact)


async def is_named(contact: Contact) -> bool:
    return contact.last_name != ""


@sync
async def people(ctx: Context) -> Batches[Contact | Person]:
    async for batch in ctx.changes(Contact):
        assert_type(batch.map(renamed), Batch[Contact])
        assert_type(batch.map(lambda contact: {"id": contact.id}), Batch[Contact])
        assert_type(await batch.map(renamed_later), Batch[Contact])
        assert_type(await batch.filter(is_named), Batch[Contact])
        assert_type(batch.replace([contact for contact in batch]), Batch[Contact])  # noqa: C416
        assert_type(batch.replace([to_person(contact) for contact in batch], model=Person), Batch[Person])
        assert_type(await batch.map(to_person_later, model=Person), Batch[Person])
        yield batch.map(to_person, model=Person)


@sync
async def both(ctx: Context) -> Batches[Contact | Account]:
    async for contacts_batch in ctx.changes(Contact):
        yield contacts_batch
    async for accounts_batch in ctx.changes(Account):
        yield accounts_batch


# The ignores below are needed, or both checkers complain of them: that is the test.
@sync
def wrong(ctx: Context) -> Batches[Contact]:
    return ctx.changes(Account)  # type: ignore[arg-type] # pyright: ignore[reportReturnType]


@sync  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
def no_batches(ctx: Context) -> list[Contact]:
    return []


async def returned() -> None:
    """What a run and a session return."""
    async with orgsync.session(connection="acme") as session:
        assert_type((await session.exec(select(Contact).where(Contact.last_name != ""))).all(), Sequence[Contact])
        assert_type((await session.exec(select(Contact.id, Contact.last_name))).first(), tuple[str, str] | None)
        async for contact in session.stream(select(Contact)):
            assert_type(contact, Contact)
        async for names in session.stream(select(Contact.last_name, Account.id)):
            assert_type(names, tuple[str, str])
        await session.exec(update(Contact))  # type: ignore[call-overload] # pyright: ignore[reportArgumentType, reportCallIssue]
    assert_type(await orgsync.run(contacts, connection="acme"), Run)
    assert_type(await orgsync.run(both, connection="acme", full=True, dry_run=False), Run)
    assert_type(await orgsync.run(people, connection="acme", dry_run=True, limit=9), DryRun)


def test_a_sync_knows_its_record_class() -> None:
    assert_type(contacts, Sync[Contact])
    assert_type(named, Sync[Contact])
    assert_type(both, Sync[Contact | Account])
    assert [each.name for each in (contacts, named, both, wrong)] == ["contacts", "named", "both", "wrong"]


def test_a_record_has_the_types_of_its_fields() -> None:
    contact = Contact(id="003", last_name="Ann", account_name=None)
    assert_type(contact.last_name, str)
    assert_type(contact.account_name, str | None)
    assert contact.is_deleted is False
