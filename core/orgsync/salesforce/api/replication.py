"""getUpdated and getDeleted: up to when everything committed is visible, and what was deleted for good.

Both ignore the seconds of a window's ends, and need View All Data to include every row (SOAP API Developer Guide).
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import msgspec

from orgsync.errors import DeleteLogPurged, NotReplicateable, OrgsyncError, TooManyDeletions, WindowRefused
from orgsync.records import long_id, parse_instant

from ..errors.body import body_as, unreadable
from ..errors.error_body import api_error_of
from ..errors.judge import problem_of
from ..http.messages import Response
from .client import Client

__all__ = ["FIRST_INSTANT", "Deletions", "deleted", "latest_date_covered"]

_MINUTE = timedelta(minutes=1)

FIRST_INSTANT = datetime(1999, 1, 1, tzinfo=UTC)
"""An instant before which nothing changed in any org."""

_AHEAD = timedelta(days=1)  # of a window's end and of the server's clock, which is known to the second
_NOT_REPLICATEABLE = re.compile(r"\bnot (replicable|replicateable|support replication)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Deletions:
    """What was deleted in a window: Ids of 18 characters, each once.

    `earliest` is where the log begins. `covered` is up to when the response is sure, and where the next window starts:
    it stays behind the window's end while a long transaction is open.
    """

    ids: list[str]
    earliest: datetime
    covered: datetime


class _Updated(msgspec.Struct, rename="camel"):
    latest_date_covered: str


class _DeletedRecord(msgspec.Struct):
    id: str


class _Deleted(msgspec.Struct, rename="camel"):
    deleted_records: list[_DeletedRecord]
    earliest_date_available: str
    latest_date_covered: str


async def latest_date_covered(client: Client, sobject: str, start: datetime, end: datetime) -> datetime:
    """Return up to when getUpdated covers a window; at most `end`.

    While a long transaction is open this stays at that transaction's start, for its rows cannot be seen yet
    (SOAP API Developer Guide, GetUpdatedResult). Salesforce ignores the seconds of both ends. Raises NotReplicateable
    where Salesforce says that it does not cover the object, WindowRefused where it does not take the window's time.
    """

    def read(response: Response) -> datetime:
        return _instant(response, "latestDateCovered", body_as(response, _Updated).latest_date_covered, end)

    return await client.call("GET", _path(sobject, "updated"), read, judge=_judge, params=_params(start, end))


async def deleted(client: Client, sobject: str, start: datetime, end: datetime) -> Deletions:
    """Return which rows were deleted in a window, by getDeleted: by a user, a merge or a cascade.

    A window of a minute or less begins earlier, for Salesforce refuses it; one that holds too many deletions is read
    in halves. Raises DeleteLogPurged where the log begins behind `start`, TooManyDeletions where halving does not
    help, and NotReplicateable as above.
    """
    start = _minute(start)
    found = await _deleted(client, sobject, min(start, _minute(end) - 2 * _MINUTE), end)
    if found.earliest > start:
        raise _purged(f"{sobject} of {_text(start)}")
    return found


async def _deleted(client: Client, sobject: str, start: datetime, end: datetime) -> Deletions:
    middle = _minute(start + (end - start) / 2)

    def read(response: Response) -> Deletions:
        return _deletions(response, end)

    try:
        return await client.call(
            "GET", _path(sobject, "deleted"), read, judge=_judge_deleted, params=_params(start, end)
        )
    except TooManyDeletions:
        if middle - start <= _MINUTE:
            raise
    early = await _deleted(client, sobject, start, middle)
    if early.covered < middle:
        return early  # what follows is not complete yet
    late = await _deleted(client, sobject, middle, end)
    return Deletions(list(dict.fromkeys(early.ids + late.ids)), max(early.earliest, late.earliest), late.covered)


def _judge_deleted(response: Response) -> OrgsyncError | None:
    error = api_error_of(response)
    if error is not None and not response.ok:
        if error.code == "INVALID_REPLICATION_DATE":
            return _purged(error.request)
        if error.code == "EXCEEDED_ID_LIMIT":
            return TooManyDeletions(
                f"{error.request} finds too many deletions.", "Compare the Ids of all rows instead."
            )
    return _judge(response)


def _judge(response: Response) -> OrgsyncError | None:
    """Return NotReplicateable for the one error that is about the object itself, and not about the moment.

    Seen in a report: 400 "sObject type FAQ_Subscribers__ka is not replicable"; the code is the SOAP API's.
    """
    error = api_error_of(response)
    if error is None or response.status != 400:
        return problem_of(response)
    if error.code == "INVALID_REPLICATION_DATE":
        return WindowRefused(f"Salesforce refuses the time of {error.request} ({error.shown}).", "Check the clocks.")
    if error.code == "INVALID_TYPE_FOR_OPERATION" or _NOT_REPLICATEABLE.search(error.message):
        return NotReplicateable(f"Salesforce does not replicate the object ({error.code}).", "Use ctx.snapshot.")
    return problem_of(response)


def _purged(request: str) -> DeleteLogPurged:
    return DeleteLogPurged(
        f"Salesforce's log of deletions does not reach back far enough for {request}.",
        "Compare the Ids of all rows instead.",
    )


def _path(sobject: str, kind: str) -> str:
    return f"sobjects/{quote(sobject, safe='')}/{kind}/"


def _params(start: datetime, end: datetime) -> dict[str, str]:
    return {"start": _text(start), "end": _text(end)}


def _minute(instant: datetime) -> datetime:
    return instant.replace(second=0, microsecond=0)


def _text(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="seconds")


def _instant(response: Response, name: str, text: str, end: datetime) -> datetime:
    """Return an instant that a later window may start at: in Salesforce's own time, and not in its future.

    With any other, the next run would skip what is yet to happen.
    """
    try:
        instant = parse_instant(text)
    except ValueError:
        raise unreadable(response, f"no instant in {name}") from None
    latest = max(end, response.date or end) + _AHEAD  # the end may be by a clock that is behind
    if not FIRST_INSTANT <= instant <= latest:
        raise unreadable(response, f"{name} is {_text(instant)}")
    return instant


def _deletions(response: Response, end: datetime) -> Deletions:
    body = body_as(response, _Deleted)
    earliest = _instant(response, "earliestDateAvailable", body.earliest_date_available, end)
    covered = _instant(response, "latestDateCovered", body.latest_date_covered, end)
    return Deletions(list(dict.fromkeys(long_id(each.id) for each in body.deleted_records)), earliest, covered)
