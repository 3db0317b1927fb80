"""What an author may do with a batch: filter, change and replace its rows, while position and deletions stay."""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, cast

import anyio.lowlevel
import pytest

from orgsync import Batch, Record, field
from orgsync.errors import ScriptProblem
from orgsync.records import Position, long_id, schema_of


class Person(Record, table=True):
    name: str | None
    city: str | None = field("Address.City")
    born: date | None
    wakes: time | None
    fee: Decimal | None
    extra: dict[str, Any] | None


person: Any = Person  # made without all of its fields

NOW = datetime(2026, 1, 31, 10, 15, tzinfo=UTC)
POSITION = Position("person", NOW, {})
ANN, BOB, EVE = (long_id(f"0037Q00000C000{number}") for number in range(3))


def people() -> Batch[Person]:
    stamp = "2026-01-31T10:15:00.000Z"
    rows = [(key, stamp, False, name, None, None, None, None, None) for key, name in ((ANN, "Ann"), (BOB, "Bob"))]
    return Batch.read(Person, rows, deleted_ids=[EVE], position=POSITION)


def test_iterating_gives_instances() -> None:
    assert [(person.name, person.system_modstamp) for person in people()] == [("Ann", NOW), ("Bob", NOW)]
    assert len(people()) == 2
    assert repr(people()) == "<Batch of 2 Person, 1 deleted>"


def test_what_a_filter_drops_leaves_the_copy_and_the_position_stays() -> None:
    kept = people().filter(lambda person: person.name == "Ann")
    assert [person.name for person in kept] == ["Ann"]
    assert kept.deleted_ids == [EVE, BOB]
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
        id=ANN,
        name="Ann",
        city="Oslo",
        born=date(2000, 1, 2),
        wakes=time(6, 30),
        fee=Decimal("1.50"),
        extra={"a": 1},
        system_modstamp=NOW,
    )
    python = {
        "id": ANN,
        "name": "Ann",
        "city": "Oslo",
        "born": date(2000, 1, 2),
        "wakes": time(6, 30),
        "fee": Decimal("1.50"),
        "extra": {"a": 1},
        "system_modstamp": NOW,
    }
    salesforce = {
        "Id": ANN,
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
    (row,) = Batch(Person, [{"Id": ANN, "Name": "Ann"}]).rows
    assert row[:4] == (ANN, None, False, "Ann")
    assert set(row[4:]) == {None}


def test_a_record_without_an_id_is_refused() -> None:
    with pytest.raises(ScriptProblem, match="A Person without an Id was yielded"):
        Batch(Person, [{"name": "Ann"}])


def test_deleted_names_ids_alone() -> None:
    batch = Batch.deleted(Person, [ANN, BOB[:15]], checkpoint={"at": 1})
    assert list(batch.deleted_ids) == [ANN, BOB]
    assert not batch.rows
    assert batch.schema is schema_of(Person)


class Friend(Record, table=True):
    name: str
    loud: bool


async def test_a_change_may_wait() -> None:
    async def shout(person: Person) -> Person:
        await anyio.lowlevel.checkpoint()
        person.name = (person.name or "").upper()
        return person

    async def is_ann(person: Person) -> bool:
        await anyio.lowlevel.checkpoint()
        return person.name == "Ann"

    mapped = await people().map(shout)
    assert [person.name for person in mapped] == ["ANN", "BOB"]
    assert (mapped.position, mapped.deleted_ids) == (POSITION, [EVE])
    kept = await people().filter(is_ann)
    assert ([person.name for person in kept], kept.deleted_ids) == (["Ann"], [EVE, BOB])


async def test_a_change_that_may_wait_takes_a_batch_without_rows_as_well() -> None:
    nothing = Batch.read(Person, [], deleted_ids=[EVE], position=POSITION)

    async def befriended(person: Person) -> Friend:
        return Friend(id=person.id, name=person.name or "", loud=False)

    mapped = await nothing.map(befriended, model=Friend)
    assert (mapped.model, mapped.deleted_ids, mapped.position) == (Friend, [EVE], POSITION)
    assert nothing.map(lambda person: person).deleted_ids == [EVE]


def test_map_into_another_class_makes_rows_of_that_class() -> None:
    mapped = people().map(lambda person: Friend(id=person.id, name=person.name or "", loud=True), model=Friend)
    assert [(friend.name, friend.loud, friend.system_modstamp) for friend in mapped] == [
        ("Ann", True, NOW),
        ("Bob", True, NOW),
    ]
    assert (mapped.model, mapped.deleted_ids, mapped.position) == (Friend, [EVE], POSITION)


def test_map_into_another_class_without_naming_it_is_refused() -> None:
    def befriend(person: Person) -> Any:
        return Friend(id=person.id, name=person.name or "", loud=True)

    with pytest.raises(ScriptProblem, match=r"Row 1 of a batch of Person is a Friend\..*model=Friend"):
        people().map(befriend)
    with pytest.raises(ScriptProblem, match=r"Row 1 of a batch of Friend is a Person\."):
        people().map(lambda person: cast("Any", person), model=Friend)
    with pytest.raises(ScriptProblem, match="Row 1 of a batch of Friend is a Person"):
        Batch(Friend, list(people()))


def test_map_may_not_change_the_id() -> None:
    with pytest.raises(ScriptProblem, match="Row 1 of a batch of Person has another Id"):
        people().map(lambda person: {"id": BOB})


def test_a_change_function_that_returns_nothing_is_reported() -> None:
    def forgetful(person: Person) -> Any:
        person.name = "x"

    with pytest.raises(ScriptProblem, match=r"is None\..*has to return it"):
        people().map(forgetful)


def test_replace_keeps_position_and_deletions() -> None:
    replaced = people().replace([{"id": BOB, "name": "Robert"}, person(id=ANN[:15], name="Anna")])
    assert {person.id: (person.name, person.system_modstamp) for person in replaced} == {
        ANN: ("Anna", NOW),
        BOB: ("Robert", NOW),
    }
    assert (replaced.deleted_ids, replaced.position) == ([EVE], POSITION)


def test_rows_that_are_not_among_those_that_replace_a_batch_leave_the_copy() -> None:
    replaced = people().replace([{"id": BOB}])
    assert ([person.id for person in replaced], replaced.deleted_ids) == ([BOB], [EVE, ANN])
    as_friends = people().replace([Friend(id=ANN, name="Ann", loud=True)], model=Friend)
    assert (as_friends.model, as_friends.deleted_ids, as_friends.position) == (Friend, [EVE, BOB], POSITION)


@pytest.mark.parametrize("stranger", [EVE, long_id("0037Q00000C0009")])
def test_ids_that_are_not_of_the_batch_do_not_replace_it(stranger: str) -> None:
    with pytest.raises(ScriptProblem, match=r"Row 2 .* has an Id that the batch lacks"):
        people().replace([{"id": ANN}, {"id": stranger}])


def test_what_was_deleted_stays_deleted_whatever_its_new_row_contains() -> None:
    stamp = "2026-01-31T10:15:00.000Z"
    gone = Batch.read(Person, [(ANN, stamp, True, "Ann", None, None, None, None, None)], position=POSITION)
    for batch in (gone.replace([{"id": ANN, "name": "x"}]), gone.map(lambda person: {"id": ANN, "is_deleted": False})):
        assert [(person.is_deleted, person.system_modstamp) for person in batch] == [(True, NOW)]
    assert [person.is_deleted for person in people().replace([{"id": ANN, "is_deleted": True}])] == [True]


def test_of_several_versions_of_a_row_the_newest_decides_whether_it_is_deleted() -> None:
    versions = [
        (ANN, f"2026-01-31T10:1{minute}:00.000Z", gone, "Ann", None, None, None, None, None)
        for minute, gone in ((5, False), (7, True), (6, False))
    ]
    replaced = Batch.read(Person, versions).replace([{"id": ANN, "name": "Anna"}])
    assert [row[1:3] for row in replaced.rows] == [("2026-01-31T10:17:00.000Z", True)]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (people(), "made of another batch"),
        ({"id": ANN}, "given one row"),
        (person(id=ANN), "given one row"),
        (["x"], "Row 1 of a batch of Person is a str"),
    ],
)
def test_what_looks_like_rows_and_is_not_is_refused(rows: Any, words: str) -> None:
    with pytest.raises(ScriptProblem, match=words):
        Batch(Person, rows)


