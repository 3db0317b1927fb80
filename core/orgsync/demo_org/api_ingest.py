"""The Bulk API 2.0 ingest resources: jobs that write rows, their upload and their results.

Shapes of jobs, of results and of `InvalidBatch : Field name not found` are those of recordings. The texts on line
endings, quotes, deletes, hardDelete, external ids and a second upload are those that other clients report. Assumed are
the codes of a job in the wrong state, of an upload that is too large and of one without a type.
"""

import json
from typing import cast

from .bulk_jobs import BulkJobs
from .csv_text import DELIMITERS, LINE_ENDINGS, Dialect
from .database import Database
from .fields import SObject
from .ingest_csv import BadBatch
from .ingest_jobs import JSON, IngestJob, IngestJobs, RowResult
from .ingest_rows import IngestRows
from .multipart import is_multipart, read_parts
from .refusal import Refusal, not_found, not_implemented
from .settings import Settings
from .wire import Call, Response, json_response
from .writer import Writer

FIRST_VERSION = 41
LONGEST_WITH_JOB = 100_000
LISTED = 1000
_OPERATIONS = frozenset({"insert", "update", "upsert", "delete", "hardDelete"})
_KNOWN = frozenset({
    "object", "operation", "externalIdFieldName", "contentType", "columnDelimiter", "lineEnding", "assignmentRuleId",
    "concurrencyMode", "state", "id", "apiVersion",
})  # fmt: skip


