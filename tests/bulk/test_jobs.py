"""Query jobs: made, watched, cleared away, and what is refused."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
import pytest

from orgsync.errors import (
    AccessRefused,
    BulkQuotaSpent,
    BulkRefused,
    FieldNotFound,
    JobFailed,
    LimitReached,
    NotFound,
    ObjectNotFound,
    OrgsyncError,
    QueryRefused,
    ResponseUnreadable,
    SessionInvalid,
)
from orgsync.salesforce.api.client import Client
from orgsync.salesforce.bulk import Job, abort_job, complete, create_job, delete_job, read_job
from orgsync.salesforce.http.http import Http
from tests.http.raw_server import RESET, RawServer, reply

from ..api.clients import lone_client
from .bulk_answers import JOB, job, job_answer

SOQL = "SELECT Id FROM Contact"
GONE = reply(404, [{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}])


@asynccontextmanager
async def answering(*answers: bytes) -> AsyncGenerator[tuple[RawServer, Client]]:
    async with RawServer(*answers) as server, Http(timeout=60) as http:
        yield server, lone_client(http, server.url)


def at(clock: str) -> dict[str, str]:
    """Give the header of an answer of that time."""
    return {"Date": f"Tue, 03 Mar 2026 {clock} GMT"}


@pytest.mark.parametrize(("deleted", "operation"), [(True, "queryAll"), (False, "query")])
async def test_a_job_is_made_for_csv_with_line_feeds(deleted: bool, operation: str) -> None:
    async with answering(job_answer("UploadComplete")) as (server, client):
        made = await create_job(client, SOQL, deleted=deleted)
    assert made == Job(JOB, "62.0", "UploadComplete", None)
    (asked,) = server.asked
    assert (asked.method, asked.target) == ("POST", "/services/data/v62.0/jobs/query")
    assert json.loads(asked.body) == {
        "operation": operation,
        "query": SOQL,
        "contentType": "CSV",
        "columnDelimiter": "COMMA",
        "lineEnding": "LF",
    }


async def test_a_job_is_made_again_when_its_answer_is_lost() -> None:
    async with answering(RESET, reply(503, b""), job_answer("UploadComplete")) as (server, client):
        assert (await create_job(client, SOQL, deleted=True)).id == JOB
    assert [asked.method for asked in server.asked] == ["POST"] * 3


@pytest.mark.parametrize(
    ("status", "code", "message", "kind"),
    [
        (400, "API_ERROR", "Selecting compound data not supported in Bulk Query", BulkRefused),
        (400, "INVALIDENTITY", "Entity 'TaskStatus' is not supported by the Bulk API.", BulkRefused),
        (400, "INVALID_TYPE", "sObject type 'TaskStatus' is not supported by the Bulk API.", BulkRefused),
        (400, "FUNCTIONALITY_NOT_ENABLED", "", BulkRefused),
        (403, "INSUFFICIENT_ACCESS", "", BulkRefused),
        (403, "SOMETHING_NEW", "", BulkRefused),
        (404, "NOT_FOUND", "", BulkRefused),
        (400, "API_ERROR", "Max bulk v2 query jobs (10000) per 24 hrs has been reached", BulkQuotaSpent),
        (403, "SOMETHING", "Max bulk v2 query result size stored (1000000000) kb per 24 hrs", BulkQuotaSpent),
        (400, "INVALID_FIELD", "No such column 'Foo__c' on entity 'Contact'.", FieldNotFound),
        (400, "INVALID_TYPE", "sObject type 'Foo__c' is not supported.", ObjectNotFound),
        (403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", LimitReached),
        (403, "API_DISABLED_FOR_ORG", "", AccessRefused),
    ],
)
async def test_what_only_bulk_refuses_is_distinguished_from_what_rest_would_refuse_too(
    status: int, code: str, message: str, kind: type[OrgsyncError]
) -> None:
    async with answering(reply(status, [{"errorCode": code, "message": message}])) as (server, client):
        with pytest.raises(OrgsyncError) as caught:
            await create_job(client, SOQL, deleted=True)
    assert type(caught.value) is kind
    assert kind is not BulkRefused or code in caught.value.cause
    assert len(server.asked) == 1


def test_what_bulk_refuses_is_a_query_refused_and_its_quota_a_limit() -> None:
    assert issubclass(BulkRefused, QueryRefused)
    assert issubclass(BulkQuotaSpent, LimitReached)
    assert not issubclass(SessionInvalid, BulkRefused)


async def test_a_refusal_shows_no_customers_value() -> None:
    message = "unexpected token: 'ann@example.com'"
    async with answering(reply(400, [{"errorCode": "MALFORMED_QUERY", "message": message}])) as (_, client):
        with pytest.raises(BulkRefused) as caught:
            await create_job(client, SOQL, deleted=True)
    assert "ann@example.com" not in str(caught.value)


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        {"id": 5, "state": "InProgress"},
        {"id": JOB, "state": "Odd"},
        {"id": JOB, "state": "InProgress", "numberRecordsProcessed": "many"},
        {"id": JOB, "state": "InProgress", "numberRecordsProcessed": True},
        {"id": JOB, "state": "InProgress", "numberRecordsProcessed": -1},
        {"id": JOB, "state": "InProgress", "numberRecordsProcessed": 10**400},
        {"id": JOB, "state": "Failed", "errorMessage": 5},
    ],
)
async def test_an_answer_that_is_no_job_is_said(body: object) -> None:
    async with answering(reply(200, body)) as (_, client):
        with pytest.raises(ResponseUnreadable):
            await read_job(client, JOB, "62.0")


async def test_a_job_is_looked_at_by_the_version_that_made_it_and_may_be_gone() -> None:
    async with answering(job_answer("InProgress", 7), GONE) as (server, client):
        assert await read_job(client, JOB, "58.0") == Job(JOB, "58.0", "InProgress", 7)
        assert await read_job(client, JOB, "58.0") is None
    assert {asked.target for asked in server.asked} == {f"/services/data/v58.0/jobs/query/{JOB}"}


async def test_a_job_is_watched_until_it_is_complete_and_each_look_is_reported() -> None:
    answers = job_answer("UploadComplete"), reply(503, b""), job_answer("InProgress", 5), job_answer("JobComplete", 9)
    reported: list[Job] = []
    async with answering(*answers) as (_, client):
        done = await complete(client, job(), stalled_after=60, report=reported.append)
    assert done == Job(JOB, "62.0", "JobComplete", 9)
    assert [(each.state, each.processed) for each in reported] == [
        ("UploadComplete", None),
        ("InProgress", 5),
        ("JobComplete", 9),
    ]


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (job_answer("Failed", error="InvalidBatch : Field name not found : 'ann@example.com'"), "InvalidBatch"),
        (job_answer("Failed"), "failed in Salesforce"),
        (job_answer("Aborted"), "aborted"),
        (GONE, "does not exist any more"),
    ],
)
async def test_a_job_that_ends_without_a_result_says_why(answer: bytes, cause: str) -> None:
    async with answering(answer) as (_, client):
        with pytest.raises(JobFailed, match=cause) as caught:
            await complete(client, job(), stalled_after=60, report=lambda _: None)
    assert caught.value.job_id == JOB
    assert "ann@example.com" not in str(caught.value)


async def test_a_servers_clock_that_jumps_gives_no_job_up() -> None:
    looks = [job_answer("InProgress", 3, **at("10:00:00")), job_answer("InProgress", 3, **at("23:00:00"))]
    async with answering(*looks, job_answer("JobComplete", 3)) as (server, client):
        await complete(client, job(), stalled_after=3600, report=lambda _: None)
    assert len(server.asked) == 3


@pytest.mark.parametrize(
    "looks",
    [
        [job_answer("InProgress", 0), job_answer("InProgress", 1)],
        [job_answer("InProgress", 1), job_answer("UploadComplete", 1)],
        [job_answer("InProgress", 1), job_answer("InProgress")],
    ],
)
async def test_a_job_that_goes_to_and_fro_is_given_up(looks: list[bytes]) -> None:
    made = Job(JOB, "62.0", "UploadComplete", None)
    async with answering(*looks * 5000) as (_, client):
        with anyio.fail_after(60), pytest.raises(JobFailed, match="not advanced"):
            await complete(client, made, stalled_after=0.2, report=lambda _: None)


async def test_the_looks_come_ever_more_rarely_and_as_the_server_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    async def noted(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr("orgsync.salesforce.bulk.job_wait.pause", noted)
    patient, endless = (job_answer("InProgress", Retry_After=seconds) for seconds in ("30", "99999999"))
    async with answering(*[job_answer("InProgress")] * 11, patient, endless, job_answer("JobComplete")) as (_, client):
        await complete(client, job(), stalled_after=1e6, report=lambda _: None)
    assert waits[:3] == [0.5, 0.75, 1.125]
    assert waits[-3:] == [20, 30, 60]


@pytest.mark.parametrize("answer", [job_answer("Aborted"), GONE, reply(409, [{"errorCode": "INVALIDJOBSTATE"}])])
async def test_aborting_leaves_what_is_over_as_it_is(answer: bytes) -> None:
    async with answering(answer) as (server, client):
        await abort_job(client, job(version="58.0"))
    (asked,) = server.asked
    assert (asked.method, json.loads(asked.body)) == ("PATCH", {"state": "Aborted"})
    assert asked.target == f"/services/data/v58.0/jobs/query/{JOB}"


async def test_deleting_is_quiet_about_what_is_gone_and_says_what_else_is_wrong() -> None:
    async with answering(RESET, GONE, reply(204, b""), reply(409, [{"errorCode": "INVALIDJOBSTATE"}])) as (
        server,
        client,
    ):
        await delete_job(client, job())
        await delete_job(client, job())
        with pytest.raises(QueryRefused) as caught:
            await delete_job(client, job())
    assert not isinstance(caught.value, NotFound)
    assert [asked.method for asked in server.asked] == ["DELETE"] * 4
