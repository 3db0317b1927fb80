"""The pytest plugin, as a project uses it: pytest runs in a folder of its own."""

import sys
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import anyio
import pytest
import yaml

from orgsync.cassettes import read_cassette
from orgsync.demo_org import DemoOrg
from orgsync.project import open_project
from orgsync.testing import plugin
from tests.projects import credentials_for, settings_for

pytest_plugins = ["pytester"]

PYPROJECT = """\
[tool.pytest.ini_options]
addopts = ["-p", "orgsync.testing", "-p", "no:cacheprovider", "-p", "no:randomly"]
asyncio_mode = "auto"
asyncio_default_fixture_loop_scope = "function"
filterwarnings = ["error"]
"""

ONE_TEST = """\
from orgsync_syncs.accounts import accounts


async def test_accounts(run):
    ran = await run(accounts)
    assert (ran.added, len(ran.rows)) == (5, 5)
"""

IMPORTS = """\
import pytest
from orgsync import Batch, Context
from orgsync.errors import NotRecorded, OrgsyncError
from orgsync_syncs.accounts import accounts
from orgsync_syncs.contacts import contacts
"""


@pytest.fixture(autouse=True)
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project with the one line that switches the plugin on."""
    monkeypatch.delenv("ORGSYNC_DATABASE_URL", raising=False)
    # Half of a library that is first imported in there would be forgotten, and imported once more by the next test.
    monkeypatch.setattr("_pytest.pytester.SysModulesSnapshot.restore", forget_the_test)
    # A file that is written twice in a second, as long as before, would be taken from its old bytecode.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    pytester.makepyprojecttoml(PYPROJECT)
    (pytester.path / "orgsync.toml").touch()
    return pytester


def forget_the_test(_: object) -> None:
    sys.modules.pop("test_it", None)


@pytest.fixture
def acme(project: pytest.Pytester) -> Iterator[DemoOrg]:
    """An org that the project is connected to."""
    with DemoOrg(contacts=6, accounts=5) as org:
        anyio.run(connected, project.path, org, "acme")
        yield org


async def connected(folder: Path, org: DemoOrg, *names: str) -> None:
    async with open_project(settings_for(folder)) as opened:
        for name in names:
            await opened.connections.connect(name, credentials_for(org))


def said_by(project: pytest.Pytester, *arguments: str, **counts: int) -> str:
    """Run pytest in this process, and give what it said."""
    result = project.runpytest_inprocess(*arguments)
    result.assert_outcomes(**{"passed": 0, **counts})
    return "\n".join(result.outlines)


def recorded(project: pytest.Pytester, text: str, **counts: int) -> list[str]:
    """Record the cassettes of a test file, and name them."""
    project.makepyfile(test_it=IMPORTS + text)
    said_by(project, "--record", **(counts or {"passed": text.count("def test_")}))
    return sorted(path.name for path in (project.path / "cassettes" / "test_it").glob("*"))


def changed(project: pytest.Pytester, text: str) -> None:
    project.makepyfile(test_it=IMPORTS + text)


RUN = "async def test_it(run):\n    assert (await run(accounts)).added == 5\n"


def test_a_test_is_recorded_and_then_replayed_without_the_org(project: pytest.Pytester, acme: DemoOrg) -> None:
    assert recorded(project, RUN) == ["test_it.yaml"]
    acme.stop()
    said_by(project, passed=1)


def test_what_was_written_is_reported(project: pytest.Pytester, acme: DemoOrg) -> None:
    project.makepyfile(test_it=IMPORTS + RUN + "async def test_idle(run):\n    pass\n")
    said = said_by(project, "--record", passed=2)
    assert "orgsync: cassettes/test_it/test_it.yaml was recorded, 5 steps" in said
    assert "orgsync: cassettes/test_it/test_idle.yaml was not recorded: no request was sent" in said
    assert not (project.path / "cassettes" / "test_it" / "test_idle.yaml").exists()


def test_tests_may_run_in_parallel(project: pytest.Pytester, acme: DemoOrg) -> None:
    project.makepyfile(test_it=IMPORTS + RUN + "async def test_two(run):\n    await run(accounts)\n")
    result = project.runpytest_subprocess("--record", "-n1")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines_random(["orgsync: cassettes/test_it/test_two.yaml was recorded, 5 steps"])
    acme.stop()
    said_by(project, passed=2)


def test_a_cassette_that_is_not_there_is_reported_with_the_command_that_records_it(project: pytest.Pytester) -> None:
    changed(project, "@pytest.mark.parametrize('word', ['a b'])\n" + RUN.replace("(run)", "(run, word)"))
    said = said_by(project, errors=1)
    assert "There is no cassette" in said
    assert "Record it: pytest --record --connection NAME 'test_it.py::test_it[a b]'" in said
    assert "plugin.py" not in said
    assert "During handling" not in said


def test_only_what_is_missing_is_recorded(project: pytest.Pytester, acme: DemoOrg) -> None:
    recorded(project, RUN)
    before = (project.path / "cassettes/test_it/test_it.yaml").stat().st_mtime_ns
    changed(project, RUN + "async def test_two(run):\n    await run(contacts)\n")
    said = said_by(project, "--record-missing", passed=2)
    assert "test_two.yaml was recorded" in said
    assert "test_it.yaml" not in said
    assert (project.path / "cassettes/test_it/test_it.yaml").stat().st_mtime_ns == before


def test_the_connection_to_record_from_may_be_named(project: pytest.Pytester, acme: DemoOrg) -> None:
    anyio.run(connected, project.path, acme, "other")
    changed(
        project, "async def test_it(ctx):\n    assert ctx.connection.name == 'other'\n    await ctx.get('limits')\n"
    )
    said = said_by(project, "--record", errors=1)
    assert "There are 2 connections to record from.\nName one: --connection acme" in said
    said_by(project, "--record", "--connection", "other", passed=1)
    said_by(project, "--connection", "other", passed=1)
    assert "assert 'replay' == 'other'" in said_by(project, failed=1)
    assert "\nThere is no connection 'nobody'.\n" in said_by(project, "--record", "--connection", "nobody", errors=1)


def test_without_a_connection_there_is_nothing_to_record_from(project: pytest.Pytester) -> None:
    changed(project, RUN)
    said = said_by(project, "--record", errors=1)
    assert "There is no connection yet.\nCreate one: orgsync connect NAME." in said
    assert not (project.path / "cassettes").exists()


def test_fewer_rows_are_recorded_where_that_is_asked_for(project: pytest.Pytester, acme: DemoOrg) -> None:
    changed(project, "async def test_it(run):\n    assert len((await run(contacts)).rows) == 2\n")
    said_by(project, "--record", "--max-rows", "2", passed=1)
    said_by(project, passed=1)


def test_every_case_of_a_test_has_a_file_of_its_own(project: pytest.Pytester, acme: DemoOrg) -> None:
    text = """\
