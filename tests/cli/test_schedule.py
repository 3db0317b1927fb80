"""`orgsync schedule`: set, listed and removed, and what the other commands show of it."""

from pathlib import Path

import pytest

from orgsync.demo_org import DemoOrg

from .commandline import Command

FIRMS = """\
from orgsync import Batches, Context, Record, sync


class Account(Record, table=True):
    name: str


@sync(every="15m")
def firms(ctx: Context) -> Batches[Account]:
    return ctx.changes(Account)
"""


@pytest.fixture(autouse=True)
def firms(folder: Path) -> None:
    (folder / "syncs").mkdir()
    (folder / "syncs" / "firms.py").write_text(FIRMS)


def test_a_schedule_is_set_listed_and_removed(orgsync: Command, acme: DemoOrg) -> None:
    assert "every sync is due as its script says" in orgsync("schedule").err
    assert "every sync is due as its script says" in orgsync("schedule", "firms").err
    unknown = orgsync("schedule", "frims")
    assert (unknown.code, "did you mean 'firms'?" in unknown.err) == (2, True)
    done = orgsync("schedule", "firms", "-c", "acme", "--every", "1h")
    assert (done.code, done.out) == (0, "firms on acme: every 1h\n")
    assert (
        orgsync("schedule", "firms", "--off").out == "firms on acme: switched off; when it is switched on: every 1h\n"
    )
    listed = orgsync("schedule").out.splitlines()
    assert [line.split() for line in listed if line.startswith("firms")] == [["firms", "acme", "1h", "off", "15m"]]
    assert orgsync("schedule", "firms", "--on").out == "firms on acme: every 1h\n"
    assert orgsync("schedule", "firms", "--default").out == "firms on acme: every 15m, as its script says\n"
    assert orgsync("schedule", "--json").out == ""


def test_json_is_an_object_for_each_sync_and_connection(orgsync: Command, acme: DemoOrg) -> None:
    [made] = orgsync("schedule", "firms", "--off", "--json").objects()
    assert made == {
        "sync": "firms",
        "connection": "acme",
        "every": "15m",
        "off": True,
        "own": True,
        "default": "15m",
    }
    assert orgsync("schedule", "--json").objects() == [made]
    assert orgsync("schedule", "firms", "-c", "acme", "--json").objects() == [made]
    assert orgsync("schedule", "contacts", "--json").objects() == []


def test_a_tag_chooses_connections(orgsync: Command, acme: DemoOrg) -> None:
    orgsync("connections", "update", "acme", "--tag", "trial")
    assert orgsync("schedule", "firms", "--tag", "trial", "--every", "2h").out == "firms on acme: every 2h\n"
    assert orgsync("schedule", "--tag", "trial").out.count("firms") == 1


@pytest.mark.parametrize(
    ("arguments", "cause", "remedy"),
    [
        (("fims", "--off"), "There is no sync 'fims'; did you mean 'firms'?", "What exists"),
        (("Firms", "--off"), "There is no sync 'Firms'; did you mean 'firms'?", "in orgsync.toml: [[objects]]"),
        (("firms", "-c", "acem", "--off"), "There is no connection 'acem'; did you mean 'acme'?", "What exists: acme."),
        (("firms", "--every", "15"), "every='15' is not an interval.", "Write a number and a unit"),
        (("--off",), "No sync is named.", "Name it: orgsync schedule contacts"),
        (("firms", "--default", "--off"), "--default removes what", "Give --default alone"),
        (("firms", "--off", "--on"), "--on and --off contradict", "Give one of them"),
        (("firms", "--tag", "x", "--all", "--off"), "--tag chooses the connections", "Give one of the three."),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_set(
    orgsync: Command, acme: DemoOrg, arguments: tuple[str, ...], cause: str, remedy: str
) -> None:
    failed = orgsync("schedule", *arguments)
    assert failed.code == 2
    shown = " ".join(failed.err.split())
    assert cause in shown
    assert remedy in shown
    assert orgsync("schedule", "--json").objects() == []


def test_status_and_syncs_show_what_is_switched_off_and_run_runs_it(orgsync: Command, acme: DemoOrg) -> None:
    orgsync("schedule", "firms", "--every", "1h", "--off")
    status = orgsync("status")
    assert status.code == 0
    assert "firms on acme is switched off" in status.err
    [listed] = orgsync("status", "--json").objects()
    assert (listed["state"], listed["every"], listed["due"]) == ("off", None, None)
    assert "firms on acme: every 1h, but switched off (orgsync schedule)" in orgsync("syncs").err
    mine = next(each for each in orgsync("syncs", "--json").objects() if each["sync"] == "firms")
    assert mine["schedules"] == [{"connection": "acme", "every": "1h", "off": True}]
    run = orgsync("run", "firms")
    assert run.code == 0
    assert "firms is switched off on acme (orgsync schedule); it is run by hand." in run.err
    assert orgsync("up", "--once").code == 0
    assert len(orgsync("runs", "--json").objects()) == 1
