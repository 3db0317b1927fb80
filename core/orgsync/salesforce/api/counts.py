"""How much an org holds, and how much may be asked of it."""

from collections.abc import Mapping
from typing import Any, NamedTuple, cast

from orgsync.errors import AccessRefused, QueryRefused
from orgsync.records.scalars import count_of

from ..errors.judge import unreadable
from ..http.messages import Response
from .client import Client

__all__ = ["Limit", "count", "org_limits", "record_count"]


class Limit(NamedTuple):
    """Hold one of an org's limits: what it allows, and what is left of it."""

    max: int
    remaining: int


async def record_count(client: Client, sobject: str) -> int | None:
    """Ask how many rows an object has, roughly: a number that Salesforce keeps by the side, for one cheap call.

    It leaves out the recycle bin and archived rows. None where the user may not ask (View Setup and Configuration),
    and where the answer leaves the object out, as it does an object without rows, but also history, share and feed
    objects, which it does not count (REST API Developer Guide, Record Count).
    """

    def read(answer: Response) -> int | None:
        body: Any = answer.json()
        try:
            counts = {each["name"].lower(): each["count"] for each in body["sObjects"]}
        except (KeyError, TypeError, AttributeError):
            raise unreadable(answer) from None
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


def _total(answer: Response) -> int:
    body: Any = answer.json()
    try:
        return count_of(body["totalSize"])
    except (KeyError, TypeError, ValueError):
        raise unreadable(answer) from None


def _limits(answer: Response) -> Mapping[str, Limit]:
    body: Any = answer.json()
    if not isinstance(body, dict):
        raise unreadable(answer)
    limits: dict[str, Limit] = {}
    for name, limit in cast("dict[str, Any]", body).items():
        try:
            limits[name] = Limit(count_of(limit["Max"]), count_of(max(0, limit["Remaining"])))
        except (KeyError, TypeError, ValueError):
            continue  # a kind of limit that is yet to come
    return limits
