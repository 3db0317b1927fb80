"""`orgsync record`: a cassette and a test of it, from a run on a real connection."""

import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orgsync.cassettes.test_template import expected_of
from orgsync.demo_org import DemoOrg, Fault
from orgsync_cli import record
from tests.warm_process import opened

from .commandline import PROGRAM, Command, finished, plain_environment, started

BIN = Path(sys.executable).parent
CASSETTE = Path("cassettes/test_contacts/test_contacts.yaml")
TEST = Path("tests/test_contacts.py")


@pytest.fixture
def project(folder: Path, orgsync: Command, acme: DemoOrg) -> DemoOrg:
    """A project that has just begun, connected to an org."""
    assert orgsync("init").code == 0
    return acme


def files(folder: Path) -> set[str]:
    """Name what a recording may write."""
    return {str(path.relative_to(folder)) for name in ("cassettes", "tests") for path in (folder / name).rglob("*")}


def pytest_in(folder: Path, *arguments: str) -> str:
    """Run pytest as a process of its own, warnings being errors, and give its output."""
    command = [str(BIN / "pytest"), "-W", "error", "-q", "-p", "no:cacheprovider", *arguments]
    ended = subprocess.run(command, cwd=folder, env=plain_environment(), capture_output=True, text=True, check=False)
    return ended.stdout + ended.stderr


def test_a_recorded_sync_has_a_cassette_and_a_test_that_passes_anywhere(
    project: DemoOrg, folder: Path, orgsync: Command, tmp_path_factory: pytest.TempPathFactory
) -> None:
    before = files(folder)
    outcome = orgsync("record", "contacts")
    assert outcome.code == 0, outcome
    assert files(folder) - before == {f"{CASSETTE}", f"{CASSETTE.parent}", f"{TEST}"}
    assert f"  wrote    {CASSETTE} (6 steps)\n  wrote    {TEST}\n" in outcome.out
    assert "contacts on acme: 25 added" in outcome.err
    assert outcome.err.endswith(f"\nNext: pytest {TEST}\n")
    project.stop()
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "copy"
    shutil.copytree(folder, elsewhere, ignore=shutil.ignore_patterns(".orgsync"))
    said = pytest_in(elsewhere, f"{TEST}", "--connection", "other")
    assert "1 passed" in said, said
    for command in (["ruff", "format", "--check", "--isolated"], ["ruff", "check", "--isolated"]):
        checked = subprocess.run(
            [BIN / command[0], *command[1:], str(TEST)], cwd=elsewhere, capture_output=True, text=True
        )
        assert checked.returncode == 0, checked.stdout


def test_the_copy_that_a_person_keeps_is_not_touched(project: DemoOrg, orgsync: Command) -> None:
    assert orgsync("record", "accounts").code == 0
    assert orgsync("runs", "--json").out == ""
    assert orgsync("run", "accounts", "--json").objects()[0]["added"] == 5


