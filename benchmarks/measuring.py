"""What a process costs: seconds, CPU seconds and the memory of it and its children, and what it says of its work."""

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen
from typing import Any

from .server import ROOT

__all__ = ["Cost", "JobFailed", "contest", "cost_of_command", "cost_of_job"]

_SAMPLE_SECONDS = 0.02
_MEGABYTE_IN_KIB = 1000 * 1000 / 1024


class JobFailed(Exception):
    """A measured process ended with an error, or with another number of rows than were there to be copied."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one process cost. `peak` is in megabytes, 0 where the system does not tell (it is Linux that does).

    `told` is what the process itself said: `rows`, `calls` and whatever else its benchmark asks for.
    """

    seconds: float
    cpu: float
    peak: float
    told: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def rows(self) -> int:
        """The rows that were copied."""
        return int(self.told["rows"])

    @property
    def calls(self) -> int | None:
        """The API calls that the server counted, where any were to be made."""
        calls = self.told.get("calls")
        return None if calls is None else int(calls)


def cost_of_job(name: str, *arguments: str | Path | int, rows: int | None = None) -> Cost:
    """Run one of our jobs in a fresh process and a fresh folder.

    A job is `python -m benchmarks.jobs.NAME FOLDER ARGUMENTS` and ends with a line of JSON. Its seconds and CPU
    seconds are those of its work, which it measures itself: imports and sign-in are left out. Raises JobFailed
    where the job does, and where it says that it copied another number of rows than `rows`.
    """
    with tempfile.TemporaryDirectory(prefix="orgsync-") as folder:
        command = [sys.executable, "-m", f"benchmarks.jobs.{name}", folder, *map(str, arguments)]
        output = Path(folder, "told")
        whole = cost_of_command(command, folder=ROOT, stdout=output)
        told: dict[str, Any] = json.loads(output.read_text(encoding="utf-8").splitlines()[-1])
    if rows is not None and told["rows"] != rows:
        raise JobFailed(f"{name} copied {told['rows']:,} rows of {rows:,}")
    return Cost(told["seconds"], told["cpu"], whole.peak, told)


def cost_of_command(
    command: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str] | None = None,
    stdout: Path | None = None,
    until: Callable[[], bool] | None = None,
) -> Cost:
    """Run a command of others and measure all of it, from its start to its end; raises JobFailed where it fails.

    One that does not end by itself is asked to (SIGTERM) as soon as `until` says so.
    """
    variables = {name: value for name, value in os.environ.items() if not name.startswith("ORGSYNC_")}
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8") as complaints,
        Path(stdout or os.devnull).open("wb") as kept,
        Popen(command, cwd=folder, env={**variables, **(environment or {})}, stdout=kept, stderr=complaints) as process,
    ):
        try:
            cost = _watched(process, until)
        except BaseException:
            process.kill()
            raise
        if process.returncode != 0:
            complaints.seek(0)
            said = complaints.read()[-3000:]
            raise JobFailed(f"{' '.join(command[:4])} ended with {process.returncode}:\n{said}")
    return cost


def contest(contenders: Mapping[str, Callable[[], Cost]], *, rounds: int) -> dict[str, Cost]:
    """Run everyone in turn, so many times, and keep of each the run of median seconds."""
    costs: dict[str, list[Cost]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, run in contenders.items():
            costs[name].append(run())
    return {name: sorted(runs, key=lambda cost: cost.seconds)[len(runs) // 2] for name, runs in costs.items()}


def _watched(process: Popen[bytes], until: Callable[[], bool] | None) -> Cost:
    began, peak = time.perf_counter(), 0
    while True:
        ended, status, usage = os.wait4(process.pid, os.WNOHANG)
        if ended:
            break
        peak = max(peak, sum(_high_water(pid) for pid in _tree(process.pid)))
        if until is not None and until():
            process.terminate()
            until = None
        time.sleep(_SAMPLE_SECONDS)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - began
    return Cost(seconds, usage.ru_utime + usage.ru_stime, peak / _MEGABYTE_IN_KIB)


def _tree(pid: int) -> Iterator[int]:
    """Name a process and all below it."""
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            below = children.read_text(encoding="ascii").split()
        except OSError:
            continue  # it has ended
        for child in below:
            yield from _tree(int(child))


def _high_water(pid: int) -> int:
    """Read the most memory that a process has had, in KiB; the system keeps it, so no short peak is missed."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0
    lines = (line.split() for line in status.splitlines() if line.startswith("VmHWM:"))
    return next((int(line[1]) for line in lines), 0)
