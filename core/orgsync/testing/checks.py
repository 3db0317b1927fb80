"""One test for all of a project's scripts: each sync against each check, on demo orgs that hold rows for it.

Actions are checked as they are written: only their authors know what would become of a call.

test_every_script_conforms = conformance()
"""

import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from orgsync.demo_org import DemoOrg
from orgsync.errors import OrgsyncError
from orgsync.settings import load_settings

from .checks_actions import ACTION_CHECKS
from .checks_faults import keeps_no_state, resumes, survives_outages, survives_token_ends
from .checks_rows import brings_every_row, follows_changes, repeats_without_change, sends_queries
from .checks_text import has_docstrings, has_tables, imports_quietly
from .copies import Script
from .outcomes import FIRST, QUERIES, SECOND, TABLES, Check, NotChecked, Unfit, Unserved, on_copies
from .script_home import Home
from .subjects import Subject, find_actions, find_subjects

__all__ = ["CHECKS", "conformance"]

CHECKS: Mapping[str, Check] = {
    "imports without side effects": imports_quietly,
    "has docstrings": has_docstrings,
    TABLES: has_tables,
    QUERIES: on_copies(sends_queries),
    FIRST: on_copies(brings_every_row),
    SECOND: on_copies(follows_changes),
    "changes nothing when run again": on_copies(repeats_without_change),
    "resumes after an interruption": on_copies(resumes),
    "keeps no state between connections": on_copies(keeps_no_state, orgs=2),
    "survives a 503": on_copies(survives_outages),
    "survives a 401": on_copies(survives_token_ends),
}

_Seed = Callable[[DemoOrg], None]
_MakeScript = Callable[[Home], Script]


@dataclass(frozen=True, slots=True)
class Case:
    """One sync or action and one check, or what keeps it from being checked."""

    id: str
    run: Callable[[Path], None]


def conformance(
    folder: str | Path | None = None,
    *,
    seed: _Seed | None = None,
    skip: Mapping[str, Collection[str]] | None = None,
    shipped: bool = False,
    metadata: Mapping[str, Any] | None = None,
) -> Callable[[Path, Case], None]:
    """Return one test of all scripts of a folder: by default the project's, around the file that calls this.

    Assign it to a name that pytest collects. Every sync is a case with every check of `CHECKS`, on demo orgs whose
    objects, fields and rows follow from its record classes and its source, and every action one with `ACTION_CHECKS`.
    `seed` is called with each of these orgs before the first run, for scripts that look for rows of a special kind.
    `skip` names checks that a script may fail: `{"contacts": ["survives a 503"]}`. With `shipped`, the syncs that
    installed packages bring are tested instead. `metadata` is what scripts find in `ctx.connection.metadata`.
    """
    frame = inspect.currentframe()
    try:
        place = None if shipped else _folder(folder, frame.f_back if frame else None)
        cases = _cases(place, partial(Script, seed=seed, metadata=metadata or {}), skip or {})
    except OrgsyncError as problem:
        cases = [_failing("settings", str(problem))]
    finally:
        del frame  # or it keeps itself alive

    @pytest.mark.parametrize("case", cases, ids=[case.id for case in cases])
    def test(tmp_path: Path, case: Case) -> None:
        case.run(tmp_path)

    return test


def _folder(folder: str | Path | None, caller: FrameType | None) -> Path:
    """Return the folder of scripts of the project that a test belongs to, wherever pytest was started."""
    file = caller.f_globals.get("__file__") if caller else None
    settings = load_settings(Path(file).parent if file else None)
    return (settings.project / folder if folder else settings.syncs_folder).resolve()


def _cases(folder: Path | None, script: _MakeScript, skip: Mapping[str, Collection[str]]) -> list[Case]:
    subjects = find_subjects(folder)
    actions = find_actions(folder) if folder else []
    if not subjects and not actions:
        report = f"There is no sync in {folder}." if folder else "No installed package has a sync."
        return [_failing("no scripts", f"{report} Write one: orgsync new sync.")]
    wrong = [_failing(name, report) for name, report in _misspelt([*subjects, *actions], skip)]
    checked = [*((each, CHECKS) for each in subjects), *((each, ACTION_CHECKS) for each in actions)]
    return [*wrong, *(case for each, by in checked for case in _cases_of(each, by, script, skip.get(each.name, ())))]


def _cases_of(subject: Subject, checks: Mapping[str, Check], make: _MakeScript, skip: Collection[str]) -> list[Case]:
    if subject.home is None:
        return [_failing(f"{subject.name}-imports", subject.problem)]
    script = make(subject.home)
    return [
        Case(f"{subject.name}-{name}", partial(_checked, check, script, name in skip)) for name, check in checks.items()
    ]


def _misspelt(subjects: list[Subject], skip: Mapping[str, Collection[str]]) -> list[tuple[str, str]]:
    """Return the names in `skip` that are unknown, each with a message: they would skip nothing, unnoticed."""
    names = [subject.name for subject in subjects]
    unknown = [(f"skip-{name}", f"skip= names the script {name}; there are {', '.join(names)}.") for name in skip]
    wrong = [report for report, name in zip(unknown, skip, strict=True) if name not in names]
    checks = dict.fromkeys([*CHECKS, *ACTION_CHECKS])
    for name, given in skip.items():
        known = f"Available: {', '.join(checks)}."
        wrong += [
            (f"skip-{name}-{each}", f"skip= names the check {each!r}. {known}") for each in given if each not in checks
        ]
    return wrong


def _failing(id: str, report: str) -> Case:
    def fail(_: Path) -> None:
        pytest.fail(report, pytrace=False)

    return Case(id, fail)


def _checked(check: Check, script: Script, skipped: bool, folder: Path) -> None:
    if skipped:
        pytest.skip("conformance(skip=...) names it")
    report = ""
    try:
        check(script, folder)
    except Unfit as unfit:
        report = str(unfit)
    except Unserved as unserved:
        pytest.skip(f"not checked: {unserved}")
    except NotChecked as other:
        pytest.skip(f'see "{script.home.sync}-{other}", which fails first')
    if report:
        pytest.fail(report, pytrace=False)
