"""Bulk's CSV and REST's JSON: the same row, to the last digit and character."""

import csv
import io
import json
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orgsync import Record, field
from orgsync.errors import RecordClassInvalid, ResponseUnreadable
from orgsync.records import FieldFacts, decode, decode_csv, schema_of


class Thing(Record, table=True):
    """One column of each kind that both ways can read."""

    text: str | None
    count: int | None
    ratio: float | None
    price: Decimal | None
    digits: str | None
    flag: bool | None
    flag_as_text: str | None = field("Flag")
    at: datetime | None
    at_as_text: str | None = field("At")
    day: date | None
    clock: time | None
    address: dict[str, Any] | None = field("MailingAddress")
    owner: str | None = field("Account.Owner.Name")


KEY = "a00000000000001AAA"
PARTS = {"city": "MailingCity", "latitude": "MailingLatitude", "street": "MailingStreet"}
READING = FieldFacts(numbers=("Digits",), instants=("At",), compounds={"MailingAddress": PARTS})

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\r"), max_size=20)
numbers = st.decimals(-(10**12), 10**12, places=3)


def as_json(value: Any) -> Any:
    """Write a value as REST does; doubles always have a point."""
    if isinstance(value, Decimal):
        return Decimal(f"{value:f}" if "." in f"{value:f}" else f"{value:f}.0")
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    if isinstance(value, time):
        return value.strftime("%H:%M:%S.000Z")
    return value.isoformat() if isinstance(value, date) else value


