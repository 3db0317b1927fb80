"""Values as Salesforce writes them, and values that do not fit."""

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orgsync import Record, field
from orgsync.errors import RecordClassInvalid, ResponseUnreadable
from orgsync.records import FieldFacts, decode, parse_instant, schema_of, to_stored


class Thing(Record, table=True):
    text: str | None
    count: int | None
    price: Decimal | None
    ratio: float | None
    flag: bool | None
    at: datetime | None
    tags: list[str] | None
    owner_city: str | None = field("Account.Owner.City")


def row(**values: Any) -> dict[str, Any]:
    record = {
        "Id": "a00000000000001AAA",
        "SystemModstamp": None,
        "IsDeleted": False,
        "Text": None,
        "Count": None,
        "Price": None,
        "Ratio": None,
        "Flag": None,
        "At": None,
        "Tags": None,
        "Account": None,
        **values,
    }
    names = [column.name for column in schema_of(Thing).columns]
    return dict(zip(names, decode(schema_of(Thing), [record])[0], strict=True))


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("2026-01-31T10:15:00.000+0000", "2026-01-31T10:15:00.000Z"),
        ("2026-01-31T10:15:00.123+0000", "2026-01-31T10:15:00.123Z"),
        ("2026-01-31T10:15:00.000Z", "2026-01-31T10:15:00.000Z"),
        ("2026-01-31T10:15:00Z", "2026-01-31T10:15:00.000Z"),
        ("2026-01-31T12:15:00.000+0200", "2026-01-31T10:15:00.000Z"),
        ("2026-01-31T10:15:00", "2026-01-31T10:15:00.000Z"),
    ],
)
def test_every_notation_of_a_datetime_has_one_stored_form(written: str, stored: str) -> None:
    assert row(At=written)["at"] == stored


@given(st.datetimes(min_value=datetime(1000, 1, 1), max_value=datetime(9998, 1, 1)), st.integers(-14, 14))
def test_stored_text_sorts_as_time_does(naive: datetime, hours: int) -> None:
    earlier = naive.replace(tzinfo=timezone(timedelta(hours=hours)), microsecond=0)
    later = earlier + timedelta(milliseconds=1)
    assert to_stored(earlier) < to_stored(later)
    assert parse_instant(to_stored(earlier)) == earlier


@pytest.mark.parametrize(
    ("written", "stored"), [(3, 3), (3.0, 3), ("3", 3), (Decimal("3.0"), 3), (9007199254740993, 9007199254740993)]
)
def test_an_integer_may_have_a_decimal_point(written: object, stored: int) -> None:
    assert row(Count=written)["count"] == stored


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"Count": 3.5}, r"Thing\.count is declared int"),
        ({"Count": "many"}, r"Thing\.count is declared int"),
        ({"Flag": "maybe"}, r"Thing\.flag is declared bool"),
        ({"At": "yesterday"}, r"Thing\.at is declared datetime"),
        ({"Price": "dear"}, r"Thing\.price is declared Decimal"),
    ],
)
def test_a_value_of_another_type_is_an_error_that_names_the_field_and_not_the_value(
    values: dict[str, Any], named: str
) -> None:
    with pytest.raises(RecordClassInvalid, match=named) as caught:
        row(**values)
    assert str(next(iter(values.values()))) not in str(caught.value)


@pytest.mark.parametrize(
    ("written", "stored"), [("1.23456789E9", "1234567890"), ("1.5", "1.5"), ("0.10", "0.10"), ("7", "7")]
)
def test_a_decimal_keeps_every_digit_and_no_exponent(written: str, stored: str) -> None:
    exact = json.loads(written, parse_float=Decimal)
    assert Decimal(row(Price=exact)["price"]) == Decimal(stored)
    assert "E" not in row(Price=exact)["price"]


