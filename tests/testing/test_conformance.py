"""The conformance test tells scripts that conform from those that do not, and says what is wrong."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import anyio
import pytest
import structlog

from orgsync.demo_org import DemoOrg
from orgsync.testing import import_process
from orgsync.testing.checks import CHECKS
from orgsync.testing.checks_actions import ACTION_CHECKS
from orgsync.testing.copies import Script, opened
from orgsync.testing.import_process import FORKS
from orgsync.testing.script_home import Home
from orgsync.testing.side_effects import side_effects
from orgsync.testing.subjects import find_subjects
from tests.testing.conforming import cases_of, outcomes_of, project
from tests.testing.conforming_scripts import BAD, GOOD

FIRST = "brings every row in a first run"
SLOW = ["resumes after an interruption", "keeps no state between connections", "survives a 503", "survives a 401"]
QUICK = [check for check in CHECKS if check not in (*SLOW, "imports without side effects")]

QUIET = BAD["has docstrings"].replace("    return", '    """Contacts."""\n    return')


@pytest.mark.parametrize(
    ("name", "check"),
    [*((name, check) for name in GOOD for check in QUICK), *(("several_classes", check) for check in SLOW)],
)
def test_a_good_script_passes(tmp_path: Path, name: str, check: str) -> None:
    outcome = outcomes_of(project(tmp_path, **{name: GOOD[name]}), tmp_path, check)
    assert set(outcome.values()) == {"passed"}, outcome


@pytest.mark.parametrize("name", BAD)
def test_a_bad_script_fails_the_check_that_is_meant(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOUCHED", str(tmp_path / "touched"))
    meant = name.partition(":")[0]
    outcome = outcomes_of(project(tmp_path, contacts=BAD[name]), tmp_path, meant, "has docstrings")
    failed = [case for case, words in outcome.items() if words.startswith("failed: ")]
    assert failed == [f"contacts-{meant}"], outcome


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("has docstrings", r"contacts\.py, line 13: the sync contacts has no docstring"),
        ("has valid tables", "Clash would be kept in the table orgsync_clash, whose name has a reserved prefix"),
        (
            "sends queries that parse",
            r"SELECT Id LastName FROM Contact\n  MALFORMED_QUERY: only aggregate expressions use field aliasing",
        ),
        (FIRST, r"brings no row .*\n.*conformance\(seed=\.\.\.\)"),
        (f"{FIRST}: rewritten", r"Batches of Contact were read and not yielded.*batch\.replace\(rows\)"),
        ("follows changes in a second run", "contact 003.* is in the copy that followed the changes, but not in a new"),
    ],
)
def test_a_failure_says_what_is_wrong(tmp_path: Path, name: str, words: str) -> None:
    (outcome,) = outcomes_of(project(tmp_path, contacts=BAD[name]), tmp_path, name.partition(":")[0]).values()
    assert re.search(words, outcome), outcome


def test_what_a_refused_query_breaks_is_reported_once(tmp_path: Path) -> None:
    outcome = outcomes_of(
        project(tmp_path, contacts=BAD["sends queries that parse"]), tmp_path, FIRST, "changes nothing when run again"
    )
    assert set(outcome.values()) == {'skipped: see "contacts-sends queries that parse", which fails first'}


EFFECTS = '''
"""Contacts."""

import os, pathlib, signal, socket, sqlite3, subprocess, sys, tempfile, threading

HERE = pathlib.Path(os.environ["TOUCHED"])
HERE.mkdir()
(HERE / "a").write_text("x")
(HERE / "a").rename(HERE / "b")
(HERE / "b").unlink()
HERE.rmdir()
socket.socket().close()
sqlite3.connect(":memory:").close()
subprocess.run([sys.executable, "--version"])
os.environ["HELLO"] = "x"
os.chdir("/")
sys.path.append("/nowhere")
signal.signal(signal.SIGUSR1, lambda *_: None)
thread = threading.Thread(target=print, args=["from a thread"])
thread.start()
thread.join()
'''


def test_every_side_effect_of_an_import_is_named_with_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOUCHED", str(tmp_path / "touched"))
    text = EFFECTS + QUIET.replace('"""Contacts."""\n\n', "", 1)
    (outcome,) = outcomes_of(project(tmp_path, contacts=text), tmp_path, "imports without side effects").values()
    effects = re.findall(r"It (.*?) \(.*contacts\.py, line (\d+)\)", outcome)
    assert effects == [
        ("makes a folder", "6"), ("writes a file", "7"), ("renames a file", "8"), ("deletes a file", "9"),
        ("deletes a folder", "10"), ("opens a socket", "11"), ("opens a database", "12"), ("starts a process", "13"),
        ("changes os.environ", "14"), ("changes the working directory", "15"), ("starts a thread", "19"),
    ]  # fmt: skip
    assert "It changes sys.path." in outcome
    assert "It sets a signal handler." in outcome
    assert "It prints: from a thread" in outcome


@pytest.mark.parametrize("fork", [True, False])
def test_each_import_is_observed_in_a_process_of_its_own(tmp_path: Path, fork: bool) -> None:
    """What one script leaves behind, the next does not find, nor does one that ends its process end the others."""
    texts = {
        "first": "import os, sys\nos.environ['LEFT'] = 'x'\nsys.left = 1\n",
        "second": "import os, sys\nif 'LEFT' in os.environ or hasattr(sys, 'left'):\n    print('found')\n",
        "quitter": "import os\nos._exit(7)\n",
        "killer": "import os\nos.killpg(0, 9)\n",
        "broken": "1 / 0\n",
        "reader": "import sys\nprint(repr(sys.stdin.read()))\n",
    }
    found: dict[str, list[str]] = {}
    for name in ["first", "second", "quitter", *(["killer"] if fork else []), "broken", "reader", "second"]:
        script, folder = tmp_path / f"{name}.py", tmp_path / f"{len(found)}"
        script.write_text(texts[name])
        folder.mkdir()
        found[name] = side_effects(Home(name, f"syncs.{name}", str(script), str(tmp_path)), folder, fork=fork)
    assert found == {
        "first": [f"It changes os.environ ({tmp_path / 'first.py'}, line 2)."],
        "second": [],
        "quitter": ["It ends the process with 7."],
        **({"killer": ["It ends the process with -9."]} if fork else {}),
        "broken": ["It prints: ZeroDivisionError: division by zero"],
        "reader": ["It prints: ''"],
    }


@pytest.fixture
def _no_parent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let the next fork need a new parent: what another test has started ends with its first order that is late."""
    monkeypatch.setattr(import_process, "_TIMEOUT", 0.0)
    for _ in range(2):  # the second is not answered at its start
        with pytest.raises(subprocess.TimeoutExpired):
            import_process.in_fork({}, tmp_path)
    monkeypatch.undo()