@pytest.mark.parametrize("name", ["limits", "a b", "a_b", "a/b", "å", "x" * 300, "x" * 299 + "y"])
async def test_it(ctx, name):
    await ctx.get("limits")

class TestThis:
    async def test_it(self, ctx):
        await ctx.get("limits")

class TestThat:
    class TestInner:
        async def test_it(self, ctx):
            await ctx.get("limits")
"""
    names = recorded(project, text, passed=9)
    assert len({name.lower() for name in names}) == 9
    assert {"test_it[limits].yaml", "test_it[a_b].yaml", "TestThis.test_it.yaml", "TestThat.TestInner.test_it.yaml"} < {
        *names
    }
    assert all(len(name) < 150 and name.isascii() for name in names)
    said_by(project, passed=9)


def test_a_failing_test_leaves_the_cassette_that_is_there(project: pytest.Pytester, acme: DemoOrg) -> None:
    recorded(project, RUN)
    file = project.path / "cassettes/test_it/test_it.yaml"
    before = file.read_bytes()
    changed(project, RUN.replace("== 5", "== 6"))
    said = said_by(project, "--record", failed=1)
    assert "cassettes/test_it/test_it.yaml stays as it was: the test did not pass" in said
    assert file.read_bytes() == before
    file.unlink()
    said = said_by(project, "--record", failed=1)
    assert "test_it.yaml was recorded, 5 steps, though the test did not pass" in said
    changed(project, RUN)
    said_by(project, passed=1)


def test_a_test_whose_set_up_fails_leaves_the_cassette_that_is_there(project: pytest.Pytester, acme: DemoOrg) -> None:
    recorded(project, "async def test_it(ctx):\n    await ctx.get('limits')\n")
    file = project.path / "cassettes/test_it/test_it.yaml"
    before = file.read_bytes()
    broken = "@pytest.fixture\nasync def broken(ctx):\n    await ctx.get('sobjects')\n    raise OSError\n"
    changed(project, broken + "async def test_it(broken):\n    pass\n")
    assert "stays as it was" in said_by(project, "--record", errors=1)
    assert file.read_bytes() == before


def test_a_step_that_is_left_fails_the_test_by_its_name(project: pytest.Pytester, acme: DemoOrg) -> None:
    recorded(project, "async def test_it(run):\n    await run(accounts)\n    await run(accounts)\n")
    changed(project, RUN)
    said = said_by(project, failed=1)
    assert (
        "cassettes/test_it/test_it.yaml: step 6 of 8, GET sobjects/Account/updated/ -> 200, was recorded, but not"
        in said
    )


def test_a_failure_of_the_test_is_not_hidden_by_the_steps_that_are_left(
    project: pytest.Pytester, acme: DemoOrg
) -> None:
    recorded(project, RUN)
    changed(project, "async def test_it(run):\n    assert 'mine' == 'yours'\n    await run(accounts)\n")
    said = said_by(project, failed=1)
    assert "assert 'mine' == 'yours'" in said
    assert "was recorded, but not requested" not in said


def test_a_script_that_asks_otherwise_fails_with_the_difference(project: pytest.Pytester, acme: DemoOrg) -> None:
    recorded(project, "async def test_it(ctx):\n    await ctx.get('limits')\n")
    changed(
        project, "async def test_it(ctx):\n    await ctx.get('limits/recordCount', params={'sObjects': 'Account'})\n"
    )
    said = said_by(project, failed=1)
    assert "sent:     GET limits/recordCount" in said
    assert "recorded: step 2 of 2, GET limits -> 200" in said
    assert "the first difference, at character" in said
    assert "record it again: pytest --record --connection NAME test_it.py::test_it\n" in said


SWALLOWED = """\
async def test_it(ctx):
    await ctx.get("limits")
    try:
        await ctx.get("sobjects")
    except Exception:
        pass