@pytest.mark.parametrize("name", ["Count", "Price", "Text"])
@pytest.mark.parametrize(
    "number", ["1e999999999", "-1e200000000", "1e-999999999", "NaN", "-Infinity", f"1{'0' * 2000}", f"0.{'0' * 2000}1"]
)
def test_a_number_that_no_field_of_salesforces_holds_is_the_servers_fault(name: str, number: str) -> None:
    with pytest.raises(ResponseUnreadable, match=rf"a number in Thing\.{name} that no field") as caught:
        row(**{name: Decimal(number)})
    assert number not in str(caught.value)


@pytest.mark.parametrize("number", [float("inf"), float("nan"), Decimal("1e999999999"), 10**400])
def test_a_number_that_no_double_holds_is_the_servers_fault(number: float) -> None:
    with pytest.raises(ResponseUnreadable, match=r"a number in Thing\.Ratio that no field"):
        row(Ratio=number)
    with pytest.raises(ResponseUnreadable, match=r"a number in Thing\.Tags that no field"):
        row(Tags=[Decimal(number)])


def test_a_zero_is_zero_whatever_its_exponent() -> None:
    zero = Decimal("-0e999999999")
    assert row(Count=zero, Price=zero, Text=zero) == row(Count=0, Price=0, Text=0)


@pytest.mark.parametrize(
    ("written", "stored"),
    [("x", "x"), ("", None), (5, "5"), (Decimal("1.50"), "1.5"), ({"attributes": {}, "a": [1]}, '{"a": [1]}')],
)
def test_text_takes_every_value(written: object, stored: str | None) -> None:
    assert row(Text=written)["text"] == stored


@pytest.mark.parametrize(("written", "stored"), [(True, True), ("true", True), ("False", False)])
def test_booleans_may_be_json_or_text(written: object, stored: bool) -> None:
    assert row(Flag=written)["flag"] is stored


@pytest.mark.parametrize("parent", [None, {"Owner": None}, {"Owner": {"City": None}}])
def test_a_parent_that_is_null_has_null_fields(parent: object) -> None:
    assert row(Account=parent)["owner_city"] is None


def test_a_parent_is_followed_to_its_field() -> None:
    assert row(Account={"Owner": {"City": "Oslo"}})["owner_city"] == "Oslo"


def test_a_selected_field_that_a_response_lacks_is_not_taken_for_null() -> None:
    with pytest.raises(ResponseUnreadable, match=r"lacks Thing\.SystemModstamp"):
        decode(schema_of(Thing), [{"Id": "a00000000000001AAA"}])


def test_absent_fields_are_null_and_nothing_is_deleted_without_is_deleted() -> None:
    record = {"Id": "a00000000000001AAA", "CreatedDate": "2026-01-01T00:00:00.000+0000"}
    absent = ["IsDeleted", *(column.path for column in schema_of(Thing).fields)]
    (decoded,) = decode(schema_of(Thing), [record], FieldFacts("CreatedDate", absent))
    assert decoded[:3] == ("a00000000000001AAA", "2026-01-01T00:00:00.000Z", False)
    assert set(decoded[3:]) == {None}


def test_lists_are_kept_as_json() -> None:
    assert row(Tags=["a", {"attributes": 1, "b": 2}])["tags"] == '["a", {"b": 2}]'


def test_a_datetime_without_a_zone_is_utc() -> None:
    assert parse_instant("2026-01-01T00:00:00") == datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
def test_an_instant_outside_the_calendar_is_no_instant(text: str) -> None:
    with pytest.raises(ValueError, match="no instant"):
        parse_instant(text)


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 1e19])
def test_a_number_that_no_integer_column_holds_is_refused(number: float) -> None:
    class Counted(Record, table=True):
        number: int | None

    record = {"Id": "003000000000001AAA", "SystemModstamp": None, "IsDeleted": False, "Number": number}
    with pytest.raises(RecordClassInvalid, match=r"Counted\.number is declared int"):
        decode(schema_of(Counted), [record])
