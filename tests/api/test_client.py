"""The client against a real server: one renewal, what is tried again, and what a token is never sent to."""

import json
import re
import ssl
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import anyio
import pytest
import trustme

from orgsync.demo_org import DemoOrg, Fault
from orgsync.errors import (
    AccessRefused,
    FieldNotFound,
    HostNotAllowed,
    InstanceMoved,
    LimitReached,
    LocatorExpired,
    NetworkProblem,
    ObjectNotFound,
    OrgsyncError,
    ResponseUnreadable,
    ServerProblem,
    SignInNeeded,
)
from orgsync.salesforce.api.client import Client
from orgsync.salesforce.api.describe import describe
from orgsync.salesforce.api.query import pages, records
from orgsync.salesforce.api.replication import latest_date_covered
from orgsync.salesforce.auth.credentials import Credentials
from orgsync.salesforce.auth.session import Session
from orgsync.salesforce.auth.token_endpoint import Identity, identity, introspect, request_token
from orgsync.salesforce.auth.versions import offered_versions
from orgsync.salesforce.bulk import create_job, read_job
from orgsync.salesforce.http.http import Http
from orgsync.salesforce.http.messages import Response
from tests.auth.vaults import MemoryVault
from tests.http.raw_server import RawServer, reply
from tests.projects import credentials_for
from tests.recordings import exchanges, needs_recordings, replayed

from .clients import OneTokenVault, client_of, lone_client

UNFIT = "This session is not valid for use with the REST API"


def paths(org: DemoOrg) -> list[str]:
    return [request.path.rpartition("/")[2] for request in org.requests]


async def test_a_dead_token_is_renewed_once_and_the_same_request_is_sent_again(org: DemoOrg) -> None:
    async with client_of(org, signed_in=True) as client:
        org.expire_tokens()
        assert "DailyApiRequests" in await client.get("limits")
    assert paths(org) == ["limits", "token", "limits"]


async def test_what_was_never_sent_is_no_call_and_what_was_sent_is_one_even_without_an_answer(org: DemoOrg) -> None:
    async with client_of(org, signed_in=True) as client:
        org.stop()
        with pytest.raises(NetworkProblem):
            await client.get("limits")
        with pytest.raises(NetworkProblem):
            async with client.stream("limits"):
                pass
        assert client.usage.calls == 0
        org.start()
        org.add_fault(Fault.reset(), match="limits")
        await client.get("limits")
    assert client.usage.calls == 2


async def test_a_session_that_is_dead_at_once_again_is_not_renewed_for_ever(org: DemoOrg) -> None:
    org.add_fault(Fault.json_error(401, "INVALID_SESSION_ID", "Session expired or invalid"), match="limits", times=None)
    async with client_of(org) as client:
        with pytest.raises(AccessRefused, match="rejects a new session"):
            await client.get("limits")
    assert paths(org) == ["token", "limits", "token", "limits"]


async def test_a_moved_instance_is_followed(org: DemoOrg) -> None:
    async with client_of(org) as client:
        await client.get("limits")
        old = org.instance_url
        org.move_instance()
        await client.get("limits")
        assert org.instance_url != old
    assert paths(org) == ["token", "limits", "limits", "token", "limits"]


@pytest.mark.parametrize(
    "fault",
    [
        Fault.status(503, "<html>busy</html>"),
        Fault.maintenance(),
        Fault.reset(),
        Fault.truncate(),
        Fault.concurrent_limit(),
        Fault.status(420),
        Fault.status(406),
        Fault.status(408, "<html>Request Timeout</html>"),
        Fault.status(403, "<html>a gateway's page</html>"),
        Fault.status(200, "<html>a proxy's page</html>"),
    ],
    ids=lambda fault: fault.kind + str(fault.code or ""),
)
async def test_what_passes_by_itself_is_tried_again(org: DemoOrg, fault: Fault) -> None:
    org.add_fault(fault, match="/query", times=2)
    async with client_of(org) as client:
        found = [record async for record in records(client, "SELECT Id FROM Account")]
    assert len(found) == len(org.rows("Account"))


async def test_what_does_not_pass_is_given_up(org: DemoOrg) -> None:
    org.add_fault(Fault.maintenance(), match="limits", times=None)
    async with client_of(org) as client:
        with pytest.raises(ServerProblem, match="a maintenance page"):
            await client.get("limits")
    assert paths(org).count("limits") == 7


