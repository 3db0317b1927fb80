"""What a program that reads JSON from stdout is told when a command ends with an error."""

import io
import sys
from pathlib import Path

import pytest

from orgsync.demo_org import DemoOrg
from orgsync_cli import main
from orgsync_cli.output import speech

from .commandline import Command

UNKNOWN_NAMES = [
    ("run nothing --json", "name_unknown"),
    ("run contacts -c nobody --json", "name_unknown"),
    ("run contacts --limit 3 --json", "argument_invalid"),
    ("run contacts --dry-run -c nobody --json", "name_unknown"),
    ("up --once --sync nothing --json", "name_unknown"),
    ("up --once --json", "nothing_scheduled"),
    ("runs 17 --json", "name_unknown"),
    ("runs seventeen --json", "argument_invalid"),
    ("connections show nobody --json", "name_unknown"),
    ("records nothing --format json", "name_unknown"),
    ("records nothing --format=json", "name_unknown"),
]
WRONG_CALLS = [
    ("run --json", "orgsync run"),
    ("run contacts --jsno --json", "orgsync run"),
    ("records contact --after 3 --format json", "orgsync records"),
    ("connections --json list", "orgsync connections"),
    ("--json runs", "orgsync"),
    ("doctor --jsn --json", "orgsync doctor"),
    ("nothing --json", "orgsync"),
]
LISTS = ["connections --json", "connections list --json", "runs --json", "status --json", "syncs --json"]


@pytest.mark.parametrize(("words", "code"), UNKNOWN_NAMES)
def test_an_error_is_one_json_object_on_stdout_and_two_lines_on_stderr(words: str, code: str, orgsync: Command) -> None:
    refused = orgsync(*words.split())
    cause, remedy = refused.problem()
    assert refused.code == 2
    assert refused.objects() == [{"error": {"code": code, "cause": cause, "remedy": remedy, "exit_code": 2}}]


@pytest.mark.parametrize(("words", "called"), WRONG_CALLS)
def test_a_wrong_call_is_a_json_object_as_well(words: str, called: str, orgsync: Command) -> None:
    refused = orgsync(*words.split())
    (reported,) = refused.objects()
    assert refused.code == reported["error"]["exit_code"] == 2
    assert reported["error"]["code"] == "usage_invalid"
    assert reported["error"]["remedy"].endswith(f"See: {called} --help")
    assert refused.problem() == (reported["error"]["cause"], reported["error"]["remedy"])


@pytest.mark.parametrize("words", LISTS)
def test_a_project_with_a_wrong_setting_is_reported_by_every_list(words: str, orgsync: Command, folder: Path) -> None:
    (folder / "orgsync.toml").write_text("api_limit_share = 7\n")
    refused = orgsync(*words.split())
    (reported,) = refused.objects()
    assert (refused.code, reported["error"]["exit_code"]) == (2, 2)
    assert "api_limit_share" in reported["error"]["cause"]


def test_without_json_stdout_stays_empty(orgsync: Command) -> None:
    for words in ("run nothing", "runs 17", "records nothing --format csv", "records nothing"):
        assert orgsync(*words.split()).out == ""


def test_a_run_that_fails_is_reported_by_its_own_object_alone(orgsync: Command, acme: DemoOrg) -> None:
    acme.revoke_refresh_tokens()
    failed = orgsync("run", "contacts", "accounts", "--json")
    assert failed.code == 3
    assert [(each["sync"], each["status"], each["error_code"]) for each in failed.objects()] == [
        ("contacts", "failed", "sign_in_needed"),
        ("accounts", "failed", "sign_in_needed"),
    ]


def test_what_nobody_foresaw_is_a_json_object_without_its_text(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> None:
        raise KeyError("Ms Private")

    monkeypatch.setattr(main, "app", broken)
    monkeypatch.setattr(speech, "as_json", True)
    with pytest.raises(SystemExit) as ended:
        main.main()
    reported = capsys.readouterr()
    assert ended.value.code == 1
    assert reported.out.startswith(
        '{"error": {"code": "internal_error", "cause": "orgsync failed unexpectedly: KeyError at '
    )
    assert "Private" not in reported.out + reported.err


def test_a_reader_that_has_gone_does_not_hide_what_nobody_foresaw(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    def broken() -> None:
        raise KeyError

    monkeypatch.setattr(main, "app", broken)
    monkeypatch.setattr(speech, "as_json", True)
    monkeypatch.setattr(sys, "stdout", Gone())
    with pytest.raises(SystemExit):
        main.main()
    assert "orgsync failed unexpectedly: KeyError" in capsys.readouterr().err
