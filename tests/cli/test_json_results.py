"""`--json` of the commands that change something: one object on stdout and nothing else."""

import json
from pathlib import Path
from typing import Any

import pytest

from orgsync.demo_org import DemoOrg

from .commandline import Command, Outcome, variables_for

OWN = """\
from orgsync import Batches, Context, Record, sync

NOTHING_ELSE = {"revoked": None, "problems": []}


class Company(Record, table=True):
    __sobject__ = "Account"
    name: str


@sync(every="15m")
def companies(ctx: Context) -> Batches[Company]:
    return ctx.changes(Company)
"""


def only(outcome: Outcome) -> dict[str, Any]:
    assert outcome.code == 0, outcome
    found: dict[str, Any] = json.loads(outcome.out)
    return found


@pytest.fixture
def own(folder: Path) -> None:
    (folder / "syncs").mkdir()
    (folder / "syncs" / "companies.py").write_text(OWN, encoding="utf-8")


def test_connecting_testing_renaming_and_removing_a_connection(
    orgsync: Command, secrets: DemoOrg, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = only(orgsync("connect", "acme", "--flow", "refresh-token", "--login-url", secrets.url, "--json"))
    assert (made["name"], made["status"], made["token_lifetime"] or 0) == ("acme", "ready", made["token_lifetime"] or 0)
    for name in variables_for(secrets):
        monkeypatch.delenv(name)
    tested = only(orgsync("connections", "test", "acme", "--json"))
    assert (tested["name"], tested["status"], tested["api_calls"]) == ("acme", "ready", 1)
    assert only(orgsync("connections", "rename", "acme", "globex", "--json"))["name"] == "globex"
    kept = orgsync("connections", "remove", "globex", "--json", answers="n\n")
    rest: dict[str, object] = {"connection": "globex", "revoked": None, "problems": []}
    assert (kept.code, kept.objects()) == (1, [{**rest, "removed": False, "rows_kept": True}])
    removed = only(orgsync("connections", "remove", "globex", "--yes", "--json"))
    assert removed == {**rest, "removed": True, "rows_kept": False}


@pytest.mark.usefixtures("own")
def test_what_a_reset_has_given_up(orgsync: Command, acme: DemoOrg) -> None:
    orgsync("run", "companies")
    rows = {"company": len(acme.rows("Account"))}
    kept = orgsync("reset", "companies", "--json", answers="n\n")
    assert (kept.code, kept.objects()[0]["reset"]) == (1, False)
    given_up = only(orgsync("reset", "companies", "--yes", "--json"))
    assert given_up == {"sync": "companies", "connection": None, "reset": True, "rows": rows, "positions": 1}


@pytest.mark.usefixtures("acme")
def test_what_a_new_script_holds_and_what_a_recording_has_written(orgsync: Command, folder: Path) -> None:
    written = only(orgsync("new", "sync", "Account", "--field", "Name", "--json"))
    assert (written["sync"], written["fields"], written["found"]) == ("accounts", 1, True)
    assert Path(written["file"]).is_relative_to(folder)
    recorded = only(orgsync("record", "accounts", "--max-rows", "3", "--json"))
    assert (recorded["sync"], recorded["test_is"]) == ("accounts", "written")
    assert recorded["steps"] > 0
    assert Path(recorded["cassette"]).is_file()
    assert Path(recorded["test"]).is_file()


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize("call", [("records", "Company"), ("reset", "companies", "--yes")])
def test_before_the_first_run_the_sync_that_has_not_run_is_named(
    orgsync: Command, folder: Path, call: tuple[str, ...]
) -> None:
    cause, remedy = orgsync(*call).problem()
    assert cause.startswith("The sync companies has not run yet, so there is ")
    assert remedy == "Run it: orgsync run companies"
    assert not (folder / ".orgsync").exists()


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize(
    "call",
    ["status", "syncs", "runs", "records company", "connections", "connections show acme", "connections test acme"],
)
def test_what_only_looks_makes_no_database(orgsync: Command, folder: Path, call: str) -> None:
    orgsync(*call.split())
    assert not (folder / ".orgsync").exists()


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize(
    "call",
    [
        "schedule companies --all --off",
        "run companies",
        "run --object Case --dry-run",
        "do limits",
        "api GET limits",
        "record companies",
        "new sync Lead",
        "write leads.csv --object Lead --operation insert",
        "connections update acme --tag gold",
    ],
)
def test_what_needs_a_connection_makes_no_database_where_there_is_none(
    orgsync: Command, folder: Path, call: str
) -> None:
    (folder / "leads.csv").write_text("LastName\nLovelace\n")
    cause = "There is no connection 'acme'." if "acme" in call else "There is no connection yet."
    assert orgsync(*call.split()).problem()[0] == cause
    if "acme" not in call:
        named = orgsync(*call.replace(" --all", "").split(), "-c", "acme")
        assert named.problem()[0] == "There is no connection 'acme'."
    assert not (folder / ".orgsync").exists()