async def test_html_where_json_is_due_is_said(org: DemoOrg) -> None:
    org.add_fault(Fault.status(200, "<html>hello</html>"), match="limits", times=None)
    async with client_of(org) as client:
        with pytest.raises(ResponseUnreadable, match="HTML instead of JSON"):
            await client.get("limits")


async def test_a_write_that_may_have_happened_is_not_sent_twice(org: DemoOrg) -> None:
    org.add_fault(Fault.reset(processed=True), match="sobjects/Account", times=None)
    before = len(org.rows("Account"))
    async with client_of(org) as client:
        with pytest.raises(NetworkProblem):
            await client.request("POST", "sobjects/Account", json={"Name": "Twice"})
    assert len(org.rows("Account")) == before + 1


async def test_a_write_that_salesforce_put_off_is_sent_again(org: DemoOrg) -> None:
    org.add_fault(Fault.json_error(400, "UNABLE_TO_LOCK_ROW", "locked"), match="sobjects/Account", times=2)
    async with client_of(org) as client:
        answer = await client.request("POST", "sobjects/Account", json={"Name": "Once"})
    assert answer.status == 201
    assert [row["Name"] for row in org.rows("Account")].count("Once") == 1


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example/x",
        "//evil.example/x",
        "https://salesforce.com.evil.example/",
        "ftp://127.0.0.1/",
        "http://127.0.0.1:9/services/data",
    ],
)
async def test_a_token_is_never_sent_to_another_host(org: DemoOrg, path: str) -> None:
    async with client_of(org) as client:
        with pytest.raises(HostNotAllowed, match="no token was sent"):
            await client.request("GET", path)


def redirection(url: str, status: int = 302) -> bytes:
    return f"HTTP/1.1 {status} Moved\r\nLocation: {url}\r\nContent-Length: 0\r\n\r\n".encode()


@asynccontextmanager
async def client_at(org: DemoOrg, old: RawServer) -> AsyncGenerator[Client]:
    """Give a client that was told long ago that the org is at `old`."""
    credentials = replace(credentials_for(org), access_token="a-token", instance_url=old.url, org_id=org.org_id)
    async with Http(timeout=60) as http:
        session = Session(http, MemoryVault(credentials))
        yield Client(http, session, login_url=org.login_url, retry_for=10)


@pytest.mark.parametrize("status", [301, 307])
@pytest.mark.parametrize("method", ["GET", "POST", "stream"])
async def test_a_host_that_redirects_to_the_orgs_new_one_is_left_after_one_request(
    org: DemoOrg, method: str, status: int
) -> None:
    async with RawServer(redirection(f"{org.instance_url}/moved", status)) as old, client_at(org, old) as client:
        for _ in range(2):
            if method == "stream":
                async with client.stream("limits") as stream:
                    assert (await stream.read()).status == 200
            elif method == "GET":
                await client.get("limits")
            else:
                await client.request("POST", "sobjects/Account", json={"Name": "Moved"})
    assert len(old.asked) == 1
    assert paths(org) == ["token", *[{"POST": "Account"}.get(method, "limits")] * 2]


async def test_tasks_that_are_redirected_together_ask_for_one_token(org: DemoOrg) -> None:
    old = RawServer(redirection(f"{org.instance_url}/moved"))
    async with old, client_at(org, old) as client, anyio.create_task_group() as group:
        for _ in range(8):
            group.start_soon(client.get, "limits")
    assert paths(org).count("token") == 1
    assert paths(org).count("limits") == 8


async def test_a_job_is_read_to_its_end_where_the_host_redirects(org: DemoOrg) -> None:
    async with RawServer(redirection(f"{org.instance_url}/moved")) as old, client_at(org, old) as client:
        job = await create_job(client, "SELECT Id FROM Account", deleted=False)
        assert await read_job(client, job.id, job.api_version)
    assert len(old.asked) == 1


async def opened(client: Client, path: str) -> Response:
    async with client.stream(path) as stream:
        return await stream.read()


