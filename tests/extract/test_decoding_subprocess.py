"""Rows of a long Bulk result are decoded in a subprocess, and come as they would without it, whatever happens to it."""

import csv
import io
import os
import signal
import sys
from codecs import BOM_UTF8
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orgsync import Record, field
from orgsync.extract import decoding_subprocess as tested
from orgsync.extract.decoding_subprocess import Decoding, decoding_subprocess
from orgsync.records import EncodedRows, FieldFacts, RowEncoding, decode_csv, ids_of, live_ids, schema_of
from orgsync.salesforce.bulk import results
from orgsync.salesforce.bulk.cuts import Cut, Decoder, cuts
from orgsync.salesforce.http.http import Http
from orgsync.store.sqlite import row_image

from ..api.clients import lone_client
from ..bulk.bulk_answers import cut as cut_off
from ..bulk.bulk_answers import job, page_answer
from ..http.raw_server import RawServer
from .extracting import is_alive


class Thing(Record, table=True):
    """Each type that a column can have."""

    __sobject__ = "Thing__c"
    name: str | None
    age: int | None = field("Age__c")
    share: float | None
    amount: Decimal | None
    ready: bool | None
    seen_at: datetime | None = field("Seen__c")
    day: date | None
    place: dict[str, Any] | None


SQLITE = RowEncoding(row_image.encode, row_image.decode)

PARTS = {"latitude": "Place__Latitude__s", "longitude": "Place__Longitude__s"}
FACTS = FieldFacts(compounds={"Place": PARTS}, numbers=["Age__c", "Share", "Amount"], instants=["Seen__c"])
HEADER = (
    "Id",
    "SystemModstamp",
    "IsDeleted",
    "Name",
    "Age__c",
    "Share",
    "Amount",
    "Ready",
    "Seen__c",
    "Day",
    *PARTS.values(),
)
STAMP = "2026-01-31T10:15:00.000Z"

TEXT = st.text(st.sampled_from('abé"\n\r,\x0b\u2028😀\x00'), max_size=12)
THING = st.tuples(
    TEXT,
    st.sampled_from(["", "3", "3.0", "-7"]),
    st.sampled_from(["", "0.5", "1E3"]),
    st.sampled_from(["", "10.50", "123456789012345678.25"]),
    st.sampled_from(["true", "false"]),
    st.sampled_from(["", STAMP, "2026-01-31T10:15:00.000+0000"]),
    st.sampled_from(["", "2026-02-28"]),
    st.sampled_from(["", "1.5"]),
    st.sampled_from(["", "2.25"]),
)


def things(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    return [[f"a00{number:012}AAA", STAMP, "false", *row] for number, row in enumerate(rows)]


def page(rows: Sequence[Sequence[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows([HEADER, *rows])
    return out.getvalue().encode()


def page_rows(rows: Sequence[Sequence[str]]) -> bytes:
    return page(rows)[len(page([])) :]


async def pieces(*given: bytes) -> AsyncIterator[bytes]:
    for piece in given:
        yield piece


async def cut(decoder: Decoder | None, *given: bytes, rows: int = 10_000) -> list[Cut]:
    async with aclosing(cuts(pieces(*given), decoder, rows=rows)) as found:
        return [each async for each in found]


def as_decoded(found: Sequence[Cut]) -> list[Any]:
    schema = schema_of(Thing)
    return [
        row
        for each in found
        for row in (each.rows if each.is_decoded else decode_csv(schema, HEADER, each.rows, FACTS))
    ]


def pid_of(decoder: Decoder | None) -> int:
    return int(cast("Any", decoder).process.pid)


@pytest.fixture(autouse=True)
def one_more_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tested, "_SLOTS", tested._Slots(1))  # pyright: ignore[reportPrivateUsage]


@pytest.fixture
def warned() -> list[str]:
    return []


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(THING, max_size=5), min_size=1, max_size=4))
async def test_rows_are_those_that_this_process_would_decode(pages: list[list[tuple[str, ...]]]) -> None:
    async with decoding_subprocess(Decoding(schema_of(Thing), FACTS), pytest.fail) as decoder:
        for rows in pages:
            given = page(things(rows))
            found = await cut(decoder, given)
            assert all(each.is_decoded for each in found)
            assert as_decoded(found) == as_decoded(await cut(None, given))
            assert [each.first for each in found if each.rows] == [page(things(rows[:1]))[len(page([])) :]] * bool(rows)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(THING, max_size=5), min_size=1, max_size=4))
