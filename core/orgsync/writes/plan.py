"""Which rows go together: into a call of a collection, or into a job of the Bulk API.

A job costs some eight calls, its share of the 15,000 batches a day, and half a minute of waiting, while 2,000 rows are
ten calls that respond at once: Salesforce itself draws the line there. The same input always has the same parts, so
that a write which was killed finds its jobs again.
"""

import json
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from orgsync.salesforce.api.write_collections import MOST_ROWS

from .operation import Operation
from .spool import Group, Spool

__all__ = ["DEFAULT_PLAN", "Part", "PlanSizes", "digest_of", "parts_at", "plan"]


@dataclass(frozen=True, slots=True)
class PlanSizes:
    """Up to how many rows go by collections, and how many rows and bytes of CSV a job takes at most.

    A job of 50,000 rows is five of Salesforce's batches. Its CSV is held in memory while it is sent, and a fingerprint
    of each row while its results are read, hence fewer rows than Salesforce takes, and fewer bytes than its 100 MB.
    """

    collection_rows: int = 2_000
    job_rows: int = 50_000
    job_bytes: int = 32_000_000


DEFAULT_PLAN = PlanSizes()


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of one group that are sent together, by their places; `bulk` by a job. `retry` counts earlier tries."""

    number: int
    group: int
    places: Sequence[int]
    bulk: bool
    retry: int = 0


def plan(spool: Spool, operation: Operation, sizes: PlanSizes = DEFAULT_PLAN) -> Iterator[Part]:
    """Yield the parts of a write; rows that have a result already are in none."""
    number = 0
    for group in spool.groups():
        bulk = _by_bulk(group, operation, sizes)
        for places in _slices(spool, group, sizes, bulk=bulk):
            yield Part(number, group.number, places, bulk)
            number += 1


def parts_at(
    spool: Spool, places: Sequence[int], operation: Operation, *, number: int, retry: int, sizes: PlanSizes
) -> Iterator[Part]:
    """Yield parts for rows that are to be sent once more."""
    by_group: dict[int, list[int]] = {}
    for row in spool.at(places):
        by_group.setdefault(row.group, []).append(row.place)
    for group in spool.groups():
        mine = by_group.get(group.number, [])
        again = Group(group.number, group.columns, group.literal, len(mine))
        bulk = _by_bulk(again, operation, sizes)
        size = sizes.job_rows if bulk else MOST_ROWS
        for start in range(0, len(mine), size):
            yield Part(number, group.number, mine[start : start + size], bulk, retry)
            number += 1


def digest_of(spool: Spool, part: Part) -> str:
    """Return a fingerprint of a part's rows."""
    digest = blake2b(json.dumps([spool.columns(part.group), part.bulk]).encode(), digest_size=16)
    for place, cells in spool.cells_at(part.places):
        digest.update(f"{place}:{cells}\n".encode())
    return digest.hexdigest()


def _by_bulk(group: Group, operation: Operation, sizes: PlanSizes) -> bool:
    """Return whether a group goes by jobs. Nothing else empties the bin, and no file can say the text #N/A."""
    if operation is Operation.HARD_DELETE:
        return True
    return group.rows > sizes.collection_rows and not group.literal


def _slices(spool: Spool, group: Group, sizes: PlanSizes, *, bulk: bool) -> Iterator[Sequence[int]]:
    """Cut the rows of a group into parts by their number and, for jobs, by their size."""
    most = sizes.job_rows if bulk else MOST_ROWS
    places, size = array("q"), 0
    for place, length in spool.sizes(group.number):
        if places and (len(places) >= most or (bulk and size + length > sizes.job_bytes)):
            yield _compact(places)
            places, size = array("q"), 0
        places.append(place)
        size += length
    if places:
        yield _compact(places)


def _compact(places: "array[int]") -> Sequence[int]:
    """Return places as a range where none is between them: the plan of millions of rows then takes no memory."""
    whole = range(places[0], places[-1] + 1)
    return whole if len(whole) == len(places) else places
