"""CSV in pieces, cut into rows whatever the pieces are."""

import csv
import io
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orgsync.records.csv_records import LONGEST_RECORD, Lines, LinesBroken, RecordTooLong

TEXT = st.text(st.sampled_from('abé"\n\r,\x0b\x0c\x1c\x85\u2028😀\x00'), max_size=12)
ROWS = st.integers(1, 4).flatmap(lambda width: st.lists(st.lists(TEXT, min_size=width, max_size=width), max_size=12))


def written(rows: list[list[str]]) -> bytes:
    """Write rows as Salesforce does: every field quoted, LF behind every row."""
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)
    return out.getvalue().encode()


def cut(text: bytes, size: int) -> list[list[str]]:
    lines = Lines()
    rows = [row for at in range(0, len(text), size) for row in lines.feed(text[at : at + size])]
    return rows + lines.end()


@settings(deadline=None)
@given(ROWS, st.integers(1, 40), st.booleans())
def test_rows_come_back_as_they_were_written_however_they_are_cut(
    rows: list[list[str]], size: int, last_line_ends: bool
) -> None:
    text = written(rows)
    assert cut(text if last_line_ends else text.removesuffix(b"\n"), size) == rows


@settings(deadline=None)
@given(ROWS, st.lists(st.integers(0, 400), max_size=12), st.randoms(use_true_random=False))
def test_any_split_of_any_csv_gives_the_same_rows(rows: list[list[str]], places: list[int], chance: Random) -> None:
    text = "".join(",".join(field_written(field, chance) for field in row) + "\n" for row in rows).encode()
    places = sorted(min(place, len(text)) for place in places)
    lines = Lines()
    pieces = [text[start:end] for start, end in pairwise([0, *places, len(text)])]
    assert [row for piece in pieces for row in lines.feed(piece)] == rows
    assert lines.end() == []


def field_written(field: str, chance: Random) -> str:
    """Write a field with quotes, or without where it needs none."""
    if field.isalnum() and chance.random() < 0.5:
        return field
    return '"' + field.replace('"', '""') + '"'


@pytest.mark.timeout(25)  # a search that begins anew with each piece takes minutes
@pytest.mark.parametrize("text", [b"\n", b"x"], ids=["line ends", "letters"])
def test_a_record_is_searched_once_however_many_pieces_it_comes_in(text: bytes) -> None:
    field = text * (4 * 1024 * 1024)
    assert cut(b'"' + field + b'"\n', 512) == [[field.decode()]]


def test_only_what_is_incomplete_is_held_back() -> None:
    lines = Lines()
    assert lines.feed(b'"a","b"\n"c","') == [["a", "b"]]
    assert lines.feed(b'd\n\n"') == []
    assert lines.feed(b"\n") == [["c", "d\n\n"]]
    assert lines.end() == []


def test_a_field_may_be_longer_than_the_csv_module_takes_by_itself() -> None:
    long = "x" * 200_000
    assert cut(written([[long]]), 70_000) == [[long]]


@pytest.mark.parametrize("text", [b'"a","b', b'"a"b\n', b'"a\xc3', b'"a"\n"b" c\n'])
def test_what_is_cut_or_no_csv_is_said_and_not_shown(text: bytes) -> None:
    with pytest.raises(LinesBroken) as caught:
        cut(text, 4)
    assert str(caught.value) == ""
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None or caught.value.__suppress_context__


def test_a_record_without_end_is_not_held_for_ever() -> None:
    lines, piece = Lines(), b"x" * (4 * 1024 * 1024)
    assert [lines.feed(each) for each in (b'"', piece, piece, piece)] == [[]] * 4
    with pytest.raises(RecordTooLong):
        lines.feed(piece)


def test_the_longest_field_that_others_of_the_process_read_stays_as_it_was() -> None:
    before = csv.field_size_limit()
    long = b"x" * (before + 1)
    assert Lines().feed(b'"' + long + b'"\n') == [[long.decode()]]
    assert csv.field_size_limit() == before == 131_072


def test_a_field_that_is_longer_than_any_is_named_as_that() -> None:
    with pytest.raises(RecordTooLong):
        Lines().feed(b'"' + b"x" * (LONGEST_RECORD + 1) + b'"\n')


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_bytes_that_are_no_text_are_replaced_and_reported(size: int) -> None:
    text, lines = '"Zoë"\n"'.encode() + b'\xff\xc3"\n' + '"😀"\n'.encode(), Lines()
    rows = [row for at in range(0, len(text), size) for row in lines.feed(text[at : at + size])] + lines.end()
    assert rows == [["Zoë"], ["\ufffd\ufffd"], ["😀"]]
    assert lines.replaced


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_a_byte_order_mark_before_the_first_row_is_no_part_of_it(size: int) -> None:
    content = b'\xef\xbb\xbf"Id","Name"\n"1","\xef\xbb\xbfa"\n"2","\xff"\n'
    lines, rows = Lines(), list[list[str]]()
    for at in range(0, len(content), size):
        rows += lines.feed(content[at : at + size])
    rows += lines.end()
    assert rows == [["Id", "Name"], ["1", "\ufeffa"], ["2", "\ufffd"]]
    assert lines.replaced