def test_a_second_run_waits_for_a_line(project: DemoOrg, folder: Path) -> None:
    process = opened(
        [str(PROGRAM), "record", "contacts", "--runs", "2"],
        cwd=folder, env=plain_environment(), text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin
    assert process.stderr
    with process:
        assert "contacts on acme: 25 added" in process.stderr.readline()
        assert "Now change something in the org" in process.stderr.readline()
        project.delete("Contact", str(project.rows("Contact")[0]["Id"]))
        out, err = process.communicate("\n", timeout=120)
    assert process.returncode == 0, err
    assert "contacts on acme: 1 deleted" in err
    assert f"wrote    {TEST}" in out
    text = (folder / TEST).read_text(encoding="utf-8")
    assert (
        "assert (second.added, second.updated, second.deleted) == (0, 0, 1)\n    assert len(second.rows) == 24\n"
        in text
    )
    assert "row = second.rows[0]" in text


def test_where_nobody_types_the_runs_follow_each_other(project: DemoOrg, folder: Path, orgsync: Command) -> None:
    outcome = orgsync("record", "accounts", "--runs", "3")
    assert outcome.code == 0
    assert outcome.err.count("accounts on acme: nothing new") == 2
    assert "third = await run(accounts)" in (folder / "tests/test_accounts.py").read_text()


def test_fewer_rows_than_the_org_has_may_be_recorded(project: DemoOrg, folder: Path, orgsync: Command) -> None:
    outcome = orgsync("record", "contacts", "-c", "acme", "--max-rows", "3")
    assert outcome.code == 0, outcome
    assert "contacts on acme: 3 added" in outcome.err
    assert "assert len(first.rows) == 3" in (folder / TEST).read_text()


def test_a_cassette_that_is_recorded_anew_says_what_its_test_expects_of_the_last_one(
    project: DemoOrg, folder: Path, orgsync: Command
) -> None:
    assert orgsync("record", "contacts", "--max-rows", "3").code == 0
    assert "check" not in orgsync("record", "contacts", "--max-rows", "3").out
    again = orgsync("record", "contacts", "--max-rows", "2")
    assert "check    what that test expects; with this cassette: assert len(first.rows) == 2" in again.out
    assert "assert len(first.rows) == 3" in (folder / TEST).read_text()


def test_many_rows_are_said_to_be_many(project: DemoOrg, orgsync: Command) -> None:
    for number in range(80):
        project.insert("Contact", LastName=f"Lovelace {number}")
    assert "These are 105 rows; --max-rows 20 records as if" in orgsync("record", "contacts").err
    assert "--max-rows" not in orgsync("record", "contacts", "--max-rows", "20").err


def test_a_test_that_replays_the_cassette_already_is_left_alone(
    project: DemoOrg, folder: Path, orgsync: Command
) -> None:
    (folder / TEST).write_text("async def test_contacts(run):\n    pass\n")
    outcome = orgsync("record", "contacts")
    assert f"  exists   {TEST}; its test_contacts replays the cassette\n" in outcome.out
    assert (folder / TEST).read_text() == "async def test_contacts(run):\n    pass\n"


def test_a_file_of_other_tests_is_left_alone_and_what_to_add_is_shown(
    project: DemoOrg, folder: Path, orgsync: Command
) -> None:
    before = (folder / "tests/test_deals.py").read_text()
    outcome = orgsync("record", "deals")
    assert (folder / "tests/test_deals.py").read_text() == before
    reported, _, text = outcome.out.partition("; to replay the cassette, add to it:\n\n")
    assert reported.endswith("  exists   tests/test_deals.py")
    added = "import pytest\n" + text
    assert "from syncs.deals import deals\n" in text
    (folder / "tests/test_deals.py").write_text(added)
    assert "1 passed" in pytest_in(folder, "tests/test_deals.py")


def test_recording_again_replaces_the_cassette(project: DemoOrg, folder: Path, orgsync: Command) -> None:
    orgsync("record", "contacts")
    before = (folder / CASSETTE).read_text(encoding="utf-8")
    project.insert("Contact", LastName="New")
    assert orgsync("record", "contacts").code == 0
    after = (folder / CASSETTE).read_text(encoding="utf-8")
    assert '"totalSize": 26' in after
    assert '"totalSize": 25' in before


MADE = """\
from orgsync import Batches, Context, Record, sync


class Account(Record, table=True):
    name: str


def made(name):
    @sync(name=name)
    def copied(ctx: Context) -> Batches[Account]:
        return ctx.changes(Account)

    return copied


{code}
"""


@pytest.mark.parametrize("code", ['all_accounts = made("all-the accounts")', "globals()['ünï'] = made('ünï')"])
def test_any_name_of_a_sync_makes_a_test(code: str, project: DemoOrg, folder: Path, orgsync: Command) -> None:
    (folder / "syncs/made.py").write_text(MADE.format(code=code), encoding="utf-8")
    name = code.split("made(")[1].strip("\"')")
    outcome = orgsync("record", name)
    assert outcome.code == 0, outcome
    (test,) = (folder / "tests").glob("test_[aü]*.py")
    assert test.stem.isidentifier()
    assert "1 passed" in pytest_in(folder, str(test))


def test_a_sync_that_no_test_can_import_has_a_cassette_all_the_same(
    project: DemoOrg, folder: Path, orgsync: Command
) -> None:
    (folder / "syncs/_making.py").write_text(MADE.format(code=""))
    (folder / "syncs/other.py").write_text("from syncs._making import made\n\nother = made('other')\n")
    outcome = orgsync("record", "other")
    assert outcome.code == 0, outcome
    assert "  no test  syncs._making has no name for other; let a test_other of yours run it\n" in outcome.out
    assert not (folder / "tests/test_other.py").exists()


def test_syncs_in_another_folder_are_imported_from_there(project: DemoOrg, folder: Path, orgsync: Command) -> None:
    (folder / "orgsync.toml").write_text('syncs = "our/scripts"\n')
    (folder / "our").mkdir()
    (folder / "syncs").rename(folder / "our/scripts")
    shutil.rmtree(folder / "tests")
    assert orgsync("record", "deals").code == 0
    assert "from our.scripts.deals import" in (folder / "tests/test_deals.py").read_text()
    assert "1 passed" in pytest_in(folder, "tests/test_deals.py")


CHECKED = """\
from decimal import Decimal

from orgsync import Batches, Context, Record, field, sync


class Buyer(Record, table=True):
    __sobject__ = "Account"

    name: str
    annual_revenue: Decimal | None


class Person(Record, table=True):
    __sobject__ = "Contact"

    last_name: str
    account_name: str | None = field("Account.Name")


@sync
async def pairs(ctx: Context) -> Batches[Buyer | Person]:
    async for accounts in ctx.changes(Buyer):
        yield accounts
    async for contacts in ctx.changes(Person):
        yield contacts
"""


def test_recorded_tests_of_one_table_and_of_two_pass_mypy_and_pyright_as_strict_as_they_are(
    project: DemoOrg, folder: Path, orgsync: Command, mypy_cache: tuple[str, str]
) -> None:
    (folder / "syncs/pairs.py").write_text(CHECKED)
    for sync in ("contacts", "pairs"):
        outcome = orgsync("record", sync, "--max-rows", "3")
        assert outcome.code == 0, outcome
    text = (folder / "tests/test_pairs.py").read_text()
    assert "assert isinstance(row, Buyer)" in text
    assert "assert isinstance(row, Person)" in text
    assert "isinstance" not in (folder / TEST).read_text()
    (folder / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict", "include": ["tests", "syncs"]}')
    for command in (
        ("mypy", "--strict", *mypy_cache, "."),
        ("pyright", "--pythonpath", sys.executable),
        ("ruff", "check", "--isolated", "."),
        ("ruff", "format", "--check", "--isolated", "tests/test_pairs.py", str(TEST)),
        ("pytest", "-q", "-W", "error", "-p", "no:cacheprovider", "tests/test_pairs.py"),
    ):
        checked = subprocess.run([BIN / command[0], *command[1:]], cwd=folder, capture_output=True, text=True)
        assert checked.returncode == 0, (command, checked.stdout)


@pytest.mark.parametrize(
    ("arguments", "code", "cause"),
    [
        (["record", "nothing"], 2, "There is no sync 'nothing'"),
        (["record", "contacts", "-c", "nobody"], 2, "There is no connection 'nobody'"),
    ],
)
def test_what_does_not_exist_is_reported(
    arguments: list[str], code: int, cause: str, project: DemoOrg, folder: Path, orgsync: Command
) -> None:
    before = files(folder)
    outcome = orgsync(*arguments)
    assert outcome.code == code
    assert outcome.problem()[0].startswith(cause)
    assert files(folder) == before


@pytest.mark.parametrize("option", ["--runs=0", "--runs=10", "--max-rows=0", "--runs=x"])
def test_odd_numbers_are_refused(option: str, orgsync: Command, folder: Path) -> None:
    assert orgsync("record", "contacts", option).code == 2


def stop(org: DemoOrg) -> None:
    org.stop()


def revoke(org: DemoOrg) -> None:
    org.revoke_refresh_tokens()


def hide(org: DemoOrg) -> None:
    org.hide_field("Contact", "LastName")


@pytest.mark.parametrize(
    ("trouble", "code", "cause"),
    [(stop, 1, "Nothing listens at 127.0.0.1:"), (revoke, 3, ""), (hide, 1, "")],
)
def test_a_run_that_fails_writes_nothing(
    trouble: Callable[[DemoOrg], None], code: int, cause: str, project: DemoOrg, folder: Path, orgsync: Command
) -> None:
    orgsync("record", "contacts")
    kept, before = files(folder), (folder / CASSETTE).read_bytes()
    trouble(project)
    outcome = orgsync("record", "contacts")
    assert outcome.code == code
    assert outcome.problem()[0].startswith(cause)
    assert (files(folder), (folder / CASSETTE).read_bytes()) == (kept, before)


CHANCE = """\
from itertools import count

from orgsync import Batch, Batches, Context, sync
from syncs.deals import Deal

TURNS = count()


@sync
async def chance(ctx: Context) -> Batches[Deal]:
    await ctx.get("limits" if next(TURNS) else "sobjects")
    yield Batch(Deal, [])
"""


def test_a_script_that_asks_by_chance_is_not_written_for_it_cannot_be_replayed(
    project: DemoOrg, folder: Path, orgsync: Command
) -> None:
    (folder / "syncs/chance.py").write_text(CHANCE)
    before = files(folder)
    outcome = orgsync("record", "chance")
    assert outcome.code == 1
    assert "What was recorded does not hold the request that was sent." in outcome.err
    assert files(folder) == before


def until(seen: Callable[[], bool], process: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + 120
    while not seen():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_an_interrupted_recording_writes_nothing(project: DemoOrg, folder: Path) -> None:
    before = files(folder)
    project.clear_requests()
    project.add_fault(Fault.hang(), match="queryAll", times=None)
    process = started(folder, "record", "contacts")
    with process:
        until(lambda: any(request.path.endswith("recordCount") for request in project.requests), process)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert err.endswith("Interrupted; nothing was written.\n")
    assert files(folder) == before


def test_it_can_be_interrupted_while_it_waits_for_a_key(project: DemoOrg, folder: Path) -> None:
    before = files(folder)
    terminal, end = pty.openpty()
    command = [str(PROGRAM), "record", "accounts", "--runs", "2"]
    process = opened(
        command, cwd=folder, env=plain_environment(), stdin=end, stdout=end, stderr=end, start_new_session=True
    )
    os.close(end)
    with process:
        try:
            said = read_until(terminal, b"press Enter")
            time.sleep(0.3)  # until it reads
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=60) == 130
            said += read_until(terminal, b"nothing was written")
        finally:
            process.kill()
    os.close(terminal)
    assert b"Traceback" not in said
    assert b"Fatal" not in said
    assert files(folder) == before


def read_until(terminal: int, words: bytes) -> bytes:
    said = b""
    while words not in said:
        ready, _, _ = select.select([terminal], [], [], 120)
        assert ready, said
        said += os.read(terminal, 4096)
    return said


def test_without_the_test_kit_it_says_what_to_install(
    project: DemoOrg, orgsync: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "vcr", None)
    outcome = orgsync("record", "contacts")
    assert outcome.code == 2
    assert outcome.problem() == (
        "Recording needs packages that are not installed.", "Install it: pip install 'orgsync[testing]'."
    )  # fmt: skip


VALUES = st.one_of(
    st.text(max_size=20),
    st.text("'\"\\x", max_size=6),
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.dates(),
    st.datetimes(timezones=st.just(UTC)),
    st.times(),
    st.booleans(),
    st.none(),
    st.just({"a": 1}),
    st.just([1, "a"]),
)


@given(values=st.lists(VALUES, max_size=10))
def test_what_a_test_expects_of_a_row_is_what_the_row_holds(values: list[Any]) -> None:
    lines = [line for number, value in enumerate(values) for line in expected_of(f"row.value{number}", value)]
    row = SimpleNamespace(**{f"value{number}": value for number, value in enumerate(values)})
    names = {"row": row, "date": date, "datetime": datetime, "time": type(datetime.now(UTC).time()), "Decimal": Decimal}
    exec("\n".join(line.strip() for line in lines), names)  # noqa: S102 - the text that a person would run
    assert all(len(line) <= 88 for line in lines)


ODD = [
    "it's", 'a "word"', "it's a \"word\"", "'\"\"", "''\"", "\\", "tab\t", "line\nline", "ü\u2028\x00",
    "西宮市", "\\'", "\\\"'", 1e16, 1.5e-7, -0.0, 123456789.125, Decimal("1E+2"), date(2026, 1, 31),
    datetime(2026, 1, 31, tzinfo=UTC),
    {"a": 1}, ["b"], True, None, "x" * 200, "y" * 60, "z" * 75,
]  # fmt: skip


def test_what_a_test_expects_is_formatted_as_formatters_do(folder: Path) -> None:
    lines = [line for number, value in enumerate(ODD) for line in expected_of(f"row.value{number}", value)]
    (folder / "it.py").write_text("def it():\n" + "\n".join(lines) + "\n", encoding="utf-8")
    ended = subprocess.run(
        [BIN / "ruff", "format", "--diff", "--isolated", "it.py"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (0, "")


def test_its_help_shows_what_it_is_for(orgsync: Command) -> None:
    outcome = orgsync("record", "--help")
    assert "Record a sync" in outcome.out
    assert record.EXAMPLES.splitlines()[2].strip() in outcome.out


def test_it_runs_as_a_process_of_its_own(project: DemoOrg, folder: Path) -> None:
    outcome = finished(folder, "record", "accounts", "-c", "acme")
    assert (outcome.code, "Traceback" in outcome.err) == (0, False)
