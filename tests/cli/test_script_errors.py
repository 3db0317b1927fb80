"""A script's mistakes are told with its own line, what it said and what to write; the store keeps none of its text."""

import inspect
import json
from pathlib import Path

import pytest

from orgsync.demo_org import DemoOrg
from orgsync.engine.yielded import not_a_batch

from .commandline import Command

HEAD = "from datetime import UTC, datetime\n\nfrom orgsync import Batch, Batches, Context, Record, sync\n\n\n"
MODEL = "class Own(Record, table=True):\n    __sobject__ = 'Contact'\n    last_name: str | None\n\n\n"
YIELDS = "    async for batch in ctx.changes(Own):\n        yield batch\n"


def ran(orgsync: Command, folder: Path, script: str) -> tuple[int, str]:
    (folder / "syncs").mkdir()
    (folder / "syncs" / "own.py").write_text(HEAD + MODEL + script, encoding="utf-8")
    outcome = orgsync("run", "own")
    assert "Traceback" not in outcome.err
    return outcome.code, " ".join(outcome.err.split())


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (
            "@sync\nasync def own(ctx: Context) -> Batches[Own]:\n    rows = await ctx.query('SELECT Id FROM User')\n"
            + YIELDS,
            ["own.py, line 1", "rows = await ctx.query(", "`async for row in ctx.query(...)`"],
        ),
        (
            "@sync\nasync def own(ctx: Context) -> Batches[Own]:\n    for row in ctx.query('SELECT Id FROM Contact'):\n"
            "        print(row)\n" + YIELDS,
            ["own.py, line 1", "Write `async for` instead of `for`"],
        ),
        (
            "@sync\nasync def own(ctx: Context) -> Batches[Own]:\n    used = ctx.get('limits')['DailyApiRequests']\n"
            + YIELDS,
            ["own.py, line 1", "Write `await` before it"],
        ),
        ("@sync\ndef own() -> Batches[Own]:\n    return None\n", ["own()", "Write: def own(ctx: Context)"]),
        ("@sync\ndef own(ctx: Context) -> Batches[Own]:\n    ctx.changes(Own)\n", ["returns nothing", "`return ctx."]),
        ("@sync\ndef own(ctx: Context) -> Batches[Own]:\n    return [Own(id='x')]\n", ["returns a list, not batches"]),
        (
            "@sync\nasync def own(ctx: Context) -> Batches[Own]:\n    return ctx.changes(Own)\n",
            ["`async def` without `yield`", "leave out `async`"],
        ),
        ("@sync(every=15)\ndef own(ctx: Context) -> Batches[Own]:\n    return ctx.changes(Own)\n", ['every="15m"']),
        ("@sync('15m')\ndef own(ctx: Context) -> Batches[Own]:\n    return ctx.changes(Own)\n", ['@sync(every="15m")']),
        ("@sync\nclass own:\n    pass\n", ["stands above the class own"]),
        (
            "@sync\nasync def own(ctx: Context) -> Batches[Own]:\n"
            "    yield Batch(Own, checkpoint={'since': datetime.now(UTC)})\n",
            ["checkpoint['since']", "datetime"],
        ),
    ],
    ids=[
        "await query", "for query", "no await", "no ctx", "no return", "a list", "no yield", "every", "positional",
        "a class", "checkpoint",
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:coroutine:RuntimeWarning")
def test_a_mistake_is_reported_with_its_line_and_what_to_write(
    orgsync: Command, acme: DemoOrg, folder: Path, script: str, said: list[str]
) -> None:
    code, err = ran(orgsync, folder, script)
    assert code in (1, 2)
    for each in said:
        assert each in err


def test_what_a_script_raises_is_shown_at_the_terminal_and_kept_nowhere(
    orgsync: Command, acme: DemoOrg, folder: Path
) -> None:
    script = (
        "def checked(row: Own) -> Own:\n    raise LookupError(f'no region for Jane Doe\\x1b[2J')\n\n\n"
        "@sync\nasync def own(ctx: Context) -> Batches[Own]:\n"
        "    async for batch in ctx.changes(Own):\n        yield batch.map(checked)\n"
    )
    code, err = ran(orgsync, folder, script)
    assert code == 1
    assert "own.py, line 1" in err
    assert "raise LookupError(f'no region" in err
    assert "LookupError: no region for Jane Doe [2J" in err
    shown = orgsync("runs", "--json").out + orgsync("runs", "1").out + orgsync("status").err
    assert "Jane Doe" not in shown
    assert "raised LookupError" in shown
    again = orgsync("run", "own", "--json")
    assert "Jane Doe" not in again.out + again.err
    assert json.loads(again.out)["status"] == "failed"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("    yield ctx.changes(Own)\n", "yields an async_generator, not a Batch. Yield its batches one by one"),
        (
            "    yield Own(id='0035g00000T000AAAA')\n",
            "yields an Own, not a Batch. Yield rows in batches: `yield Batch(Own, ",
        ),
        ("    yield ctx.get('limits')\n", "yields a coroutine, not a Batch. Write `await` before the call"),
        ("    raise SystemExit(3)\n    yield\n", "raised SystemExit at"),
        (
            "    import anyio\n    async def fail() -> None:\n        raise LookupError\n"
            "    async with anyio.create_task_group() as tasks:\n        tasks.start_soon(fail)\n    yield\n",
            "raised LookupError at",
        ),
    ],
    ids=["changes", "a row", "a call", "the end of the process", "in a task group"],
)
@pytest.mark.filterwarnings("ignore:coroutine:RuntimeWarning")
def test_what_is_yielded_or_raised_instead_of_a_batch_ends_the_run_with_what_to_write(
    orgsync: Command, acme: DemoOrg, folder: Path, body: str, said: str
) -> None:
    _, err = ran(orgsync, folder, f"@sync\nasync def own(ctx: Context) -> Batches[Own]:\n{body}")
    assert said in err
    assert json.loads(orgsync("runs", "--json").out.splitlines()[0])["status"] == "failed"


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("@sync\ndef own(ctx: Context):\n    yield Batch(Own, [])\n", "Write: async def own(ctx: Context)."),
        ("@sync\ndef own(ctx: Context):\n    async for b in ctx.changes(Own):\n        yield b\n", "Write `async def`"),
        ("raise SystemExit(3)\n", "A script ends the process when it is imported: SystemExit(3)."),
    ],
    ids=["yield in a def", "async for in a def", "the end of the process"],
)
def test_a_script_that_does_not_import_is_shown_with_what_to_write(
    orgsync: Command, acme: DemoOrg, folder: Path, script: str, said: str
) -> None:
    code, err = ran(orgsync, folder, script)
    assert code == 2
    assert "own.py, line 1" in err
    assert said in err
    assert said in " ".join(orgsync("doctor").out.split())
    [problem] = [each["problem"] for each in orgsync("syncs", "--json").objects() if each["sync"] == "own"]
    assert said in problem


def test_what_a_script_raises_at_import_is_shown_to_people_alone(orgsync: Command, acme: DemoOrg, folder: Path) -> None:
    code, err = ran(orgsync, folder, "raise ValueError('Jane Doe')\n")
    assert code == 2
    for shown in (err, orgsync("doctor").out, orgsync("syncs").err):
        assert "raise ValueError(" in shown
        assert "ValueError: Jane Doe" in shown
    assert "Jane Doe" not in str(orgsync("syncs", "--json"))


def test_an_error_inside_a_library_is_reported_with_the_scripts_line(
    orgsync: Command, acme: DemoOrg, folder: Path
) -> None:
    script = "@sync\nasync def own(ctx: Context) -> Batches[Own]:\n    import json\n    json.loads('[')\n    yield\n"
    code, err = ran(orgsync, folder, script)
    assert code == 1
    assert "raised JSONDecodeError at" in err
    assert "syncs/own.py, line 14" in err
    assert "decoder.py" not in err


async def test_a_call_that_is_yielded_unawaited_is_closed() -> None:
    async def call() -> None: ...

    yielded = call()
    assert "Write `await`" in not_a_batch("own", yielded).remedy
    assert inspect.getcoroutinestate(yielded) == inspect.CORO_CLOSED
