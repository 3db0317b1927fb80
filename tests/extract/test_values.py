"""What extraction decides from values alone."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec import structs

from orgsync import Record, field
from orgsync.extract.object_facts import ObjectFacts
from orgsync.extract.queries import IdOrder, StampOrder, last_key
from orgsync.extract.state import Pass, SavedJob, Shape, StreamState, Tally
from orgsync.extract.steps import CHANGED, DELETIONS, Kind, Step
from orgsync.records import Position, schema_of
from orgsync.salesforce.bulk import Place

NOW = datetime(2026, 1, 31, 10, 15, tzinfo=UTC)
FACTS = ObjectFacts(
    cursor="SystemModstamp",
    replicateable=True,
    absent=("IsDeleted",),
    parents=("Account",),
    judged_by=(),
    inspected_at=NOW,
)


def test_a_page_out_of_order_moves_no_key() -> None:
    def rows(*keys: tuple[str, str | None]) -> list[dict[str, Any]]:
        stamps = {"1": "2026-01-31T10:15:01.000+0000", "2": "2026-01-31T10:15:02.000+0000", None: None}
        return [{"Id": row_id, "SystemModstamp": stamps[stamp]} for row_id, stamp in keys]

    by_stamp, by_id = StampOrder("SystemModstamp"), IdOrder()
    assert last_key(rows(("a", "1"), ("b", "1"), ("a", "2")), by_stamp) == ("2026-01-31T10:15:02.000Z", "a")
    assert last_key(rows(("b", "1"), ("a", "1")), by_stamp) is None
    assert last_key(rows(("B", "1"), ("a", "1")), by_stamp) == ("2026-01-31T10:15:01.000Z", "a")
    assert last_key(rows(("a", None)), by_stamp) is None
    assert last_key([], by_id) is None
    assert last_key(rows(("a", "2"), ("b", "1")), by_id) == ("b",)


def through_json(position: Position) -> Position:
    """Write a position and read it back, as the store does."""
    return replace(position, state=json.loads(json.dumps(position.state)))


@pytest.mark.parametrize("step", [CHANGED, DELETIONS, Step(Kind.PARENT, "Account"), Step(Kind.UNMATCHED)])
def test_the_state_of_a_stream_survives_its_checkpoint(step: Step) -> None:
    state = StreamState(
        *(NOW, "changes", ("Id", "Name"), "A = 1", structs.replace(FACTS, steps_refused=(step,))),
        Pass(
            NOW,
            NOW,
            True,
            7,
            3,
            step,
            ("x",),
            Tally(("a",), 9, 4),
            SavedJob("750", "62.0", Place("abc", 1, 2)),
            read_again=True,
        ),
        *(NOW, NOW + timedelta(hours=1), "Contact", {"name": Shape("Name", "str", optional=True)}),
    )
    assert StreamState.from_position(through_json(state.to_position("contact")), "changes") == state


def test_the_first_state_of_a_snapshot_survives_its_checkpoint() -> None:
    first = StreamState(None, "snapshot", ("Id",), None, FACTS, Pass(None, NOW))
    assert StreamState.from_position(through_json(first.to_position("contact")), "snapshot") == first
    assert StreamState.from_position(first.to_position("contact"), "changes") == StreamState()


def test_a_checkpoint_of_another_format_reads_everything_again_with_a_warning() -> None:
    saved = StreamState(NOW, "changes", ("Id",), None, FACTS).to_position("contact")
    older = replace(saved, state={**saved.state, "format": 1})
    reported: list[str] = []
    assert StreamState.from_position(older, "changes", reported.append) == StreamState()
    assert [text for text in reported if "contact" in text and "everything is read again" in text]


def test_a_checkpoint_of_an_authors_own_is_no_state_of_a_stream() -> None:
    assert StreamState.from_position(Position("contact", NOW, {"mine": 1}), "changes") == StreamState()
    assert StreamState.from_position(None, "changes") == StreamState()


def test_the_watermark_moves_only_at_the_end() -> None:
    begun = StreamState(NOW, "changes", ("Id",), None, FACTS, Pass(NOW, NOW + timedelta(hours=1)))
    assert begun.reached(("k",)).watermark == NOW
    assert begun.finished().watermark == NOW + timedelta(hours=1)
    assert begun.finished().unfinished is None


def test_a_pass_that_has_to_be_read_again_leaves_no_watermark() -> None:
    begun = StreamState(NOW, "changes", ("Id",), None, FACTS, Pass(NOW, NOW, read_again=True))
    assert begun.finished().watermark is None


def test_nothing_moves_without_an_unfinished_pass() -> None:
    idle = StreamState(NOW, "changes", ("Id",), None, FACTS)
    with pytest.raises(ValueError, match="no pass"):
        idle.at(CHANGED)
    with pytest.raises(ValueError, match="no pass"):
        idle.finished()
    with pytest.raises(ValueError, match="facts"):
        StreamState().to_position("contact")


class Named(Record, table=True):
    """One field."""

    name: str | None


class Wider(Record, table=True):
    """One field more."""

    name: str | None
    email: str | None


class Marked(Record, table=True):
    """A column of the author's own."""

    name: str | None
    mark: str | None = field(local=True)


@pytest.mark.parametrize(
    ("model", "where", "kept"),
    [(Named, None, True), (Wider, None, False), (Marked, None, False), (Named, "A = 1", False)],
)
def test_new_columns_or_another_condition_read_everything_again(
    model: type[Record], where: str | None, kept: bool
) -> None:
    saved = StreamState(kind="changes").read_with(schema_of(Named), None, FACTS)
    saved = replace(saved, watermark=NOW, unfinished=Pass(NOW, NOW))
    resumed = saved.read_with(schema_of(model), where, FACTS)
    assert (resumed.watermark, resumed.unfinished is None) == ((NOW, False) if kept else (None, True))


def test_facts_are_looked_at_again_after_a_day() -> None:
    assert not FACTS.is_stale(NOW + timedelta(hours=23))
    assert FACTS.is_stale(NOW + timedelta(hours=25))


def test_a_record_class_may_be_named_after_its_table() -> None:
    class CaseHistory(Record, table=True):
        field_name: str | None

    assert CaseHistory.metadata.tables.keys() == {"case_history"}
