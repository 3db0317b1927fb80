"""A long query over REST is read ahead and decoded in a subprocess: the same rows come, whatever happens on the way."""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from orgsync import Batches, Context, Record, sync
from orgsync.demo_org import DemoOrg, Fault
from orgsync.engine import Committed
from orgsync.errors import ScriptRaised
from orgsync.extract import Api, decoding_subprocess, long_queries
from orgsync.extract.decoding_subprocess import PagesInSubprocess
from orgsync.extract.read_ahead import read_ahead
from tests.extract.extracting import copied, is_alive, reading, values, warnings
from tests.projects import Interruption, project_at

from .test_bulk import Account, Contact, Opportunity, awkward


class Name(Record, table=True):
    """A contact's name alone."""

    __sobject__ = "Contact"
    last_name: str | None


everyone = reading(Name)


class Decoded:
    """The numbers of rows of the pages that subprocesses have decoded, and the Ids of those processes."""

    def __init__(self) -> None:
        self.pages: list[int] = []
        self.pids: set[int] = set()


@pytest.fixture(autouse=True)
def decoded(monkeypatch: pytest.MonkeyPatch) -> Decoded:
    """Let queries of more than a page be long ones, and note what subprocesses decode of them."""
    found, page = Decoded(), PagesInSubprocess.page

    async def noted(self: PagesInSubprocess, content: bytes, fields: Sequence[str], *, exact: bool) -> Any:
        body = await page(self, content, fields, exact=exact)
        if body:
            found.pages.append(len(body["records"]))
            found.pids.add(self._subprocess.process.pid)  # type: ignore[union-attr] # pyright: ignore
        return body

    monkeypatch.setattr(PagesInSubprocess, "page", noted)
    monkeypatch.setattr(long_queries, "_SUBPROCESS_FROM", 1)
    monkeypatch.setattr(decoding_subprocess, "_SLOTS", decoding_subprocess._Slots(1))  # pyright: ignore[reportPrivateUsage]
    return found


def truth(org: DemoOrg) -> dict[str, Any]:
    return {str(row["Id"]): row["LastName"] for row in org.rows("Contact")}


@pytest.mark.parametrize("model", [Contact, Account, Opportunity], ids=lambda each: each.__name__)
async def test_rows_are_those_that_this_process_would_decode(
    tmp_path: Path, org: DemoOrg, decoded: Decoded, model: type[Record]
) -> None:
    awkward(org)
    async with project_at(tmp_path, org) as project:
        await project.run(reading(model))
        assert decoded.pages == []  # one page is not a long query
        before = await values(project, model.__name__.lower())
        org.page_size = 2
        run = await project.run(reading(model), full=True)
        assert (run.added, run.updated, run.deleted) == (0, 0, 0)
        assert await values(project, model.__name__.lower()) == before
    assert sum(decoded.pages) == len(before) - 2
    assert not any(map(is_alive, decoded.pids))


@pytest.mark.parametrize("commits", [1, 2, 3, 6, 12])
async def test_an_interrupted_run_is_resumed_behind_its_last_commit_and_leaves_nothing_running(
    tmp_path: Path, org: DemoOrg, decoded: Decoded, commits: int
) -> None:
    org.page_size = 2
    tasks = asyncio.all_tasks()
    async with project_at(tmp_path, org) as project:
        assert await project.interrupted(everyone, commits)
        assert asyncio.all_tasks() == tasks
        assert not any(map(is_alive, decoded.pids))
        [stopped] = await project.opened.store.runs.list()
        assert stopped.added == 2 * commits
        run = await project.run(everyone)
        assert (run.added, run.unchanged) == (25 - stopped.added, 0)
        assert await copied(project, "name", "last_name") == truth(org)


async def test_when_the_subprocess_is_killed_this_process_goes_on_with_a_word(
    tmp_path: Path, org: DemoOrg, decoded: Decoded
) -> None:
    org.page_size = 2

    def kill(_: Committed) -> None:
        while decoded.pids:
            os.kill(decoded.pids.pop(), signal.SIGKILL)

    async with project_at(tmp_path, org) as project:
        with warnings() as warned:
            outcome = await project.outcome(everyone, on_commit=kill)
        assert outcome.problem is None
        assert await copied(project, "name", "last_name") == truth(org)
    assert [each for each in warned if "subprocess" in each] == [
        "The subprocess that decodes rows ended, so the rest of the result is read more slowly."
    ]


@pytest.mark.parametrize(
    "fault",
    [Fault.truncate(), Fault.reset(), Fault.status(502, "x"), Fault.no_records(), Fault.lost_locator()],
    ids=["cut", "reset", "502", "no records", "no locator"],
)
async def test_a_page_that_is_not_as_it_should_be_is_requested_again(
    tmp_path: Path, org: DemoOrg, decoded: Decoded, fault: Fault
) -> None:
    org.page_size = 3
    org.add_fault(fault, match="/query/", every=2, times=3)
    async with project_at(tmp_path, org) as project:
        await project.run(everyone)
        assert await copied(project, "name", "last_name") == truth(org)
    assert decoded.pages


async def test_what_was_read_before_an_error_is_committed(tmp_path: Path, org: DemoOrg) -> None:
    org.page_size = 3
    org.add_fault(Fault.json_error(403, "INSUFFICIENT_ACCESS", "no"), match="/query/.*-15$", times=None)
    async with project_at(tmp_path, org) as project:
        outcome = await project.outcome(everyone)
        assert outcome.problem is not None
        assert len(await project.live("name")) == 15


