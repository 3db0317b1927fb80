"""Which syncs there are."""

from pathlib import Path

from .commandline import Command


def test_the_projects_syncs_and_the_shipped_ones_are_listed(orgsync: Command) -> None:
    orgsync("init")
    listed = {each["sync"]: each for each in orgsync("syncs", "--json").objects()}
    assert set(listed) == {"opportunities", "contacts", "accounts"}
    assert listed["opportunities"]["where"].endswith("opportunities.py")
    assert listed["contacts"]["every"] == "15m"
    assert listed["contacts"]["summary"].startswith("Every contact that changed")
    table = orgsync("syncs").out
    assert "syncs/opportunities.py" in table
    assert "orgsync_syncs.contacts" in table


def test_a_broken_script_is_listed_with_its_problem(orgsync: Command, folder: Path) -> None:
    (folder / "syncs").mkdir()
    (folder / "syncs" / "broken.py").write_text("def f(:\n")
    outcome = orgsync("syncs")
    assert outcome.code == 0
    assert "does not load" in outcome.out
    assert "broken.py, line 1" in outcome.err
    assert "line 1" in orgsync("syncs", "--json").objects()[0]["problem"]
