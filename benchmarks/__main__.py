"""`python -m benchmarks`: run them and print one table."""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from .commands import commands
from .first_passes import bulk, rest
from .later_passes import changed, nothing_new
from .measuring import JobFailed
from .peers import peers
from .postgres import postgres
from .results import Line, as_json, table
from .scheduling import up
from .serving import serve
from .workers import workers
from .writes import upserts

_Benchmark = Callable[[int, int], Iterator[Line]]


@dataclass(frozen=True, slots=True)
class _Entry:
    """A benchmark and the rows that it copies where none are asked for."""

    run: _Benchmark
    rows: int


_BENCHMARKS = {
    "bulk": _Entry(bulk, 1_000_000),
    "postgres": _Entry(postgres, 1_000_000),
    "rest": _Entry(rest, 200_000),
    "nothing-new": _Entry(nothing_new, 0),
    "changed": _Entry(changed, 0),
    "upserts": _Entry(upserts, 100_000),
    "commands": _Entry(commands, 0),
    "up": _Entry(up, 0),
    "workers": _Entry(workers, 0),
    "serve": _Entry(serve, 0),
    "peers": _Entry(peers, 200_000),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for; 1 where a benchmark could not be run to its end."""
    options = _options(arguments)
    lines: list[Line] = []
    failed = False
    for name in _chosen(options):
        entry = _BENCHMARKS[name]
        sys.stderr.write(f"{name}...\n")
        try:
            lines += entry.run(options.rows or entry.rows, options.rounds)
        except JobFailed as error:
            failed = True
            sys.stderr.write(f"{name}: {error}\n")
    sys.stdout.write((as_json(lines) if options.json else table(lines)) + "\n")
    return int(failed)


def _chosen(options: argparse.Namespace) -> list[str]:
    named: list[str] = options.only or [name for name in _BENCHMARKS if name != "peers"]
    return [*named, "peers"] if options.peers else named


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="How fast orgsync is, beside others.")
    parser.add_argument("--only", action="append", choices=[*_BENCHMARKS][:-1], help="run this one; may be repeated")
    parser.add_argument(
        "--rows",
        type=int,
        help="rows to copy (1,000,000 by Bulk, 200,000 by REST) and to write (100,000); seconds of load (60)",
    )
    parser.add_argument("--rounds", type=int, default=3, help="runs of each first pass, of which the median counts")
    parser.add_argument("--peers", action="store_true", help="install connectors from PyPI beside, and run them too")
    parser.add_argument("--json", action="store_true", help="print JSON, not a table")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
