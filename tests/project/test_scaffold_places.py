"""A new script finds its place in a project, or the error says what is in its way."""

from pathlib import Path

import pytest

from orgsync.errors import FileUnusable, NameTaken
from orgsync.project.scaffold import NewScript, compose, is_found, require_room, write
from orgsync.scripts.discovery import find_sync

from .test_scaffold import described, field_of

THINGS = '''
"""Things of the org."""

from orgsync import Batches, Context, Record, sync


class Thing(Record, table=True):
    """A thing."""


@sync
def things(ctx: Context) -> Batches[Thing]:
    """Read things."""
    return ctx.changes(Thing)
'''


@pytest.fixture
def thing() -> NewScript:
    return compose(described(field_of("Id", "id"), field_of("Value")), by_changes=True)


def put(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text, encoding="utf-8")


def test_a_script_finds_room_beside_others_and_is_found(tmp_path: Path, thing: NewScript) -> None:
    put(tmp_path, "other.py", THINGS.replace("Thing", "Other").replace("things", "others"))
    put(tmp_path, "broken.py", "import nothing_of_that_name\n")
    path = tmp_path / "things.py"
    assert require_room(thing, path, tmp_path) == ""
    write(thing, path)
    assert find_sync("things", tmp_path).summary == "Every row that changed since the last run, deletions included."


def test_a_sync_of_that_name_elsewhere_is_refused_with_its_file(tmp_path: Path, thing: NewScript) -> None:
    put(tmp_path, "mine.py", THINGS.replace("Thing", "Other"))
    with pytest.raises(NameTaken, match=r"mine\.py has a sync called things"):
        require_room(thing, tmp_path / "things.py", tmp_path)


def test_a_record_class_for_the_table_elsewhere_is_refused_with_the_file_that_defines_it(
    tmp_path: Path, thing: NewScript
) -> None:
    put(tmp_path, "all.py", THINGS.replace("def things", "def everything"))
    put(tmp_path, "a_user_of_it.py", "from syncs.all import Thing\n")
    with pytest.raises(NameTaken, match=r"all\.py has a record class for the table thing"):
        require_room(thing, tmp_path / "things.py", tmp_path)
    put(
        tmp_path,
        "all.py",
        THINGS.replace("def things", "def everything").replace(
            'A thing."""', 'A thing."""\n\n    __tablename__ = "other"'
        ),
    )
    assert require_room(thing, tmp_path / "things.py", tmp_path) == ""


def test_a_script_that_is_replaced_is_not_in_its_own_way(tmp_path: Path, thing: NewScript) -> None:
    put(tmp_path, "things.py", THINGS)
    put(tmp_path, "a_user_of_it.py", "from syncs.things import Thing\n")
    assert require_room(thing, tmp_path / "things.py", tmp_path) == ""


def test_a_file_that_exists_is_replaced_only_on_request(tmp_path: Path, thing: NewScript) -> None:
    path = tmp_path / "syncs" / "things.py"
    write(thing, path)
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(NameTaken, match="exists already"):
        write(thing, path)
    assert path.read_text(encoding="utf-8") == "mine"
    write(thing, path, replace=True)
    assert path.read_text(encoding="utf-8") == thing.text


def test_a_file_that_cannot_be_written_is_reported(tmp_path: Path, thing: NewScript) -> None:
    put(tmp_path, "a_file", "")
    for path in (tmp_path / "a_file" / "things.py", tmp_path):
        with pytest.raises(FileUnusable, match="cannot be written"):
            write(thing, path, replace=True)


def test_a_script_is_found_in_the_projects_folder_alone(tmp_path: Path) -> None:
    assert is_found(tmp_path / "things.py", tmp_path)
    for elsewhere in ("_things.py", "things.txt", "below/things.py"):
        assert not is_found(tmp_path / elsewhere, tmp_path)