async def test_an_asynchronous_iterator_of_rows_is_refused() -> None:
    async def coming() -> Any:
        yield {"id": ANN}

    rows: Any = coming()
    with pytest.raises(ScriptProblem, match=r"async for row in rows"):
        Batch(Person, rows)


@pytest.mark.parametrize(
    ("checkpoint", "words"),
    [
        ({"since": NOW}, r"checkpoint\['since'\] is a datetime.*isoformat"),
        ({"pages": [1, {"at": date(2026, 1, 31)}]}, r"checkpoint\['pages'\]\[1\]\['at'\] is a date"),
        ({"share": float("nan")}, r"checkpoint\['share'\] is a float"),
        ({1: "x"}, "checkpoint has an int as a key"),
        ("page 2", "checkpoint= is a str, not a dict"),
    ],
)
def test_a_checkpoint_that_is_not_json_is_refused_at_its_place(checkpoint: Any, words: str) -> None:
    with pytest.raises(ScriptProblem, match=words):
        Batch(Person, checkpoint=checkpoint)


def test_a_checkpoint_is_kept_as_it_was_when_it_was_given() -> None:
    pages = [1]
    batch = Batch(Person, checkpoint={"pages": pages})
    pages.append(2)
    assert batch.position == Position("", None, {"pages": [1]})


def test_of_a_row_that_occurs_twice_the_newest_version_decides_whether_a_filter_keeps_it() -> None:
    def version(stamp: str, name: str) -> tuple[Any, ...]:
        return (ANN, f"2026-01-31T10:{stamp}.000Z", False, name, None, None, None, None, None)

    older, newer = version("15:00", "Bob"), version("16:00", "Ann")
    for rows in ([older, newer], [newer, older]):
        kept = Batch.read(Person, rows, position=POSITION).filter(lambda person: person.name == "Ann")
        assert ([person.name for person in kept], kept.deleted_ids) == (["Ann"], [])
        left = Batch.read(Person, rows, position=POSITION).filter(lambda person: person.name == "Bob")
        assert ([person.name for person in left], left.deleted_ids) == ([], [ANN])