async def test_rows_that_are_encoded_for_a_database_are_the_same_once_somebody_asks(
    pages: list[list[tuple[str, ...]]],
) -> None:
    async with decoding_subprocess(Decoding(schema_of(Thing), FACTS, SQLITE), pytest.fail) as decoder:
        for rows in pages:
            given = page(things(rows))
            found, expected = await cut(decoder, given), as_decoded(await cut(None, given))
            assert [row_id for each in found for row_id in ids_of(each.rows)] == [row[0] for row in expected]
            assert repr(as_decoded(found)) == repr(expected)


async def test_a_part_of_the_rows_is_encoded_until_somebody_asks_for_one() -> None:
    given = page(things([("a", "1", "0.5", "10.50", "true", STAMP, "", "", "")] * 10))
    async with decoding_subprocess(Decoding(schema_of(Thing), FACTS, SQLITE), pytest.fail) as decoder:
        [first] = await cut(decoder, given)
        [second] = await cut(decoder, given)
        assert all(isinstance(each.rows, EncodedRows) for each in (first, second))
        assert [size for _, size in cast("EncodedRows", first.rows).contents] == [5]
        assert first.rows[9][0] == "a00000000000009AAA"
        [third] = await cut(decoder, given)
    assert not isinstance(third.rows, EncodedRows)
    assert [*first.rows] == [*second.rows] == third.rows


@pytest.mark.parametrize("text", ["\x00", "\\u0000"])
async def test_rows_that_may_hold_nul_are_not_encoded(text: str) -> None:
    given = page(things([(text, "", "", "", "true", "", "", "", "")]))
    async with decoding_subprocess(Decoding(schema_of(Thing), FACTS, SQLITE), pytest.fail) as decoder:
        [found] = await cut(decoder, given)
    assert (found.is_decoded, isinstance(found.rows, EncodedRows)) == (True, False)


async def test_deleted_rows_and_shared_ids_are_left_to_the_writer() -> None:
    rows = things([("a", "1", "", "", "true", "", "", "", "")] * 4)
    rows[1][2] = "true"
    async with decoding_subprocess(Decoding(schema_of(Thing), FACTS, SQLITE), pytest.fail) as decoder:
        [some] = await cut(decoder, page([]) + page_rows(rows))
        [same] = await cut(decoder, page([]) + page_rows([*rows, rows[0]]))
    encoded = cast("EncodedRows", some.rows)
    assert ([size for _, size in encoded.contents], [row[2] for row in encoded.others]) == ([1], [True, False, False])
    assert [*live_ids(encoded)] == [rows[0][0], rows[2][0], rows[3][0]]
    assert not isinstance(same.rows, EncodedRows)


async def test_a_page_comes_in_cuts_of_about_as_many_rows_as_are_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orgsync.salesforce.bulk.cuts._FIRST_BYTES", 2000)
    given = page(things([("x" * 20, "1", "", "", "true", "", "", "", "")] * 1000))
    async with decoding_subprocess(Decoding(schema_of(Thing), FACTS), pytest.fail) as decoder:
        found = await cut(decoder, *(given[at : at + 512] for at in range(0, len(given), 512)), rows=100)
    assert sum(len(each.rows) for each in found) == 1000
    assert {len(each.rows) for each in found[2:-1]} <= {*range(100, 106)}