def observed(folder: Path, text: str) -> list[str]:
    script = folder / "script.py"
    script.write_text(text)
    return side_effects(Home("script", "syncs.script", str(script), str(folder)), folder, fork=True)


@pytest.mark.skipif(not import_process.FORKS, reason="processes are forked on Linux alone")
def test_a_fork_finds_imported_what_scripts_import_of_orgsync(tmp_path: Path) -> None:
    text = "import sys\nbefore = {*sys.modules}\nfrom orgsync import *\nprint({*sys.modules} - before)\n"
    names = "action, Batch, Batches, Context, field, Hook, on_connect, Org, Record, sync"
    assert observed(tmp_path, text.replace("*\n", f"{names}\n", 1)) == ["It prints: set()"]


@pytest.mark.skipif(not import_process.FORKS, reason="processes are forked on Linux alone")
@pytest.mark.usefixtures("_no_parent")
def test_a_parent_that_did_not_answer_in_time_answers_no_later_order(tmp_path: Path) -> None:
    assert observed(tmp_path, "import os\nos._exit(7)\n") == ["It ends the process with 7."]


@pytest.mark.skipif(not import_process.FORKS, reason="processes are forked on Linux alone")
@pytest.mark.usefixtures("_no_parent")
def test_an_import_is_observed_where_a_thousand_files_are_open(tmp_path: Path) -> None:
    import resource

    least, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(least, 2000), most), most))
    opened = [os.open(os.devnull, os.O_RDONLY) for _ in range(1100)]
    try:
        assert observed(tmp_path, "import os\nos._exit(7)\n") == ["It ends the process with 7."]
    finally:
        for each in opened:
            os.close(each)
        resource.setrlimit(resource.RLIMIT_NOFILE, (least, most))


