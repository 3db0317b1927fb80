"""Rows that a script gives: keys, Ids and values that do not fit are refused with a sentence."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from orgsync import Batch, Record, field
from orgsync.errors import ScriptProblem
from orgsync.records import long_id

ANN = long_id("0037Q00000C0001")


class Visit(Record, table=True):
    last_name: str | None
    floors: int | None
    area: float | None
    rent: Decimal | None
    is_open: bool | None
    opened: date | None
    seen: datetime | None
    opens_at: time | None
    extra: dict[str, Any] | None
    tags: list[str] | None
    account_name: str | None = field("Account.Name")
    owner_city: str | None = field("Account.Owner.City")


def stored(**given: Any) -> Any:
    ((name, value),) = given.items()
    (row,) = Batch(Visit, [{"id": ANN, name: value}]).rows
    return dict(zip([column.name for column in Batch(Visit).schema.columns], row, strict=True))[name]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"id": ANN, "lastname": "x"}, "has the key lastname, which Visit does not have; did you mean last_name?"),
        ({"id": ANN, "LastName": "x"}, "did you mean last_name?"),
        ({"id": ANN, "zzz": "x"}, r"has the key zzz, which Visit does not have\."),
        ({"Id": ANN, "Lastnam": "x"}, "did you mean LastName?"),
        ({"Id": ANN, "last_name": "x"}, "did you mean LastName?"),
        ({"Id": ANN, "Account": {"Nme": "x"}}, r"has the key Account.Nme, .* did you mean Account.Name?"),
        ({"Id": ANN, "Account": {"Owner": {"Town": "x"}}}, "has the key Account.Owner.Town"),
        ({"Id": ANN, "Contacts": {"records": []}}, "has the key Contacts"),
        ({"Id": ANN, "Account": "Acme"}, "has a str for the parent Account"),
    ],
)
def test_a_key_that_the_class_does_not_have_is_refused_with_the_nearest(row: dict[str, Any], words: str) -> None:
    with pytest.raises(ScriptProblem, match=f"Row 2 of a batch of Visit {words}|Row 2 .*{words}"):
        Batch(Visit, [{"id": ANN}, row])


def test_an_instance_refuses_a_field_that_its_class_does_not_have() -> None:
    misspelt: Any = {"id": ANN, "lastname": "x"}
    with pytest.raises(ScriptProblem, match=r"Visit does not have the field lastname; did you mean last_name\?"):
        Visit(**misspelt)


def test_what_salesforce_returns_is_accepted_whatever_the_case_of_its_names() -> None:
    answer = {
        "attributes": {"type": "Visit"},
        "Id": ANN,
        "LASTNAME": "Ann",
        "Account": {"attributes": {}, "name": "Acme", "Owner": {"City": "Oslo"}},
        "IsDeleted": False,
        "SystemModstamp": "2026-01-31T10:15:00.000+0000",
    }
    (visit,) = Batch(Visit, [answer])
    assert (visit.last_name, visit.account_name, visit.owner_city) == ("Ann", "Acme", "Oslo")
    assert Batch(Visit, [{"Id": ANN, "Account": None}]).rows[0][-1] is None


def test_what_a_record_is_dumped_to_is_taken_back() -> None:
    (visit,) = Batch(Visit, [{"id": ANN, "last_name": "Ann"}])
    assert Batch(Visit, [visit.model_dump()]).rows == Batch(Visit, [visit]).rows


@pytest.mark.parametrize("names", ["id", "Id"])
def test_an_id_of_15_characters_is_lengthened(names: str) -> None:
    assert Batch(Visit, [{names: ANN[:15]}]).rows[0][0] == ANN


@pytest.mark.parametrize("wrong", [ANN[:14], ANN + "A", "a01", "0037Q00000C00-1", 7])
def test_an_id_that_is_none_is_refused(wrong: Any) -> None:
    with pytest.raises(ScriptProblem, match="The Id of row 1 of the batch of Visit is"):
        Batch(Visit, [{"id": wrong}])
    with pytest.raises(ScriptProblem, match="The Id of deletion 2 of Visit is"):
        Batch.deleted(Visit, [ANN, wrong])


def test_one_id_in_place_of_several_is_not_taken_letter_by_letter() -> None:
    assert Batch.deleted(Visit, ANN).deleted_ids == [ANN]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("floors", "3", "is declared int, but row 1 of the batch holds a str"),
        ("floors", 3.5, "a float with a fraction"),
        ("floors", True, "a bool"),
        ("floors", 2**63, "a number that no integer column can hold"),
        ("floors", float("nan"), "a number that is not finite"),
        ("area", float("inf"), "a number that is not finite"),
        ("area", Decimal("1E400"), "a number that is not finite"),
        ("rent", Decimal("NaN"), "a number that is not finite"),
        ("rent", Decimal("1e200000000"), "a number of more than 1,000 digits"),
        ("floors", Decimal("1e999999999"), "a number that no integer column can hold"),
        ("rent", "12", "a str"),
        ("last_name", 3, "an int"),
        ("is_open", 1, "an int"),
        ("opened", datetime(2026, 1, 31, tzinfo=UTC), r"a datetime\. Give its date"),
        ("opened", "31.1.2026", "a str that is not one"),
        ("seen", datetime(2026, 1, 31, 10), r"a datetime without a time zone\. Write datetime.now"),
        ("seen", "2026-01-31T10:15:00", "a datetime without a time zone"),
        ("seen", date(2026, 1, 31), "a date"),
        ("opens_at", time(6, 30, tzinfo=UTC), "a time with a time zone"),
        ("extra", {"at": datetime(2026, 1, 31, tzinfo=UTC)}, "that JSON cannot hold"),
        ("extra", [1], "a list"),
        ("tags", {"a": 1}, "a dict"),
    ],
)
def test_a_value_of_another_type_is_refused_with_class_field_and_row(name: str, value: Any, words: str) -> None:
    with pytest.raises(ScriptProblem, match=f"Visit.{name} .*{words}"):
        stored(**{name: value})
    make: Any = Visit
    with pytest.raises(ScriptProblem, match=f"Visit.{name} .*{words}"):
        Batch(Visit, [make(id=ANN, **{name: value})])


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("Floors", "many", "holds a str"),
        ("Floors", 10**30, "a number that no integer column can hold"),
        ("Floors", "1e999999999", "a number of more than 1,000 digits"),
        ("Area", float("nan"), "a number that is not finite"),
        ("Seen", datetime(2026, 1, 31, 10), "without a time zone"),
        ("Opened", "soon", "holds a str that is not one"),
    ],
)
def test_a_value_of_another_type_under_salesforces_name_is_refused_too(name: str, value: Any, words: str) -> None:
    with pytest.raises(ScriptProblem, match=f"Visit.{name.lower()} is declared .*{words}"):
        Batch(Visit, [{"Id": ANN, name: value}])


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("floors", 3.0, 3),
        ("area", 3, 3.0),
        ("area", Decimal("1.5"), 1.5),
        ("seen", "2026-01-31T10:15:00.000+0000", "2026-01-31T10:15:00.000Z"),
        ("seen", datetime(2026, 1, 31, 12, 15, tzinfo=timezone(timedelta(hours=2))), "2026-01-31T10:15:00.000Z"),
        ("opened", "2026-01-31", "2026-01-31"),
        ("opens_at", "06:30:00.000Z", "06:30:00.000"),
        ("tags", ("a", "b"), '["a", "b"]'),
        ("last_name", None, None),
    ],
)
def test_a_value_that_means_the_same_is_kept_in_the_one_notation(name: str, value: Any, kept: Any) -> None:
    assert stored(**{name: value}) == kept


def test_no_value_is_in_the_words_of_a_refusal() -> None:
    with pytest.raises(ScriptProblem) as refusal:
        stored(floors="ann@example.com")
    assert "ann" not in str(refusal.value)


def test_a_checkpoint_takes_no_number_of_thousands_of_digits() -> None:
    with pytest.raises(ScriptProblem, match=r"checkpoint\['page'\] is an int of more than 1,000 digits"):
        Batch(Visit, [], checkpoint={"page": 10**5000})
