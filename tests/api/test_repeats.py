"""Rows that come again are found, whether they ascend or not, while as many as are promised follow them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orgsync.salesforce.api import repeats


def test_a_row_is_remembered_while_as_many_as_are_promised_follow_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeats, "_MOST", 3)
    recent = repeats.RecentRows()
    recent.add(["a", "b", "c"])
    recent.add(["d", "e"])
    assert recent.has_any(["a"])
    recent.add(["f"])
    assert (recent.has_any(["a"]), recent.has_any(["d"])) == (False, True)


@pytest.mark.parametrize("first", [[], ["b", "a"]], ids=["ascending", "in no order"])
@given(st.lists(st.lists(st.sampled_from("abcdefgh"), max_size=4), max_size=6))
def test_rows_are_remembered_whatever_their_order(first: list[str], parts: list[list[str]]) -> None:
    recent, before = repeats.RecentRows(), [*first]
    recent.add(first)
    for part in [*map(sorted, parts), *parts]:
        assert recent.has_any(part) == (len({*before, *part}) < len({*before}) + len(part))
        recent.add(part)
        before += part


def test_versions_of_rows_whose_stamps_have_no_order_are_remembered() -> None:
    recent = repeats.RecentRows()
    recent.add([(None, "a"), ("2026", "b")])
    assert (recent.has_any([("2026", "b")]), recent.has_any([("2026", "a")])) == (True, False)