@pytest.mark.parametrize("method", ["GET", "POST", "stream"])
async def test_no_token_follows_a_redirection(method: str) -> None:
    async with RawServer(b"") as server, RawServer(b"") as elsewhere, Http() as http:
        server.will_answer(redirection(f"{elsewhere.url}/x"))
        same = {"access_token": "another", "instance_url": server.url, "id": f"{server.url}/id/00Dx/005x"}
        vault = MemoryVault(replace(await OneTokenVault(server.url).load(), refresh_token="r"))
        async with RawServer(reply(200, same)) as login:
            vault.credentials = replace(vault.credentials, login_url=login.url)
            client = Client(http, Session(http, vault), login_url=login.url, retry_for=5.5)
            with pytest.raises(InstanceMoved, match="a new sign-in leads to the old host"):
                await (opened(client, "limits") if method == "stream" else client.request(method, "limits"))
        assert elsewhere.asked == []
        assert len(login.asked) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_neither_a_token_nor_a_secret_follows_a_redirection_at_sign_in(status: int) -> None:
    stolen = reply(200, {"access_token": "t", "active": True, "username": "eve"})
    async with RawServer(stolen) as elsewhere, RawServer(b"") as server, Http() as http:
        server.will_answer(redirection(f"{elsewhere.url}/x", status))
        known = replace(await OneTokenVault(server.url).load(), client_secret="hush")
        assert await introspect(http, known) is None
        assert await identity(http, known) == Identity()
        with pytest.raises(SignInNeeded, match="has moved"):
            await request_token(http, server.url, {"grant_type": "refresh_token", "refresh_token": "r"})
    assert elsewhere.asked == []


async def test_an_org_whose_login_host_has_moved_as_well_says_where_to_connect() -> None:
    new = "https://new.my.salesforce.com"
    async with RawServer(redirection(f"{new}/x")) as server, Http() as http:
        known = await OneTokenVault(server.url).load()
        vault = MemoryVault(replace(known, refresh_token="r"))
        client = Client(http, Session(http, vault), login_url=server.url, retry_for=5.5)
        with pytest.raises(SignInNeeded, match=r"has moved to https://new\.my\.salesforce\.com") as caught:
            await client.get("limits")
    assert caught.value.remedy.endswith(f"orgsync connect NAME --login-url {new}")
    assert len(server.asked) == 2
    assert len(vault.reasons) == 1


@pytest.mark.parametrize(
    ("page", "named", "remedy"),
    [
        (
            "https://portal.hotel.example/login",
            "portal.hotel.example, which is not Salesforce",
            "Sign in to the network",
        ),
        ("https://www.salesforce.com/maintenance", "www.salesforce.com, a page of Salesforce's", "again"),
        (
            "https://login.salesforce.com/?ec=302",
            "login.salesforce.com, a page of Salesforce's for a person",
            "again",
        ),
        (
            "https://acme.lightning.force.com/",
            "acme.lightning.force.com, a page of Salesforce's for a person",
            "connect",
        ),
        ("http://acme.my.salesforce.com/x", "http://acme.my.salesforce.com, which is not https", "a proxy or gateway"),
        (
            "https://acme.my.salesforce.com:8443/x",
            "acme.my.salesforce.com:8443, which is not Salesforce's port",
            "a proxy",
        ),
        ("https://x@evil.example/", "an address that is not a web host's, which is not Salesforce", "network"),
        ("/login?ec=302&startURL=%2Fhome", "a login page of the same host", "sign in again"),
    ],
)
async def test_what_is_wrong_with_a_redirection_is_named_and_never_to_be_allowed(
    page: str, named: str, remedy: str
) -> None:
    async with RawServer(redirection(page)) as server, Http() as http:
        with pytest.raises(ResponseUnreadable, match=f"redirected to {re.escape(named)}") as caught:
            await lone_client(http, server.url).request("GET", "limits")
        assert "allowed_hosts" not in str(caught.value)
        assert remedy in caught.value.remedy


@pytest.mark.parametrize("scheme", ["Negotiate", "Basic realm=x", ""])
async def test_a_proxys_401_is_no_session_refused_and_takes_no_new_token(scheme: str) -> None:
    headers = {"Content_Type": "text/html"} | ({"WWW_Authenticate": scheme} if scheme else {})
    async with RawServer(reply(401, b"<html>Sign in</html>", **headers)) as server, Http() as http:
        with pytest.raises(ResponseUnreadable, match="status 401, without an error of Salesforce's") as caught:
            await lone_client(http, server.url).request("GET", "limits")
    assert "look for a proxy" in caught.value.remedy
    assert not any("token" in asked.target for asked in server.asked)


async def test_a_redirection_within_a_host_is_no_answer() -> None:
    async with RawServer(redirection("/again")) as server, Http() as http:
        with pytest.raises(ResponseUnreadable, match="redirection"):
            await lone_client(http, server.url).request("GET", "limits")


