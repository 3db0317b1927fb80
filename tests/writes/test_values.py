"""Values on their way to Salesforce: as a file has them, and as JSON has them."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal

import pytest

from orgsync.writes.spool import ABSENT
from orgsync.writes.values import ValueInvalid, csv_text, flat, rest_record, rest_value, value_of


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (None, "#N/A"),
        ("", "#N/A"),
        (ABSENT, ""),
        ("Ada", "Ada"),
        (True, "true"),
        (12, "12"),
        (1.5e-7, "0.00000015"),
        (Decimal("1.50"), "1.5"),
        (Decimal("12345678901234567890.25"), "12345678901234567890.25"),
        (date(2026, 1, 31), "2026-01-31"),
        (datetime(2026, 1, 31, 12, 15, tzinfo=timezone(timedelta(hours=2))), "2026-01-31T10:15:00.000Z"),
        (time(10, 15), "10:15:00.000Z"),
    ],
)
def test_a_value_is_a_cell_of_a_file(given: object, text: str) -> None:
    assert csv_text(value_of(given)) == text


@pytest.mark.parametrize("given", [float("nan"), Decimal("Infinity"), datetime(2026, 1, 31), [1], b"x", "\ud800"])
def test_what_no_field_holds_is_refused(given: object) -> None:
    with pytest.raises(ValueInvalid):
        value_of(given)


def test_texts_of_a_file_become_what_the_field_takes() -> None:
    assert rest_value("TRUE", "boolean") is True
    assert rest_value("12", "int") == 12
    assert rest_value("12.50", "currency") == 12.5
    assert rest_value("12", "string") == "12"
    assert rest_value("soon", "int") == "soon"


def test_parents_are_nested_for_collections_and_flat_for_files() -> None:
    nested = {"Account": {"Key__c": "a"}, "Who": {"attributes": {"type": "Lead"}, "Email": "x"}, "Name": "n"}
    cells = flat(nested)
    assert cells == {"Account.Key__c": "a", "Lead:Who.Email": "x", "Name": "n"}
    assert rest_record({"Account.Key__c": "a", "Lead:Who.Email": "x", "Name": "n"}) == nested
    assert rest_record({"Account.Key__c": None}) == {"Account": None}
    assert value_of(datetime(2026, 1, 1, tzinfo=UTC)) == "2026-01-01T00:00:00.000Z"
