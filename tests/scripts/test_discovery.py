"""Syncs are found by name, and errors in a script are reported with their line."""

from importlib.metadata import entry_points
from pathlib import Path

import pytest

from orgsync.errors import NameUnknown, OrgsyncError, RecordClassInvalid, ScriptNotLoaded
from orgsync.scripts.discovery import find_sync, list_syncs

LEADS = '''
"""Leads."""
from orgsync import Batches, Context, Record, sync

class Lead(Record, table=True):
    """A lead."""
    name: str | None

@sync(every="15m")
def leads(ctx: Context) -> Batches[Lead]:
    """Read leads."""
    return ctx.changes(Lead)
'''


def script(folder: Path, name: str, text: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")


def test_a_projects_own_sync_is_found(tmp_path: Path) -> None:
    script(tmp_path, "anything.py", LEADS)
    found = find_sync("leads", tmp_path)
    assert found.name == "leads"
    assert found.summary == "Read leads."
    assert str(found.every) == "15m"


def test_shipped_syncs_are_found_without_a_project(tmp_path: Path) -> None:
    assert find_sync("contacts", tmp_path / "nowhere").name == "contacts"
    assert find_sync("accounts", tmp_path / "nowhere").name == "accounts"


def test_a_projects_own_sync_shadows_a_shipped_one(tmp_path: Path) -> None:
    script(tmp_path, "mine.py", LEADS.replace("def leads", "def contacts"))
    assert find_sync("contacts", tmp_path).summary == "Read leads."
    listed = {found.name: found.where for found in list_syncs(tmp_path)}
    assert listed["contacts"].endswith("mine.py")
    assert listed["accounts"] == "orgsync_syncs.accounts"


def test_a_broken_script_does_not_give_way_to_a_shipped_one(tmp_path: Path) -> None:
    script(tmp_path, "contacts.py", "import nothing_of_that_name\n")
    with pytest.raises(ScriptNotLoaded, match=r"contacts\.py, line 1: ModuleNotFoundError"):
        find_sync("contacts", tmp_path)
    assert find_sync("accounts", tmp_path).name == "accounts"


def test_a_broken_script_does_not_stop_another(tmp_path: Path) -> None:
    script(tmp_path, "broken.py", "1 / 0\n")
    script(tmp_path, "leads.py", LEADS)
    assert find_sync("leads", tmp_path).name == "leads"
    with pytest.raises(ScriptNotLoaded, match=r"broken\.py, line 1: ZeroDivisionError"):
        find_sync("something_else", tmp_path)
    (broken,) = [found for found in list_syncs(tmp_path) if found.problem]
    assert broken.name == "broken"
    assert broken.sync is None


def test_a_syntax_error_is_reported_with_its_line(tmp_path: Path) -> None:
    script(tmp_path, "leads.py", "x = 1\ndef broken(:\n")
    with pytest.raises(ScriptNotLoaded, match=r"leads\.py, line 2") as caught:
        find_sync("leads", tmp_path)
    assert caught.value.exit_code == 2


def test_a_record_class_that_cannot_be_a_table_is_reported_with_its_line(tmp_path: Path) -> None:
    script(tmp_path, "leads.py", LEADS.replace("name: str | None", "name: complex"))
    with pytest.raises(ScriptNotLoaded, match=r"leads\.py, line 5: Lead\.name has a type"):
        find_sync("leads", tmp_path)


def test_an_unknown_name_gets_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(NameUnknown, match="no sync 'contcats'") as caught:
        find_sync("contcats", tmp_path)
    assert "did you mean 'contacts'?" in caught.value.cause
    with pytest.raises(NameUnknown) as caught:
        find_sync("zzz", tmp_path)
    assert "What exists: accounts, articles, attachments, " in caught.value.remedy


def test_two_record_classes_for_one_table_are_refused(tmp_path: Path) -> None:
    script(tmp_path, "leads.py", LEADS)
    script(tmp_path, "others.py", LEADS.replace("def leads", "def others"))
    with pytest.raises(RecordClassInvalid, match="claim the table lead") as caught:
        find_sync("leads", tmp_path)
    assert "leads.py" in caught.value.cause
    assert "others.py" in caught.value.cause
    with pytest.raises(RecordClassInvalid, match="claim the table lead"):
        find_sync("others", tmp_path)
    assert find_sync("contacts", tmp_path).name == "contacts", "a sync of another table is not stopped by it"


def test_two_record_classes_for_one_table_in_one_script_are_refused(tmp_path: Path) -> None:
    second = 'class Other(Record, table=True):\n    __tablename__ = "lead"\n    email: str | None\n'
    script(tmp_path, "leads.py", LEADS + second)
    with pytest.raises(RecordClassInvalid, match=r"Lead in .* and Other in|Other in .* and Lead in"):
        find_sync("leads", tmp_path)


def test_a_shipped_table_is_not_claimed_by_a_script_of_another_name(tmp_path: Path) -> None:
    script(tmp_path, "people.py", LEADS.replace("Lead", "Contact").replace("leads", "people"))
    assert find_sync("people", tmp_path).name == "people"
    with pytest.raises(RecordClassInvalid, match="claim the table contact"):
        find_sync("contacts", tmp_path)


def test_a_script_may_import_anothers_record_class(tmp_path: Path) -> None:
    script(tmp_path, "leads.py", LEADS)
    again = "from orgsync import Context, Batches, sync\nfrom syncs.leads import Lead, leads\n"
    again += "@sync\ndef again(ctx: Context) -> Batches[Lead]:\n    return ctx.changes(Lead)\n"
    script(tmp_path, "again.py", again)
    script(tmp_path, "_parts.py", "1 / 0\n")
    assert find_sync("again", tmp_path).name == "again"
    assert find_sync("leads", tmp_path).name == "leads"


def test_two_syncs_of_one_name_are_refused(tmp_path: Path) -> None:
    script(tmp_path, "a.py", LEADS)
    script(tmp_path, "b.py", LEADS.replace("Lead(", "Lead2(").replace("[Lead]", "[Lead2]").replace("(Lead)", "(Lead2)"))
    with pytest.raises(ScriptNotLoaded, match="Two syncs are called leads"):
        find_sync("leads", tmp_path)


def test_a_changed_script_is_read_again(tmp_path: Path) -> None:
    script(tmp_path, "leads.py", LEADS)
    find_sync("leads", tmp_path)
    script(tmp_path, "leads.py", LEADS.replace("Read leads.", "Read leads, and more."))
    assert find_sync("leads", tmp_path).summary == "Read leads, and more."


@pytest.mark.parametrize("every", ["soon", "0m", "15", "15 parsecs"])
def test_an_interval_that_is_none_is_refused(tmp_path: Path, every: str) -> None:
    script(tmp_path, "leads.py", LEADS.replace("15m", every))
    with pytest.raises(OrgsyncError, match="is not an interval"):
        find_sync("leads", tmp_path)


def test_listing_names_every_sync_once(tmp_path: Path) -> None:
    script(tmp_path, "leads.py", LEADS)
    shipped = sorted(point.name for point in entry_points(group="orgsync.syncs") if point.name != "leads")
    assert [found.name for found in list_syncs(tmp_path)] == ["leads", *shipped]