async def test_what_it_cannot_decode_comes_as_text_and_the_rest_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orgsync.salesforce.bulk.cuts._FIRST_BYTES", 1)
    plain, odd = ("a", "1", "", "", "true", "", "", "", ""), ("b", "many", "", "", "true", "", "", "", "")
    first, *lines = page(things([plain, odd, plain])).splitlines(keepends=True)
    async with decoding_subprocess(Decoding(schema_of(Thing), FACTS), pytest.fail) as decoder:
        found = await cut(decoder, first + lines[0], lines[1], lines[2], rows=1)
        assert [(each.is_decoded, len(each.rows)) for each in found if each.rows] == [(True, 1), (False, 1), (True, 1)]
        assert found[1].rows[0][4] == "many"


async def test_a_byte_order_mark_that_a_later_piece_begins_with_is_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orgsync.salesforce.bulk.cuts._FIRST_BYTES", 1)
    row = ("a", "1", "", "", "true", "", "", "", "")
    first, *lines = page(things([row, row])).replace(b'"', b"").splitlines(keepends=True)
    async with decoding_subprocess(Decoding(schema_of(Thing), FACTS), pytest.fail) as decoder:
        found = await cut(decoder, first + lines[0], BOM_UTF8 + lines[1], rows=1)
    assert [each.rows[0][0] for each in found if each.rows] == ["a00000000000000AAA", "\ufeffa00000000000001AAA"]


async def test_a_page_that_breaks_off_again_and_again_comes_on_row_by_row() -> None:
    rows = things([("x" * 50, "1", "", "", "true", "", "", "", "")] * 20_000)
    body = page(rows)
    answer = page_answer([], said=len(rows), body=body)
    answers = *(cut_off(answer, share / 10) for share in range(1, 9)), answer
    subprocess = decoding_subprocess(Decoding(schema_of(Thing), FACTS), pytest.fail)
    async with subprocess as decoder, RawServer(*answers) as server, Http() as http:
        client = lone_client(http, server.url)
        found = [part async for part in results(client, job(len(rows)), rows=5000, decoder=decoder)]
    assert [row[0] for part in found for row in part.rows] == [row[0] for row in rows]
    assert len(server.asked) == 9


async def test_bytes_that_are_no_text_are_reported_by_it_as_well() -> None:
    given = page(things([("?", "", "", "", "true", "", "", "", "")])).replace(b"?", b"\xff")
    async with decoding_subprocess(Decoding(schema_of(Thing), FACTS), pytest.fail) as decoder:
        [found] = await cut(decoder, given)
    assert (found.is_decoded, found.is_replaced, found.rows[0][3]) == (True, True, "\ufffd")


