"""What the API reports about itself and the org: versions, resources, limits, objects."""

import zlib
from datetime import UTC
from email.utils import parsedate_to_datetime

from .clock import http_date
from .database import Database
from .describe import MASTER_RECORD_TYPE, brief, describe, describe_global
from .fields import Scope, SObject
from .ids import to18
from .layouts import compact_layout, compact_layouts, layout, layouts
from .oauth import Hosts
from .objects import shared_name
from .refusal import Refusal, not_found
from .settings import Settings
from .wire import Call, Response, json_response

OLDEST, NEWEST = 31, 66
_SEASONS = ("Spring", "Summer", "Winter")
_RESOURCES = (
    "actions", "composite", "jobs", "limits", "parameterizedSearch", "query", "queryAll", "quickActions", "recent",
    "search", "sobjects",
)  # fmt: skip
_MOST_RECENT = 200
_LIMITS = {
    "ConcurrentAsyncGetReportInstances": 200, "ConcurrentSyncReportRuns": 20, "DailyApiRequests": 0,
    "DailyAsyncApexExecutions": 250_000, "DailyBulkApiBatches": 15_000, "DailyBulkV2QueryFileStorageMB": 0,
    "DailyBulkV2QueryJobs": 0, "DailyDeliveredPlatformEvents": 25_000, "DailyStreamingApiEvents": 10_000,
    "DataStorageMB": 1073, "FileStorageMB": 1073, "HourlyPublishedPlatformEvents": 50_000, "SingleEmail": 5000,
}  # fmt: skip


