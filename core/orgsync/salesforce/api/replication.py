"""getUpdated and getDeleted: up to when everything committed is visible, and what was deleted for good.

Both ignore the seconds of a window's ends, and need View All Data to tell of every row (SOAP API Developer Guide).
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from orgsync.errors import DeleteLogPurged, NotReplicateable, OrgsyncError, TooManyDeletions, WindowRefused
from orgsync.records import long_id, parse_instant

from ..errors.error_body import api_error_of
from ..errors.judge import problem_of, unreadable
from ..http.messages import Response
from .client import Client

__all__ = ["FIRST_INSTANT", "Deletions", "deleted", "latest_date_covered"]

_MINUTE = timedelta(minutes=1)

FIRST_INSTANT = datetime(1999, 1, 1, tzinfo=UTC)
"""An instant before which nothing changed in any org."""

_AHEAD = timedelta(days=1)  # of a window's end; an answer may be ahead of it by the seconds that are ignored
_NOT_REPLICATEABLE = re.compile(r"\bnot (replicable|replicateable|support replication)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Deletions:
    """Hold what was deleted in a window: Ids of 18 characters, each once.

    `earliest` is where the log begins. `covered` is up to when the answer is sure, and where the next window starts:
    it stays behind the window's end while a long transaction is open.
    """

    ids: list[str]
    earliest: datetime
    covered: datetime


async def latest_date_covered(client: Client, sobject: str, start: datetime, end: datetime) -> datetime:
    """Ask getUpdated up to when a window is covered; at most `end`.

    While a long transaction is open this stays at that transaction's start, for its rows cannot be seen yet
    (SOAP API Developer Guide, GetUpdatedResult). Salesforce ignores the seconds of both ends. Raises NotReplicateable
    where Salesforce says that it does not cover the object, WindowRefused where it does not take the window's time.
    """

    def read(answer: Response) -> datetime:
        return _instant(answer, "latestDateCovered", end)

    return await client.call("GET", _path(sobject, "updated"), read, judge=_judge, params=_params(start, end))


async def deleted(client: Client, sobject: str, start: datetime, end: datetime) -> Deletions:
    """Ask getDeleted which rows were deleted in a window, by a user, a merge or a cascade.

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

    def read(answer: Response) -> Deletions:
        return _deletions(answer, end)

    try:
        return await client.call(
            "GET", _path(sobject, "deleted"), read, judge=_judge_deleted, params=_params(start, end)
        )
    except TooManyDeletions:
        if middle - start <= _MINUTE:
            raise
    early = await _deleted(client, sobject, start, middle)
    if early.covered < middle:
        return early  # what comes behind cannot be seen whole yet
    late = await _deleted(client, sobject, middle, end)
    return Deletions(list(dict.fromkeys(early.ids + late.ids)), max(early.earliest, late.earliest), late.covered)


def _judge_deleted(answer: Response) -> OrgsyncError | None:
    refusal = api_error_of(answer)
    if refusal is not None and not answer.ok:
        if refusal.code == "INVALID_REPLICATION_DATE":
            return _purged(refusal.request)
        if refusal.code == "EXCEEDED_ID_LIMIT":
            return TooManyDeletions(
                f"{refusal.request} finds too many deletions.", "Compare the Ids of all rows instead."
            )
    return _judge(answer)


def _judge(answer: Response) -> OrgsyncError | None:
    """Know the one refusal that says what the object is, and not what is wrong just now.

    Seen in a report: 400 "sObject type FAQ_Subscribers__ka is not replicable"; the code is the SOAP API's.
    """
    refusal = api_error_of(answer)
    if refusal is None or answer.status != 400:
        return problem_of(answer)
    if refusal.code == "INVALID_REPLICATION_DATE":
        return WindowRefused(
            f"Salesforce refuses the time of {refusal.request} ({refusal.shown}).", "Check the clocks."
        )
    if refusal.code == "INVALID_TYPE_FOR_OPERATION" or _NOT_REPLICATEABLE.search(refusal.message):
        return NotReplicateable(f"Salesforce does not replicate the object ({refusal.code}).", "Use ctx.snapshot.")
    return problem_of(answer)


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


def _instant(answer: Response, name: str, end: datetime) -> datetime:
    """Read an instant that a later window may start at: one from Salesforce's own time, and not behind the window.

    From any other the next run could not count, or would pass over what is yet to happen.
    """
    body: Any = answer.json()
    try:
        instant = parse_instant(body[name])
    except (KeyError, TypeError, ValueError):
        raise unreadable(answer, f"no instant in {name}") from None
    if not FIRST_INSTANT <= instant <= end + _AHEAD:
        raise unreadable(answer, f"{name} is {_text(instant)}")
    return instant


def _deletions(answer: Response, end: datetime) -> Deletions:
    earliest, covered = _instant(answer, "earliestDateAvailable", end), _instant(answer, "latestDateCovered", end)
    body: Any = answer.json()
    try:
        ids = list(dict.fromkeys(long_id(each["id"]) for each in body["deletedRecords"]))
    except (KeyError, TypeError, ValueError):
        raise unreadable(answer, "deletedRecords holds something else than rows with Ids") from None
    return Deletions(ids, earliest, covered)
