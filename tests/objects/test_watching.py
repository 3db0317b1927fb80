"""The scheduler notices which objects orgsync.toml names, and how often each is due."""

from pathlib import Path

import pytest

from orgsync.errors import NothingScheduled, SettingInvalid
from orgsync.scheduler import ScriptWatcher
from orgsync.settings import PROJECT_FILE, load_settings


def written(folder: Path, text: str) -> None:
    (folder / PROJECT_FILE).write_text(text, encoding="utf-8")


def watcher(folder: Path, *names: str) -> ScriptWatcher:
    settings = load_settings(folder)
    return ScriptWatcher(settings.syncs_folder, names, settings.objects, project=folder)


def test_objects_are_due_as_the_settings_say_and_changes_of_them_are_noticed(tmp_path: Path) -> None:
    written(tmp_path, '[[objects]]\nname = "Case"\nevery = "15m"\n[[objects]]\nname = "Lead"\n')
    watched = watcher(tmp_path)
    watched.load()
    assert {name: str(every) for name, every in watched.schedules.items()} == {"Case": "15m"}
    written(tmp_path, '[[objects]]\nname = "Case"\nevery = "1h"\n[[objects]]\nname = "Lead"\nevery = "1d"\n')
    assert [watched.reload(), watched.reload()] == [False, True]
    assert {name: str(every) for name, every in watched.schedules.items()} == {"Case": "1h", "Lead": "1d"}
    assert watched.sync("Lead").tables == ("lead",)


def test_wrong_settings_are_a_problem_and_the_last_good_ones_stay(tmp_path: Path) -> None:
    written(tmp_path, '[[objects]]\nname = "Case"\nevery = "15m"\n')
    watched = watcher(tmp_path)
    watched.load()
    for wrong in ('[[objects]]\nname = "Case"\nevery = "quarterly"\n', "[[objects]]\n", "[["):
        written(tmp_path, wrong)
        watched.reload()
        assert watched.reload()
        assert isinstance(watched.problems[0], SettingInvalid)
        assert [*watched.schedules] == ["Case"]
    written(tmp_path, '[[objects]]\nname = "Lead"\nevery = "15m"\n')
    watched.reload()
    assert watched.reload()
    assert not watched.problems
    assert [*watched.schedules] == ["Lead"]


def test_an_object_without_a_schedule_is_said_to_have_none(tmp_path: Path) -> None:
    written(tmp_path, 'objects = ["Case"]\n')
    with pytest.raises(NothingScheduled, match=r'every = "15m" in orgsync\.toml'):
        watcher(tmp_path, "Case").load()
    with pytest.raises(NothingScheduled, match=r'every = "15m" below \[\[objects\]\]'):
        watcher(tmp_path).load()
