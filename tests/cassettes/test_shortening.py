"""What a shortened answer says fits what all the others say, and everything that is not cut stays as it came."""

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orgsync.cassettes.shortening import Shortening
from orgsync.salesforce.http.messages import Response

HOST, DATA = "https://acme.my.salesforce.com", "/services/data/v62.0"
JOB = f"{DATA}/jobs/query/750Dn0000012345IAA"

RECORDS = (
    '{"attributes":{"type":"Contact","url":"/x/1"},"Id":"1","Score__c":1.10,"Other__c":3.0}',
    '{"attributes":{"type":"Contact","url":"/x/2"} , "Id" : "2", "Score__c":1E+2,"Name":"Z\\u00fc\\/rich"}',
    '{"attributes":{"type":"Contact","url":"/x/3"},"Id":"3","Half":"\\ud83d","Text":"a],\\"}b\\n"}',
    '{"attributes":{"type":"Contact","url":"/x/4"},"Id":"4","Cases":{"totalSize":9,"done":false,'
    f'"nextRecordsUrl":"{DATA}/query/01gCHILD-2","records":[{{"Id":"a"}},{{"Id":"b"}}]}},"Account":null}}',
)

sizes = st.lists(st.integers(1, 6), max_size=8)
most = st.integers(0, 50)
times_asked = st.integers(1, 3)


def answer(path: str, body: str, headers: Mapping[str, str] = MappingProxyType({}), *, status: int = 200) -> Response:
    return Response(status, headers, body.encode(), "GET", f"{HOST}{path}")


def query(soql: str) -> str:
    return f"{DATA}/query?q={quote(soql, safe='')}"


def asked_often(shortening: Shortening, came: Response, times: int) -> Response:
    """Shorten an answer as often as it is asked for; it must always be given alike."""
    given, *again = (shortening.shorten(came) for _ in range(times))
    assert all(each == given for each in again)
    return given


# Queries over REST


def page_text(records: Sequence[str], total: int, following: str | None, order: Sequence[int]) -> str:
    """Write a page, its members in one of their orders."""
    members = [f'"totalSize":{total}', f'"done":{"false" if following else "true"}', f'"records":[{",".join(records)}]']
    members += [f'"nextRecordsUrl":"{following}"'] if following else []
    return "{" + ",".join(members[at] for at in order if at < len(members)) + "}"


@given(sizes, most, times_asked, st.permutations(range(4)))
def test_a_query_holds_the_first_rows_and_says_so_on_every_page(
    sizes: list[int], most: int, times: int, order: list[int]
) -> None:
    rows = [RECORDS[at % len(RECORDS)] for at in range(sum(sizes))]
    ends = [0, *accumulate(sizes)]
    paths = [query("SELECT Id FROM Contact"), *(f"{DATA}/query/01gRO0000016PIA-{end}" for end in ends[1:-1]), None]
    pages = {
        paths[at]: page_text(rows[start:end], len(rows), paths[at + 1], order)
        for at, (start, end) in enumerate(pairwise(ends))
    } or {paths[0]: page_text([], 0, None, order)}
    shortening, seen, path = Shortening(most), list[str](), paths[0]
    while path is not None:
        came = answer(path, pages[path])
        page = asked_often(shortening, came, times)
        body: Any = page.json()
        assert body["totalSize"] == min(len(rows), most)
        assert len(body["records"]) <= most
        begin, end = len(seen), len(seen) + len(body["records"])
        assert f'"records":[{",".join(rows[begin:end])}]' in page.content.decode()
        assert page is came or page != came
        seen += rows[begin:end]
        path = body.get("nextRecordsUrl")
        assert body["done"] is (path is None) is (seen == rows[:most])
    assert seen == rows[:most]


def test_a_query_that_is_short_enough_stays_to_the_byte() -> None:
    body = f' {{ "totalSize" : 4,"done":true ,\n"records": [{", ".join(RECORDS)}]}}\n'
    came = answer(query("SELECT Id FROM Contact"), body)
    assert Shortening(4).shorten(came) is came
    assert Shortening(5).shorten(came) is came


