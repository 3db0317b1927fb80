"""What a command costs before and beside its work: `--help`, and those that read the database."""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from .measuring import Cost, JobFailed, contest, cost_of_command
from .people import SHIPPED_COLUMNS
from .prepared import prepare
from .results import Line
from .server import ROOT, started

__all__ = ["commands"]

_CONNECTIONS = 20
_EVERY = "1h"
_AIMS = {"--help": 0.15, "status": 0.4, "connections": 0.4, "runs": 0.4}
"""CPU seconds of the whole process that each command is to take at most."""


def commands(_rows: int, rounds: int) -> Iterator[Line]:
    """Run commands in a project of 20 connections; of each, the run of median seconds counts."""
    with (
        started(rest=prepare("json", 200, SHIPPED_COLUMNS)) as server,
        tempfile.TemporaryDirectory(prefix="orgsync-") as name,
    ):
        folder = Path(name)
        make = [sys.executable, "-m", "benchmarks.jobs.project", name, server.url, str(_CONNECTIONS), _EVERY]
        cost_of_command(make, folder=ROOT)
        costs = contest({command: partial(_cost, command, folder) for command in _AIMS}, rounds=rounds)
    for command, cost in costs.items():
        verdict = f"aim: {_AIMS[command]:.2f} CPU s"
        yield Line("Commands", f"orgsync {command}", None, cost.seconds, cost.cpu, cost.peak or None, verdict=verdict)


def _cost(command: str, folder: Path) -> Cost:
    program = shutil.which("orgsync", path=str(Path(sys.executable).parent))
    if program is None:
        raise JobFailed("the orgsync command is not installed beside Python: pip install -e '.[bench]'")
    return cost_of_command([program, command], folder=folder)