class About:
    """Answers the resources that describe."""

    def __init__(self, database: Database, settings: Settings, hosts: Hosts) -> None:
        self._database = database
        self._settings = settings
        self._hosts = hosts

    def versions(self) -> Response:
        """List the API's versions; it needs no token and costs no call."""
        return json_response([_version(number) for number in range(OLDEST, NEWEST + 1)])

    def resources(self, call: Call, base: str) -> Response:
        """List a version's resources: those that are served."""
        identity = f"{self._hosts.login_url}/id/{self._settings.org_id}/{self._settings.user_id}"
        return json_response({**{name: f"{base}/{name}" for name in _RESOURCES}, "identity": identity})

    def composite(self, call: Call, base: str) -> Response:
        """List the composite resources that are served."""
        return json_response({name: f"{base}/composite/{name}" for name in ("batch", "graph", "sobjects", "tree")})

    def jobs(self, call: Call, base: str) -> Response:
        """List the kinds of jobs that are served."""
        return json_response({"ingest": f"{base}/jobs/ingest", "query": f"{base}/jobs/query"})

    def recent(self, call: Call, base: str) -> Response:
        """List the records that the user has viewed on pages, those of `view`; the last one first."""
        limit = call.query.get("limit", str(_MOST_RECENT))
        if not limit.isdecimal() or not 1 <= int(limit) <= _MOST_RECENT:
            raise Refusal(400, "INVALID_QUERY_FILTER_OPERATOR", f"limit must be from 1 to {_MOST_RECENT}: {limit}")
        return json_response(self._viewed(base, None)[: int(limit)])

    def limits(self, call: Call, base: str) -> Response:
        """Return the org's limits; this call is counted in."""
        limits: dict[str, dict[str, object]] = {
            name: {"Max": most, "Remaining": most} for name, most in _LIMITS.items()
        }
        most, used = self._settings.api_limit, self._settings.api_used
        # Real orgs nest an object for some connected apps inside a limit.
        app = {"CPQ Integration User Connected App": {"Max": 0, "Remaining": 0}}
        limits["DailyApiRequests"] = {"Max": most, "Remaining": max(0, most - used), **app}
        return json_response(limits | self._bulk_limits())

    def _bulk_limits(self) -> dict[str, dict[str, object]]:
        settings = self._settings
        jobs, stored = settings.bulk_jobs_limit - settings.bulk_jobs_used, settings.bulk_storage_used_kb
        left_kb = max(0, settings.bulk_storage_limit_kb - stored)
        return {
            "DailyBulkV2QueryJobs": {"Max": settings.bulk_jobs_limit, "Remaining": max(0, jobs)},
            "DailyBulkV2QueryFileStorageMB": {
                "Max": settings.bulk_storage_limit_kb // 1024,
                "Remaining": int(left_kb // 1024),
            },
            "DailyBulkApiBatches": {
                "Max": settings.bulk_batches_limit,
                "Remaining": max(0, settings.bulk_batches_limit - settings.bulk_batches_used),
            },
        }

    def record_count(self, call: Call, base: str) -> Response:
        """Return how many rows objects have, the deleted and the archived left out, and no shares and histories."""
        if self._settings.record_count_refused:
            text = "You do not have the permission View Setup and Configuration"
            raise Refusal(403, "INSUFFICIENT_ACCESS", text)
        names = [name for name in call.query.get("sObjects", "").split(",") if name]
        known = [self._database.schema.sobject(name) for name in names] if names else self._database.schema.sobjects()
        counts = [(sobject.name, self._count(sobject)) for sobject in known if sobject and _is_counted(sobject)]
        return json_response({"sObjects": [{"count": count, "name": name} for name, count in counts if count]})

    def global_describe(self, call: Call, base: str) -> Response:
        """List the objects."""
        return self._cacheable(call, json_response(describe_global(self._database.schema, base)))

    def basic(self, call: Call, base: str, name: str) -> Response:
        """Return an object's brief description."""
        sobject = self._sobject(name)
        return json_response({"objectDescribe": brief(sobject, base), "recentItems": self._viewed(base, sobject)})

    def describe(self, call: Call, base: str, name: str) -> Response:
        """Describe an object; 304 where the client has this version already."""
        schema = self._database.schema
        content = describe(schema, self._sobject(name), base, self._hosts.instance_url)
        return self._cacheable(call, json_response(content))

    def layouts(self, call: Call, base: str, name: str) -> Response:
        """Return the layouts of an object that has pages."""
        return json_response(layouts(self._database.schema, self._with_pages(name), base))

    def layout(self, call: Call, base: str, name: str, record_type: str) -> Response:
        """Return the layout of a record type; there is the master alone."""
        sobject = self._with_pages(name)
        if to18(record_type) != MASTER_RECORD_TYPE:
            raise not_found()
        return json_response(layout(self._database.schema, sobject))

    def compact_layouts(self, call: Call, base: str, name: str) -> Response:
        """Return the compact layouts of an object that has pages."""
        return json_response(compact_layouts(self._database.schema, self._with_pages(name), base))

    def compact_layout(self, call: Call, base: str, name: str, record_type: str) -> Response:
        """Return the compact layout of a record type, or the primary one."""
        sobject = self._with_pages(name)
        if record_type != "primary" and to18(record_type) != MASTER_RECORD_TYPE:
            raise not_found()
        return json_response(compact_layout(self._database.schema, sobject))

    def approval_layouts(self, call: Call, base: str, name: str) -> Response:
        """Return that the object has no approval process."""
        self._with_pages(name)
        return json_response({"approvalLayouts": []})

    def list_views(self, call: Call, base: str, name: str) -> Response:
        """Return that the object has no list view."""
        kind = self._with_pages(name).name
        return json_response({"done": True, "listviews": [], "nextRecordsUrl": None, "size": 0, "sobjectType": kind})

    def _viewed(self, base: str, wanted: SObject | None) -> list[dict[str, object]]:
        """Return the live records that were viewed, of one object or of all."""
        scope = Scope(self._database.find, self._database.clock.now.date())
        found: list[dict[str, object]] = []
        for name, record_id in reversed(self._database.viewed):
            sobject, row = self._database.schema.sobject(name), self._database.find(name, record_id)
            if sobject is None or row is None or row.get("IsDeleted") or (wanted and wanted.name != name):
                continue
            attributes = {"type": name, "url": f"{base}/sobjects/{name}/{record_id}"}
            named = shared_name(sobject, row, scope)["Name"]
            found.append({"attributes": attributes, "Id": record_id, "Name": named})
        return found

    def _with_pages(self, name: str) -> SObject:
        sobject = self._sobject(name)
        if not sobject.has_pages:
            raise not_found()
        return sobject

    def _sobject(self, name: str) -> SObject:
        sobject = self._database.schema.sobject(name)
        if sobject is None:
            raise not_found()
        return sobject

    def _count(self, sobject: SObject) -> int:
        return sum(sobject.is_current(row) for row in self._database.tables[sobject.name].values())

    def _cacheable(self, call: Call, response: Response) -> Response:
        changed = self._database.schema.changed
        tag = f"{zlib.crc32(response.body):x}"
        zipped = "--gzip" if "gzip" in call.headers.get("accept-encoding", "") else ""
        known = call.headers.get("if-none-match", "").replace("--gzip", "").strip('"')
        since = call.headers.get("if-modified-since")
        if known == tag or (not known and since and _is_after(since) >= changed.timestamp()):
            response = Response(304)
        response.headers += [("ETag", f'"{tag}{zipped}"'), ("Last-Modified", http_date(changed))]
        return response


def _is_after(date: str) -> float:
    """Return the instant of If-Modified-Since; what cannot be read is long ago."""
    try:
        return parsedate_to_datetime(date).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return 0


def _version(number: int) -> dict[str, str]:
    """Return one line of the list: v66.0 is Spring '26, and three come a year."""
    years, season = divmod(number - NEWEST, 3)
    year = 26 + years + (season == 2)
    return {
        "label": f"{_SEASONS[season]} '{year}",
        "url": f"/services/data/v{number}.0",
        "version": f"{number}.0",
    }


def _is_counted(sobject: SObject) -> bool:
    """Return whether recordCount counts an object: shares, histories and feeds it does not."""
    return sobject.belongs_to is None or sobject.belongs_to[0] not in ("Share", "History", "Feed")