@pytest.mark.parametrize(("scope", "said"), [("id", "lacks the scope api"), ("api id", "IP Relaxation")])
async def test_a_session_that_is_kept_out_is_not_renewed_and_its_scope_is_looked_at(
    org: DemoOrg, scope: str, said: str
) -> None:
    org.add_fault(Fault.json_error(401, "INVALID_SESSION_ID", UNFIT), match="limits", times=None)
    credentials = replace(credentials_for(org), access_token="t", instance_url=org.instance_url, scope=scope)
    async with Http(timeout=60) as http:
        client = Client(http, Session(http, MemoryVault(credentials)), login_url=org.login_url, retry_for=10)
        with pytest.raises(AccessRefused) as caught:
            await client.get("limits")
    assert said in caught.value.remedy
    assert paths(org) == ["limits"]


async def test_a_user_without_the_api_is_not_asked_for_again(org: DemoOrg) -> None:
    fault = Fault.json_error(403, "API_CURRENTLY_DISABLED", "API is disabled for this User")
    org.add_fault(fault, match="limits", times=None)
    async with client_of(org, signed_in=True) as client:
        with pytest.raises(AccessRefused, match="API is disabled for this User"):
            await client.get("limits")
    assert paths(org) == ["limits"]


async def test_a_redirection_to_another_port_of_this_machine_gets_no_token(org: DemoOrg) -> None:
    async with RawServer(reply()) as other, Http() as http:
        elsewhere = f"HTTP/1.1 302 Found\r\nLocation: {other.url}/services/data\r\nContent-Length: 0\r\n\r\n"
        async with RawServer(elsewhere.encode()) as server:
            with pytest.raises(OrgsyncError):
                await lone_client(http, server.url).request("GET", "limits")
    assert other.asked == []


async def test_the_next_page_of_a_query_is_not_read_at_another_orgs_host() -> None:
    async with RawServer(reply(200, {"records": [], "done": True})) as other, Http() as http:
        page = {
            "totalSize": 2,
            "done": False,
            "nextRecordsUrl": f"{other.url}/services/data/v62.0/query/01g-2000",
            "records": [{"attributes": {"type": "Contact"}, "Id": "003000000000001AAA"}],
        }
        async with RawServer(reply(200, page)) as server:
            with pytest.raises(ResponseUnreadable, match="no token was sent there"):
                _ = [each async for each in pages(lone_client(http, server.url), "SELECT Id FROM Contact")]
    assert other.asked == []


async def test_paths_are_below_the_api_version_unless_they_are_whole(org: DemoOrg) -> None:
    async with client_of(org) as client:
        await client.get("limits")
        await client.get("/limits")
        await client.get("/services/data/v60.0/limits")
    assert [request.path for request in org.requests[1:]] == [
        "/services/data/v62.0/limits",
        "/services/data/v62.0/limits",
        "/services/data/v60.0/limits",
    ]


async def test_a_share_of_the_limit_is_left_to_others(org: DemoOrg) -> None:
    org.api_limit, org.api_used = 100, 77
    async with client_of(org) as client:
        for _ in range(3):
            await client.get("limits")
        with pytest.raises(LimitReached, match="80 of its 100"):
            await client.get("limits")
    assert org.api_used == 80
    assert client.usage.calls == 3


async def test_a_spent_limit_stops_at_once(org: DemoOrg) -> None:
    org.api_limit = org.api_used = 100
    async with client_of(org, limit_share=1) as client:
        with pytest.raises(LimitReached, match="last 24 hours are used up"):
            await client.get("limits")
    assert paths(org).count("limits") == 1


async def test_pages_are_followed_until_done(org: DemoOrg) -> None:
    org.page_size = 10
    async with client_of(org) as client:
        found = [page async for page in pages(client, "SELECT Id FROM Contact ORDER BY Id")]
    assert [len(page.records) for page in found] == [10, 10, 5]
    assert {page.total for page in found} == {25}
    assert found[-1].next_url is None


async def test_pages_that_are_gone_are_distinguished(org: DemoOrg) -> None:
    org.page_size = 10
    async with client_of(org) as client:
        query = pages(client, "SELECT Id FROM Contact ORDER BY Id")
        await anext(query)
        org.expire_locators()
        with pytest.raises(LocatorExpired):
            await anext(query)


async def test_records_come_without_attributes_parents_nested(org: DemoOrg) -> None:
    soql = "SELECT Id, Owner.Name FROM Account LIMIT 1"
    async with client_of(org) as client:
        (record,) = [record async for record in records(client, soql)]
    assert set(record) == {"Id", "Owner"}
    assert set(record["Owner"]) == {"Name"}


