"""Columns of cells on a terminal."""

import pytest

from orgsync_cli.grid import Column, grid


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")


def lines(text: str) -> list[str]:
    return text.splitlines()


def test_numbers_stand_to_the_right_and_letters_that_take_two_places_are_counted_so() -> None:
    shown = lines(grid(["name", "rows"], [["健太", "1"], ["Ana", "2,500"]], [Column(6), Column(5, to_the_right=True)]))
    assert shown == ["name     rows", "─" * 13, "健太        1", "Ana     2,500"]


def test_what_is_wider_than_its_column_continues_between_words_or_inside_one() -> None:
    shown = lines(grid(["note", "id"], [["one two three", "7"], ["abcdefghijkl", "8"]], [Column(7), Column(2)]))
    assert shown[2:] == ["one two  7", "three", "abcdefg  8", "hijkl"]


def test_a_column_that_may_be_cut_short_says_so() -> None:
    assert lines(grid(["note"], [["abcdefghij"]], [Column(5, is_cut=True)]))[2:] == ["abcd…"]


def test_no_line_is_wider_than_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "12")
    assert max(map(len, lines(grid(["a", "b"], [["x" * 10, "y" * 10]], [Column(10), Column(10)])))) == 12
