"""A page taken a column at a time gives what dicts give, and values converted together are those converted singly."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orgsync import Record
from orgsync.records import FieldFacts, FieldValues, decode, schema_of, stored_instant, stored_instants, values_of
from orgsync.records.page_fields import of_fields


class Note(Record, table=True):
    body: str | None


RECORDS = [
    {
        "attributes": {"type": "Note"},
        "Id": "00200000000000000A",
        "Body": "",
        "SystemModstamp": None,
        "IsDeleted": False,
    },
    {
        "attributes": {"type": "Note"},
        "Id": "00200000000000001A",
        "Body": "b",
        "SystemModstamp": None,
        "IsDeleted": True,
    },
]
FIELDS = ("Id", "Body", "SystemModstamp", "IsDeleted")


def page(records: list[dict[str, Any]], fields: tuple[str, ...] = FIELDS) -> dict[str, Any] | None:
    return of_fields(msgspec.json.encode({"totalSize": 2, "done": True, "records": records}), fields, exact=False)


def test_a_page_of_known_fields_gives_the_rows_that_dicts_give() -> None:
    found = page(RECORDS)
    assert found is not None
    records: FieldValues = found["records"]
    facts = FieldFacts()
    assert decode(schema_of(Note), records, facts) == decode(schema_of(Note), RECORDS, facts)
    assert [*records] == [{name: record[name] for name in FIELDS} for record in RECORDS]
    assert records[-1:] == [records[1]]
    assert values_of(records, "Body") == ("", "b")


def test_a_page_without_rows_has_every_field() -> None:
    found = page([])
    assert found is not None
    assert len(found["records"]) == 0
    assert [*values_of(found["records"], "Body")] == []


@pytest.mark.parametrize("name", ["from", "None", "Account__r"])
def test_a_field_may_have_any_name(name: str) -> None:
    found = page([{"Id": "1", name: {"Name": "a"}}], ("Id", name))
    assert found is not None
    assert found["records"][0] == {"Id": "1", name: {"Name": "a"}}


@pytest.mark.parametrize("records", [[{"Id": "1"}], ["text"], [None], None])
def test_a_page_of_other_contents_is_left_to_the_reader_of_dicts(records: Any) -> None:
    assert page(records) is None


_TEXTS = st.sampled_from(
    ["2026-01-31T10:15:00.000+0000", "2026-01-31T10:15:00.000Z", "2026-01-31T10:15:00+02:00", "2026-01-31"]
)


@given(st.lists(_TEXTS, max_size=4) | st.lists(st.sampled_from(["2026-01-31T10:15:00.000+0000", "2027" + "x" * 24])))
def test_instants_converted_together_are_those_converted_one_by_one(texts: list[str]) -> None:
    try:
        expected = [stored_instant(text) for text in texts]
    except ValueError:
        with pytest.raises(ValueError, match=r"."):
            stored_instants(texts)
    else:
        assert [*stored_instants(texts)] == expected


@pytest.mark.parametrize("text", ["+0000\n2026-01-31T10:150+0000", "2026+0000-01-31T10:15:0+0000"])
def test_an_instant_that_holds_a_line_end_or_an_offset_twice_is_not_cut(text: str) -> None:
    assert len(text) == 28
    assert stored_instants(["2026-01-31T10:15:00.000+0000", text]) == ["2026-01-31T10:15:00.000Z", text[:-5] + "Z"]
