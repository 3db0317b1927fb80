"""Jobs given as JSON: what programs that carry them to orgsync rely on."""

import json
from pathlib import Path

import pytest

from orgsync.demo_org import DemoOrg
from tests.actions.scripts import write_script

from .commandline import Command

CONTACTS = '{"kind": "sync", "name": "contacts", "connection": "acme"}'


def test_a_job_is_run_from_a_file_and_from_stdin_as_run_shows_it(orgsync: Command, acme: DemoOrg, folder: Path) -> None:
    (folder / "job.json").write_text(CONTACTS)
    first = orgsync("run", "--job", "job.json")
    assert first.code == 0, first
    assert first.out.startswith("contacts on acme: 25 added (")
    full = CONTACTS.replace("}", ', "full": true}')
    [again] = orgsync("run", "--job", "-", "--json", answers=full).objects()
    assert (again["sync"], again["status"], again["unchanged"]) == ("contacts", "done", 25)


def test_an_actions_job_ends_as_do_shows_it(orgsync: Command, acme: DemoOrg, folder: Path) -> None:
    write_script(folder)
    job = {"kind": "action", "name": "count", "connection": "acme", "arguments": {"words": ["a", "b"]}}
    outcome = orgsync("run", "--job", "-", answers=json.dumps(job))
    assert (outcome.code, json.loads(outcome.out)) == (0, {"count": 2})
    [run] = orgsync("run", "--job", "-", "--json", answers=json.dumps(job)).objects()
    assert (run["action"], run["status"], run["result"]) == ("count", "done", {"count": 2})
    refused = orgsync("run", "--job", "-", "--dry-run", answers=json.dumps(job))
    assert (refused.code, refused.problem()[0]) == (2, "--dry-run is for a sync; this job is an action's.")


def test_a_job_can_be_tried_first(orgsync: Command, acme: DemoOrg) -> None:
    tried = orgsync("run", "--job", "-", "--dry-run", "--json", answers=CONTACTS).objects()[-1]
    assert (tried["dry_run"], tried["added"]) == (True, 25)
    assert orgsync("runs", "--json").objects() == []


@pytest.mark.parametrize(
    ("job", "cause", "remedy"),
    [
        ("contacts", "This is not a job", "Write an object such as"),
        (
            CONTACTS.replace("contacts", "contact"),
            "There is no sync 'contact'; did you mean 'contacts'?",
            "orgsync syncs",
        ),
        (CONTACTS.replace("acme", "acne"), "There is no connection 'acne'; did you mean 'acme'?", "acme"),
        (CONTACTS.replace("sync", "action"), "There is no action 'contacts'", "contacts is a sync"),
    ],
)
def test_a_job_that_cannot_be_run_says_why(orgsync: Command, acme: DemoOrg, job: str, cause: str, remedy: str) -> None:
    outcome = orgsync("run", "--job", "-", answers=job)
    assert outcome.code == 2
    assert cause in outcome.problem()[0]
    assert remedy in outcome.problem()[1]


def test_a_job_says_all_and_the_call_nothing_beside_it(orgsync: Command, acme: DemoOrg) -> None:
    for more in (("contacts",), ("-c", "acme"), ("--full",), ("--all",)):
        assert "--job says what to run" in orgsync("run", "--job", "-", *more, answers=CONTACTS).problem()[0]
    assert "no.json cannot be read" in orgsync("run", "--job", "no.json").problem()[0]


def test_the_jobs_of_a_project_are_those_that_up_runs(orgsync: Command, acme: DemoOrg, folder: Path) -> None:
    (folder / "syncs").mkdir()
    (folder / "syncs" / "own.py").write_text("from orgsync_syncs.accounts import accounts\n")
    assert orgsync("schedule", "contacts", "-c", "acme", "--every", "1h").code == 0
    jobs = orgsync("syncs", "--jobs").out.splitlines()
    assert [(json.loads(job)["name"], json.loads(job)["connection"]) for job in jobs] == [
        ("accounts", "acme"),
        ("contacts", "acme"),
    ]
    assert orgsync("run", "--job", "-", answers=jobs[0]).out.startswith("accounts on acme: 5 added")
    orgsync("schedule", "accounts", "-c", "acme", "--off")
    assert len(orgsync("syncs", "--jobs").out.splitlines()) == 1
    assert orgsync("syncs", "--jobs", "--json").code == 2
