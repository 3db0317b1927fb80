"""What of orgsync asks for each kind of recorded request, and what must have been read of the answer."""

import csv
import io
import json
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeAlias
from urllib.parse import parse_qs, parse_qsl

from orgsync.records import parse_instant
from orgsync.salesforce.api.client import Client
from orgsync.salesforce.api.counts import Limit, org_limits, record_count
from orgsync.salesforce.api.describe import ObjectDescribe, describe
from orgsync.salesforce.api.page_count import Page
from orgsync.salesforce.api.query import pages
from orgsync.salesforce.api.replication import Deletions, latest_date_covered
from orgsync.salesforce.api.replication import deleted as get_deleted
from orgsync.salesforce.auth.session import Access, Session
from orgsync.salesforce.auth.token_endpoint import Identity, identity
from orgsync.salesforce.auth.versions import offered_versions
from orgsync.salesforce.bulk import Job, complete, create_job, results
from orgsync.salesforce.http.http import Http, Response
from orgsync.scripts import Org as OpenOrg
from tests.auth.vaults import MemoryVault

from .exchange import Exchange

__all__ = ["Ask", "Check", "Org"]

_SOME_QUERY = "SELECT Id FROM Account"
_START, _END = datetime(2013, 5, 5, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Org:
    """A recorded org as orgsync holds it."""

    url: str
    http: Http
    vault: MemoryVault
    session: Session
    client: Client
    api: OpenOrg


Ask: TypeAlias = Callable[[Org, Exchange], Awaitable[Any]]
Check: TypeAlias = Callable[[Any, list[Exchange]], None]


def _body(answer: Exchange) -> Any:
    return json.loads(answer.body)


def _param(exchange: Exchange, name: str, otherwise: str = "") -> str:
    return parse_qs(exchange.query).get(name, [otherwise])[0]


def _part(exchange: Exchange, name: str) -> str:
    """Give the part of a path behind another."""
    parts = (exchange.path or "").split("/")
    return parts[parts.index(name) + 1]


async def token(org: Org, _: Exchange) -> tuple[Access, MemoryVault]:
    return await org.session.access(), org.vault


def token_is(found: tuple[Access, MemoryVault], answers: list[Exchange]) -> None:
    body, (access, vault) = _body(answers[0]), found
    assert access.token == body["access_token"]
    assert vault.credentials.access_token == body["access_token"]
    assert vault.credentials.refresh_token == "kept"
    if body["issued_at"].isdecimal():
        issued_at = datetime.fromtimestamp(int(body["issued_at"]) / 1000, UTC)
        assert vault.credentials.issued_at is not None
        assert vault.credentials.issued_at <= max(issued_at, datetime.now(UTC))
    if "00D" in body["id"]:
        assert body["id"].endswith(f"{vault.credentials.org_id}/{vault.credentials.user_id}")


async def who(org: Org, _: Exchange) -> Identity:
    return await identity(org.http, org.vault.credentials)


def who_is(found: Identity, answers: list[Exchange]) -> None:
    assert found.username == _body(answers[0]).get("preferred_username")


async def described(org: Org, exchange: Exchange) -> ObjectDescribe:
    return await describe(org.client, _part(exchange, "sobjects"))


def description_is(found: ObjectDescribe, answers: list[Exchange]) -> None:
    body, headers = _body(answers[0]), {name.lower(): value for name, value in answers[0].headers}
    assert found.name == body["name"]
    assert (found.replicateable, found.queryable) == (body.get("replicateable", True), body.get("queryable", True))
    assert found.last_modified == headers.get("last-modified")
    assert len(found.fields) == len(body["fields"])
    for each in body["fields"]:
        read = found.field(each["name"])
        assert read is not None
        assert (read.type, read.relationship) == (each["type"], each["relationshipName"])
        assert (list(read.refers_to), read.calculated) == (each["referenceTo"], each["calculated"])
        if each["relationshipName"]:
            assert found.parent(each["relationshipName"].upper()) is not None


async def queried(org: Org, exchange: Exchange) -> list[Page]:
    return [page async for page in pages(org.client, _param(exchange, "q", _SOME_QUERY), exact=True)]


def rows_are(found: list[Page], answers: list[Exchange]) -> None:
    bodies = [json.loads(each.body, parse_float=Decimal) for each in answers]
    assert repr([page.records for page in found]) == repr([body["records"] for body in bodies]), "Decimal, not float"
    assert [page.total for page in found] == [body["totalSize"] for body in bodies]


async def paged(org: Org, exchange: Exchange) -> Any:
    return await org.client.call("GET", exchange.path or "", Response.json)


async def counted(org: Org, exchange: Exchange) -> tuple[str, int | None]:
    name = _param(exchange, "sObjects")
    return name, await record_count(org.client, name)


def count_is(found: tuple[str, int | None], answers: list[Exchange]) -> None:
    counts = {each["name"]: each["count"] for each in _body(answers[0])["sObjects"]}
    assert found[1] == counts.get(found[0])


async def limits(org: Org, _: Exchange) -> Any:
    return await org_limits(org.client)


def limits_are(found: dict[str, Limit], answers: list[Exchange]) -> None:
    body = _body(answers[0])
    assert any(isinstance(each, dict) for limit in body.values() for each in limit.values())
    assert found == {name: Limit(limit["Max"], limit["Remaining"]) for name, limit in body.items()}


async def versions(org: Org, _: Exchange) -> list[str]:
    return await offered_versions(org.http, org.url)


def versions_are(found: list[str], answers: list[Exchange]) -> None:
    assert sorted(found) == sorted(each["version"] for each in _body(answers[0]))


async def updated(org: Org, exchange: Exchange) -> datetime:
    return await latest_date_covered(org.client, _part(exchange, "sobjects"), _START, _END)


def covered_is(found: datetime, answers: list[Exchange]) -> None:
    assert found.strftime("%Y-%m-%dT%H:%M:%S.000+0000") == _body(answers[0])["latestDateCovered"]


async def deletions(org: Org, exchange: Exchange) -> Deletions:
    return await get_deleted(org.client, _part(exchange, "sobjects"), _START, _END)


def deletions_are(found: Deletions, answers: list[Exchange]) -> None:
    body = _body(answers[0])
    assert found.ids == [each["id"] for each in body["deletedRecords"]]
    assert found.earliest == parse_instant(body["earliestDateAvailable"])
    assert found.covered == parse_instant(body["latestDateCovered"])


async def job_made(org: Org, _: Exchange) -> list[Job]:
    return [await create_job(org.client, _SOME_QUERY, deleted=False)]


async def job_watched(org: Org, exchange: Exchange) -> list[Job]:
    looks: list[Job] = []
    job = Job(_part(exchange, "query"), "62.0", "UploadComplete", None)
    await complete(org.client, job, stalled_after=60, report=looks.append)
    return looks


def job_is(found: list[Job], answers: list[Exchange]) -> None:
    bodies = [_body(each) for each in answers]
    assert [(job.id, job.state) for job in found] == [(body["id"], body["state"]) for body in bodies]
    assert [job.processed for job in found] == [body.get("numberRecordsProcessed") for body in bodies]


async def results_read(org: Org, exchange: Exchange) -> list[tuple[str, ...]]:
    job, found = Job(_part(exchange, "query"), "62.0", "JobComplete", None), list[tuple[str, ...]]()
    async with aclosing(results(org.client, job)) as parts:
        async for part in parts:
            found += [part.header, *map(tuple, part.rows)]
    return found


def results_are(found: list[tuple[str, ...]], answers: list[Exchange]) -> None:
    assert found == [tuple(row) for row in csv.reader(io.StringIO(answers[0].body, newline=""))]


async def got(org: Org, exchange: Exchange) -> Any:
    path = exchange.path or ""
    params = dict(parse_qsl(exchange.query))
    return await org.api.get(path if path.startswith("/services") else f"{org.url}{path}", **params)


async def posted(org: Org, exchange: Exchange) -> Any:
    return await org.api.post(exchange.path or "", _sent(exchange))


async def patched(org: Org, exchange: Exchange) -> Any:
    return await org.api.patch(exchange.path or "", _sent(exchange))


async def deleted(org: Org, exchange: Exchange) -> Any:
    return await org.api.delete(exchange.path or "")


def _sent(exchange: Exchange) -> Any:
    return json.loads(exchange.asked) if exchange.asked else {}


def body_is(found: Any, answers: list[Exchange]) -> None:
    (answer,) = answers
    is_json = any(name.lower() == "content-type" and "json" in value for name, value in answer.headers)
    expected = json.loads(answer.body) if answer.body.strip() and is_json else answer.body or None
    assert found == expected
