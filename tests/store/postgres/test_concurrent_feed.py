"""Writers commit side by side, and a reader of the change feed misses nothing, whichever commits first."""

import random
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

import anyio
import pytest

from orgsync.store.backend import Backend
from orgsync.store.backends import open_backend
from orgsync.store.commit_types import Write
from orgsync.store.postgres import feed_sql
from orgsync.store.postgres.change_numbers import ChangeNumbers
from tests.store.contacts import CONTACT, contact
from tests.store.databases import PostgresDatabase

WRITERS, COMMITS, ROWS = 8, 25, 20
STAMPS = [f"2026-01-{day:02}T00:00:00.000Z" for day in range(1, COMMITS + 1)]


async def write(backend: Backend, number: int) -> None:
    """Change the same rows again and again; of some commits the transaction is held open for a while."""
    chance = random.Random(number)
    for at, stamp in enumerate(STAMPS):
        async with backend.writing() as on:
            rows = [contact(f"{number}-{row}", stamp, f"{at}") for row in range(ROWS)]
            await on.rows.write(f"org{number}", [Write(CONTACT, rows)])
            if chance.random() < 0.15:
                await anyio.sleep(chance.random() * 0.04)


async def followed(database: PostgresDatabase, folder: Path) -> list[tuple[str, int]]:
    """Let the writers write, and return what a reader that asks all the time has seen: Ids, and which commit's."""
    seen: list[tuple[str, int]] = []
    async with AsyncExitStack() as stack:
        # A backend each, as processes have.
        backends = [await stack.enter_async_context(open_backend(database.url, folder)) for _ in range(WRITERS + 1)]
        async with backends[0].writing() as on:
            await on.tables.make(CONTACT)
            await on.tables.make_feed("contact")
        left = len(backends) - 1

        async def write_to_the_end(number: int) -> None:
            nonlocal left
            await write(backends[number], number)
            left -= 1

        async with anyio.create_task_group() as tasks:
            for number in range(WRITERS):
                tasks.start_soon(write_to_the_end, number)
            after, quiet = 0, False
            while not quiet:
                quiet = left == 0
                async with backends[-1].reading() as on:
                    page = await on.rows.changes("contact", connection=None, after=after, limit=500)
                for row in page:
                    seen.append((row["id"], int(row["name"])))
                    after = row["sync_seq"]
                quiet = quiet and not page
    return seen


def missed(seen: list[tuple[str, int]]) -> set[str]:
    """Return the Ids whose last state a reader has not seen."""
    latest = dict(seen)
    every = {f"{number}-{row}" for number in range(WRITERS) for row in range(ROWS)}
    return {each for each in every if latest.get(each) != COMMITS - 1}


async def test_nothing_is_missed_nothing_comes_twice_and_a_rows_changes_stay_in_order(
    database: PostgresDatabase, tmp_path: Path
) -> None:
    seen = await followed(database, tmp_path)
    assert missed(seen) == set()
    assert [each for each, times in Counter(seen).items() if times > 1] == []
    for key in {key for key, _ in seen}:
        states = [state for other, state in seen if other == key]
        assert states == sorted(states)


async def test_with_a_plain_sequence_the_same_reader_misses_rows(
    database: PostgresDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.execute("CREATE SEQUENCE plain INCREMENT BY 1000")

    async def of_a_sequence(numbers: ChangeNumbers, _size: int) -> int:
        await numbers.begin()
        [(first,)] = await numbers._on.fetch("SELECT nextval('plain')")  # pyright: ignore[reportPrivateUsage]
        return int(first)

    monkeypatch.setattr(ChangeNumbers, "take", of_a_sequence)
    monkeypatch.setattr(feed_sql, "HORIZON", "9223372036854775807")
    states = Counter(await followed(database, tmp_path))
    assert len(states) < WRITERS * ROWS * COMMITS or missed(list(states))