"""


def test_a_script_that_swallows_what_the_cassette_lacks_fails_all_the_same(
    project: pytest.Pytester, acme: DemoOrg
) -> None:
    recorded(project, "async def test_it(ctx):\n    await ctx.get('limits')\n")
    changed(project, SWALLOWED)
    assert "\ncassettes/test_it/test_it.yaml does not hold the request that was sent.\n" in said_by(project, failed=1)
    changed(project, SWALLOWED + "    assert 'mine' == 'yours'\n")
    said = said_by(project, failed=1)
    assert "assert 'mine' == 'yours'" in said
    assert "Before that: cassettes/test_it/test_it.yaml does not hold the request that was sent." in said


def test_a_cassette_that_a_test_asks_for_midway_counts_too(project: pytest.Pytester, acme: DemoOrg) -> None:
    recorded(project, "async def test_it(ctx):\n    await ctx.get('limits')\n")
    changed(project, "def test_it(request):\n    request.getfixturevalue('clock')\n")
    assert "step 1 of 2, POST /services/oauth2/token (refresh_token) -> 200, was recorded" in said_by(project, failed=1)


def test_a_damaged_cassette_is_reported_as_it_is(project: pytest.Pytester, acme: DemoOrg) -> None:
    recorded(project, RUN)
    file = project.path / "cassettes/test_it/test_it.yaml"
    document: Any = yaml.safe_load(file.read_text())
    del document["interactions"][2]
    file.write_text(yaml.safe_dump(document))
    said = said_by(project, errors=1)
    assert f"Step 3 of 5, {document['contents'][2]}, is missing from" in said


def test_the_marker_says_what_the_connection_of_a_replay_looks_like(project: pytest.Pytester, acme: DemoOrg) -> None:
    recorded(project, "async def test_it(ctx):\n    await ctx.get('limits')\n")
    text = """\
pytestmark = pytest.mark.orgsync(metadata={"region": "north"}, connection="module")

HERE = {"instance_url": "https://mine.my.salesforce.com", "tags": ["eu"], "cassette": "test_it/test_it"}

@pytest.mark.orgsync(connection="mine", **HERE)
async def test_another_name(ctx):
    about = ctx.connection
    assert (about.name, about.instance_url, about.metadata, about.tags) == (
        "mine", "https://mine.my.salesforce.com", {"region": "north"}, ("eu",)
    )
    await ctx.get("limits")
"""
    changed(project, text)
    said_by(project, "--strict-markers", passed=1)


def test_the_marker_maps_fields_in_a_recording_a_replay_and_on_the_demo_org(
    project: pytest.Pytester, acme: DemoOrg
) -> None:
    text = """\
from orgsync_syncs.accounts import Account

MAPPED = pytest.mark.orgsync(mapping={"Account.phone": "Website"})

@MAPPED
async def test_it(run):
    assert {row.phone for row in (await run(accounts)).rows} == set(WEBSITES)

@pytest.mark.orgsync(mapping={Account: {"phone": "Website"}}, contacts=2)
async def test_demo_org(run, demo_org):
    rows = (await run(accounts)).rows
    assert {row.phone for row in rows} == {row["Website"] for row in demo_org.rows("Account")}
"""
    websites = [row["Website"] for row in acme.rows("Account")]
    text = text.replace("WEBSITES", repr(websites))
    recorded(project, text)
    said_by(project, passed=2)


async def _map_phones(folder: Path) -> None:
    async with open_project(settings_for(folder)) as opened:
        await opened.connections.map("acme", {"Account.phone": "Website"})


def test_a_recording_of_a_mapped_connection_is_replayed_as_it_was_recorded(
    project: pytest.Pytester, acme: DemoOrg
) -> None:
    anyio.run(_map_phones, project.path)
    websites = [row["Website"] for row in acme.rows("Account")]
    text = f"""\