async def test_deleted_rows_are_asked_for(org: DemoOrg) -> None:
    gone = str(org.rows("Contact")[0]["Id"])
    org.delete("Contact", gone)
    async with client_of(org) as client:
        live = [record["Id"] async for record in records(client, "SELECT Id FROM Contact")]
        every = [record["Id"] async for record in records(client, "SELECT Id FROM Contact", deleted=True)]
    assert gone not in live
    assert gone in every


async def test_exact_numbers_are_decimals(org: DemoOrg) -> None:
    org.insert("Account", Name="Exact", AnnualRevenue=950000000.0)
    soql = "SELECT AnnualRevenue FROM Account WHERE Name = 'Exact'"
    async with client_of(org) as client:
        (page,) = [page async for page in pages(client, soql, exact=True)]
    assert isinstance(page.records[0]["AnnualRevenue"], Decimal)


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize(
    ("body", "cause"),
    [
        ('{"totalSize": 1}', "unexpected shape"),
        ("[]", "unexpected shape"),
        ('{"records": [], "totalSize": 5, "done": false, "nextRecordsUrl": "/x"}', "empty page"),
        ('{"records": [', "cut short"),
    ],
)
async def test_a_page_of_another_shape_is_not_taken_for_an_end(
    org: DemoOrg, body: str, cause: str, exact: bool
) -> None:
    org.add_fault(Fault.status(200, body, content_type="application/json"), match="/query", times=None)
    async with client_of(org) as client:
        with pytest.raises(ResponseUnreadable, match=cause):
            await anext(pages(client, "SELECT Id FROM Contact", exact=exact))


async def test_an_object_that_is_not_there_is_named(org: DemoOrg) -> None:
    async with client_of(org) as client:
        with pytest.raises(ObjectNotFound, match="no object Contct"):
            await describe(client, "Contct")
        with pytest.raises(ObjectNotFound, match="Contct"):
            await anext(pages(client, "SELECT Id FROM Contct"))
        with pytest.raises(FieldNotFound, match="no field Emial"):
            await anext(pages(client, "SELECT Emial FROM Contact"))


@pytest.mark.parametrize("body", ["{}", "[]", '{"name": "X", "fields": [{}]}', '{"latestDateCovered": 5}'])
async def test_metadata_of_another_shape_is_said(org: DemoOrg, body: str) -> None:
    org.add_fault(Fault.status(200, body, content_type="application/json"), match="sobjects", times=None)
    async with client_of(org) as client:
        with pytest.raises(ResponseUnreadable):
            await describe(client, "Contact")
        with pytest.raises(ResponseUnreadable):
            await latest_date_covered(client, "Contact", org.now - timedelta(hours=1), org.now)


async def test_the_orgs_clock_is_learnt_from_its_answers(org: DemoOrg) -> None:
    wrong = datetime(2000, 1, 1, tzinfo=UTC)
    async with client_of(org, clock=lambda: wrong) as client:
        assert client.now == wrong
        assert abs(await client.server_now() - org.now) < timedelta(seconds=5)
        assert paths(org) == ["token", "data"]
        assert abs(await client.server_now() - org.now) < timedelta(seconds=5)
    assert paths(org) == ["token", "data"]


async def test_versions_are_listed_without_a_sign_in_and_their_absence_is_no_error(org: DemoOrg) -> None:
    async with Http() as http:
        offered = await offered_versions(http, org.url)
        assert offered[0] == "31.0"
        assert "62.0" in offered
        org.add_fault(Fault.status(404, "nothing"), match="/services/data", times=1)
        assert await offered_versions(http, org.url) == []
        assert await offered_versions(http, "http://127.0.0.1:9") == []


@needs_recordings
async def test_a_recorded_401_is_renewed_and_the_recorded_queries_are_read() -> None:
    recorded = exchanges("JupiterOne", "user-role")
    with replayed(recorded) as url:
        async with Http() as http:
            vault = _RecordedVault(url)
            client = Client(http, Session(http, vault), login_url=url, api_version="50.0", retry_for=5)
            described = await describe(client, "UserRole")
            found = [page async for page in pages(client, "SELECT Id, Name FROM UserRole")]
    totals = [json.loads(each.body)["totalSize"] for each in recorded if '"totalSize"' in each.body]
    assert [page.total for page in found] == totals
    assert all(len(page.records) == page.total for page in found)
    assert described.name == "UserRole"
    assert described.field("Name") is not None
    (saved,) = vault.saved
    assert saved.refresh_token == "kept"
    assert saved.instance_url == url
    assert saved.scope == "refresh_token api"