def test_spaces_between_what_stays_stay() -> None:
    body = f'{{\n  "totalSize" : 4,\n  "records" : [ {RECORDS[0]} , {RECORDS[1]} ],\n  "done" : true\n}}'
    short = f'{{\n  "totalSize" : 1,\n  "records" : [ {RECORDS[0]}],\n  "done" : true\n}}'
    assert Shortening(1).shorten(answer(query("SELECT Id FROM Contact"), body)).content.decode() == short


def test_the_length_of_the_old_body_is_not_reported() -> None:
    reported = {"content-length": "40", "date": "now"}
    came = answer(query("SELECT Id FROM X"), '{"totalSize":9,"done":true,"records":[]}', reported)
    assert Shortening(1).shorten(came).headers == {"date": "now"}


def test_pages_of_rows_below_a_row_stay() -> None:
    body = '{"totalSize":9,"done":true,"records":[{"Id":"c"},{"Id":"d"}]}'
    came = answer(f"{DATA}/query/01gCHILD-2", body)
    assert Shortening(1).shorten(came) is came


def test_two_queries_at_once_are_counted_apart() -> None:
    shortening = Shortening(3)
    for name in ("one", "two"):
        text = page_text(RECORDS[:2], 4, f"{DATA}/query/{name}-2", range(4))
        assert shortening.shorten(answer(query(f"SELECT Id FROM {name}"), text)).json() != json.loads(text)
    for name in ("two", "one"):
        text = page_text(RECORDS[2:], 4, None, range(4))
        body: Any = shortening.shorten(answer(f"{DATA}/query/{name}-2", text)).json()
        assert [each["Id"] for each in body["records"]] == ["3"]


def test_rows_that_are_named_by_their_ids_are_all_there() -> None:
    """Or else a client would take the others, which it was given before, for deleted."""
    text = page_text(RECORDS, 4, None, range(4))

    def seen(condition: str) -> int:
        body: Any = Shortening(2).shorten(answer(query(f"SELECT Id FROM Contact WHERE {condition}"), text)).json()
        return len(body["records"])

    assert seen("Id IN ('1', '2', '3', '4')") == 4
    assert seen("(id in ('1', '2', '3')) AND IsDeleted = false") == 3
    assert seen("Id IN ('1')") == 2
    assert seen("Id NOT IN ('1', '2', '3')") == 2
    assert seen("AccountId IN ('1', '2', '3')") == 2
    assert seen("Account.Id IN ('1', '2', '3')") == 2
    assert seen("Id IN (SELECT AccountId FROM Opportunity)") == 2


def test_a_tooling_query_is_one_too() -> None:
    body = f'{{"size":4,"totalSize":4,"done":false,"queryLocator":"01g-2","records":[{RECORDS[0]},{RECORDS[1]}]}}'
    short = f'{{"size":1,"totalSize":1,"done":true,"queryLocator":null,"records":[{RECORDS[0]}]}}'
    came = answer(query("SELECT Id FROM ApexLog").replace("/query", "/tooling/query"), body)
    assert Shortening(1).shorten(came).content.decode() == short


# Numbers of rows


def aggregates(*records: str) -> str:
    listed = ",".join(f'{{"attributes":{{"type":"AggregateResult"}},{each}}}' for each in records)
    return f'{{"totalSize":{len(records)},"done":true,"records":[{listed}]}}'


