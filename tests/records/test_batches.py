"""What an author may do with a batch."""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest

from orgsync import Batch, Record, field
from orgsync.errors import ScriptProblem
from orgsync.records import Position, schema_of


class Person(Record, table=True):
    name: str | None
    city: str | None = field("Address.City")
    born: date | None
    wakes: time | None
    fee: Decimal | None
    extra: dict[str, Any] | None


NOW = datetime(2026, 1, 31, 10, 15, tzinfo=UTC)
POSITION = Position("person", NOW, {})


def people() -> Batch[Person]:
    rows = [("a01", "2026-01-31T10:15:00.000Z", False, name, None, None, None, None, None) for name in ("Ann", "Bob")]
    return Batch.read(Person, rows, position=POSITION)


def test_iterating_gives_instances() -> None:
    assert [(person.name, person.system_modstamp) for person in people()] == [("Ann", NOW), ("Bob", NOW)]
    assert len(people()) == 2
    assert repr(people()) == "<Batch of 2 Person, 0 deleted>"


def test_what_a_filter_drops_leaves_the_copy_and_the_position_stays() -> None:
    kept = people().filter(lambda person: person.name == "Ann")
    assert [person.name for person in kept] == ["Ann"]
    assert kept.deleted_ids == ["a01"]
    assert kept.position == POSITION


def test_map_replaces_records() -> None:
    def shout(person: Person) -> Person:
        person.name = (person.name or "").upper()
        return person

    mapped = people().map(shout)
    assert [person.name for person in mapped] == ["ANN", "BOB"]
    assert mapped.position == POSITION


def test_rows_may_be_instances_or_mappings_with_either_names() -> None:
    instance = Person(
        id="a01",
        name="Ann",
        city="Oslo",
        born=date(2000, 1, 2),
        wakes=time(6, 30),
        fee=Decimal("1.50"),
        extra={"a": 1},
        system_modstamp=NOW,
    )
    python = {
        "id": "a01",
        "name": "Ann",
        "city": "Oslo",
        "born": date(2000, 1, 2),
        "wakes": time(6, 30),
        "fee": Decimal("1.50"),
        "extra": {"a": 1},
        "system_modstamp": NOW,
    }
    salesforce = {
        "Id": "a01",
        "Name": "Ann",
        "Address": {"City": "Oslo"},
        "Born": "2000-01-02",
        "Wakes": "06:30:00.000Z",
        "Fee": "1.50",
        "Extra": {"a": 1},
        "SystemModstamp": "2026-01-31T10:15:00.000+0000",
    }
    batch = Batch(Person, [instance, python, salesforce], checkpoint={"page": 2})
    assert batch.rows[0] == batch.rows[1] == batch.rows[2]
    assert batch.position == Position("", None, {"page": 2})


def test_a_mapping_may_lack_fields() -> None:
    (row,) = Batch(Person, [{"Id": "a01", "Name": "Ann"}]).rows
    assert row[:4] == ("a01", None, False, "Ann")
    assert set(row[4:]) == {None}


def test_a_record_without_an_id_is_refused() -> None:
    with pytest.raises(ScriptProblem, match="A Person without an Id was yielded"):
        Batch(Person, [{"name": "Ann"}])


def test_deleted_names_ids_alone() -> None:
    batch = Batch.deleted(Person, ["a01", "a02"], checkpoint={"at": 1})
    assert list(batch.deleted_ids) == ["a01", "a02"]
    assert not batch.rows
    assert batch.schema is schema_of(Person)
