"""What extraction decides from values alone."""

from datetime import UTC, datetime, timedelta

import pytest

from orgsync import Record
from orgsync.extract.changes import _id, _last_key, _stamp_and_id  # pyright: ignore[reportPrivateUsage] # pure parts
from orgsync.extract.facts import Facts
from orgsync.extract.progress import Pass, Progress
from orgsync.records import Position

NOW = datetime(2026, 1, 31, 10, 15, tzinfo=UTC)
FACTS = Facts("SystemModstamp", True, ("IsDeleted",), ("Account",), (), NOW)


def test_a_page_out_of_order_moves_no_key() -> None:
    assert _last_key([("a", "1"), ("b", "1"), ("a", "2")], _stamp_and_id) == ("2", "a")
    assert _last_key([("b", "1"), ("a", "1")], _stamp_and_id) is None
    assert _last_key([("B", "1"), ("a", "1")], _stamp_and_id) == ("1", "a")
    assert _last_key([("a", None)], _stamp_and_id) is None
    assert _last_key([], _id) is None
    assert _last_key([("a", "2"), ("b", "1")], _id) == ("b",)


def test_progress_survives_its_checkpoint() -> None:
    progress = Progress(NOW, ("Id", "Name"), "A = 1", FACTS, Pass(NOW, NOW, True, "parent Account", ("x",)))
    assert Progress.from_position(progress.to_position("contact")) == progress
    first = Progress(None, ("Id",), None, FACTS, Pass(None, NOW))
    assert Progress.from_position(first.to_position("contact")) == first


def test_a_checkpoint_of_an_authors_own_is_no_progress() -> None:
    assert Progress.from_position(Position("contact", NOW, {"mine": 1})) == Progress()
    assert Progress.from_position(None) == Progress()


def test_the_watermark_moves_only_at_the_end() -> None:
    begun = Progress(NOW, ("Id",), None, FACTS, Pass(NOW, NOW + timedelta(hours=1)))
    assert begun.at("changed", ("k",)).watermark == NOW
    assert begun.finished().watermark == NOW + timedelta(hours=1)
    assert begun.finished().unfinished is None


def test_nothing_moves_where_no_pass_is_under_way() -> None:
    idle = Progress(NOW, ("Id",), None, FACTS)
    with pytest.raises(ValueError, match="no pass"):
        idle.at("changed", ())
    with pytest.raises(ValueError, match="no pass"):
        idle.finished()
    with pytest.raises(ValueError, match="facts"):
        Progress().to_position("contact")


@pytest.mark.parametrize(
    ("paths", "where", "kept"),
    [(("Id", "A"), None, True), (("Id",), None, True), (("Id", "A", "B"), None, False), (("Id", "A"), "A = 1", False)],
)
def test_new_fields_or_another_condition_begin_anew(paths: tuple[str, ...], where: str | None, kept: bool) -> None:
    saved = Progress(NOW, ("Id", "A"), None, FACTS, Pass(NOW, NOW))
    going_on = saved.reading(paths, where, FACTS)
    assert (going_on.watermark, going_on.unfinished is None) == ((NOW, False) if kept else (None, True))


def test_facts_are_looked_at_again_after_a_day() -> None:
    assert not FACTS.is_stale(NOW + timedelta(hours=23))
    assert FACTS.is_stale(NOW + timedelta(hours=25))


def test_a_record_class_may_be_named_after_its_table() -> None:
    class CaseHistory(Record, table=True):
        field_name: str | None

    assert CaseHistory.metadata.tables.keys() == {"case_history"}
