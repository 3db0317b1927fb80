"""A job's result, whatever its pages do: every row once, or an error."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from urllib.parse import parse_qs, urlsplit

import anyio
import anyio.lowlevel
import pytest

from orgsync.errors import JobIncomplete, NetworkProblem, OrgsyncError, QueryRefused, ResponseUnreadable, ServerProblem
from orgsync.salesforce.api.client import Client
from orgsync.salesforce.auth.session import Session
from orgsync.salesforce.bulk import Job, Part, Place, results
from orgsync.salesforce.bulk.pages import Pages
from orgsync.salesforce.errors.retry import ATTEMPTS
from orgsync.salesforce.http.http import Http
from tests.http.raw_server import HANG, RESET, RawServer, reply

from ..api.clients import OneTokenVault, lone_client
from .bulk_answers import HEADER, JOB, cut, job, page_answer, rows, text

START = Place()


@asynccontextmanager
async def answering(*answers: bytes) -> AsyncGenerator[tuple[RawServer, Client]]:
    async with RawServer(*answers) as server, Http(timeout=60) as http:
        yield server, lone_client(http, server.url)


async def parts_of(client: Client, of: Job | None = None, start: Place = START, size: int = 10_000) -> list[Part]:
    return [part async for part in results(client, of or job(), start=start, rows=size)]


async def gather(parts: AsyncIterator[Part], into: list[Part]) -> None:
    async for part in parts:
        into.append(part)


def all_rows(parts: list[Part]) -> list[list[str]]:
    return [list(row) for part in parts for row in part.rows]


def locators(server: RawServer) -> list[str | None]:
    queries = [parse_qs(urlsplit(asked.target).query) for asked in server.asked]
    return [query.get("locator", [None])[0] for query in queries]


async def test_pages_are_followed_to_the_locator_null_in_parts_that_know_their_place() -> None:
    pages = page_answer(rows(0, 5), "MTAw"), page_answer(rows(5, 7), "MjAw"), page_answer(rows(7, 8))
    async with answering(*pages) as (server, client):
        parts = await parts_of(client, job(8), size=2)
    assert all_rows(parts) == rows(0, 8)
    assert {part.header for part in parts} == {tuple(HEADER)}
    assert [(len(part.rows), part.place) for part in parts] == [
        (2, Place(None, 2, 0)),
        (2, Place(None, 4, 0)),
        (1, Place("MTAw", 0, 5)),
        (2, Place("MjAw", 0, 7)),
        (1, None),
    ]
    assert locators(server) == [None, "MTAw", "MjAw"]
    assert server.asked[0].headers["accept"] == "text/csv"
    assert "maxRecords=100000" in server.asked[0].target


async def test_a_result_is_asked_for_by_the_api_version_that_made_the_job() -> None:
    async with answering(page_answer(rows(0, 1))) as (server, client):
        assert client.api_version != "58.0"
        await parts_of(client, job(1, version="58.0"))
    assert urlsplit(server.asked[0].target).path == f"/services/data/v58.0/jobs/query/{JOB}/results"


async def test_another_process_continues_from_any_place() -> None:
    pages = page_answer(rows(0, 5), "MTAw"), page_answer(rows(5, 9))
    async with answering(*pages) as (_, client):
        parts = await parts_of(client, job(9), size=2)
    for at, part in enumerate(parts[:-1]):
        assert part.place is not None
        left = pages if part.place.locator is None else pages[1:]
        async with answering(*left) as (server, client):
            rest = await parts_of(client, job(9), start=part.place, size=2)
        assert all_rows(parts[: at + 1]) + all_rows(rest) == rows(0, 9)
        assert locators(server)[0] == part.place.locator
        assert rest[-1].place is None


@pytest.mark.parametrize("processed", [0, None])
async def test_an_empty_result_is_one_last_part_without_rows(processed: int | None) -> None:
    async with answering(page_answer([])) as (server, client):
        (part,) = await parts_of(client, job(processed))
    assert (len(part.rows), part.place) == (0, None)
    assert len(server.asked) == 1


async def test_a_page_without_rows_is_no_end() -> None:
    async with answering(page_answer(rows(0, 2), "a"), page_answer([], "b"), page_answer(rows(2, 3))) as (_, client):
        parts = await parts_of(client, job(3))
    assert all_rows(parts) == rows(0, 3)
    assert [part.place for part in parts] == [Place("a", 0, 2), Place("b", 0, 2), None]


@pytest.mark.parametrize("share", [0, 0.001, 0.3, 0.5, 0.9999])
async def test_a_page_that_breaks_off_is_resumed_where_it_broke(share: float) -> None:
    second = page_answer(rows(5000, 12_000))
    answers = page_answer(rows(0, 5000), "MTAw"), cut(second, share), RESET, cut(second, share / 2), second
    async with answering(*answers) as (server, client):
        parts = await parts_of(client, job(12_000), size=1000)
    assert all_rows(parts) == rows(0, 12_000)
    assert all(len(part.rows) <= 1000 for part in parts)
    assert locators(server) == [None, *["MTAw"] * 4]


@pytest.mark.parametrize(
    "broken",
    [
        page_answer(rows(0, 7), said=8),
        page_answer(rows(0, 9), said=8),
        page_answer([], said=8),
        page_answer([*rows(0, 7), ["003", "Ann"]]),
        page_answer([], said=8, body=text([HEADER, *rows(0, 8)])[:-1].removesuffix(b'"')),
        page_answer([], said=8, body=b""),
        page_answer([], said=8, body=b'"Id"\n"\xff"\n'),
        page_answer(rows(0, 8), "first"),
        reply(200, b"<html>a proxy's page</html>", Content_Type="text/html"),
        page_answer([], said=8, body=b"\n" + text([HEADER, *rows(0, 8)])),
    ],
    ids=["fewer", "more", "none", "narrow", "cut quote", "empty", "no text", "a page again", "html", "blank line"],
)
async def test_a_page_that_is_not_what_it_says_is_asked_for_again_and_given_up_in_the_end(broken: bytes) -> None:
    at_first = Place("first", 0, 0)
    async with answering(broken, broken, page_answer(rows(0, 8))) as (server, client):
        parts = await parts_of(client, job(8), start=at_first, size=3)
        assert all_rows(parts) == rows(0, 8)
        assert locators(server) == ["first"] * 3
        server.will_answer(broken)
        with pytest.raises(ResponseUnreadable, match="Run the sync again") as caught:
            await parts_of(client, job(8), start=at_first)
    assert "Ann" not in str(caught.value)
    assert locators(server) == ["first"] * 8


async def test_a_page_may_break_off_any_number_of_times_as_long_as_it_comes_on() -> None:
    whole = page_answer(rows(0, 20_000))
    breaks = [cut(whole, share / 10) for share in range(1, 9)]
    async with answering(*breaks, whole) as (server, client):
        assert all_rows(await parts_of(client, job(20_000), size=1000)) == rows(0, 20_000)
    assert len(server.asked) == 9


async def test_of_a_page_with_more_rows_than_it_says_none_is_given() -> None:
    given: list[Part] = []
    async with answering(page_answer(rows(0, 20), said=8)) as (_, client):
        with pytest.raises(ResponseUnreadable, match="8 rows"):
            await gather(results(client, job(8), rows=3), given)
    assert given == []


async def test_pages_that_lead_in_a_circle_are_given_up() -> None:
    answers = page_answer(rows(0, 2), "a"), page_answer(rows(2, 4), "b"), page_answer(rows(4, 6), "a")
    async with answering(*answers) as (server, client):
        with pytest.raises(ResponseUnreadable, match="read before"):
            await parts_of(client)
    assert locators(server) == [None, "a", *["b"] * 5]


@pytest.mark.parametrize("found", [5, 7])
async def test_a_whole_that_is_not_what_the_job_found_is_no_result(found: int) -> None:
    async with answering(page_answer(rows(0, 5), "a"), page_answer(rows(5, 6))) as (_, client):
        given: list[Part] = []
        with pytest.raises(JobIncomplete, match=f"6 rows, and the job found {found}") as caught:
            await gather(results(client, job(found), rows=2), given)
    assert isinstance(caught.value, ServerProblem)
    assert all_rows(given) == rows(0, 5)  # the rows of the page that ends the result are held back


async def test_pages_that_overlap_are_no_result_though_their_rows_add_up() -> None:
    async with answering(page_answer(rows(0, 5), "a"), page_answer(rows(3, 6))) as (_, client):
        given: list[Part] = []
        with pytest.raises(JobIncomplete, match="holds a row twice"):
            await gather(results(client, job(8), rows=2), given)
    assert all_rows(given) == rows(0, 5)


async def test_a_lost_locator_ends_a_result_only_where_its_rows_are_all_there() -> None:
    lost = page_answer(rows(0, 5), None)
    async with answering(lost) as (_, client):
        assert all_rows(await parts_of(client, job(5))) == rows(0, 5)
        for found in (6, None):
            with pytest.raises(ResponseUnreadable, match="whether it is the last"):
                await parts_of(client, job(found))


async def test_a_page_that_does_not_count_itself_is_proved_by_the_whole() -> None:
    uncounted = reply(200, text([HEADER, *rows(0, 5)]), Sforce_Locator="null", Content_Type="text/csv")
    async with answering(uncounted) as (_, client):
        assert all_rows(await parts_of(client, job(5))) == rows(0, 5)
        with pytest.raises(JobIncomplete):
            await parts_of(client, job(6))


async def test_a_page_that_got_shorter_than_what_was_taken_from_it_is_refused() -> None:
    async with answering(page_answer(rows(0, 5))) as (_, client):
        with pytest.raises(ResponseUnreadable, match="fewer rows than before"):
            await parts_of(client, job(5), start=Place(None, 6, 0))


@pytest.mark.parametrize(
    ("status", "code", "kind"), [(409, "CONFLICT", QueryRefused), (404, "NOT_FOUND", QueryRefused)]
)
async def test_a_result_that_is_refused_is_not_asked_for_again(
    status: int, code: str, kind: type[OrgsyncError]
) -> None:
    async with answering(reply(status, [{"errorCode": code, "message": ""}])) as (server, client):
        with pytest.raises(kind, match=code):
            await parts_of(client)
    assert len(server.asked) == 1


async def until(fact: Callable[[], bool]) -> None:
    with anyio.fail_after(60):
        while not fact():
            await anyio.lowlevel.checkpoint()


LARGE = page_answer(rows(0, 50_000), "a"), page_answer(rows(50_000, 99_000))


async def test_the_next_page_is_asked_for_while_this_one_is_read_and_no_other() -> None:
    async with answering(*LARGE) as (server, client), aclosing(results(client, job(), rows=10)) as reading:
        assert (await anext(reading)).rows == rows(0, 10)
        await until(lambda: len(server.asked) == 2)
        assert len([part async for part in reading]) == 9_899
    assert locators(server) == [None, "a"]


async def test_a_page_that_could_not_be_opened_ahead_is_asked_for_again_when_it_is_due() -> None:
    first, second = LARGE
    busy = reply(503, b"")
    answers = [first, *[busy] * ATTEMPTS, second]
    async with answering(*answers) as (server, client), aclosing(results(client, job(99_000), rows=10)) as reading:
        found = [*(await anext(reading)).rows]
        await until(lambda: len(server.asked) == 1 + ATTEMPTS)
        found += [row async for part in reading for row in part.rows]
    assert found == rows(0, 99_000)
    assert locators(server) == [None, *["a"] * (ATTEMPTS + 1)]


async def test_a_page_must_begin_within_the_time_for_an_answer() -> None:
    async with RawServer(HANG) as server, Http(timeout=0.5) as http:
        client = Client(http, Session(http, OneTokenVault(server.url)), login_url=server.url, retry_for=0.1)
        with anyio.fail_after(60), pytest.raises(NetworkProblem, match="not answered in time"):
            await Pages(client, job(), 10).open(None)


async def test_stopping_early_closes_what_is_open_and_asks_for_nothing_more() -> None:
    async with answering(*LARGE) as (server, client):
        tasks = len(asyncio.all_tasks())
        async with aclosing(results(client, job(), rows=10)) as reading:
            await anext(reading)
            await until(lambda: len(server.asked) == 2)
            assert len(asyncio.all_tasks()) > tasks
        await until(lambda: len(asyncio.all_tasks()) == tasks)  # the server's too: it notices that nobody reads
        assert len(server.asked) == 2


async def test_a_reading_that_is_cancelled_leaves_nothing_open() -> None:
    async with answering(*LARGE) as (server, client):
        tasks = len(asyncio.all_tasks())
        with anyio.CancelScope() as scope:
            async with aclosing(results(client, job(), rows=10)) as reading:
                await anext(reading)
                await until(lambda: len(server.asked) == 2)
                scope.cancel()
                await anyio.sleep_forever()
        await until(lambda: len(asyncio.all_tasks()) == tasks)


async def test_values_are_text_as_it_was_written() -> None:
    values = ["", "a,b", 'say ""', "x\r\ny", "\x0b\x0c\x1c\x85\u2028z", " 1.0 ", "2024-12-24T18:18:29.000Z", "ünï😀"]
    table = [[f"Field{at}" for at in range(len(values))], values]
    async with answering(page_answer([], said=1, body=text(table))) as (_, client):
        (part,) = await parts_of(client, job(1))
    assert part.rows == [values]


@pytest.mark.parametrize(
    ("body", "kind", "named"),
    [
        (b"<html>login please\n</html>", "text/html", "HTML instead of CSV, with status 200"),
        (b'{"a": 1}', "application/json", "JSON instead of CSV"),
        (
            b'[{"errorCode": "INVALID_SESSION_ID", "message": "Session expired"}]',
            "application/json;charset=UTF-8",
            "JSON instead of CSV, with status 200 .INVALID_SESSION_ID: Session expired",
        ),
    ],
)
async def test_what_is_no_csv_is_named(body: bytes, kind: str, named: str) -> None:
    async with answering(reply(200, body, Content_Type=kind)) as (_, client):
        with pytest.raises(ResponseUnreadable, match=named):
            await parts_of(client)
