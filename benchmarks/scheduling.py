"""`orgsync up` with a thousand connections, until each has had its turns."""

import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from .measuring import cost_of_command
from .people import SHIPPED_COLUMNS
from .prepared import prepare
from .results import Line
from .server import ROOT, started

__all__ = ["up"]

_CONNECTIONS = 1_000
_EVERY = "1m"
_TURNS = 3
_ROWS_EACH = 200
_LOOK_SECONDS = 2.0
_UP = "from orgsync_cli.main import main; main()"


def up(_rows: int, _rounds: int) -> Iterator[Line]:
    """Let the scheduler run every connection three times: a first pass of 200 rows, then two that find nothing new."""
    with (
        started(rest=prepare("json", _ROWS_EACH, SHIPPED_COLUMNS)) as server,
        tempfile.TemporaryDirectory(prefix="orgsync-") as name,
    ):
        folder = Path(name)
        make = [sys.executable, "-m", "benchmarks.jobs.project", name, server.url, str(_CONNECTIONS), _EVERY]
        cost_of_command(make, folder=ROOT)
        server.calls()
        turns = _Turns(folder / ".orgsync" / "orgsync.db")
        cost = cost_of_command([sys.executable, "-c", _UP, "up", "--json"], folder=folder, until=turns.all_had)
        runs, calls = turns.taken(), server.calls()
    fewest, most = min(runs), max(runs)
    verdict = f"aim: under 300 MB; {sum(runs):,} runs, between {fewest} and {most} each, every {_EVERY}"
    yield Line("orgsync up", f"{_CONNECTIONS:,} connections", None, cost.seconds, cost.cpu, cost.peak, calls, verdict)


@dataclass(slots=True)
class _Turns:
    """What the scheduler has run so far, read from its database now and then."""

    database: Path
    looked_at: float = 0.0

    def all_had(self) -> bool:
        """Tell whether every connection has had all its turns."""
        if time.monotonic() - self.looked_at < _LOOK_SECONDS:
            return False
        self.looked_at = time.monotonic()
        runs = self.taken()
        return len(runs) == _CONNECTIONS and min(runs) >= _TURNS

    def taken(self) -> list[int]:
        """Count the runs that are done, for each connection that had any."""
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as database:
            done = "SELECT count(*) FROM orgsync_run WHERE status = 'done' GROUP BY connection"
            return [int(count) for (count,) in database.execute(done)]