class Ingest:
    """Answers jobs/ingest and what is below it."""

    def __init__(self, database: Database, settings: Settings, writer: Writer, queries: BulkJobs) -> None:
        self.jobs = IngestJobs(settings, database.clock)
        self.rows = IngestRows(database, settings, writer)
        self._database = database
        self._settings = settings
        self._writer = writer
        self._failures = queries.failures  # one list: a test makes the next jobs fail, whatever their kind

    def create(self, call: Call, base: str) -> Response:
        """Open a job; a form with files has its rows in it."""
        version = _version(base)
        parts = {part.name: part.body for part in read_parts(call)} if is_multipart(call) else {}
        order = _object(parts.get("job", b"")) if parts else _object(call.body)
        upload = parts.get("content")
        if upload is not None and len(upload) > LONGEST_WITH_JOB:
            raise _api_error(f"The content of a multipart request exceeds {LONGEST_WITH_JOB} characters")
        job = self._new_job(order, version)
        if upload is not None:
            job.upload = upload
            self.jobs.move(job, "UploadComplete")
        return json_response(job.created_answer())

    def every(self, call: Call, base: str) -> Response:
        """List the jobs, at most 1,000 of them in one response."""
        _version(base)
        jobs = list(self.jobs)
        locator = call.query.get("queryLocator", "")
        start = int(locator) if locator.isdecimal() else 0
        done = start + LISTED >= len(jobs)
        more = None if done else f"{base}/jobs/ingest?queryLocator={start + LISTED}"
        records = [job.listed() for job in jobs[start : start + LISTED]]
        return json_response({"done": done, "records": records, "nextRecordsUrl": more})

    def information(self, call: Call, base: str, job_id: str) -> Response:
        """Return the state of a job; this poll moves it on."""
        job = self.jobs.find(job_id)
        self._polled(job)
        return json_response(job.information())

    def upload(self, call: Call, base: str, job_id: str) -> Response:
        """Store the rows of a job, once."""
        job = self.jobs.find(job_id)
        if job.state != "Open":
            raise _wrong_state(f"Uploading data to a job in state {job.state} is not allowed")
        if job.upload is not None:
            message = (
                f"Found multiple contents for job: <{job.job_id[:15]}>, please 'Close' / 'Abort' / 'Delete' the "
                "current Job then create a new Job and make sure you only do 'PUT' once on a given Job."
            )
            raise Refusal(400, "INVALIDJOB", message)
        if not call.headers.get("content-type", "").lower().startswith("text/csv"):
            raise Refusal(415, "UNSUPPORTED_MEDIA_TYPE", "Content-Type must be text/csv")
        if (len(call.body) + 2) // 3 * 4 > self._settings.bulk_upload_limit:
            raise Refusal(413, "EXCEEDED_MAX_SIZE_REQUEST", "Uploaded data exceeds the maximum size of a job's data")
        job.upload = call.body
        return Response(201)

    def change(self, call: Call, base: str, job_id: str) -> Response:
        """Close a job, so that it is worked on, or abort it."""
        job = self.jobs.find(job_id)
        state = _object(call.body).get("state")
        if state == "UploadComplete":
            if job.state != "Open":
                raise _wrong_state(f"Closing already {_state_text(job)} Job not allowed")
            self.jobs.move(job, "UploadComplete")
        elif state == "Aborted":
            if job.ended:
                raise _wrong_state(f"Aborting already {_state_text(job)} Job not allowed")
            self._read_for_results(job)
            self.jobs.move(job, "Aborted")
        else:
            raise _api_error(f"Unsupported state: {state}")
        return json_response(job.brief())

    def remove(self, call: Call, base: str, job_id: str) -> Response:
        """Delete a job and its results."""
        self.jobs.delete(self.jobs.find(job_id))
        return Response(204)

    def successful(self, call: Call, base: str, job_id: str) -> Response:
        """Return the rows that were written."""
        job = self._with_results(job_id)
        shown = self.jobs.shown(job, failed=False)
        ids = [result.record_id for result in shown]
        created = ["true" if result.created else "false" for result in shown]
        return _csv(job.text(shown, {"sf__Id": ids, "sf__Created": created}))

    def failed(self, call: Call, base: str, job_id: str) -> Response:
        """Return the rows that were refused."""
        job = self._with_results(job_id)
        shown = self.jobs.shown(job, failed=True)
        ids = [result.record_id for result in shown]
        return _csv(job.text(shown, {"sf__Id": ids, "sf__Error": [result.error or "" for result in shown]}))

    def unprocessed(self, call: Call, base: str, job_id: str) -> Response:
        """Return the rows that a job did not reach, because it failed or was aborted."""
        job = self._with_results(job_id)
        left = [RowResult(place, "") for place in range(job.done, len(job.rows))]
        return _csv(job.text(left, {}))

    def _new_job(self, order: JSON, version: int) -> IngestJob:
        if "updateOnly" in order:
            raise not_implemented("know updateOnly of ingest jobs: it is documented for upserts of single records")
        unknown = next((name for name in order if name not in _KNOWN), None)
        if unknown is not None:
            raise _api_error(f"Unrecognized field: {unknown}")
        operation = str(order.get("operation"))
        if operation not in _OPERATIONS or order.get("contentType", "CSV") != "CSV":
            raise _api_error("Value does not match expected type at [line:1, column:1]")
        if order.get("assignmentRuleId"):
            raise not_implemented("have assignment rules")
        sobject = self._target(str(order.get("object")), operation)
        key = self._key(sobject, operation, order.get("externalIdFieldName"))
        return self.jobs.create(operation, sobject.name, key, version=version, dialect=_dialect(order))

    def _target(self, name: str, operation: str) -> SObject:
        sobject = self._database.schema.sobject(name)
        if sobject is None:
            raise Refusal(400, "INVALIDJOB", f"InvalidJob : Unable to find object: {name}")
        if sobject.name in self._settings.not_in_bulk:
            raise Refusal(400, "INVALIDENTITY", f"InvalidEntity : {sobject.name} is not supported by the Bulk API")
        if operation == "hardDelete" and not self._settings.hard_delete_allowed:
            text = "hardDelete operation requires special user profile permission"
            remedy = "please contact your system administrator"
            raise Refusal(400, "FEATURENOTENABLED", f"FeatureNotEnabled : {text}, {remedy}")
        return sobject

    def _key(self, sobject: SObject, operation: str, named: object) -> str | None:
        if operation != "upsert":
            if named:
                raise Refusal(400, "INVALIDJOB", "InvalidJob : External ID was specified for a non-upsert operation")
            return None
        if not named:
            raise Refusal(400, "INVALIDJOB", "InvalidJob : External ID was blank for Upsert operation")
        try:
            return self._writer.key(sobject, str(named)).name
        except Refusal:
            text = f"Field name provided, {named} does not match an External ID, Salesforce Id, or indexed field for"
            raise Refusal(400, "INVALIDJOB", f"InvalidJob : {text} {sobject.name}") from None

    def _polled(self, job: IngestJob) -> None:
        """Move a job on at a poll."""
        if job.ended or job.state == "Open":
            return
        job.polls += 1
        wanted = self._settings.bulk_polls
        last = wanted is not None and job.polls >= wanted
        try:
            self.jobs.move(job, "InProgress")
            if job.columns is None:
                self.rows.prepare(job)
            if last and self._failures:
                raise BadBatch(self._failures.pop(0))
            share = len(job.rows) * job.polls // wanted // 200 * 200 if wanted else 0
            self.rows.write(job, len(job.rows) if last else share)
        except BadBatch as bad:
            job.failure = str(bad)
            self.jobs.move(job, "Failed")
            return
        if last:
            self.jobs.move(job, "JobComplete")

    def _read_for_results(self, job: IngestJob) -> None:
        """Read an upload that no poll has read, so that an aborted job returns its rows."""
        if job.columns is None and job.upload is not None:
            try:
                self.rows.prepare(job)
            except BadBatch:
                job.columns, job.rows = None, []

    def _with_results(self, job_id: str) -> IngestJob:
        job = self.jobs.find(job_id)
        if not job.ended:
            raise _wrong_state(f"Results are not available: the job's state is {job.state}")
        return job


def _state_text(job: IngestJob) -> str:
    return "Completed" if job.state == "JobComplete" else job.state


def _csv(text: str) -> Response:
    return Response(200, text.encode(), "text/csv")


def _object(body: bytes) -> JSON:
    try:
        content: object = json.loads(body)
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise _api_error("Value does not match expected type at [line:1, column:1]")
    return cast(JSON, content)


def _dialect(order: JSON) -> Dialect:
    dialect = Dialect(str(order.get("columnDelimiter") or "COMMA"), str(order.get("lineEnding") or "LF"))
    if dialect.delimiter not in DELIMITERS or dialect.line_ending not in LINE_ENDINGS:
        raise _api_error("Value does not match expected type at [line:1, column:1]")
    return dialect


def _version(base: str) -> int:
    version = int(base.rpartition("/v")[2].removesuffix(".0"))
    if version < FIRST_VERSION:
        raise not_found()
    return version


def _wrong_state(message: str) -> Refusal:
    return Refusal(400, "INVALIDJOBSTATE", message)


def _api_error(message: str) -> Refusal:
    return Refusal(400, "API_ERROR", message)