def as_text(value: Any) -> str:
    """Write a value as Bulk does."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return str(as_json(value))


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "Id": st.from_regex(r"a00[0-9A-Za-z]{15}", fullmatch=True),
                "SystemModstamp": st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)),
                "IsDeleted": st.booleans(),
                "Text": st.none() | texts,
                "Count": st.none() | st.integers(-(10**9), 10**9),
                "Ratio": st.none() | numbers,
                "Price": st.none() | numbers,
                "Digits": st.none() | numbers,
                "Flag": st.booleans(),
                "At": st.none() | st.datetimes(datetime(1700, 1, 1), datetime(4000, 1, 1)),
                "Day": st.none() | st.dates(date(1700, 1, 1), date(4000, 1, 1)),
                "Clock": st.none() | st.times(),
                "MailingCity": st.none() | texts,
                "MailingStreet": st.none() | texts,
                "MailingLatitude": st.none() | st.decimals(-90, 90, places=6),
                "Account.Owner.Name": st.none() | texts,
            }
        ),
        max_size=5,
    ),
    st.randoms(use_true_random=False),
)
def test_rest_and_bulk_give_the_same_rows(things: list[dict[str, Any]], dice: Any) -> None:
    records: list[dict[str, Any]] = []
    for thing in things:
        record = {name: as_json(value) for name, value in thing.items()}
        parts = {key: None if (part := record.pop(path)) == "" else part for key, path in PARTS.items()}
        record["MailingAddress"] = parts if any(value is not None for value in parts.values()) else None
        name = record.pop("Account.Owner.Name")
        record["Account"] = None if name is None else {"attributes": {}, "Owner": {"attributes": {}, "Name": name}}
        records.append(record)
    header = list(things[0]) if things else []
    dice.shuffle(header)  # columns are found by name
    rows = [[as_text(thing[name]) for name in header] for thing in things]
    schema = schema_of(Thing)
    assert decode_csv(schema, header, rows, READING) == decode(schema, records, READING)


@pytest.mark.parametrize(
    ("rest", "bulk", "stored"),
    [
        ("3.0", "3", "3"),
        ("1.5E10", "15000000000.0", "15000000000"),
        ("1.23456789E9", "1234567890", "1234567890"),
        ("-0.0", "0", "0"),
        ("0.10", "0.1", "0.1"),
        ("100.0", "100", "100"),
        ("12345678901234567.89", "12345678901234567.89", "12345678901234567.89"),
        ("1E-7", "0.0000001", "0.0000001"),
    ],
)
def test_equal_numbers_are_stored_alike(rest: str, bulk: str, stored: str) -> None:
    class Money(Record, table=True):
        exact: Decimal | None
        text: str | None = field("Exact")

    reading = FieldFacts("", absent=["IsDeleted"], numbers=["Exact"])
    (by_rest,) = decode(schema_of(Money), [{"Id": KEY, "Exact": json.loads(rest, parse_float=Decimal)}], reading)
    (by_bulk,) = decode_csv(schema_of(Money), ["Id", "Exact"], [[KEY, bulk]], reading)
    assert by_rest == by_bulk == (KEY, None, False, stored, stored)


@pytest.mark.parametrize(
    ("rest", "bulk", "stored"),
    [
        ("50000.0", "50000", "50000"),
        ("50000", "50000.0", "50000"),
        ("1.5E9", "1500000000.0", "1500000000"),
        ('"2026-01-31T10:15:00.000+0000"', "2026-01-31T10:15:00.000Z", "2026-01-31T10:15:00.000Z"),
        ("true", "true", "true"),
        ('"1-800"', "1-800", "1-800"),
        ('"007"', "007", "007"),
        ('"at 2026-01-31T10:15:00.000+0000"', "at 2026-01-31T10:15:00.000+0000", "at 2026-01-31T10:15:00.000+0000"),
        ('""', "", None),
    ],
)
def test_a_value_of_any_type_has_one_notation(rest: str, bulk: str, stored: str | None) -> None:
    class History(Record, table=True):
        new_value: str | None

    reading = FieldFacts("", absent=["IsDeleted"], any_type=["NewValue"])
    value = json.loads(rest, parse_float=Decimal)
    (by_rest,) = decode(schema_of(History), [{"Id": KEY, "NewValue": value}], reading)
    (by_bulk,) = decode_csv(schema_of(History), ["Id", "NewValue"], [[KEY, bulk]], reading)
    assert by_rest == by_bulk == (KEY, None, False, stored)


def test_a_text_of_rest_that_looks_like_a_number_stays_as_it_is() -> None:
    class History(Record, table=True):
        new_value: str | None

    reading = FieldFacts("", absent=["IsDeleted"], any_type=["NewValue"])
    assert decode(schema_of(History), [{"Id": KEY, "NewValue": "1.10"}], reading) == [(KEY, None, False, "1.10")]


def test_an_empty_text_is_null_both_ways() -> None:
    class Named(Record, table=True):
        name: str | None

    reading = FieldFacts("", absent=["IsDeleted"])
    assert decode(schema_of(Named), [{"Id": KEY, "Name": ""}], reading) == [(KEY, None, False, None)]
    assert decode_csv(schema_of(Named), ["Id", "Name"], [[KEY, ""]], reading) == [(KEY, None, False, None)]


def test_a_missing_column_is_not_taken_for_null() -> None:
    with pytest.raises(ResponseUnreadable, match=r"lacks Thing\.SystemModstamp"):
        decode_csv(schema_of(Thing), ["Id"], [[KEY]], READING)


def test_a_date_that_became_a_datetime_is_an_error_and_not_cut_short() -> None:
    class Dated(Record, table=True):
        day: date | None

    reading = FieldFacts("", absent=["IsDeleted"])
    with pytest.raises(RecordClassInvalid, match=r"Dated\.day is declared date"):
        decode_csv(schema_of(Dated), ["Id", "Day"], [[KEY, "2026-01-31T10:15:00.000Z"]], reading)
    with pytest.raises(RecordClassInvalid, match=r"Dated\.day is declared date"):
        decode(schema_of(Dated), [{"Id": KEY, "Day": "2026-01-31T10:15:00.000+0000"}], reading)


def test_a_recorded_bulk_result_is_read() -> None:
    recorded = Path(__file__).parents[3] / "shared/recordings/onyx-dot-app+onyx"
    files = sorted(recorded.rglob("*.csv")) if recorded.is_dir() else []
    if not files:
        pytest.skip("the recordings of real orgs are not beside this checkout")

    class Account(Record, table=True):
        name: str | None
        billing_street: str | None
        created_date: datetime | None
        is_customer_portal: bool | None = field("IsCustomerPortal", optional=True)

    with io.StringIO(files[0].read_text(), newline="") as text:
        header, *rows = csv.reader(text, strict=True)
    absent = [column.path for column in schema_of(Account).columns if column.path not in header]
    decoded = decode_csv(schema_of(Account), header, rows, FieldFacts(absent=absent))
    assert len(decoded) == len(rows) > 0
    assert all(str(row[0]).startswith("001") and str(row[1]).endswith(".000Z") and row[2] is False for row in decoded)
