"""Points in time: from Salesforce's several notations to the one that the store keeps."""

from datetime import UTC, datetime

__all__ = ["parse_instant", "stored_instant", "to_stored"]

_STORED_LENGTH = len("2026-01-31T10:15:00.000Z")
_REST_LENGTH = len("2026-01-31T10:15:00.000+0000")


def stored_instant(text: str) -> str:
    """Turn a datetime as Salesforce writes it into stored form, `2026-01-31T10:15:00.000Z`.

    REST writes `...000+0000`, Bulk CSV `...000Z`, identity answers `...00Z`: all UTC, all seen in recordings.
    """
    if len(text) == _STORED_LENGTH and text[-1] == "Z":
        return text
    if len(text) == _REST_LENGTH and text.endswith("+0000"):
        return text[:-5] + "Z"
    return to_stored(parse_instant(text))


def parse_instant(text: str) -> datetime:
    """Read a datetime in any ISO 8601 notation; one without an offset is UTC. Raises ValueError."""
    instant = datetime.fromisoformat(text)
    try:
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"no instant between the years 1 and 9999 in UTC: {text!r}") from None


def to_stored(instant: datetime) -> str:
    """Write an aware datetime in stored form: UTC, milliseconds, fixed width, so that text order is time order."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
