"""The Bulk API 2.0 query resources: jobs, their results as CSV, and the pages of those for parallel reading.

Shapes, headers and the refusals of delete and of another version are those of Salesforce's guide ("Get Results for a
Query Job", "Get Parallel Results", "Delete a Query Job"). The texts and codes of INVALIDENTITY, LIMIT_EXCEEDED and
of compound data are those that other clients report. INVALIDJOBSTATE before the end, and INVALID_QUERY_LOCATOR, are
assumed.
"""

import re

from .bulk_jobs import JSON, BulkJob, BulkJobs
from .csv_text import DELIMITERS, LINE_ENDINGS, Dialect, csv_text
from .database import Database
from .grammar import parse
from .query import Table, run_table
from .refusal import Refusal, not_found, not_implemented
from .settings import Settings
from .syntax import Aggregate, Query, TypeOf
from .syntax import Call as FunctionCall
from .view import View
from .wire import Call, Response, json_response

FIRST_VERSION, FIRST_WITH_PAGES = 47, 58
LINKS = 5
LISTED = 1000
_TYPEOF = re.compile(r"\bTYPEOF\s+\w+\s+WHEN\b", re.I)


class Bulk:
    """Answers jobs/query and what is below it."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self.jobs = BulkJobs(settings, database.clock)
        self._database = database
        self._settings = settings

    def create(self, call: Call, base: str) -> Response:
        """Create a job for a query and read its rows at once, as from a snapshot."""
        version = _version(base, FIRST_VERSION)
        order = _order(call)
        operation = str(order.get("operation"))
        if operation not in {"query", "queryAll"}:
            raise _api_error(f"Unsupported operation for a query job: {operation}")
        dialect = _dialect(order)
        self._require_quota()
        table = self._read(str(order.get("query") or ""), base, deleted_too=operation == "queryAll")
        return json_response(self.jobs.create(table, operation, version, dialect).created_answer())

    def every(self, call: Call, base: str) -> Response:
        """List the jobs, at most 1,000 of them in one response."""
        _version(base, FIRST_VERSION)
        jobs = list(self.jobs)
        locator = call.query.get("queryLocator", "")
        start = int(locator) if locator.isdecimal() else 0
        following = start + LISTED
        done = following >= len(jobs)
        more = None if done else f"{base}/jobs/query?queryLocator={following}"
        records = [job.listed() for job in jobs[start:following]]
        return json_response({"done": done, "records": records, "nextRecordsUrl": more})

    def information(self, call: Call, base: str, job_id: str) -> Response:
        """Return the state of a job; this poll moves it on."""
        job = self.jobs.find(job_id)
        self.jobs.polled(job)
        return json_response(job.information())

    def change(self, call: Call, base: str, job_id: str) -> Response:
        """Abort a job; there is nothing else to change."""
        job = self.jobs.find(job_id)
        state = _order(call).get("state")
        if state != "Aborted":
            raise _api_error(f"Unsupported state: {state}")
        self.jobs.abort(job)
        return json_response(job.brief())

    def remove(self, call: Call, base: str, job_id: str) -> Response:
        """Delete a job that has ended, with its results."""
        self.jobs.delete(self.jobs.find(job_id))
        return Response(204)

    def results(self, call: Call, base: str, job_id: str) -> Response:
        """Return a page of results: `maxRecords` at most, from `locator` on."""
        job = self._complete(job_id, _version(base, FIRST_VERSION))
        locator = call.query.get("locator")
        begun = job.start_of(locator, endless=self._settings.bulk_results_endless) if locator else 0
        start = begun % max(1, len(job.table.rows))
        rows = job.table.rows[start:][: min(_most_records(call), self._settings.bulk_page_size)]
        more = self._settings.bulk_results_endless or start + len(rows) < len(job.table.rows)
        headers = [
            ("Sforce-NumberOfRecords", str(len(rows))),
            ("Sforce-Locator", job.locator(begun + len(rows)) if more else "null"),
        ]
        if rows and self.jobs.short_pages:
            self.jobs.short_pages -= 1
            rows = rows[: len(rows) // 2]
        text = csv_text(job.table.columns, rows, job.dialect)
        return Response(200, text.encode(), "text/csv", headers)

    def result_pages(self, call: Call, base: str, job_id: str) -> Response:
        """Return up to five links to pages of results, which may be read side by side."""
        job = self._complete(job_id, _version(base, FIRST_WITH_PAGES))
        locator = call.query.get("locator")
        size, total = self._settings.bulk_page_size, max(1, len(job.table.rows))
        starts = range(job.start_of(locator) if locator else 0, total, size)
        own = f"{base}/jobs/query/{job.job_id}"
        links = [{"resultUrl": f"{own}/results?locator={job.locator(start)}"} for start in starts[:LINKS]]
        response: JSON = {"resultPages": links}
        if len(starts) > LINKS:
            # The documentation spells this one in lower case; it is to be followed, not built.
            response["nextRecordsUrl"] = f"{own}/resultpages?locator={job.locator(starts[LINKS])}"
        response["done"] = len(starts) <= LINKS
        return json_response(response)

    def _complete(self, job_id: str, version: int) -> BulkJob:
        job = self.jobs.find(job_id)
        if version != job.version:
            message = f"The job was created with API version {job.version}.0, the results are requested with another"
            raise Refusal(409, "CONFLICT", message)
        if job.state != "JobComplete":
            raise Refusal(400, "INVALIDJOBSTATE", f"Results are not available: the job's state is {job.state}")
        return job

    def _require_quota(self) -> None:
        settings = self._settings
        if settings.bulk_jobs_used >= settings.bulk_jobs_limit:
            text = f"Max bulk v2 query jobs ({settings.bulk_jobs_limit}) per 24 hrs has been reached"
            raise Refusal(400, "LIMIT_EXCEEDED", text)
        if settings.bulk_storage_used_kb >= settings.bulk_storage_limit_kb:
            kept = settings.bulk_storage_limit_kb
            text = f"Max bulk v2 query result size stored ({kept}) kb per 24 hrs has been exceeded"
            raise Refusal(400, "LIMIT_EXCEEDED", text)

    def _read(self, text: str, base: str, *, deleted_too: bool) -> Table:
        if _TYPEOF.search(text):
            raise _api_error("TYPEOF not supported in Bulk Query")
        query = parse(text)
        _require_bulk_query(query)
        sobject = self._database.schema.sobject(query.source)
        if sobject is not None and sobject.name in self._settings.not_in_bulk:
            raise Refusal(400, "INVALIDENTITY", f"{sobject.name} is not supported by the Bulk API")
        table = run_table(text, View.of(self._database, base, deleted_too=deleted_too))
        if any(column.field.type == "address" for column in table.columns.values()):
            raise _api_error("Selecting compound data not supported in Bulk Query")
        if any(column.field.type == "base64" for column in table.columns.values()):
            raise Refusal(400, "FEATURENOTENABLED", "FeatureNotEnabled : Binary field not supported")
        return table


def _require_bulk_query(query: Query) -> None:
    """Refuse what SOQL has and Bulk has not; only the first text is reported from real orgs, for sub-selects."""
    if any(isinstance(item, Query) for item in query.select):
        raise _api_error("Aggregate Relationships not supported in Bulk Query")
    if any(isinstance(item, TypeOf) for item in query.select):
        raise _api_error("TYPEOF not supported in Bulk Query")
    if any(isinstance(item, FunctionCall) for item in query.select):
        raise not_implemented("know functions in the select list of Bulk queries")
    if query.group or any(isinstance(item, Aggregate) for item in query.select):
        raise _api_error("Aggregate functions and GROUP BY not supported in Bulk Query")
    if query.offset:
        raise _api_error("OFFSET not supported in Bulk Query")


def _order(call: Call) -> JSON:
    try:
        content = call.json()
    except Refusal:
        content = None
    if not isinstance(content, dict):
        raise _api_error("Value does not match expected type at [line:1, column:1]")
    return {**content}


def _dialect(order: JSON) -> Dialect:
    dialect = Dialect(str(order.get("columnDelimiter") or "COMMA"), str(order.get("lineEnding") or "LF"))
    if dialect.delimiter not in DELIMITERS or dialect.line_ending not in LINE_ENDINGS:
        raise _api_error("Value does not match expected type at [line:1, column:1]")
    return dialect


def _most_records(call: Call) -> int:
    limit = call.query.get("maxRecords", str(2**31))
    if not limit.isdecimal() or int(limit) == 0:
        raise _api_error(f"maxRecords must be a positive number: {limit}")
    return int(limit)


def _version(base: str, first: int) -> int:
    version = int(base.rpartition("/v")[2].removesuffix(".0"))
    if version < first:
        raise not_found()
    return version


def _api_error(message: str) -> Refusal:
    return Refusal(400, "API_ERROR", message)
