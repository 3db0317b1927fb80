"""As much of a Salesforce as a copy asks for, answered from bytes that were prepared.

It has contacts and no opinion: a query is told by the columns it selects and by whether it asks for changes, and one
that nothing was prepared for is refused, so that a client cannot be faster by asking for less.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias
from urllib.parse import parse_qs

from .asked import Asked, asked_by
from .describes import ACCOUNT_COLUMNS, describe, list_of_objects
from .ingest import WRITE_COLUMNS, IngestJobs
from .loaded_pages import LoadedPages, changed_pages
from .people import last_stamp
from .prepared import PAGES, Prepared, answer_of
from .wire import Reply, Request

__all__ = ["Org"]

_VERSIONS = json.dumps(
    [{"label": "Any", "url": f"/services/data/v{number}.0", "version": f"{number}.0"} for number in range(50, 68)]
).encode()
_JOB_ID = "750xx0000000001AAA"
_LOCATOR = "MTAwMDA-{page}"

_Handler: TypeAlias = Callable[["Org", Request, re.Match[str]], Reply]


class Org:
    """Answers requests, and counts those that Salesforce would count as API calls."""

    def __init__(self, url: str, *, rest: Prepared | None = None, bulk: Prepared | None = None) -> None:
        self._url = url
        self._rest = LoadedPages.load(rest) if rest else None
        self._bulk = LoadedPages.load(bulk) if bulk else None
        self._rows = max((each.rows for each in (rest, bulk) if each), default=0)
        self._changed: list[bytes] = []
        self._changed_rows = 0
        self._changes = 0
        self._ingest = IngestJobs()
        self.calls = 0

    def answer(self, request: Request) -> Reply:
        """Answer one request."""
        if (reply := self._ingest.answer(request)) is not None:
            self.calls += 1
            return reply
        for method, pattern, handler in _ROUTES:
            found = pattern.fullmatch(request.path)
            if found and method == request.method:
                if pattern.pattern.startswith("/services/data/v"):
                    self.calls += 1
                return handler(self, request, found)
        return _refusal(404, "NOT_FOUND", f"nothing is prepared for {request.method} {request.path}")

    # The benchmark's own

    def count(self, _request: Request, _path: re.Match[str]) -> Reply:
        """Tell how many calls were counted, and begin again at none."""
        calls, self.calls = self.calls, 0
        return _json({"calls": calls})

    def change(self, request: Request, _path: re.Match[str]) -> Reply:
        """Let the first n rows of the copy have changed just now; 0 lets nothing have changed."""
        rows = self._changed_rows = int(request.query["rows"])
        self._changes += 1
        self._changed = changed_pages(self._rest.plain, rows, self._changes) if rows and self._rest else []
        return _json({})

    # Signing in

    def token(self, request: Request, _path: re.Match[str]) -> Reply:
        """Sign in whoever asks; a refresh token that ends in a number leads to an org of that number."""
        form = parse_qs(request.body.decode())
        number = re.search(r"\d*$", form.get("refresh_token", [""])[0])
        org_id = f"00D5g{int((number and number.group()) or 0):010}AAA"
        answer = {
            "access_token": f"{org_id[:15]}!prepared",
            "instance_url": self._url,
            "id": f"{self._url}/id/{org_id}/0055g0000000001AAA",
            "token_type": "Bearer",
            "issued_at": str(int(datetime.now(UTC).timestamp() * 1000)),
            "signature": "none",
            "scope": "api refresh_token",
        }
        return _json(answer)

    def introspect(self, _request: Request, _path: re.Match[str]) -> Reply:
        """Give every token two hours."""
        now = int(datetime.now(UTC).timestamp())
        return _json({"active": True, "iat": now, "exp": now + 7200})

    def identity(self, _request: Request, _path: re.Match[str]) -> Reply:
        """Name the user; which org it is stands in the token's answer."""
        return _json({"preferred_username": "integration@example.com", "user_id": "0055g0000000001AAA"})

    # What the org has

    def versions(self, _request: Request, _path: re.Match[str]) -> Reply:
        """List the API versions."""
        return Reply(_VERSIONS)

    def objects(self, _request: Request, _path: re.Match[str]) -> Reply:
        """List the objects."""
        return Reply(list_of_objects(["Contact", "Account"]))

    def describe(self, request: Request, path: re.Match[str]) -> Reply:
        """Describe an object; who has its describe is told that nothing has changed."""
        if "if-modified-since" in request.headers:
            return Reply(b"", 304)
        columns = {"Contact": self._columns, "Account": ACCOUNT_COLUMNS}.get(path["sobject"])
        if columns is None:
            return _refusal(404, "NOT_FOUND", "The requested resource does not exist")
        headers = {"Last-Modified": "Sun, 01 Jan 2023 00:00:00 GMT"}
        return Reply(describe(path["sobject"], columns), headers=headers)

    def limits(self, _request: Request, _path: re.Match[str]) -> Reply:
        """Tell the limits: nothing is used."""
        daily = {
            "DailyApiRequests": 5_000_000,
            "DailyBulkV2QueryJobs": 10_000,
            "DailyBulkV2QueryFileStorageMB": 976_562,
        }
        return _json({name: {"Max": limit, "Remaining": limit} for name, limit in daily.items()})

    def record_count(self, _request: Request, _path: re.Match[str]) -> Reply:
        """Tell how many contacts there are."""
        return _json({"sObjects": [{"name": "Contact", "count": self._rows}]})

    # Changes

    def updated(self, request: Request, _path: re.Match[str]) -> Reply:
        """Cover the window that is asked for, to the minute as Salesforce does; no transaction is open."""
        end = datetime.fromisoformat(request.query["end"]).astimezone(UTC)
        return _json({"ids": [], "latestDateCovered": end.strftime("%Y-%m-%dT%H:%M:00.000+0000")})

    def deleted(self, request: Request, _path: re.Match[str]) -> Reply:
        """Cover the window; nothing was deleted."""
        start, end = (datetime.fromisoformat(request.query[name]).astimezone(UTC) for name in ("start", "end"))
        return _json(
            {
                "deletedRecords": [],
                "earliestDateAvailable": start.strftime("%Y-%m-%dT%H:%M:00.000+0000"),
                "latestDateCovered": end.strftime("%Y-%m-%dT%H:%M:00.000+0000"),
            }
        )

    def query(self, request: Request, _path: re.Match[str]) -> Reply:
        """Answer a query with its first page; one for changes with the rows that changed, none by default."""
        asked = self._asked(request.query.get("q", ""))
        if asked is None:
            return _refusal(400, "MALFORMED_QUERY", f"nothing is prepared for {request.query.get('q')}")
        if asked.counts:
            rows = {"all": self._rows, "changes": self._changed_rows, "nothing": 0}[asked.scope]
            return Reply(answer_of([], total=rows))
        if asked.scope == "all":
            return self._page(request, 0, columns=asked.columns)
        return Reply(self._changed[0] if asked.scope == "changes" and self._changed else answer_of([], total=0))

    def more(self, request: Request, path: re.Match[str]) -> Reply:
        """Answer with a later page."""
        if path["kind"] == "changed":
            return Reply(self._changed[int(path["offset"]) // PAGES["json"]])
        return self._page(request, int(path["offset"]))

    def _page(self, request: Request, offset: int, *, columns: Sequence[str] | None = None) -> Reply:
        if self._rest is None or (columns is not None and set(columns) != set(self._rest.prepared.columns)):
            return _refusal(400, "INVALID_FIELD", f"pages of {', '.join(columns or ())} are not prepared")
        return self._rest.reply(
            request, offset // self._rest.prepared.page_rows, "application/json;charset=UTF-8", **self._usage
        )

    # Bulk

    def create_job(self, request: Request, path: re.Match[str]) -> Reply:
        """Take a query job."""
        job: dict[str, Any] = json.loads(request.body)
        if self._bulk is None:
            return _refusal(400, "INVALIDENTITY", "Contact is not supported by the Bulk API")
        asked = self._asked(str(job["query"]))
        if asked is None or asked.scope != "all" or asked.counts or asked.columns != self._bulk.prepared.columns:
            return _refusal(400, "INVALID_FIELD", f"no results are prepared for {job['query']}")
        return _json(_job("UploadComplete", path["version"], str(job["operation"])))

    def job(self, _request: Request, path: re.Match[str]) -> Reply:
        """Tell that the job is done: how long Salesforce takes is not what is measured."""
        about = {"jobType": "V2Query", "retries": 0, "totalProcessingTime": 1, "isPkChunkingSupported": True}
        return _json({**_job("JobComplete", path["version"]), **about, "numberRecordsProcessed": self._rows})

    def change_job(self, _request: Request, path: re.Match[str]) -> Reply:
        """Take an abort as done."""
        return _json(_job("Aborted", path["version"]))

    def delete_job(self, _request: Request, _path: re.Match[str]) -> Reply:
        """Take the deletion as done."""
        return Reply(b"", 204)

    def results(self, request: Request, _path: re.Match[str]) -> Reply:
        """Answer with one page of results; pages are no longer than a client allows, so it must allow this many."""
        if self._bulk is None:
            return _refusal(404, "NOT_FOUND", "there are no results")
        if int(request.query.get("maxRecords", PAGES["csv"])) < self._bulk.prepared.page_rows:
            return _refusal(
                400, "API_ERROR", f"pages of fewer than {self._bulk.prepared.page_rows} rows are not prepared"
            )
        number = int(request.query.get("locator", "0").rpartition("-")[2])
        sizes = self._bulk.prepared.sizes
        locator = _LOCATOR.format(page=number + 1) if number + 1 < len(sizes) else "null"
        told = {"Sforce-NumberOfRecords": str(sizes[number]), "Sforce-Locator": locator, **self._usage}
        return self._bulk.reply(request, number, "text/csv", **told)

    def _asked(self, soql: str) -> Asked | None:
        return asked_by(soql, last=last_stamp(self._rows))

    @property
    def _columns(self) -> Sequence[str]:
        prepared = self._rest or self._bulk
        return prepared.prepared.columns if prepared else WRITE_COLUMNS

    @property
    def _usage(self) -> Mapping[str, str]:
        return {"Sforce-Limit-Info": f"api-usage={self.calls}/5000000"}


def _job(state: str, version: str, operation: str = "queryAll") -> dict[str, Any]:
    return {
        "id": _JOB_ID,
        "operation": operation,
        "object": "Contact",
        "createdById": "0055g0000000001AAA",
        "createdDate": "2026-01-31T10:15:00.000+0000",
        "systemModstamp": "2026-01-31T10:15:00.000+0000",
        "state": state,
        "concurrencyMode": "Parallel",
        "contentType": "CSV",
        "apiVersion": float(version),
        "lineEnding": "LF",
        "columnDelimiter": "COMMA",
    }


def _json(value: Any) -> Reply:
    return Reply(json.dumps(value).encode())


def _refusal(status: int, code: str, message: str) -> Reply:
    return Reply(json.dumps([{"message": message, "errorCode": code}]).encode(), status)


def _routes() -> list[tuple[str, re.Pattern[str], _Handler]]:
    data, job = r"/services/data/v(?P<version>\d+\.0)", r"/services/data/v(?P<version>\d+\.0)/jobs/query"
    routes: list[tuple[str, str, _Handler]] = [
        ("GET", rf"{data}/query/0r8xx(?P<kind>\w+)-(?P<offset>\d+)", Org.more),
        ("GET", rf"{data}/(query|queryAll)/?", Org.query),
        ("GET", rf"{data}/sobjects/(?P<sobject>\w+)/updated/?", Org.updated),
        ("GET", rf"{data}/sobjects/(?P<sobject>\w+)/deleted/?", Org.deleted),
        ("GET", rf"{data}/sobjects/(?P<sobject>\w+)/describe/?", Org.describe),
        ("GET", rf"{data}/sobjects/?", Org.objects),
        ("GET", rf"{data}/limits/?", Org.limits),
        ("GET", rf"{data}/limits/recordCount/?", Org.record_count),
        ("POST", rf"{job}/?", Org.create_job),
        ("GET", rf"{job}/\w+/?", Org.job),
        ("PATCH", rf"{job}/\w+/?", Org.change_job),
        ("DELETE", rf"{job}/\w+/?", Org.delete_job),
        ("GET", rf"{job}/\w+/results/?", Org.results),
        ("GET", r"/services/data/?", Org.versions),
        ("POST", r"/services/oauth2/token", Org.token),
        ("POST", r"/services/oauth2/introspect", Org.introspect),
        ("GET", r"/services/oauth2/userinfo", Org.identity),
        ("GET", r"/benchmark/calls", Org.count),
        ("POST", r"/benchmark/changed", Org.change),
    ]
    return [(method, re.compile(path), handler) for method, path, handler in routes]


_ROUTES = _routes()