@pytest.mark.parametrize(
    ("path", "body", "short"),
    [
        (query("SELECT COUNT() FROM X"), '{"totalSize":9,"done":true,"records":[]}', ("9", "5")),
        (query("SELECT COUNT(Id) FROM X"), aggregates('"expr0":9'), (":9", ":5")),
        (query("select count(Id) n from X where A = 'group by'"), aggregates('"n":9'), (":9", ":5")),
        (query("SELECT COUNT_DISTINCT(A) FROM X"), aggregates('"expr0":9'), (":9", ":5")),
        (f"{DATA}/limits/recordCount?sObjects=A,B", '{"sObjects":[ {"count":9,"name":"A"}]}', ("9", "5")),
        (f"{DATA}/jobs/query/750x", '{"id":"750x","numberRecordsProcessed":9,"retries":7}', ("9", "5")),
    ],
)
def test_a_number_of_rows_is_at_most_the_most(path: str, body: str, short: tuple[str, str]) -> None:
    came = answer(path, body)
    assert Shortening(5).shorten(came).content.decode() == body.replace(*short)
    assert Shortening(9).shorten(came) is came


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (query("SELECT SUM(Amount) FROM X"), aggregates('"expr0":9.0')),
        (query("SELECT MAX(Size__c) FROM X"), aggregates('"expr0":9')),
        (query("SELECT COUNT(Id), MAX(Size__c) FROM X"), aggregates('"expr0":9,"expr1":8')),
        (query("SELECT COUNT(Id) FROM X GROUP BY A"), aggregates('"expr0":9')),
        (query("SELECT A, COUNT(Id) FROM X GROUP BY A"), aggregates('"A":"a","expr0":9', '"A":"b","expr0":8')),
        (f"{DATA}/limits", '{"DailyApiRequests":{"Max":15000,"Remaining":14976}}'),
        (f"{DATA}/limits/recordCount?sObjects=A", '{"sObjects":[ ]}'),
        (f"{DATA}/sobjects/X/updated/?start=a", '{"ids":["a","b","c"],"latestDateCovered":"d"}'),
        (f"{DATA}/sobjects/X/deleted/?start=a", '{"deletedRecords":[{"id":"a"},{"id":"b"}]}'),
        (f"{DATA}/query?explain=SELECT", '{"plans":[{"cardinality":9}]}'),
        (f"{DATA}/jobs/query", '{"done":true,"records":[{"id":"750x"},{"id":"750y"}]}'),
        (f"{DATA}/jobs/query/750x", '{"id":"750x","state":"UploadComplete"}'),
        ("/services/apexrest/query", '{"totalSize":9,"done":true,"records":[1,2,3]}'),
    ],
)
def test_what_is_no_number_of_rows_stays(path: str, body: str) -> None:
    came = answer(path, body)
    assert Shortening(1).shorten(came) is came


@pytest.mark.parametrize("path", [query("SELECT Id FROM X"), f"{DATA}/limits/recordCount", JOB, f"{JOB}/resultPages"])
@pytest.mark.parametrize(
    "body",
    [
        "",
        "<html>",
        "[]",
        "{}",
        '{"records":1,"sObjects":1,"resultPages":1}',
        '{"a"',
        pytest.param("[" * 99_999, id="deep"),
    ],
)
def test_what_has_another_shape_is_left_to_the_client(path: str, body: str) -> None:
    came = answer(path, body)
    assert Shortening(1).shorten(came) is came


@pytest.mark.parametrize("path", [query("SELECT Id FROM X"), JOB, f"{JOB}/results"])
def test_a_refusal_stays(path: str) -> None:
    came = answer(path, '{"totalSize":9,"numberRecordsProcessed":9,"records":[1,2,3]}', status=400)
    assert Shortening(1).shorten(came) is came


# Results of Bulk jobs

texts = st.sampled_from(["", "a", 'say "x"', "two\nlines", '"\n"', "a,b;c", "ä\u2028\r\n\x0b", "5"])
dialects = st.sampled_from([(",", "\n"), (";", "\n"), (",", "\r\n")])


def csv_line(fields: Sequence[str], dialect: tuple[str, str]) -> str:
    return dialect[0].join('"' + each.replace('"', '""') + '"' for each in fields) + dialect[1]


def parsed(page: Response, dialect: tuple[str, str]) -> list[list[str]]:
    return list(csv.reader(io.StringIO(page.content.decode(), newline="\n"), delimiter=dialect[0], strict=True))


class Job:
    """A job whose result is given in pages of the size that is asked for, behind locators."""

    def __init__(self, rows: Sequence[str], dialect: tuple[str, str] = (",", "\n"), *, counted: bool = True) -> None:
        self.rows = [[str(at), text] for at, text in enumerate(rows)]
        self.dialect = dialect
        self.counted = counted

    def page(self, size: int, locator: str) -> Response:
        start = int(locator.removeprefix("L") or 0)
        rows = self.rows[start : start + size]
        following = f"L{start + size}" if start + size < len(self.rows) else "null"
        text = "".join(csv_line(each, self.dialect) for each in [["Id", "Text"], *rows])
        reported = {"sforce-numberofrecords": str(len(rows))} if self.counted else {}
        path = f"{JOB}/results?maxRecords={size}" + (f"&locator={locator}" if locator else "")
        return answer(path, text, {**reported, "sforce-locator": following})

    def links(self, size: int) -> Response:
        starts = range(0, max(1, len(self.rows)), size)
        pages = [{"resultUrl": f"{JOB}/results?locator=L{start}"} for start in starts]
        return answer(f"{JOB}/resultPages", json.dumps({"resultPages": pages, "done": True}))

    def total(self, shortening: Shortening) -> Any:
        body: Any = shortening.shorten(answer(JOB, json.dumps({"numberRecordsProcessed": len(self.rows)}))).json()
        return body["numberRecordsProcessed"]


