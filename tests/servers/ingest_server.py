"""A second org that takes ingest jobs: results in another order, without some columns, and one batch in no file."""

import csv
import io
import json
import random
import re
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from .replies import Reply, Request, serving_replies

__all__ = ["IngestServer", "serving_ingest"]

_ROOT = "/services/data/v62.0"
_FIELDS = {"Id": "id", "Name": "string", "Key__c": "string", "Amount__c": "double", "Note__c": "string"}
_RETURNED = ("amount__c", "name", "key__c")  # no result has Note__c
_JSON = {"content-type": "application/json;charset=UTF-8"}
_FAULTS: Sequence[Reply | None] = (
    None,  # the connection ends without a response
    Reply(503, "<html>We are down for maintenance.</html>", {"content-type": "text/html"}),
    Reply(502, "upstream connect error", {"content-type": "text/plain"}),
    Reply(
        403,
        '[{"errorCode":"REQUEST_LIMIT_EXCEEDED","message":"ConcurrentRequests limit exceeded."}]',
        _JSON,
    ),
)


@dataclass(slots=True)
class Job:
    """A job: what it was made with, its upload, and its results once it is closed."""

    asked: dict[str, Any]
    state: str = "Open"
    lines: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    written: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    failed: list[dict[str, str]] = field(default_factory=list[dict[str, str]])


@dataclass(slots=True)
class IngestServer:
    """The rows of the org, and how it takes more; one call in ten goes wrong, before or after it is carried out.

    `lost` are the rows of each job that no result mentions, `refused` the notes that are not taken.
    """

    lost: range = range(0)
    broken: bool = True
    refused: frozenset[str] = frozenset()
    url: str = ""
    rows: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    jobs: dict[str, Job] = field(default_factory=dict[str, Job])
    dice: random.Random = field(default_factory=lambda: random.Random(4))
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, method: str, path: str, body: bytes) -> Reply:
        """Answer a request."""
        if path == f"{_ROOT}/sobjects/Thing__c/describe":
            fields = [_described(name, kind) for name, kind in _FIELDS.items()]
            return _body({"name": "Thing__c", "fields": fields})
        if path == f"{_ROOT}/jobs/ingest" and method == "POST":
            job = f"750{len(self.jobs):012}AAA"
            self.jobs[job] = Job(json.loads(body))
            return _body({"id": job, "state": "Open"})
        found = re.fullmatch(rf"{_ROOT}/jobs/ingest/(\w+)(?:/(\w+))?", path)
        if found is None or found.group(1) not in self.jobs:
            return Reply(404, '[{"errorCode":"NOT_FOUND","message":"no"}]', _JSON)
        return self._job(method, self.jobs[found.group(1)], found.group(1), found.group(2), body)

    def _job(self, method: str, job: Job, key: str, what: str | None, body: bytes) -> Reply:
        if what == "batches":
            if job.lines:
                return Reply(400, '[{"errorCode":"INVALIDJOBSTATE","message":"uploaded before"}]', _JSON)
            job.lines = list(csv.DictReader(io.StringIO(body.decode(), newline="")))
            return Reply(201)
        if what is not None:
            return Reply(200, self._results(job, what), {"content-type": "text/csv"})
        if method == "PATCH":
            if job.state != "Open":
                return Reply(400, '[{"errorCode":"INVALIDJOBSTATE","message":"not open"}]', _JSON)
            job.state = json.loads(body)["state"]
            if job.state == "UploadComplete":
                self._process(job)
                job.state = "JobComplete"
        counts = {"numberRecordsProcessed": len(job.written) + len(job.failed), "numberRecordsFailed": len(job.failed)}
        return _body({"id": key, "state": job.state, **(counts if job.state == "JobComplete" else {})})

    def _process(self, job: Job) -> None:
        for at, line in enumerate(job.lines):
            if line["Note__c"] in self.refused:
                job.failed.append({"sf__Id": "", "sf__Error": "STRING_TOO_LONG:too long:Note__c --", **line})
                continue
            if line["Name"] == "#N/A":
                job.failed.append({"sf__Id": "", "sf__Error": "REQUIRED_FIELD_MISSING:Name is missing:Name --", **line})
                continue
            row = {**line, "Id": f"a00{len(self.rows):012}AAA"}
            self.rows.append(row)
            if at not in self.lost:
                job.written.append({"sf__Id": row["Id"], "sf__Created": "true", **line})

    def _results(self, job: Job, what: str) -> str:
        lines = {"successfulResults": job.written, "failedResults": job.failed}.get(what, [])
        shuffled = self.dice.sample(lines, k=len(lines))
        system = {"successfulResults": ["sf__Id", "sf__Created"], "failedResults": ["sf__Id", "sf__Error"]}
        header = [*system.get(what, []), *(name for name in job.lines[0] if name.lower() in _RETURNED)]
        out = io.StringIO()
        writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerow(header)
        for line in shuffled:
            writer.writerow(_spelt(name, line[name]) for name in header)
        return out.getvalue()


def _spelt(name: str, value: str) -> str:
    """Write a value as it came, but a number with its decimals."""
    return f"{float(value):.2f}" if name == "Amount__c" and value not in ("", "#N/A") else value


def _described(name: str, kind: str) -> dict[str, Any]:
    own = name != "Id"
    return {"name": name, "type": kind, "createable": own, "updateable": own, "externalId": name == "Key__c"}


def _body(body: Any) -> Reply:
    return Reply(200, json.dumps(body), _JSON)


@contextmanager
def serving_ingest(org: IngestServer) -> Generator[IngestServer]:
    """Serve an org on a free port of this machine."""

    def answer(request: Request) -> Reply | None:
        with org.lock:
            fails = org.broken and org.dice.random() < 0.1
            if fails and org.dice.random() < 0.5:
                return org.dice.choice(_FAULTS)
            reply = org.answer(request.method, request.target.partition("?")[0], request.body)
            return None if fails else reply  # carried out, and the response is lost

    with serving_replies(answer) as org.url:
        yield org
