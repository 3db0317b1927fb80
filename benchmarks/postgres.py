"""PostgreSQL as the database: a first pass beside psql's \\copy, and commits side by side beside a plain sequence."""

import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psycopg

from .measuring import Cost, JobFailed, contest, cost_of_command, cost_of_job
from .people import BULK_COLUMNS
from .postgres_server import PostgresServer, postgres_started
from .prepared import Prepared, prepare
from .results import Line, line_of
from .server import Server, started

__all__ = ["postgres"]

_COLUMNS = (
    *("id", "system_modstamp", "is_deleted", "account_id", "first_name", "last_name", "email", "phone", "title"),
    *("mailing_street", "mailing_city", "created_date"),
)
_NULLABLE = _COLUMNS[3:11]
_BESIDE = (
    "CREATE SEQUENCE numbers CACHE 1000",
    "CREATE TABLE beside (LIKE contact INCLUDING ALL)",
    "ALTER TABLE beside ALTER connection SET DEFAULT 'org-0', ALTER sync_number SET DEFAULT nextval('numbers'), "
    "ALTER sync_changed_at SET DEFAULT now(), ALTER sync_first_seen_at SET DEFAULT now(), "
    "ALTER sync_change SET DEFAULT 'added'",
)
"""A table with the columns, the key and the index of orgsync's own, which gives itself what the CSV has not."""


def postgres(rows: int, rounds: int) -> Iterator[Line]:
    """Set a first pass beside \\copy into the same table and beside SQLite, and commits beside a plain sequence."""
    many = prepare("csv", rows, BULK_COLUMNS)
    with postgres_started() as server, started(bulk=many) as org:
        contenders = {
            "orgsync": partial(_copied, server, org, many.rows),
            "psql \\copy": partial(_imported, server, many),
            "orgsync, SQLite": partial(cost_of_job, "first_pass", org.url, "bulk", many.rows, rows=many.rows),
        }
        costs = contest(contenders, rounds=rounds)
        kinds = {"orgsync": "orgsync", "psycopg, a sequence": "sequence"}
        writers = contest({who: partial(_commits, server, kind) for who, kind in kinds.items()}, rounds=rounds)
    ours, floor, lite = costs.values()
    title = "First pass, PostgreSQL"
    speed = (
        f"{floor.seconds / ours.seconds:.2f} of the speed of \\copy (aim: 0.50), by CPU {_all(floor) / _all(ours):.2f}"
    )
    yield line_of(title, "orgsync", ours, f"{speed}; {_of_server(ours)}")
    yield line_of(title, "psql \\copy", floor, _of_server(floor))
    yield line_of(title, "orgsync, SQLite", lite)
    ours, plain = writers.values()
    share = f"{plain.seconds / ours.seconds:.2f} of a plain sequence (aim: 0.60)"
    for who, cost, more in (("orgsync", ours, f"; {share}"), ("psycopg, a sequence", plain, "")):
        verdict = f"{cost.told['commits'] / cost.seconds:.0f} commits a second; {_of_server(cost)}{more}"
        yield Line("Eight writers", who, cost.rows, cost.seconds, cost.cpu, cost.peak or None, verdict=verdict)


def _copied(server: PostgresServer, org: Server, rows: int) -> Cost:
    url, before = _settled(server, server.new_database("copy")), server.cpu()
    return _with_server(cost_of_job("first_pass", org.url, "bulk", rows, url, rows=rows), server.cpu() - before)


def _imported(server: PostgresServer, csv: Prepared) -> Cost:
    """Import the whole CSV by psql into a table like the one that orgsync has just filled."""
    program = shutil.which("psql", path=str(server.programs)) or shutil.which("psql")
    if program is None:
        raise JobFailed("psql is not installed: it is what a first pass into PostgreSQL is measured beside")
    url = server.url("copy")
    with psycopg.connect(url, autocommit=True) as admin:
        for statement in _BESIDE:
            admin.execute(statement.encode())
    options = f"FORMAT csv, HEADER, FORCE_NULL ({', '.join(_NULLABLE)})"
    command = f"\\copy beside ({', '.join(_COLUMNS)}) FROM '{csv.whole}' WITH ({options})"
    _settled(server, url)
    before = server.cpu()
    cost = cost_of_command([program, url, "-q", "-v", "ON_ERROR_STOP=1", "-c", command], folder=Path(csv.folder))
    used = server.cpu() - before
    with psycopg.connect(url) as reader:
        [rows] = reader.execute("SELECT count(*) FROM beside").fetchone() or [0]
    if rows != csv.rows:
        raise JobFailed(f"psql imported {rows:,} rows of {csv.rows:,}")
    return _with_server(Cost(cost.seconds, cost.cpu, cost.peak, {"rows": rows}), used)


def _commits(server: PostgresServer, kind: str) -> Cost:
    url = _settled(server, server.new_database("writers"))
    before = server.cpu()
    return _with_server(cost_of_job("commits", url, kind), server.cpu() - before)


def _settled(server: PostgresServer, url: str) -> str:
    server.settle()
    return url


def _with_server(cost: Cost, cpu: float) -> Cost:
    return Cost(cost.seconds, cost.cpu, cost.peak, {**cost.told, "server": cpu})


def _all(cost: Cost) -> float:
    return cost.cpu + float(cost.told["server"])


def _of_server(cost: Cost) -> str:
    return f"the server {cost.told['server']:.2f} CPU s"