@given(
    st.lists(texts, max_size=20), st.lists(st.integers(1, 6), min_size=1), most, times_asked, dialects, st.booleans()
)
def test_a_result_holds_the_first_rows_and_says_how_many(
    rows: list[str], sizes: list[int], most: int, times: int, dialect: tuple[str, str], counted: bool
) -> None:
    job, shortening = Job(rows, dialect, counted=counted), Shortening(most)
    seen, locator, turn = list[list[str]](), "", 0
    while locator != "null":
        page = asked_often(shortening, job.page(sizes[turn % len(sizes)], locator), times)
        header, *found = parsed(page, dialect)
        assert header == ["Id", "Text"]
        assert page.headers.get("sforce-numberofrecords") == (str(len(found)) if counted else None)
        seen += found
        locator, turn = page.headers["sforce-locator"], turn + 1
    assert seen == job.rows[:most]
    assert job.total(shortening) == len(seen)


@given(st.lists(texts, max_size=20), most, st.integers(1, 6), st.integers(1, 6))
def test_a_result_that_is_read_anew_by_pages_of_another_size_is_the_same(
    rows: list[str], most: int, first: int, second: int
) -> None:
    job, shortening = Job(rows), Shortening(most)

    def seen(size: int) -> list[list[str]]:
        found, locator = list[list[str]](), ""
        while locator != "null":
            page = shortening.shorten(job.page(size, locator))
            found += parsed(page, job.dialect)[1:]
            locator = page.headers["sforce-locator"]
        return found

    assert seen(first) == seen(second) == job.rows[:most]


@given(st.integers(0, 24), st.integers(0, 24), st.integers(1, 4), st.randoms(use_true_random=False))
def test_links_to_pages_hold_as_many_rows_in_any_order(total: int, most: int, size: int, random: Any) -> None:
    job = Job(["a"] * total)

    def seen(change: Callable[[list[str]], object]) -> list[list[str]]:
        shortening = Shortening(most)
        body: Any = shortening.shorten(job.links(size)).json()
        locators = [str(each["resultUrl"]).partition("locator=")[2] for each in body["resultPages"]]
        change(locators)
        pages = dict[str, Response]()
        for locator in locators:
            pages[locator] = shortening.shorten(job.page(size, locator))
            again = random.choice(list(pages))
            assert shortening.shorten(job.page(size, again)) == pages[again]
        found = [row for page in pages.values() for row in parsed(page, job.dialect)[1:]]
        assert len(found) == job.total(shortening) == min(total, most)
        return found

    assert seen(lambda _: None) == job.rows[:most]
    assert all(row in job.rows for row in seen(random.shuffle))


def test_a_page_that_reaches_the_most_exactly_is_the_last() -> None:
    came = Job(["a"] * 6).page(3, "")
    assert Shortening(4).shorten(came) is came
    last = Shortening(3).shorten(came)
    assert (last.content, last.headers["sforce-locator"]) == (came.content, "null")


def test_a_page_that_lacks_rows_still_does() -> None:
    came = Job(["a"] * 6).page(6, "")
    broken = replace(came, content=b'"Id","Text"\n"0","a"\n"1","')
    page = Shortening(4).shorten(broken)
    assert (page.content, page.headers["sforce-numberofrecords"]) == (broken.content, "4")


def test_a_page_without_a_line_end_behind_its_last_row_is_counted() -> None:
    shortening = Shortening(2)
    for locator, text in (("", '"Id"\n"0"'), ("L1", '"Id"\n"1"\n"2"')):
        path = f"{JOB}/results" + (f"?locator={locator}" if locator else "")
        page = shortening.shorten(answer(path, text, {"sforce-locator": "null" if locator else "L1"}))
        assert page.content == (b'"Id"\n"1"\n' if locator else b'"Id"\n"0"')
