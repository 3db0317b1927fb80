"""The server's ingest jobs: every row is taken, and the results come back in another order than the rows were sent."""

import json
import re
from dataclasses import dataclass
from typing import Any

from .people import record_id
from .wire import Reply, Request

__all__ = ["WRITE_COLUMNS", "IngestJobs"]

WRITE_COLUMNS = ("Id", "Key__c", "LastName", "FirstName", "Email", "Phone", "Title")
"""What a contact has that rows are written to; `Key__c` is its external id."""

_PATH = re.compile(r"/services/data/v(?P<version>\d+\.0)/jobs/ingest(?:/(?P<job>\w+)(?:/(?P<what>\w+))?)?/?")


@dataclass(slots=True)
class _Job:
    about: dict[str, Any]
    rows: int = 0
    results: bytes = b""


class IngestJobs:
    """Jobs, and how many rows they took."""

    def __init__(self) -> None:
        self._jobs: dict[str, _Job] = {}
        self.rows = 0

    def answer(self, request: Request) -> Reply | None:
        """Answer a request about jobs; None for any other."""
        found = _PATH.fullmatch(request.path)
        if found is None:
            return None
        if found["job"] is None:
            return self._create(request, found["version"])
        job = self._jobs[found["job"]]
        if found["what"] == "batches":
            self._fill(job, request.body)
            return Reply(b"", 201)
        if found["what"] is not None:
            results = job.results if found["what"] == "successfulResults" else job.results.partition(b"\n")[0] + b"\n"
            return Reply(results, content_type="text/csv")
        if request.method == "DELETE":
            return Reply(b"", 204)
        if request.method == "PATCH":
            job.about["state"] = "JobComplete" if json.loads(request.body)["state"] == "UploadComplete" else "Aborted"
        counts = {"numberRecordsProcessed": job.rows, "numberRecordsFailed": 0}
        return Reply(json.dumps({**job.about, **counts}).encode())

    def _create(self, request: Request, version: str) -> Reply:
        name = f"750xx{len(self._jobs):010}AAA"
        wanted: dict[str, Any] = json.loads(request.body)
        content = f"services/data/v{version}/jobs/ingest/{name}/batches"
        about = {**wanted, "id": name, "state": "Open", "apiVersion": float(version), "contentUrl": content}
        self._jobs[name] = _Job(about)
        return Reply(json.dumps(about).encode())

    def _fill(self, job: _Job, content: bytes) -> None:
        """Take the rows, none of which has a line break in it, and make their results, the last first."""
        header, *lines = content.splitlines()
        job.rows = len(lines)
        made = [b'"sf__Id","sf__Created",' + header]
        numbered = enumerate(lines, start=self.rows)
        made += [b'"%s","true",%s' % (record_id("003", at).encode(), line) for at, line in numbered][::-1]
        job.results = b"\n".join([*made, b""])
        self.rows += len(lines)
