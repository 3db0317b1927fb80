"""`orgsync.session` and `orgsync.select`: live rows, typed, and nothing written."""

from collections.abc import Callable
from contextlib import aclosing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from sqlalchemy import exists, func, text, union, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import aliased
from sqlmodel import col

import orgsync
from orgsync import Batches, Context, Record, select, sync
from orgsync.demo_org import DemoOrg
from orgsync.errors import ArgumentInvalid, NameUnknown
from tests.projects import credentials_for


class Contact(Record, table=True):
    last_name: str
    account_id: str | None


class Account(Record, table=True):
    name: str
    annual_revenue: Decimal | None


@sync
async def both(ctx: Context) -> Batches[Contact | Account]:
    async for contacts in ctx.changes(Contact):
        yield contacts
    async for accounts in ctx.changes(Account):
        yield accounts


@pytest.fixture
async def copied(acme: DemoOrg) -> DemoOrg:
    """An org of 25 contacts, all of one account, of which five contacts and the other four accounts are deleted."""
    first, *others = [str(row["Id"]) for row in acme.rows("Account")]
    for row in acme.rows("Contact"):
        acme.update("Contact", str(row["Id"]), AccountId=first)
    await orgsync.run(both, connection="acme")
    for row in acme.rows("Contact")[:5]:
        acme.delete("Contact", str(row["Id"]))
    for each in others:
        acme.delete("Account", each)
    run = await orgsync.run(both, connection="acme")
    assert run.deleted == 9
    return acme


async def rows_of(statement: Any, **options: Any) -> list[Any]:
    session: Any
    async with orgsync.session(**options) as session:
        return list((await session.exec(statement)).all())


async def test_a_class_is_read_as_objects_that_last(copied: DemoOrg) -> None:
    async with orgsync.session(connection="acme") as session:
        found = (await session.exec(select(Contact).where(Contact.last_name != "").order_by(Contact.id))).all()
    assert [each.id for each in found] == sorted(str(row["Id"]) for row in copied.rows("Contact"))
    assert found[0].sync_changed_at is not None


def any_select(of: Any) -> Any:
    """Select what SQLModel's own types do not foresee."""
    return sqlalchemy.select(of)


def of_accounts(contact: Any) -> Any:
    return select(Account).where(col(Account.id).in_(select(contact.account_id)))


MANY: dict[str, tuple[Callable[[], Any], int, int]] = {
    "a class": (lambda: select(Contact), 20, 25),
    "a column": (lambda: select(Contact.last_name), 20, 25),
    "columns": (lambda: select(Contact.id, Contact.last_name), 20, 25),
    "an alias": (lambda: select(aliased(Contact)), 20, 25),
    "a column of an alias": (lambda: select(aliased(Contact).id), 20, 25),
    "an inner join": (lambda: select(Contact, Account).join(Account, col(Account.id) == Contact.account_id), 20, 25),
    "an outer join": (
        lambda: select(Account, Contact).join(Contact, col(Account.id) == Contact.account_id, isouter=True),
        20,
        29,
    ),
    "two classes": (lambda: select(Contact, Account.name).where(Account.id == Contact.account_id), 20, 25),
    "a subquery's condition": (lambda: of_accounts(Contact), 1, 1),
    "no partner": (
        lambda: select(Contact).where(~exists().where(col(Account.id) != Contact.account_id)),
        20,
        0,
    ),
    "a subquery": (lambda: any_select(select(Contact.id).subquery()), 20, 25),
    "a common table expression": (lambda: any_select(select(Contact.id).cte()), 20, 25),
    "a union": (lambda: any_select(union(select(Contact.id), select(Account.id)).subquery()), 21, 30),
}
ONE: dict[str, tuple[Callable[[], Any], int, int]] = {
    "a count": (lambda: select(func.count()).select_from(Contact), 20, 25),
    "a count of a column": (lambda: select(func.count(col(Contact.id))), 20, 25),
    "a scalar subquery": (
        lambda: select(
            select(func.count(col(Contact.id))).where(col(Contact.account_id) == Account.id).scalar_subquery()
        ).select_from(Account),
        20,
        25,
    ),
}