@pytest.mark.parametrize("api", ["rest", "bulk"])
async def test_a_pass_that_a_script_leaves_open_ends_with_the_run(
    tmp_path: Path, org: DemoOrg, decoded: Decoded, monkeypatch: pytest.MonkeyPatch, api: Api
) -> None:
    held: list[Any] = []

    @sync(name="reading")
    async def leaving(ctx: Context) -> Batches[Name]:
        held.append(ctx.changes(Name, api=api))
        rows = 0
        async for batch in held[0]:
            yield batch
            rows += len(batch.rows)
            if rows == 6:
                raise ValueError("of the script's")

    org.page_size = org.bulk_page_size = 2
    monkeypatch.setattr("orgsync.extract.bulk._SUBPROCESS_FROM", 1)
    monkeypatch.setattr("orgsync.extract.bulk._ROWS_AT_ONCE", 2)
    async with project_at(tmp_path, org) as project:
        tasks = asyncio.all_tasks()
        outcome = await project.outcome(leaving)
        assert isinstance(outcome.problem, ScriptRaised)
        assert asyncio.all_tasks() == tasks
        assert decoding_subprocess._SLOTS.left == 1  # pyright: ignore[reportPrivateUsage]
        sent = len(org.requests)
        await anyio.sleep(0.1)
        assert len(org.requests) == sent


async def test_a_wide_object_which_is_merged_here_starts_no_subprocess(
    tmp_path: Path, org: DemoOrg, decoded: Decoded, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[object] = []
    monkeypatch.setattr(PagesInSubprocess, "start", started.append)
    monkeypatch.setattr("orgsync.extract.column_groups._ROOM", 200)
    org.page_size = 7
    async with project_at(tmp_path, org) as project:
        await project.run(reading(Contact))
        assert len(await project.live("contact")) == 25
    assert started == []


async def test_without_a_core_for_a_subprocess_pages_come_one_by_one(
    tmp_path: Path, org: DemoOrg, decoded: Decoded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding_subprocess, "_SLOTS", decoding_subprocess._Slots(0))  # pyright: ignore[reportPrivateUsage]
    org.page_size = 3
    async with project_at(tmp_path, org) as project:
        assert await project.interrupted(everyone, 2)
        assert sum("/query" in request.path for request in org.requests) == 2
    assert decoded.pages == []


class Source:
    """Gives numbers, until it fails or is closed; `given` is the last."""

    def __init__(self, fails_at: int = 100) -> None:
        self.given = 0
        self.closed = False
        self._fails_at = fails_at

    async def numbers(self) -> AsyncGenerator[int]:
        try:
            while self.given < self._fails_at:
                await anyio.lowlevel.checkpoint()
                self.given += 1
                yield self.given
            raise ValueError("no more")
        finally:
            self.closed = True


def ahead(source: Source, *, most: int = 3, begins: bool = True) -> AsyncGenerator[int]:
    return read_ahead(source.numbers(), most=most, size=lambda _: 1, begins=lambda: begins)


async def test_a_source_is_read_as_far_ahead_as_is_allowed_and_closed_with_its_reader() -> None:
    source = Source()
    async with aclosing(ahead(source)) as numbers:
        assert await anext(numbers) == 1
        assert source.given == 1  # nobody knows yet whether it is a long one
        for number in range(2, 10):
            assert await anext(numbers) == number
            await anyio.wait_all_tasks_blocked()
            assert source.given == number + 3
    assert source.closed


async def test_a_source_that_is_not_long_is_read_one_by_one() -> None:
    source = Source()
    async with aclosing(ahead(source, begins=False)) as numbers:
        for number in range(1, 5):
            assert await anext(numbers) == number
            await anyio.wait_all_tasks_blocked()
            assert source.given == number
    assert source.closed


async def test_an_error_comes_behind_what_was_read_before_it() -> None:
    found: list[int] = []

    async def gather() -> None:
        async for number in ahead(Source(fails_at=7)):
            found.append(number)  # the error ends the loop

    with pytest.raises(ValueError, match="no more"):
        await gather()
    assert found == [1, 2, 3, 4, 5, 6, 7]


async def test_a_reader_that_is_cancelled_closes_its_source() -> None:
    source = Source()
    with anyio.CancelScope() as scope:
        async with aclosing(ahead(source)) as numbers:
            async for _ in numbers:
                if source.given > 5:
                    scope.cancel()
                await anyio.lowlevel.checkpoint()
    assert source.closed


async def test_a_source_that_swallows_its_cancellation_is_closed_all_the_same() -> None:
    async def swallowing() -> AsyncGenerator[int]:
        for number in range(1000):
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(0.001)
            yield number

    with anyio.fail_after(20):
        async with aclosing(read_ahead(swallowing(), most=100, size=lambda _: 1)) as numbers:
            async for number in numbers:
                if number == 3:
                    break


async def test_an_interruption_in_the_source_is_raised_in_its_reader() -> None:
    async def interrupted() -> AsyncGenerator[int]:
        yield 1
        raise Interruption

    with pytest.raises(Interruption):
        async for _ in read_ahead(interrupted(), most=3, size=lambda _: 1, begins=lambda: True):
            pass
