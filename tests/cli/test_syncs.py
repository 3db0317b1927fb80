"""Which syncs there are."""

from importlib.metadata import entry_points
from pathlib import Path

import pytest

from orgsync.demo_org import DemoOrg

from .commandline import Command


def test_the_projects_syncs_and_the_shipped_ones_are_listed(orgsync: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    orgsync("init")
    listed = {each["sync"]: each for each in orgsync("syncs", "--json").objects()}
    shipped = {point.name for point in entry_points(group="orgsync.syncs")}
    assert set(listed) == {"deals", *shipped}
    assert {"accounts", "contacts", "tickets"} < shipped
    assert listed["deals"]["where"].endswith("deals.py")
    assert listed["contacts"]["every"] == "15m"
    assert listed["contacts"]["summary"].startswith("Every contact that changed")
    monkeypatch.setenv("COLUMNS", "240")
    table = orgsync("syncs").out
    assert "syncs/deals.py" in table
    assert "orgsync_syncs.contacts" in table


def test_a_broken_script_is_listed_with_its_problem(orgsync: Command, folder: Path) -> None:
    (folder / "syncs").mkdir()
    (folder / "syncs" / "broken.py").write_text("def f(:\n")
    outcome = orgsync("syncs")
    assert outcome.code == 0
    assert "does not load" in outcome.out
    assert "broken.py, line 1" in outcome.err
    assert "line 1" in orgsync("syncs", "--json").objects()[0]["problem"]


def test_a_table_that_belongs_to_another_sync_is_reported(orgsync: Command, acme: DemoOrg, folder: Path) -> None:
    orgsync("init")
    (folder / "syncs" / "people.py").write_text(
        "from orgsync import Batches, Context, sync\nfrom orgsync_syncs.contacts import Contact\n\n"
        "@sync\ndef people(ctx: Context) -> Batches[Contact]:\n    return ctx.changes(Contact)\n"
    )
    listed = {each["sync"]: each for each in orgsync("syncs", "--json").objects()}
    assert listed["deals"]["tables"] == ["deal"]
    assert listed["deals"]["clashes"] == []
    assert listed["people"]["clashes"] == [{"table": "contact", "sync": "contacts", "owned": False}]
    assert orgsync("run", "contacts").code == 0
    listed = {each["sync"]: each for each in orgsync("syncs", "--json").objects()}
    assert listed["people"]["clashes"] == [{"table": "contact", "sync": "contacts", "owned": True}]
    assert listed["contacts"]["clashes"] == []
    outcome = orgsync("syncs")
    assert outcome.code == 0
    assert outcome.err.count("belongs to the sync contacts") == 1
    assert "orgsync reset contacts" in outcome.err
