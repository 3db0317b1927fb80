"""Ingest jobs as a client runs them, for tests that look at what the demo org answers."""

import csv
import io
from dataclasses import dataclass
from typing import Any

import httpx

from tests.demo_org.caller import BASE, Caller

JOBS = "/jobs/ingest"
Row = dict[str, str]


@dataclass
class Results:
    """A job that has ended, and its three files."""

    job: dict[str, Any]
    successful: list[Row]
    failed: list[Row]
    unprocessed: list[Row]

    @property
    def errors(self) -> list[str]:
        return [row["sf__Error"] for row in self.failed]


def opened(api: Caller, sobject: str, operation: str, **more: str) -> dict[str, Any]:
    answer = api.send("POST", JOBS, {"object": sobject, "operation": operation, **more})
    assert answer.status_code == 200, answer.text
    job: dict[str, Any] = answer.json()
    return job


def upload(api: Caller, job: dict[str, Any], text: str | bytes) -> httpx.Response:
    return api.http.put(f"/{job['contentUrl']}", content=text, headers={"Content-Type": "text/csv"})


def closed(api: Caller, job: dict[str, Any], text: str | bytes) -> str:
    """Upload a job's rows, close it and return its path."""
    assert upload(api, job, text).status_code == 201
    path = f"{JOBS}/{job['id']}"
    assert api.send("PATCH", path, {"state": "UploadComplete"}).json()["state"] == "UploadComplete"
    return path


def state(api: Caller, path: str) -> str:
    return str(api.get(path).json()["state"])


def ended(api: Caller, path: str) -> Results:
    while state(api, path) in {"UploadComplete", "InProgress"}:
        pass
    names = ("successfulResults", "failedResults", "unprocessedrecords")
    return Results(api.get(path).json(), *(rows(api.get(f"{path}/{name}")) for name in names))


def ingested(api: Caller, sobject: str, operation: str, text: str | bytes, **more: str) -> Results:
    """Run a job from its creation to its results."""
    return ended(api, closed(api, opened(api, sobject, operation, **more), text))


def rows(answer: httpx.Response) -> list[Row]:
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


def refusal(answer: httpx.Response) -> tuple[int, str, str]:
    (error,) = answer.json()
    return answer.status_code, error["errorCode"], error["message"]


__all__ = ["BASE", "JOBS", "Results", "closed", "ended", "ingested", "opened", "refusal", "rows", "state", "upload"]