async def test_every_select_reads_live_rows_unless_deleted_ones_are_wanted(copied: DemoOrg) -> None:
    live: Any
    of_acme: Any
    whole: Any
    async with (
        orgsync.session() as live,
        orgsync.session(connection="acme") as of_acme,
        orgsync.session(deleted=True) as whole,
    ):
        for kind, (statement, of_live_rows, of_all) in MANY.items():
            assert len((await live.exec(statement())).all()) == of_live_rows, kind
            assert len((await of_acme.exec(statement())).all()) == of_live_rows, kind
            assert len((await whole.exec(statement())).all()) == of_all, kind
        for kind, (statement, of_live_rows, of_all) in ONE.items():
            assert (await live.exec(statement())).one() == of_live_rows, kind
            assert max((await whole.exec(statement())).all()) == of_all, kind


async def test_a_session_of_a_connection_reads_that_ones_rows_alone(copied: DemoOrg) -> None:
    with DemoOrg(contacts=3, accounts=1, seed=7) as other:
        await orgsync.connections.add("globex", credentials_for(other))
        await orgsync.run(both, connection="globex")
    assert len(await rows_of(select(Contact), connection="globex")) == 3
    assert len(await rows_of(select(Contact), connection="acme")) == 20
    assert len(await rows_of(select(Contact))) == 23
    assert {each.connection for each in await rows_of(select(Contact), connection="acme", deleted=True)} == {"acme"}
    with pytest.raises(NameUnknown, match="did you mean 'globex'"):
        await rows_of(select(Contact), connection="globx")


async def test_rows_are_streamed_one_by_one(copied: DemoOrg) -> None:
    async with orgsync.session() as session:
        async with aclosing(session.stream(select(Contact.id, Contact.last_name))) as rows:
            first = [row async for row in rows][0]  # noqa: RUF015
        async with aclosing(session.stream(select(Contact))) as contacts:
            async for contact in contacts:
                assert contact.last_name
                break
        assert len([each async for each in session.stream(select(Account))]) == 1
    assert len(first) == 2


async def test_numbers_are_exact(copied: DemoOrg) -> None:
    [live] = await rows_of(select(Account))
    [row] = copied.rows("Account")
    assert live.annual_revenue == (None if row["AnnualRevenue"] is None else Decimal(str(row["AnnualRevenue"])))


async def test_a_table_that_does_not_exist_yet_is_named_with_what_makes_it(project: Path) -> None:
    for statement in (select(Contact), select(func.count()).select_from(Contact)):
        with pytest.raises(NameUnknown, match="no table 'contact' of the record class Contact yet") as caught:
            await rows_of(statement)
        assert caught.value.remedy.startswith("Run a sync of Contact: it creates the table. The database is sqlite:///")
    async with orgsync.session() as session:
        with pytest.raises(NameUnknown, match="no table 'contact'"):
            await anext(session.stream(select(Contact)))


async def test_a_column_that_does_not_exist_yet_is_named_with_what_adds_it(copied: DemoOrg) -> None:
    def wider() -> type[Record]:
        class Contact(Record, table=True):
            last_name: str
            nickname: str | None

        return Contact

    with pytest.raises(NameUnknown, match="table 'contact' does not have the column 'nickname' of Contact") as caught:
        await rows_of(select(wider()))
    assert caught.value.remedy == "Run the sync of Contact: it adds the column and fills it."


async def test_what_is_wrong_in_a_statement_itself_stays_the_databases_error(copied: DemoOrg) -> None:
    with pytest.raises(OperationalError, match="no such function"):
        await rows_of(select(func.nonsense(Contact.last_name)))


@pytest.mark.parametrize(
    "statement",
    [
        update(Contact).values(last_name=""),
        text("SELECT 1"),
        union(select(Contact.id), select(Account.id)),
    ],
    ids=["update", "text", "union"],
)
async def test_a_session_takes_nothing_but_selects(copied: DemoOrg, statement: Any) -> None:
    with pytest.raises(ArgumentInvalid, match="The session reads by select"):
        await rows_of(statement)
    assert not hasattr(orgsync.ReadSession, "add")
    assert not hasattr(orgsync.ReadSession, "commit")