async def test_it(run):
    assert {{row.phone for row in (await run(accounts)).rows}} == set({websites!r})
"""
    recorded(project, text)
    said_by(project, passed=1)


def test_cassettes_may_be_kept_elsewhere(project: pytest.Pytester, acme: DemoOrg) -> None:
    project.makepyprojecttoml(PYPROJECT + 'orgsync_cassettes = "tests/recordings"\n')
    project.makepyfile(test_it=IMPORTS + RUN)
    said_by(project, "--record", passed=1)
    assert len(read_cassette(project.path / "tests/recordings/test_it/test_it.yaml").interactions) == 5
    said_by(project, passed=1)


def test_the_fixtures_belong_together(project: pytest.Pytester, acme: DemoOrg) -> None:
    text = """\
async def test_it(run, ctx, store, clock, cassette):
    async def rename(ctx):
        await ctx.patch(f"sobjects/Account/{first.rows[0].id}", {"Name": "Renamed"})

    began = clock.now
    first = await run(accounts)
    assert (await store.connections.get(ctx.connection.name)).org_id == ctx.connection.org_id
    assert [row["id"] async for row in store.rows.read("account")] == [row.id for row in first.rows]
    await cassette.meanwhile(rename)
    assert clock.now >= began
    second = await run(accounts)
    assert second.changes == [(first.rows[0].id, "updated")]
    full = await run(accounts, full=True)
    assert (full.added, full.updated, full.deleted) == (0, 0, 0)
    assert cassette.path.name == "test_it.yaml"
    await ctx.get("limits")
"""
    recorded(project, text)
    steps = read_cassette(project.path / "cassettes/test_it/test_it.yaml").interactions
    assert not [each for each in steps if each.request.method == "PATCH"]
    said_by(project, passed=1)


def test_a_demo_org_takes_the_place_of_a_cassette(project: pytest.Pytester) -> None:
    text = """\
from datetime import timedelta

@pytest.mark.orgsync(contacts=3, accounts=2, page_size=1)
async def test_it(run, demo_org, clock, store, ctx):
    first = await run(contacts)
    assert first.added == 3
    demo_org.expire_tokens()
    demo_org.insert("Contact", LastName="New")
    before = clock.now
    clock.advance(minutes=15)
    assert clock.now - before == timedelta(minutes=15)
    assert (await run(contacts)).added == 1
    assert (await store.connections.get("demo")).name == ctx.connection.name
"""
    changed(project, text)
    said_by(project, passed=1)
    assert not (project.path / "cassettes").exists()


def test_two_runs_may_be_under_way_at_once(project: pytest.Pytester, acme: DemoOrg) -> None:
    text = """\
import asyncio

async def test_it(run):
    one, two = await asyncio.gather(run(accounts), run(contacts))
    assert (one.added, two.added) == (5, 6)
"""
    recorded(project, text)
    said_by(project, passed=1)


def test_the_strict_mode_of_pytest_asyncio_will_do(project: pytest.Pytester, acme: DemoOrg) -> None:
    project.makepyprojecttoml(PYPROJECT.replace('"auto"', '"strict"'))
    text = "@pytest.mark.asyncio\nasync def test_it(run, ctx):\n    await ctx.get('limits')\n    await run(accounts)\n"
    recorded(project, text)
    said_by(project, passed=1)


def test_without_the_switch_nothing_of_the_plugin_is_there(project: pytest.Pytester) -> None:
    assert not [each for each in distribution("orgsync").entry_points if each.group == "pytest11"]
    project.makepyprojecttoml('[tool.pytest.ini_options]\nasyncio_mode = "auto"\n')
    project.makepyfile(test_it=ONE_TEST)
    result = project.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*fixture 'run' not found"])
    result.stdout.no_fnmatch_line("*orgsync_case*")


def test_what_no_test_asks_for_is_not_imported(project: pytest.Pytester) -> None:
    project.makepyfile(
        "import sys\n\ndef test_it():\n    assert not {'vcr', 'mimesis', 'lark'}.intersection(sys.modules)\n"
    )
    of_mimesis = ("-p", "no:mimesis")  # older ones bring a plugin of their own
    project.runpytest_subprocess(*of_mimesis).assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("test", "name"),
    [
        ("test_it", "test_it"),
        ("test_it[1-x]", "test_it[1-x]"),
        ("TestThis.test_it[a=1,b+2]", "TestThis.test_it[a=1,b+2]"),
    ],
)
def test_a_plain_name_is_kept(test: str, name: str) -> None:
    assert plugin._file_name(test) == name  # pyright: ignore[reportPrivateUsage]