@needs_recordings
async def test_a_recorded_refusal_to_renew_ends_without_a_loop() -> None:
    with replayed(exchanges("JupiterOne", "client-auth-error")) as url:
        async with Http() as http:
            vault = _RecordedVault(url)
            client = Client(http, Session(http, vault), login_url=url, api_version="50.0", retry_for=5)
            with pytest.raises(OrgsyncError, match="invalid_client_id") as caught:
                await describe(client, "User")
    assert caught.value.exit_code == 3
    assert len(vault.reasons) == 1


class _RecordedVault(OneTokenVault):
    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.saved: list[Credentials] = []
        self.reasons: list[str] = []

    async def load(self) -> Credentials:
        return Credentials(
            grant="refresh-token",
            login_url=self.url,
            client_id="x",
            client_secret="y",
            refresh_token="kept",
            access_token="dead",
            instance_url=self.url,
        )

    async def save(self, credentials: Credentials, *, renewed: Credentials) -> Credentials:
        self.saved.append(credentials)
        return credentials

    async def refused(self, error: SignInNeeded, *, renewed: Credentials) -> Credentials:
        self.reasons.append(error.cause)
        return renewed


async def test_the_date_of_a_caches_copy_tells_no_time() -> None:
    noon = datetime(2026, 3, 3, 12, tzinfo=UTC)
    date = "Sun, 01 Mar 2026 12:00:00 GMT"
    async with RawServer(reply(Date=date, Age="86400"), reply(Date=date, Age="0")) as server, Http() as http:
        client = lone_client(http, server.url, clock=lambda: noon)
        await client.get("limits")
        assert client.now == noon
        await client.get("limits")
        assert client.now == noon - timedelta(days=2)


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("/services/data/v62.0/query/é 1", "invalid address for the next page"),
        ("/services/data/v62.0/query/a\r\nX: y", "invalid address for the next page"),
        ("http://127.0.0.1:9/services/data/v62.0/query/x", "next page at 127.0.0.1:9, which is another host or port"),
        ("//127.0.0.1:9/services", "next page at .* another host or port"),
        ("services/data/v62.0/query/x", "not a path"),
    ],
)
async def test_an_address_of_a_next_page_that_is_none_is_the_servers_fault(url: str, named: str) -> None:
    page = {"totalSize": 2, "done": False, "records": [{"Id": "x"}], "nextRecordsUrl": url}
    child = {"totalSize": 1, "done": True, "records": [{"Id": "x", "Contacts": page}]}
    async with RawServer(reply(200, page)) as server, Http() as http:
        with pytest.raises(ResponseUnreadable, match=named):
            await gather(pages(lone_client(http, server.url), "SELECT Id FROM Contact"))
    async with RawServer(reply(200, child)) as server, Http() as http:
        with pytest.raises(ResponseUnreadable, match=named):
            await gather(records(lone_client(http, server.url), "SELECT Id, (SELECT Id FROM Contacts) FROM Account"))


async def test_a_next_page_may_be_named_with_its_own_host() -> None:
    async with RawServer() as server, Http() as http:
        first = {"totalSize": 2, "done": False, "records": [{"Id": "1"}], "nextRecordsUrl": f"{server.url}/services/2"}
        server.will_answer(reply(200, first), reply(200, {"totalSize": 2, "done": True, "records": [{"Id": "2"}]}))
        found = [page async for page in pages(lone_client(http, server.url), "SELECT Id FROM Contact")]
    assert len(found) == 2


async def gather(found: AsyncIterator[object]) -> None:
    async for _ in found:
        pass


async def test_a_certificate_that_is_not_trusted_is_tried_once() -> None:
    server_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(server_tls)  # pyright: ignore[reportUnknownMemberType]
    async with RawServer(reply(), tls=server_tls) as server, Http() as http:
        tries = 0

        class Counted(Http):
            async def send(self, *args: Any, **options: Any) -> Response:
                nonlocal tries
                tries += options.get("form") is None
                return await http.send(*args, **options)

        with pytest.raises(NetworkProblem, match="its certificate is not trusted"):
            await lone_client(Counted(), server.url).get("limits")
    assert tries == 1
