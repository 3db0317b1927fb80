"""First passes, by Bulk and by REST, beside others that copy the same rows."""

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

from .measuring import Cost, JobFailed, contest, cost_of_command, cost_of_job
from .people import BULK_COLUMNS, REST_COLUMNS
from .prepared import Prepared, prepare
from .results import Line, line_of
from .server import started

__all__ = ["bulk", "rest"]


def bulk(rows: int, rounds: int) -> Iterator[Line]:
    """Set orgsync's first pass by Bulk beside `sqlite3 .import` of the same CSV into the same columns."""
    few, many = prepare("csv", rows // 10, BULK_COLUMNS), prepare("csv", rows, BULK_COLUMNS)
    with started(bulk=few) as server:
        small = cost_of_job("first_pass", server.url, "bulk", few.rows, rows=few.rows)
    with started(bulk=many) as server:
        ours = partial(cost_of_job, "first_pass", server.url, "bulk", many.rows, rows=many.rows)
        costs = contest({"orgsync": ours, "sqlite3 .import": partial(_imported, many)}, rounds=rounds)
    found, floor = costs["orgsync"], costs["sqlite3 .import"]
    title = "First pass by Bulk"
    speed = f"{floor.seconds / found.seconds:.2f} of the speed of .import (aim: 0.55)"
    growth = f"{found.peak - small.peak:+.0f} MB for {many.rows - few.rows:,} rows more (aim: flat, under 200 MB)"
    yield line_of(title, "orgsync", found, speed)
    yield line_of(title, "sqlite3 .import", floor)
    yield line_of(title, "orgsync, a tenth", small, growth)


def rest(rows: int, rounds: int) -> Iterator[Line]:
    """Set orgsync's first pass by REST beside simple-salesforce's query_all_iter and executemany."""
    pages = prepare("json", rows, REST_COLUMNS)
    with started(rest=pages) as server:
        contenders = {
            "orgsync": partial(cost_of_job, "first_pass", server.url, "rest", rows, rows=rows),
            "simple-salesforce, executemany": partial(cost_of_job, "simple_salesforce_rest", server.url, rows=rows),
        }
        costs = contest(contenders, rounds=rounds)
    ours, theirs = costs.values()
    title = "First pass by REST"
    yield line_of(title, "orgsync", ours, f"{theirs.seconds / ours.seconds:.2f} times as fast (aim: 1.8)")
    yield line_of(title, "simple-salesforce, executemany", theirs)


def _imported(csv: Prepared) -> Cost:
    """Import the whole CSV by the sqlite3 command, with the settings that orgsync's store has."""
    command = shutil.which("sqlite3")
    if command is None:
        raise JobFailed("the sqlite3 command is not installed: it is what Bulk is measured beside")
    columns = ", ".join(f"{name} TEXT" for name in BULK_COLUMNS)
    steps = ["PRAGMA journal_mode = WAL", "PRAGMA synchronous = NORMAL"]
    steps += [f"CREATE TABLE contact ({columns}, PRIMARY KEY (Id))", f".import --csv --skip 1 {csv.whole} contact"]
    with tempfile.TemporaryDirectory(prefix="orgsync-") as folder:
        cost = cost_of_command([command, "copy.db", *steps], folder=Path(folder))
        with closing(sqlite3.connect(Path(folder, "copy.db"))) as database:
            rows = int(database.execute("SELECT count(*) FROM contact").fetchone()[0])
    if rows != csv.rows:
        raise JobFailed(f"sqlite3 imported {rows:,} rows of {csv.rows:,}")
    return Cost(cost.seconds, cost.cpu, cost.peak, {"rows": rows})