def test_an_import_that_only_defines_things_and_reads_is_quiet_whatever_a_package_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packages = tmp_path / "packages"
    packages.mkdir()
    (packages / "loud_package.py").write_text("import socket\n\nsocket.socket().close()\n")
    monkeypatch.setattr(sys, "path", [str(packages), *sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    reading = '\nimport pathlib\nimport loud_package\n\nTEXT = pathlib.Path(__file__).read_text(encoding="utf-8")\n'
    syncs = project(tmp_path, contacts=QUIET + reading)
    outcome = outcomes_of(syncs, tmp_path, "imports without side effects", "has docstrings")
    assert set(outcome.values()) == {"passed"}, outcome
    assert [path.name for path in syncs.iterdir()] == ["contacts.py"]


def test_cases_are_named_by_sync_and_check_in_a_fixed_order(tmp_path: Path) -> None:
    syncs = project(tmp_path, zebra=QUIET.replace("contacts", "zebras").replace("Contact", "Lead"), contacts=QUIET)
    names = [*cases_of(syncs)]
    assert names == [f"{sync}-{check}" for sync in ("contacts", "zebras") for check in CHECKS]
    assert "contacts-survives a 503" in names


def test_a_folder_without_scripts_is_one_failing_case_that_says_so(tmp_path: Path) -> None:
    outcome = outcomes_of(project(tmp_path), tmp_path)
    assert [*outcome] == ["no scripts"]
    assert f"There is no sync in {tmp_path / 'syncs'}." in outcome["no scripts"]


def test_a_script_that_does_not_import_is_a_failing_case_beside_the_others(tmp_path: Path) -> None:
    outcome = outcomes_of(
        project(tmp_path, contacts=QUIET, broken="import nowhere\n"), tmp_path, "imports", "has docstrings"
    )
    assert outcome["contacts-has docstrings"] == "passed"
    assert re.search(r"broken\.py, line 1: ModuleNotFoundError: No module named 'nowhere'", outcome["broken-imports"])


def test_a_script_that_ends_the_process_is_one_failing_case(tmp_path: Path) -> None:
    (outcome,) = outcomes_of(project(tmp_path, broken="raise SystemExit(3)\n"), tmp_path).values()
    assert "A script ends the process when it is imported: SystemExit(3)." in outcome


def test_two_syncs_of_one_name_are_one_failing_case(tmp_path: Path) -> None:
    (outcome,) = outcomes_of(project(tmp_path, one=QUIET, two=QUIET), tmp_path).values()
    assert "Two syncs are called contacts" in outcome


def test_skip_leaves_a_check_out_and_knows_its_names(tmp_path: Path) -> None:
    syncs = project(tmp_path, contacts=BAD["has docstrings"])
    outcome = outcomes_of(syncs, tmp_path, "has docstrings", skip={"contacts": ["has docstrings"]})
    assert outcome == {"contacts-has docstrings": "skipped: conformance(skip=...) names it"}
    wrong = [*cases_of(syncs, skip={"contacts": ["has doctsrings"], "leads": []})]
    assert wrong[:2] == ["skip-leads", "skip-contacts-has doctsrings"]


RARE = QUIET.replace("ctx.changes(Contact)", "ctx.changes(Contact, where=\"Title = :title\", title='R' + 'are')")


def test_seed_brings_the_rows_that_a_script_looks_for(tmp_path: Path) -> None:
    syncs = project(tmp_path, contacts=RARE)

    def seed(org: DemoOrg) -> None:
        org.insert("Contact", LastName="Rarely", Title="Rare")

    without, given = tmp_path / "without", tmp_path / "given"
    without.mkdir()
    given.mkdir()
    assert "conformance(seed=...)" in outcomes_of(syncs, without, FIRST)[f"contacts-{FIRST}"]
    assert outcomes_of(syncs, given, FIRST, seed=seed) == {f"contacts-{FIRST}": "passed"}


def test_seeded_rows_are_awkward_and_differ_between_orgs(tmp_path: Path) -> None:
    syncs = project(tmp_path, sites=GOOD["custom_objects"])
    orgs = [_seeded(tmp_path / str(seed), syncs, seed) for seed in (0, 1)]
    rows = orgs[0]
    assert len(rows) > 20
    assert any(row["Region__c"] for row in rows)
    assert any(row["AccountId"] for row in rows)
    texts = [str(row["Name"]) for row in rows]
    assert any("\n" in text for text in texts)
    assert any(not text.isascii() for text in texts)
    assert all(row["Code__c"] for row in rows), "declared without None"
    for name in ("Area__c", "Rent__c", "Floors__c"):
        numbers = [row[name] for row in rows]
        assert None in numbers
        assert any(number is not None and number < 0 for number in numbers)
    assert len({row["SystemModstamp"] for row in rows}) < len(rows) / 2
    assert {row["IsDeleted"] for row in rows} == {True, False}
    assert [row["Name"] for row in orgs[1]] != [row["Name"] for row in rows]


def _seeded(folder: Path, syncs: Path, number: int) -> list[dict[str, Any]]:
    """Give the sites of the n-th org that a check gets."""
    (subject,) = find_subjects(syncs)
    assert subject.home
    script = Script(subject.home)

    async def look() -> list[dict[str, Any]]:
        async with opened(script, folder, orgs=number + 1) as copies:
            return copies.stocked[number].org.rows("Site__c", deleted=True)

    folder.mkdir()
    return anyio.run(look)


@pytest.mark.parametrize(("name", "table", "leave"), [("mapped", "person", 2), ("several_classes", "visit", 0)])
def test_copied_rows_are_deleted_for_good_where_a_pass_has_brought_them(
    tmp_path: Path, name: str, table: str, leave: int
) -> None:
    (subject,) = find_subjects(project(tmp_path, **{name: GOOD[name]}))
    assert subject.home
    script = Script(subject.home)

    async def left() -> int:
        async with opened(script, tmp_path) as copies:
            await copies.run("copy")
            before = (await copies.live("copy"))[table]
            await copies.change()
            known = {
                str(row["Id"]) for each in ("Contact", "Visit__c") if each in copies.stocked[0].provided.sobjects
                for row in copies.org.rows(each, deleted=True)
            }  # fmt: skip
            return len(before.keys() - known)

    assert anyio.run(left) == leave


def test_the_machines_own_database_is_never_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "own.db"
    monkeypatch.setenv("ORGSYNC_DATABASE_URL", f"sqlite:///{own}")
    outcome = outcomes_of(project(tmp_path, contacts=QUIET), tmp_path, FIRST, "follows changes in a second run")
    assert set(outcome.values()) == {"passed"}
    assert not own.exists()


SITES = """
from pathlib import Path

from orgsync.testing.checks import conformance

test_every_script_conforms = conformance()
"""


STRICT = ["-o", "asyncio_mode=strict", "-o", "asyncio_default_fixture_loop_scope=function"]


@pytest.mark.parametrize("how", [["-p", "no:asyncio"], STRICT])
def test_it_runs_without_asyncio_and_in_strict_mode_from_any_folder(
    pytester: Any, tmp_path_factory: pytest.TempPathFactory, how: list[str]
) -> None:
    (pytester.path / "orgsync.toml").write_text("")
    project(pytester.path, contacts=QUIET)
    tests = pytester.mkdir("tests")
    (tests / "test_all.py").write_text(SITES)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("elsewhere"))
        ran = pytester.runpytest_subprocess(str(tests), "-k", "docstrings or first", "-W", "error", *how)
    ran.assert_outcomes(passed=2)


pytest_plugins = "pytester"


def test_what_a_script_raises_is_shown_with_its_line(tmp_path: Path) -> None:
    raising = QUIET.replace("    return", "    raise KeyError('Emma')\n    return")
    (outcome,) = outcomes_of(project(tmp_path, contacts=raising), tmp_path, FIRST).values()
    assert "\nraise KeyError('Emma')\nKeyError: 'Emma'\n" in outcome


ACTION = '''
    """Cases."""
    from orgsync import Org, action


    @action
    async def close_case(org: Org, case_id: str, note: str | None = None) -> dict[str, str]:
        """Close a case."""
        return {}
    '''


def test_a_good_action_passes_also_in_a_project_without_a_sync(tmp_path: Path) -> None:
    outcome = outcomes_of(project(tmp_path, cases=ACTION), tmp_path)
    assert outcome == {f"close_case-{check}": "passed" for check in ACTION_CHECKS}


@pytest.mark.parametrize(
    ("check", "before", "after", "said"),
    [
        ("has docstrings", '"""Close a case."""', "", "the action close_case has no docstring"),
        ("has types that JSON has", "note: str | None = None", "note: str = None", "is not of its type: note: "),
        ("has types that JSON has", "note: str | None = None", "note: slice | None = None", "cannot be checked"),
        ("imports without side effects", "@action", "print(5)\n    @action", "does more than define things"),
    ],
)
def test_a_bad_action_fails_the_check_that_is_meant(
    tmp_path: Path, check: str, before: str, after: str, said: str
) -> None:
    outcome = outcomes_of(project(tmp_path, cases=ACTION.replace(before, after, 1)), tmp_path)
    assert [case for case, words in outcome.items() if words != "passed"] == [f"close_case-{check}"]
    assert said in outcome[f"close_case-{check}"]


def test_conformance_leaves_structlog_as_it_was(tmp_path: Path) -> None:
    structlog.reset_defaults()
    try:
        outcomes_of(project(tmp_path, contacts=QUIET), tmp_path, FIRST)
        assert not structlog.is_configured()
    finally:
        structlog.configure()


@pytest.mark.skipif(not FORKS, reason="forks on Linux alone")
def test_a_script_that_ends_later_what_imports_them_spoils_no_other_check(tmp_path: Path) -> None:
    found: list[list[str]] = []
    late = "import os, subprocess\nsubprocess.Popen(f'sleep 0.2; kill -9 {os.getppid()}', shell=True)\n"
    for name, text in ("late", late), ("quiet", "x = 1\n"):
        script, folder = tmp_path / f"{name}.py", tmp_path / f"report of {name}"
        script.write_text(text)
        folder.mkdir()
        found.append(side_effects(Home(name, f"syncs.{name}", str(script), str(tmp_path)), folder, fork=True))
        time.sleep(1)
    assert found == [[f"It starts a process ({tmp_path / 'late.py'}, line 2)."], []]