async def test_when_it_is_killed_this_process_goes_on_with_a_word(
    warned: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orgsync.salesforce.bulk.cuts._FIRST_BYTES", 1)
    first, *lines = page(things([("a", "1", "", "", "true", "", "", "", "")] * 5)).splitlines(keepends=True)

    async def killing(pid: int) -> AsyncIterator[bytes]:
        yield first + lines[0]
        yield lines[1]
        os.kill(pid, signal.SIGKILL)
        for line in lines[2:]:
            yield line

    async with (
        decoding_subprocess(Decoding(schema_of(Thing), FACTS), warned.append) as decoder,
        aclosing(cuts(killing(pid_of(decoder)), decoder, rows=1)) as found,
    ):
        every = [each async for each in found]
    assert as_decoded(every) == as_decoded(await cut(None, first, *lines))
    assert not every[-2].is_decoded
    assert warned == ["The subprocess that decodes rows ended, so the rest of the result is read more slowly."]


async def test_where_python_cannot_be_started_this_process_decodes(
    warned: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nowhere"))
    async with decoding_subprocess(Decoding(schema_of(Thing), FACTS), warned.append) as decoder:
        assert decoder is None
    assert warned == [
        "No subprocess could be started to decode rows (No such file or directory), so the result is read more slowly."
    ]


async def test_there_are_no_more_of_them_than_there_are_cores_left() -> None:
    async with (
        decoding_subprocess(Decoding(schema_of(Thing), FACTS), pytest.fail) as first,
        decoding_subprocess(Decoding(schema_of(Thing), FACTS), pytest.fail) as second,
    ):
        assert (first is None, second is None) == (False, True)
    async with decoding_subprocess(Decoding(schema_of(Thing), FACTS), pytest.fail) as third:
        assert third is not None


async def test_a_file_of_the_folder_that_is_named_as_a_library_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("csv", "json", "orgsync", "decimal"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(3)")
    (tmp_path / "sitecustomize.py").write_text("print('hello')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    given = page(things([("a", "1", "", "", "true", "", "", "", "")]))
    async with decoding_subprocess(Decoding(schema_of(Thing), FACTS), pytest.fail) as decoder:
        assert [each.is_decoded for each in await cut(decoder, given)] == [True]


@pytest.mark.skipif(sys.platform != "linux", reason="/proc shows a process's environment")
async def test_it_gets_no_setting_with_a_secret_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORGSYNC_KEY", "s3cret")
    async with decoding_subprocess(Decoding(schema_of(Thing), FACTS), pytest.fail) as decoder:
        assert await cut(decoder, page([]))  # it has begun
        assert b"s3cret" not in Path(f"/proc/{pid_of(decoder)}/environ").read_bytes()


async def test_it_ends_with_the_block_also_where_an_answer_is_waited_for() -> None:
    many = page(things([("a" * 1000, "1", "", "", "true", "", "", "", "")] * 20_000))
    pids = list[int]()
    for seconds in (0.0, 0.05, 0.3):
        with anyio.move_on_after(seconds) as scope:
            async with decoding_subprocess(Decoding(schema_of(Thing), FACTS), pytest.fail) as decoder:
                pids.append(pid_of(decoder))
                async with aclosing(cuts(pieces(*[many] * 5), decoder, rows=10_000)) as found:
                    async for _ in found:
                        pass
        assert scope.cancelled_caught
    assert not any(map(is_alive, pids))


async def test_an_answer_is_whole_where_python_is_told_not_to_buffer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", "1")
    given = page(things([("a" * 50, "1", "", "", "true", "", "", "", "")] * 20_000))
    async with decoding_subprocess(Decoding(schema_of(Thing), FACTS), pytest.fail) as decoder:
        assert decoder
        await decoder.send(HEADER, given[len(page([])) :])
        await anyio.sleep(2)  # until it waits for this process to read
        os.kill(pid_of(decoder), signal.SIGSTOP)
        os.kill(pid_of(decoder), signal.SIGCONT)
        with anyio.fail_after(20):
            found = await decoder.receive()
        assert found
        assert len(found[0]) == 20_000


async def test_one_that_does_not_answer_is_given_up(warned: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tested, "_SECONDS", 0.2)
    given = page(things([("a", "1", "", "", "true", "", "", "", "")]))
    async with decoding_subprocess(Decoding(schema_of(Thing), FACTS), warned.append) as decoder:
        os.kill(pid_of(decoder), signal.SIGSTOP)
        assert [each.is_decoded for each in await cut(decoder, given)] == [False]
    [warning] = warned
    assert "did not answer within 0.2 seconds" in warning


async def test_what_was_sent_and_not_received_is_forgotten() -> None:
    before = page(things([("before", "1", "", "", "true", "", "", "", "")]))
    after = page(things([("after", "1", "", "", "true", "", "", "", "")]))
    async with decoding_subprocess(Decoding(schema_of(Thing), FACTS), pytest.fail) as decoder:
        assert decoder
        await decoder.send(HEADER, before[len(page([])) :])
        assert [row[3] for row in as_decoded(await cut(decoder, after))] == ["after"]
