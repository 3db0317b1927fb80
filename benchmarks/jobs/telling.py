"""How a job measures its work and tells of it."""

import json
import os
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

__all__ = ["Span", "measured", "tell"]


@dataclass(slots=True)
class Span:
    """The seconds and the CPU seconds of a stretch of work."""

    seconds: float = 0.0
    cpu: float = 0.0


@contextmanager
def measured() -> Generator[Span]:
    """Measure the block, all threads of this process and the subprocesses that ended in it included."""
    span = Span()
    began, cpu = time.perf_counter(), _cpu()
    yield span
    span.seconds, span.cpu = time.perf_counter() - began, _cpu() - cpu


def _cpu() -> float:
    ended = os.times()
    return time.process_time() + ended.children_user + ended.children_system


def tell(span: Span, **values: object) -> None:
    """Write the line that the benchmark reads."""
    sys.stdout.write(json.dumps({"seconds": span.seconds, "cpu": span.cpu, **values}) + "\n")
