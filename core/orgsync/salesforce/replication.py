"""getUpdated, for the one thing that nothing else tells: up to when everything committed is visible."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from orgsync.records import parse_instant

from .answers import unreadable
from .client import Client
from .http import Answer

__all__ = ["latest_date_covered"]


async def latest_date_covered(client: Client, sobject: str, start: datetime, end: datetime) -> datetime:
    """Ask getUpdated up to when a window is covered; at most `end`.

    While a long transaction is open this stays at that transaction's start, for its rows cannot be seen yet
    (SOAP API Developer Guide, GetUpdatedResult). Salesforce ignores the seconds of both ends.
    """
    window = {"start": _text(start), "end": _text(end)}
    return await client.call("GET", f"sobjects/{quote(sobject, safe='')}/updated/", _read, params=window)


def _text(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="seconds")


def _read(answer: Answer) -> datetime:
    body: Any = answer.json()
    try:
        return parse_instant(body["latestDateCovered"])
    except (KeyError, TypeError, ValueError):
        raise unreadable(answer) from None
