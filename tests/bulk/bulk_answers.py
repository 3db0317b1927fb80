"""What Salesforce answers about a query job and its result, in the shape of its documentation."""

import csv
import io
from collections.abc import Sequence

from orgsync.salesforce.bulk import Job
from tests.http.raw_server import reply

JOB = "750R0000000zlh9IAA"
HEADER = ["Id", "Name", "Account.Name"]


def job(processed: int | None = None, *, version: str = "62.0") -> Job:
    """Give a job that is complete."""
    return Job(JOB, version, "JobComplete", processed)


def job_answer(state: str, processed: int | None = None, *, error: str | None = None, **headers: str) -> bytes:
    """Answer with a job."""
    body: dict[str, object] = {"id": JOB, "operation": "query", "object": "Contact", "state": state}
    body |= {"apiVersion": 62.0, "concurrencyMode": "Parallel", "contentType": "CSV", "retries": 0}
    if processed is not None:
        body["numberRecordsProcessed"] = processed
    if error is not None:
        body["errorMessage"] = error
    return reply(200, body, **headers)


def rows(first: int, behind: int) -> list[list[str]]:
    """Make the rows with these numbers."""
    return [[f"003{number:015}", f'Ann "{number}"\nLee, Jr.', ""] for number in range(first, behind)]


def text(lines: Sequence[Sequence[str]]) -> bytes:
    """Write CSV as Salesforce does: every field quoted, LF behind every row."""
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(lines)
    return out.getvalue().encode()


def page_answer(
    lines: Sequence[Sequence[str]], locator: str | None = "null", *, said: int | None = None, body: bytes | None = None
) -> bytes:
    """Answer with a page; `said` is what it claims to hold where that is another number than it does."""
    headers = {"Content_Type": "text/csv", "Sforce_NumberOfRecords": str(len(lines) if said is None else said)}
    if locator is not None:
        headers["Sforce_Locator"] = locator
    return reply(200, text([HEADER, *lines]) if body is None else body, **headers)


def cut(answer: bytes, share: float) -> bytes:
    """Let the connection end before the answer does."""
    head, _, body = answer.partition(b"\r\n\r\n")
    return head + b"\r\nConnection: close\r\n\r\n" + body[: int(len(body) * share)]
