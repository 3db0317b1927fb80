"""`orgsync serve` under load: 200 calls a second for a minute, of the feed, of rows and of the proxy in turn."""

import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen
from typing import Any

from .measuring import JobFailed
from .people import SHIPPED_COLUMNS
from .postgres_server import PostgresServer, postgres_started
from .prepared import prepare
from .results import Line
from .server import ROOT, started

__all__ = ["serve"]

_RATE, _SECONDS, _WARM_SECONDS = 200, 60, 10
_TICKS = os.sysconf("SC_CLK_TCK") if sys.platform != "win32" else 100
_SERVE = "from orgsync_cli.main import main; main()"
_ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")


@dataclass(frozen=True, slots=True)
class _Served:
    pid: int
    url: str
    token: str
    connection: str

    @property
    def paths(self) -> str:
        """What is called: a page of changes, the org through the proxy, a page of rows, and the end of the feed."""
        return "\n".join(
            [
                "/api/v1/changes/contact?limit=100",
                f"/api/v1/connections/{self.connection}/proxy/services/data",
                "/api/v1/records/contact?limit=100",
                "/api/v1/changes/contact?after=1900&limit=100",
            ]
        )


def serve(rows: int, _rounds: int) -> Iterator[Line]:
    """Call a server at a fixed rate, on SQLite and on PostgreSQL, from a process of its own."""
    seconds = min(_SECONDS, rows) if rows else _SECONDS
    with started(rest=prepare("json", 2_000, SHIPPED_COLUMNS)) as org, ExitStack() as stack:
        with _serving(org.url, "") as served:
            yield _line("SQLite", served, seconds)
        server = stack.enter_context(postgres_started())
        with _serving(org.url, server.new_database("served")) as served:
            yield _line("PostgreSQL", served, seconds, server)


def _line(who: str, served: _Served, seconds: int, database: PostgresServer | None = None) -> Line:
    _load(served, min(_WARM_SECONDS, seconds))
    before, cpu, of_database = _memory(served.pid), _cpu(served.pid), database.cpu() if database else 0.0
    told = _load(served, seconds)
    spent, after = _cpu(served.pid) - cpu, _memory(served.pid)
    calls, took = len(told["took"]), told["took"]
    if set(told["answers"]) != {"200"}:
        raise JobFailed(f"not all calls were answered with 200: {told['answers']}")
    beside = f", the database's {1000 * (database.cpu() - of_database) / calls:.1f} ms" if database else ""
    verdict = (
        f"{calls / told['seconds']:.0f} calls a second (aim: {_RATE}), p50 {1000 * took[calls // 2]:.0f} ms, "
        f"p99 {1000 * took[calls * 99 // 100]:.0f} ms, {1000 * spent / calls:.1f} ms of CPU a call{beside}; "
        f"memory {before:.0f} MB before, {after:.0f} MB after (aim: flat)"
    )
    return Line("orgsync serve", who, calls, told["seconds"], spent, after, None, verdict)


def _load(served: _Served, seconds: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.load", served.url, served.token, str(_RATE), str(seconds)]
    with Popen(command, cwd=ROOT, stdin=PIPE, stdout=PIPE, text=True) as process:
        out, _ = process.communicate(served.paths)
    if process.returncode:
        raise JobFailed("the load could not be made")
    told: dict[str, Any] = json.loads(out)
    return told


@contextmanager
def _serving(org: str, database: str) -> Generator[_Served]:
    """Copy the contacts into a project, and serve it by the command."""
    with tempfile.TemporaryDirectory(prefix="orgsync-") as folder:
        environment = {**os.environ, **({"ORGSYNC_DATABASE_URL": database} if database else {})}
        command = [sys.executable, "-m", "benchmarks.jobs.served", folder, org, database]
        with Popen(command, cwd=ROOT, stdout=PIPE, text=True, env=environment) as job:
            out, _ = job.communicate()
        if job.returncode:
            raise JobFailed("the project to be served could not be made")
        made = json.loads(out.splitlines()[-1])
        log = Path(folder, "log")
        with (
            log.open("wb") as kept,
            Popen(
                [sys.executable, "-c", _SERVE, "serve", "--port", "0"],
                cwd=folder,
                env=environment,
                stdin=DEVNULL,
                stdout=kept,
                stderr=kept,
            ) as process,
        ):
            try:
                yield _Served(process.pid, _address(log, process), made["token"], made["connection"])
            finally:
                process.terminate()


def _address(log: Path, process: "Popen[bytes]") -> str:
    while process.poll() is None:
        if found := _ADDRESS.search(log.read_text(encoding="utf-8")):
            return found[0]
        time.sleep(0.05)
    raise JobFailed(f"orgsync serve ended: {log.read_text(encoding='utf-8')[-2000:]}")


def _memory(pid: int) -> float:
    """Return the megabytes that a process has in memory now."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    [kilobytes] = [line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:")]
    return int(kilobytes) * 1024 / 1_000_000


def _cpu(pid: int) -> float:
    """Return the CPU seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
