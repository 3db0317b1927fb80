"""How times, amounts, tables and errors are written."""

import re
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from orgsync.engine import Committed, Planned
from orgsync.errors import ArgumentInvalid
from orgsync.project.views import instant
from orgsync_cli import main
from orgsync_cli.grid import split_long_words
from orgsync_cli.output import brief, moment, show_problem, show_unexpected, speech, to_json
from orgsync_cli.progress import Expectation
from orgsync_cli.tables import show_table

NOON = datetime(2026, 1, 31, 13, 15, tzinfo=timezone(timedelta(hours=3)))


def test_instants_are_written_in_utc() -> None:
    assert instant(NOON) == "2026-01-31T10:15:00.000Z"
    assert instant(None) is None
    assert moment(NOON) == "2026-01-31 10:15:00 UTC"
    assert moment(None) == ""
    assert to_json({"at": NOON, "day": date(2026, 1, 31), "path": Path("x")}) == (
        '{"at": "2026-01-31T10:15:00.000Z", "day": "2026-01-31", "path": "x"}'
    )


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (None, ""),
        (0.042, "0.04 s"),
        (7.25, "7.2 s"),
        (120, "2 min"),
        (125, "2 min 5 s"),
        (7200, "2 h"),
        (5400, "1 h 30 min"),
    ],
)
def test_stretches_of_time_are_written_for_a_person(seconds: float | None, written: str) -> None:
    assert brief(seconds) == written


def test_an_error_is_two_lines_whatever_its_text(capsys: pytest.CaptureFixture[str]) -> None:
    show_problem(ArgumentInvalid("A cause\nover two lines.", "And what\n to do."))
    assert capsys.readouterr().err == "error: A cause over two lines.\n       And what to do.\n"
    show_problem(ArgumentInvalid("Only a cause."))
    assert capsys.readouterr().err == "error: Only a cause.\n"


def test_an_unexpected_error_is_reported_by_type_and_place_but_not_by_its_text(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    try:
        raise KeyError("Ms Private")
    except KeyError as error:
        show_unexpected(error)
        reported = capsys.readouterr().err
        monkeypatch.setattr(speech, "debug", True)
        show_unexpected(error)
    assert re.match(r"error: orgsync failed unexpectedly: KeyError at test_output.py:\d+\.\n", reported)
    assert "please report it" in reported
    assert "Private" not in reported
    assert "Traceback" in capsys.readouterr().err


def test_the_program_ends_with_one_for_what_nobody_foresaw(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing() -> None:
        raise KeyError("Ms Private")

    monkeypatch.setattr(main, "app", failing)
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert ended.value.code == 1
    assert "failed unexpectedly: KeyError" in capsys.readouterr().err


def test_a_narrow_terminal_loses_the_spare_columns_first(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def heading(width: int) -> list[str]:
        monkeypatch.setenv("COLUMNS", str(width))
        show_table(["name", "count", "note"], [["n" * 10, "1", "m" * 40]], spare=["count"], elastic="note")
        return capsys.readouterr().out.split()[:3]

    assert heading(80) == ["name", "count", "note"]
    assert heading(37) == ["name", "note", "─" * 37]


def test_the_total_of_a_run_grows_with_each_query_it_makes() -> None:
    expectation = Expectation()
    totals: list[int | None] = []
    for event in (
        *(Planned(1, None, None), Committed(1)),
        *(Planned(1, None, 30), Committed(1, rows=10), Committed(1, rows=30)),
        *(Planned(1, None, 5), Committed(1, rows=35), Committed(1, rows=50)),
    ):
        expectation.observe(event)
        if isinstance(event, Committed):
            totals.append(expectation.total)
    assert totals == [None, 30, 30, 35, 50]


def test_utc_stays_utc() -> None:
    assert instant(datetime(2026, 1, 31, tzinfo=UTC)) == "2026-01-31T00:00:00.000Z"


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        ("syncs/opportunities.py", 17, "syncs/\nopportunities.py"),
        ("globex-emea-production", 12, "globex-emea-\nproduction"),
        ("two words", 4, "two words"),
        ("short", 20, "short"),
        ("a sqlite:////tmp/x/orgsync.db, 2 tables", 12, "a sqlite:////\ntmp/x/\norgsync.db, 2 tables"),
    ],
)
def test_a_name_that_is_too_wide_is_broken_where_it_may_be_read_on(text: str, width: int, shown: str) -> None:
    assert split_long_words(text, width) == shown


def test_a_table_is_no_wider_than_the_terminal_and_times_stay_whole(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    row = ["opportunity_line_items", "globex-emea-production", "2026-11-28 04:32:35 UTC", "2,500"]
    show_table(["sync", "connection", "last success", "rows"], [row], right=["rows"])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 60
    assert any("2026-11-28 04:32:35 UTC" in line for line in lines)
    assert any(line.startswith(("opportunity_line_", "opportunity_ ")) for line in lines)
