"""Writing back beside the client that people use for it today."""

from collections.abc import Iterator
from functools import partial

from .measuring import contest, cost_of_job
from .results import Line, line_of
from .server import started

__all__ = ["upserts"]


def upserts(rows: int, rounds: int) -> Iterator[Line]:
    """Set org.write's upserts by ingest jobs beside simple-salesforce's bulk2, the results of all rows read by both."""
    with started() as server:
        contenders = {
            "orgsync": partial(cost_of_job, "upserts", server.url, rows, rows=rows),
            "simple-salesforce, bulk2": partial(cost_of_job, "simple_salesforce_upserts", server.url, rows, rows=rows),
        }
        costs = contest(contenders, rounds=rounds)
    ours, theirs = costs.values()
    title = "Upserts by ingest jobs"
    verdict = f"{ours.cpu / theirs.cpu:.1f} times the CPU, each row joined; {ours.peak - theirs.peak:+.0f} MB"
    yield line_of(title, "orgsync", ours, verdict)
    yield line_of(title, "simple-salesforce, bulk2", theirs)
