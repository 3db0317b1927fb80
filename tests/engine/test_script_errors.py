"""What a script's mistakes with `async` and `await` are answered with, instead of Python's own words."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from orgsync import Batch, Record
from orgsync.engine.script_errors import problem_of
from orgsync.errors import OrgsyncError
from orgsync.scripts import Sync


class Own(Record, table=True):
    last_name: str | None


async def query() -> AsyncIterator[dict[str, Any]]:
    yield {}


async def get() -> dict[str, Any]:
    return {}


def keep(_: Own) -> bool:
    return True


async def keep_later(_: Own) -> bool:
    return True


BATCH = Batch(Own, [{"id": "003000000000001AAA", "last_name": "Lovelace"}])
NAMES = {"query": query, "get": get, "keep": keep, "keep_later": keep_later, "batch": BATCH, "checkpoint": None}


async def mistaken(statement: str) -> OrgsyncError:
    """Run a statement inside of an `async def`, and give what its error is reported as."""
    names: dict[str, Any] = dict(NAMES)
    exec(f"async def own(ctx=None):\n    {statement}", names)  # noqa: S102 - the statements stand below
    try:
        await names["own"]()
    except Exception as error:
        return problem_of(Sync("own", names["own"]), error)
    raise AssertionError("it is no mistake")


@pytest.mark.filterwarnings("ignore:coroutine:RuntimeWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    ("statement", "remedy"),
    [
        ("await batch.map(lambda each: each)", "Drop the `await`: `yield batch.map(change)`."),
        ("await batch.filter(keep)", "Drop the `await`: `yield batch.map(change)`."),
        ("await batch.replace([])", "Drop the `await`: `yield batch.map(change)`."),
        ("await checkpoint", "Drop the `await`. Awaited are ctx.get,"),
        ("await query()", "Write `async for row in ctx.query(...)`"),
        ("[*query()]", "Write `async for` instead of `for`"),
        ("for row in query(): pass", "Write `async for` instead of `for`"),
        ("next(query())", "Write `async for` instead of `for`"),
        ("query()[0]", "Gather them first: `[row async for row in ctx.query(...)]`."),
        ("len(query())", "Gather them first: `[row async for row in ctx.query(...)]`."),
        ("query().filter(keep)", "Write `async for batch in ctx.changes(...): yield batch.map(change)`."),
        ("async with query(): pass", "Write `async for row in ctx.query(...)`."),
        ("with query(): pass", "Write `async for row in ctx.query(...)`."),
        ("async for row in batch: pass", "Write `for` instead of `async for`."),
        ("async for row in await get(): pass", "Write `for` instead of `async for`."),
        ("async for row in get(): pass", "Write `await` before it: `await ctx.get(...)`."),
        ("import asyncio; asyncio.run(get())", "Write `await` in an `async def`"),
        ("batch.filter(keep_later).map(keep)", "Write `await` before it: `(await batch.map(change)).filter(keep)`"),
        ("get()['Max']", "Write `await` before it: `(await ctx.get(...))[...]`."),
        ("get().items()", "Write `await` before it: `(await ctx.get(...))[...]`."),
        ("dict(get())", "Write `await` before it: `await ctx.get(...)`."),
        ("a, b = get()", "Write `await` before it: `await ctx.get(...)`."),
        ("'Max' in get()", "Write `await` before it: `await ctx.get(...)`."),
        ("get() + 1", "Write `await` before it: `await ctx.get(...)`."),
        ("import json; json.dumps(get())", "Write `await` before it: `await ctx.get(...)`."),
    ],
)
async def test_a_mistake_with_await_is_answered_with_what_to_write(statement: str, remedy: str) -> None:
    problem = await mistaken(statement)
    assert problem.remedy.startswith(remedy), problem
    assert "raised" not in problem.cause
