"""The replication resources: which ids changed, which were deleted, and up to when that is sure."""

from datetime import UTC, datetime, timedelta

from .clock import rest_datetime, to_minute
from .database import Database
from .fields import SObject
from .refusal import Refusal, not_found
from .wire import Call, Response, json_response

UPDATED_REACH = timedelta(days=30)


class Replication:
    """Answers sobjects/X/updated and sobjects/X/deleted."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def updated(self, call: Call, base: str, name: str) -> Response:
        """List the ids of live rows that changed in a window."""
        sobject = self._sobject(name)
        start, end = self._window(call)
        if start < self._database.clock.now - UPDATED_REACH:
            raise _bad_date("startDate cannot be more than 30 days ago")
        covered = self._covered(end)
        ids = [
            record_id
            for record_id, row in sorted(self._database.tables[sobject.name].items())
            if not row.get("IsDeleted")
            and _within(row.get(sobject.cursor or ""), start, end)
            and self._database.is_shared(sobject.name, record_id)
        ]
        return json_response({"ids": ids, "latestDateCovered": rest_datetime(covered)})

    def deleted(self, call: Call, base: str, name: str) -> Response:
        """List the deletions of a window."""
        sobject = self._sobject(name)
        start, end = self._window(call)
        earliest = self._database.earliest_deletion()
        if start < to_minute(earliest):
            raise _bad_date("startDate before org replication enabled date")
        records = [
            {"id": deletion.record_id, "deletedDate": rest_datetime(deletion.at)}
            for name in self._logged_with(sobject)
            for deletion in self._database.deleted_between(name, start, end)
        ]
        return json_response(
            {
                "deletedRecords": records,
                "earliestDateAvailable": rest_datetime(to_minute(earliest)),
                "latestDateCovered": rest_datetime(self._covered(end)),
            }
        )

    def _sobject(self, name: str) -> SObject:
        sobject = self._database.schema.sobject(name)
        if sobject is None:
            raise not_found()
        if not sobject.replicateable:
            text = f"entity type {sobject.name} does not support replication"
            raise Refusal(400, "INVALID_TYPE_FOR_OPERATION", text)
        return sobject

    def _logged_with(self, sobject: SObject) -> list[str]:
        """Return the objects whose deletions are reported together: all histories, as getDeleted's reference says."""
        if sobject.belongs_to is None or sobject.belongs_to[0] != "History":
            return [sobject.name]
        known = self._database.schema.sobjects()
        return [each.name for each in known if each.belongs_to and each.belongs_to[0] == "History"]

    def _window(self, call: Call) -> tuple[datetime, datetime]:
        """Return start and end without their seconds, which the service ignores."""
        start, end = (to_minute(_instant(call, name)) for name in ("start", "end"))
        if start >= end:
            raise _bad_date("endDate must be at least one minute greater than startDate")
        return start, end

    def _covered(self, end: datetime) -> datetime:
        """Return up to when everything is visible: no further than the oldest open transaction's start."""
        limits = [end, self._database.clock.now, self._database.oldest_open()]
        return to_minute(min(limit for limit in limits if limit is not None))


def _within(stamp: object, start: datetime, end: datetime) -> bool:
    return isinstance(stamp, datetime) and start <= stamp < end


def _instant(call: Call, name: str) -> datetime:
    try:
        instant = datetime.fromisoformat(call.query[name])
        return instant.astimezone(UTC) if instant.tzinfo else instant.replace(tzinfo=UTC)
    except KeyError:
        raise Refusal(400, "MISSING_ARGUMENT", f"{name} parameter is required") from None
    except (ValueError, OverflowError):
        raise _bad_date(f"{name} is not a date: {call.query[name]}") from None


def _bad_date(message: str) -> Refusal:
    return Refusal(400, "INVALID_REPLICATION_DATE", message)
