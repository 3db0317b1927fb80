"""The route of a query: REST, 2,000 rows a call, or a Bulk API 2.0 job for any number."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from orgsync.errors import AccessRefused, QueryRefused, ServerProblem, TransientProblem
from orgsync.printable import counted
from orgsync.salesforce.api.client import Client
from orgsync.salesforce.api.counts import Limit, count, org_limits, record_count
from orgsync.salesforce.api.usage import ApiUsage
from orgsync.soql import select

__all__ = ["Api", "Route", "calls_left", "choose_route", "expected_rows", "limits_left"]

Api: TypeAlias = Literal["rest", "bulk"]

_ROWS_PER_CALL = 2000
_JOBS, _STORAGE = "DailyBulkV2QueryJobs", "DailyBulkV2QueryFileStorageMB"
_STORAGE_PER_MILLION_ROWS = 1000  # megabytes; a generous estimate: contacts of 20 fields take some 300


@dataclass(frozen=True, slots=True)
class Route:
    """How a query is read, how many rows it is expected to return (None: unknown), and why.

    One that `resumes` was chosen by an earlier run, and how much of it is left shows when it is read.
    """

    api: Api
    rows: int | None = None
    why: str = ""
    resumes: bool = False

    def __str__(self) -> str:
        if self.resumes:
            return f"{self.api}, resumed where an earlier run stopped"
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
    """Choose by the expected rows, what the object allows, and what is left of the org's limits."""
    calls = (rows or 0) // _ROWS_PER_CALL + 1
    costs_too_much = calls_left is not None and calls > calls_left and (rows or 0) > _ROWS_PER_CALL
    if rows is not None and rows < bulk_from and not costs_too_much:
        return Route("rest", rows)
    if rest_only:
        return Route("rest", rows, f"not by Bulk: {rest_only}")
    if used_up := _used_up(rows, limits or {}):
        return Route("rest", rows, f"not by Bulk: {used_up}")
    return Route("bulk", rows, "saves API calls" if costs_too_much and rows is not None and rows < bulk_from else "")


def _used_up(rows: int | None, limits: Mapping[str, Limit]) -> str:
    """Return which of Bulk's daily limits is used up; "" if neither is, or they are unknown."""
    jobs, storage = limits.get(_JOBS), limits.get(_STORAGE)
    if jobs is not None and jobs.remaining < 1:
        return "its daily jobs are used up"
    if storage is not None and storage.remaining <= (rows or 0) * _STORAGE_PER_MILLION_ROWS // 1_000_000:
        return "its daily storage is used up"
    return ""


async def expected_rows(client: Client, sobject: str, where: str | None, *, deleted: bool = False) -> int | None:
    """Count the rows of an object, or those that match a condition; return None if Salesforce takes too long.

    Without a condition Salesforce's own approximate number is used, if the user may see it
    (REST API Developer Guide, Record Count: needs View Setup and Configuration).
    """
    if where is None and (rows := await record_count(client, sobject)) is not None:
        return rows
    try:
        return await count(client, select(["COUNT()"], sobject, where=[where]), deleted=deleted)
    except QueryRefused:
        return 0  # the query itself will report what is wrong with it, or how many rows there are
    except ServerProblem:  # QueryTimedOut is one
        return None


async def limits_left(client: Client) -> Mapping[str, Limit]:
    """Read the org's limits; return none if the user may not."""
    try:
        return await org_limits(client)
    except (AccessRefused, QueryRefused, TransientProblem):
        return {}


def calls_left(usage: ApiUsage) -> int | None:
    """Return how many API calls may still be made today; None until a response has reported it."""
    if usage.limit is None or usage.used is None:
        return None
    return max(0, int(usage.limit * usage.share) - usage.used)


def _rounded(rows: int) -> str:
    if rows < 10_000:
        return counted(rows, "row")
    return f"{rows / 1000:,.0f} k rows" if rows < 1_000_000 else f"{rows / 1_000_000:,.1f} M rows"
