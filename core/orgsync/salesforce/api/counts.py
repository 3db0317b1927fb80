"""How many rows an org holds, and its limits."""

from collections.abc import Mapping
from typing import Annotated, NamedTuple

import msgspec

from orgsync.errors import AccessRefused, QueryRefused
from orgsync.records.scalars import count_of

from ..errors.body import Count, body_as
from ..http.messages import Response
from .client import Client

__all__ = ["Limit", "count", "org_limits", "record_count"]


class Limit(NamedTuple):
    """One of an org's limits: what it allows, and what is left of it."""

    max: int
    remaining: int


class _RecordCount(msgspec.Struct):
    name: str
    count: object = None


class _RecordCounts(msgspec.Struct):
    counts: list[_RecordCount] = msgspec.field(name="sObjects")


class _Total(msgspec.Struct):
    total: Count = msgspec.field(name="totalSize")


class _Limit(msgspec.Struct, rename="pascal"):
    max: Count
    remaining: Annotated[int, msgspec.Meta(le=2**53)]


async def record_count(client: Client, sobject: str) -> int | None:
    """Return roughly how many rows an object has: a number that Salesforce keeps, for one cheap call.

    It leaves out the recycle bin and archived rows. None where the user may not ask (View Setup and Configuration),
    and where the response leaves the object out, as it does an object without rows, but also history, share and feed
    objects, which it does not count (REST API Developer Guide, Record Count).
    """

    def read(response: Response) -> int | None:
        counts = {each.name.lower(): each.count for each in body_as(response, _RecordCounts).counts}
        try:
            return count_of(counts.get(sobject.lower()))
        except ValueError:
            return None

    try:
        return await client.call("GET", "limits/recordCount", read, params={"sObjects": sobject})
    except (AccessRefused, QueryRefused):
        return None


async def count(client: Client, soql: str, *, deleted: bool = False) -> int:
    """Run a query, such as `SELECT COUNT() FROM ...`, and give how many rows it finds; `deleted` counts as queryAll.

    Raises as any query does.
    """
    return await client.call("GET", "queryAll" if deleted else "query", _total, params={"q": soql})


async def org_limits(client: Client) -> Mapping[str, Limit]:
    """Read the org's limits by name, such as DailyApiRequests and DailyBulkV2QueryJobs; which there are differs.

    Raises AccessRefused where the user may not see them. What a limit holds for single connected apps is left out.
    """
    return await client.call("GET", "limits", _limits)


def _total(response: Response) -> int:
    return body_as(response, _Total).total


def _limits(response: Response) -> Mapping[str, Limit]:
    limits: dict[str, Limit] = {}
    for name, value in body_as(response, dict[str, object]).items():
        try:
            limit = msgspec.convert(value, _Limit)
        except msgspec.ValidationError:  # a kind of limit that is not known yet
            continue
        limits[name] = Limit(limit.max, max(0, limit.remaining))
    return limits
