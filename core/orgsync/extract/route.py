"""Which of Salesforce's two ways a query goes: REST, 2,000 rows a call, or a Bulk API 2.0 job for any number."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from orgsync.errors import AccessRefused, QueryRefused, ServerProblem, TransientProblem
from orgsync.salesforce.api.client import Client
from orgsync.salesforce.api.counts import Limit, count, org_limits, record_count
from orgsync.salesforce.api.usage import ApiUsage
from orgsync.soql import select

__all__ = ["Api", "Route", "calls_left", "choose_route", "expected_rows", "limits_left"]

Api: TypeAlias = Literal["rest", "bulk"]

_ROWS_PER_CALL = 2000
_JOBS, _STORAGE = "DailyBulkV2QueryJobs", "DailyBulkV2QueryFileStorageMB"
_STORAGE_PER_MILLION_ROWS = 1000  # megabytes; a generous guess, for contacts of 20 fields take some 300


@dataclass(frozen=True, slots=True)
class Route:
    """How a query is read, how many rows it is thought to give (None: nobody could say), and why that way."""

    api: Api
    rows: int | None = None
    why: str = ""

    def __str__(self) -> str:
        rows = "an unknown number of rows" if self.rows is None else f"{_rounded(self.rows)} expected"
        return f"{self.api}, {rows}" + (f" ({self.why})" if self.why else "")


def choose_route(
    rows: int | None,
    *,
    bulk_from: int,
    rest_only: str = "",
    calls_left: int | None = None,
    limits: Mapping[str, Limit] | None = None,
) -> Route:
    """Choose from what is known: the rows expected, what the object allows, and what is left of the org's limits."""
    calls = (rows or 0) // _ROWS_PER_CALL + 1
    too_dear = calls_left is not None and calls > calls_left and (rows or 0) > _ROWS_PER_CALL
    if rows is not None and rows < bulk_from and not too_dear:
        return Route("rest", rows)
    if rest_only:
        return Route("rest", rows, f"not by Bulk: {rest_only}")
    if spent := _spent(rows, limits or {}):
        return Route("rest", rows, f"not by Bulk: {spent}")
    return Route("bulk", rows, "spares API calls" if too_dear and rows is not None and rows < bulk_from else "")


def _spent(rows: int | None, limits: Mapping[str, Limit]) -> str:
    """Say which of Bulk's daily limits has no room; "" where both have, or are not known."""
    jobs, storage = limits.get(_JOBS), limits.get(_STORAGE)
    if jobs is not None and jobs.remaining < 1:
        return "its jobs of the day are spent"
    if storage is not None and storage.remaining <= (rows or 0) * _STORAGE_PER_MILLION_ROWS // 1_000_000:
        return "its storage of the day is spent"
    return ""


async def expected_rows(client: Client, sobject: str, where: str | None, *, deleted: bool = False) -> int | None:
    """Ask how many rows an object has, or meet a condition; None where Salesforce takes too long to count them.

    Without a condition Salesforce's own approximate number is taken, where the user may see it
    (REST API Developer Guide, Record Count: needs View Setup and Configuration).
    """
    if where is None and (rows := await record_count(client, sobject)) is not None:
        return rows
    try:
        return await count(client, select(["COUNT()"], sobject, where=[where]), deleted=deleted)
    except QueryRefused:
        return 0  # the query itself will say what is wrong with it, or how many rows there are
    except ServerProblem:  # QueryTimedOut is one
        return None


async def limits_left(client: Client) -> Mapping[str, Limit]:
    """Read the org's limits; nothing where the user may not."""
    try:
        return await org_limits(client)
    except (AccessRefused, QueryRefused, TransientProblem):
        return {}


def calls_left(usage: ApiUsage) -> int | None:
    """Tell how many API calls may still be made today; None as long as no answer has told."""
    if usage.limit is None or usage.used is None:
        return None
    return max(0, int(usage.limit * usage.share) - usage.used)


def _rounded(rows: int) -> str:
    if rows < 10_000:
        return f"{rows:,} row{'' if rows == 1 else 's'}"
    return f"{rows / 1000:,.0f} k rows" if rows < 1_000_000 else f"{rows / 1_000_000:,.1f} M rows"
