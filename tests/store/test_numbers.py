"""Numbers compare and sort as numbers in SQL, and come back exact."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import CompileError
from sqlalchemy.orm import aliased
from sqlmodel import col, func, select

from orgsync.errors import RecordClassInvalid
from orgsync.records import Record, Row, field, schema_of, stored_number
from orgsync.store import Counts, Run, Store, Write
from tests.store.contacts import MID
from tests.store.databases import ON_SQLITE_ALONE, Database
from tests.store.running import Start


class Deal(Record, table=True):
    amount: Decimal = field(index=True)
    fee: Decimal | None


SCHEMA = schema_of(Deal)
deal_amount = col(Deal.amount)
EXACT = Decimal("1234567890123456.78")  # 18 digits, of which a double holds 17


def deal(key: str, amount: Decimal | None, fee: Decimal | None = None, *, deleted: bool = False) -> Row:
    return (key, MID, deleted, *(None if each is None else stored_number(each) for each in (amount, fee)))


async def keep(store: Store, run: Run, amounts: Sequence[Decimal | None]) -> Counts:
    rows = [deal(f"{number:04}", amount) for number, amount in enumerate(amounts)]
    return await store.rows.commit(run, [Write(SCHEMA, rows)], None, 0)


AMOUNTS = [Decimal(each) for each in ("900", "-3", "10000", "9000.25", "0", "12.5")]


async def test_a_comparison_compares_numbers(store: Store, run: Run) -> None:
    await keep(store, run, [*AMOUNTS, None])
    async with store.session() as session:
        found = await session.exec(select(Deal).where(deal_amount > Decimal(9000)).order_by(deal_amount))
        assert [deal.amount for deal in found] == [Decimal("9000.25"), Decimal(10000)]
        found = await session.exec(select(Deal).where(deal_amount.in_([Decimal("12.50"), Decimal("9E2")])))
        assert {deal.amount for deal in found} == {Decimal("12.5"), Decimal(900)}
        found = await session.exec(select(Deal).where(deal_amount.between(Decimal(-5), Decimal(0))))
        assert {deal.amount for deal in found} == {Decimal(-3), Decimal(0)}


async def test_what_sql_computes_compares_with_numbers(store: Store, run: Run) -> None:
    await keep(store, run, AMOUNTS)
    async with store.session() as session:
        found = await session.exec(select(deal_amount).where(deal_amount * 2 > Decimal(19000)))
        assert list(found) == [Decimal(10000)]


@pytest.mark.parametrize("order", [deal_amount, sa.text("deal.amount"), sa.label("amount", deal_amount)])
async def test_rows_sort_by_number(store: Store, run: Run, order: Any) -> None:
    await keep(store, run, AMOUNTS)
    async with store.session() as session:
        assert [each.amount for each in await session.exec(select(Deal).order_by(order))] == sorted(AMOUNTS)
        assert list(await session.exec(select(deal_amount).order_by(order))) == sorted(AMOUNTS)


async def test_plain_sql_compares_sorts_and_computes(store: Store, run: Run, database: Database) -> None:
    await keep(store, run, AMOUNTS)
    found = database.execute("SELECT amount FROM deal WHERE amount > 9000 ORDER BY amount DESC")
    assert [float(amount) for (amount,) in found] == [10000, 9000.25]
    assert [float(amount) for (amount,) in database.execute("SELECT sum(amount) FROM deal")] == [19909.75]
    assert [float(amount) for (amount,) in database.execute("SELECT max(amount) FROM deal")] == [10000]


async def test_eighteen_digits_with_two_decimals_come_back_exact(store: Store, run: Run, database: Database) -> None:
    await keep(store, run, [EXACT])
    assert [row["amount"] async for row in store.rows.read("deal")] == ["1234567890123456.78"]
    assert (await store.rows.get("deal", "acme", ["0000"]))["0000"]["amount"] == "1234567890123456.78"
    async with store.session() as session:
        assert [each.amount for each in await session.exec(select(Deal))] == [EXACT]
        assert list(await session.exec(select(deal_amount).where(deal_amount == EXACT))) == [EXACT]
        other = aliased(Deal)
        assert list(await session.exec(select(col(other.amount)))) == [EXACT]
        assert list(await session.exec(select(sa.label("most", deal_amount)))) == [EXACT]
    [(amount,)] = database.execute("SELECT amount FROM deal")
    assert float(amount) == float(EXACT)


async def test_the_last_digit_counts_as_a_change(store: Store, run: Run) -> None:
    await keep(store, run, [EXACT])
    other = EXACT + Decimal("0.01")
    assert float(other) == float(EXACT)
    assert await keep(store, run, [other]) == Counts(updated=1)
    assert await keep(store, run, [other]) == Counts(unchanged=1)
    assert [row["amount"] async for row in store.rows.read("deal", changes=True)] == [str(other)]


async def test_a_row_that_comes_deleted_has_its_last_number(store: Store, run: Run) -> None:
    await keep(store, run, [EXACT])
    await store.rows.commit(run, [Write(SCHEMA, [deal("0000", Decimal(7), EXACT, deleted=True)])], None, 0)
    rows = [row async for row in store.rows.read("deal", changes=True)]
    assert [(row["amount"], row["fee"], row["is_deleted"]) for row in rows] == [("7", str(EXACT), True)]


async def test_sums_and_products_are_decimals_of_a_double(store: Store, run: Run) -> None:
    await keep(store, run, AMOUNTS)
    async with store.session() as session:
        assert list(await session.exec(select(func.sum(deal_amount)))) == [Decimal("19909.75")]
        assert list(await session.exec(select(func.max(deal_amount)))) == [Decimal(10000)]
        product = deal_amount * 2 + Decimal("0.5")
        assert list(await session.exec(select(product).where(deal_amount == 12.5))) == [Decimal("25.5")]


@ON_SQLITE_ALONE
async def test_digits_are_not_guessed_behind_a_subquery(store: Store, run: Run) -> None:
    await keep(store, run, [EXACT])
    inner = select(Deal).subquery()
    async with store.session() as session:
        with pytest.raises(CompileError, match="digits of amount are not available through a subquery"):
            await session.exec(select(inner.c.amount))
        assert list(await session.exec(select(sa.cast(inner.c.amount, sa.Float)))) == [float(EXACT)]
        assert list(await session.exec(select(func.count()).where(inner.c.amount > Decimal(5)))) == [1]


async def test_a_column_of_numbers_is_shown_once(store: Store, run: Run) -> None:
    await keep(store, run, [EXACT])
    [row] = [row async for row in store.rows.read("deal")]
    assert [name for name in row if "amount" in name or "fee" in name] == ["amount", "fee"]


async def test_a_table_is_widened_by_a_column_of_numbers(store: Store, run: Run) -> None:
    def narrow() -> type[Record]:
        class Deal(Record, table=True):
            fee: Decimal | None

        return Deal

    await store.rows.commit(run, [Write(schema_of(narrow()), [("0000", MID, False, "3")])], None, 0)
    assert await store.rows.prepare(SCHEMA) == ["amount"]
    assert await keep(store, run, [EXACT]) == Counts(updated=1)
    assert [row["amount"] async for row in store.rows.read("deal")] == [str(EXACT)]


async def test_text_does_not_become_a_column_of_numbers(store: Store, run: Run) -> None:
    class Other(Record, table=True):
        __tablename__ = "deal"
        amount: str | None

    await keep(store, run, [EXACT])
    with pytest.raises(
        RecordClassInvalid, match=r"(?i)Other\.amount is (VARCHAR|text) in the class, but numeric in the table"
    ):
        await store.rows.prepare(schema_of(Other))


def test_another_database_uses_its_own_numbers() -> None:
    statement = select(deal_amount).where(deal_amount > Decimal(9))
    text = str(statement.compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]
    assert "__exact" not in text
    assert "CAST" not in text


def scaled(digits: int, scale: int) -> Decimal:
    return Decimal(digits).scaleb(-scale)


def with_exponent(digits: int, power: int) -> Decimal:
    return Decimal(f"{digits}E{power}")


DIGITS = st.integers(-(10**18) + 1, 10**18 - 1)
SALESFORCE = st.one_of(
    st.builds(scaled, DIGITS, st.integers(0, 18)),
    st.floats(allow_nan=False, allow_infinity=False).map(lambda value: Decimal(repr(value))),
    st.builds(with_exponent, st.integers(-99_999, 99_999), st.integers(-30, 30)),
    st.integers(-(2**63), 2**63 - 1).map(Decimal),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(SALESFORCE, min_size=1, max_size=20))
async def test_what_goes_in_comes_out_equal_and_in_order(store: Store, start: Start, amounts: list[Decimal]) -> None:
    owner = uuid4().hex
    run = await start("deals", owner)
    assert await keep(store, run, amounts) == Counts(added=len(amounts))
    async with store.session() as session:
        mine = select(deal_amount).where(Deal.connection == owner)
        assert list(await session.exec(mine.order_by(col(Deal.id)))) == amounts
        ordered = list(await session.exec(mine.order_by(deal_amount)))
        pairs = pairwise(ordered)
        assert all(one <= two or is_tie(one, two) for one, two in pairs)
        for amount in amounts:
            assert amount in list(await session.exec(mine.where(deal_amount == amount)))


def is_tie(one: Decimal, two: Decimal) -> bool:
    """Tell whether a double cannot tell two numbers apart; whole ones of 64 bits it need not."""
    whole = all(each == each.to_integral_value() and abs(each) < 2**63 for each in (one, two))
    return not whole and float(one) == pytest.approx(float(two), rel=3e-16, abs=5e-324)
