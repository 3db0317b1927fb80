"""An org's own API through the server: with a live token, streamed, and nowhere else."""

import gzip
from pathlib import Path
from urllib.parse import unquote

import httpx
import pytest

from orgsync.demo_org import DemoOrg, Fault
from orgsync.server import ServerOptions
from tests.plain_http import NOBODY

from .serving import Served, serving

PROXY = "/api/v1/connections/acme/proxy"
DATA = f"{PROXY}/services/data/v62.0"


async def test_a_call_goes_through_with_the_orgs_token_and_comes_back_as_it_is(served: Served, org: DemoOrg) -> None:
    async with await served.caller("proxy") as caller:
        found = await caller.get(f"{DATA}/query", params={"q": "SELECT Id, LastName FROM Contact LIMIT 2"})
        made = await caller.post(f"{DATA}/sobjects/Contact", json={"LastName": "Lovelace"})
        wrong = await caller.get(f"{DATA}/query", params={"q": "SELECT Nothing__c FROM Contact"})
    assert (found.status_code, found.json()["totalSize"]) == (200, 2)
    assert "sforce-limit-info" in found.headers
    assert made.status_code == 201
    assert made.headers["location"].startswith(DATA) if "location" in made.headers else True
    assert wrong.status_code == 400
    assert wrong.json()[0]["errorCode"] == "INVALID_FIELD"
    assert [row for row in org.rows("Contact") if row["LastName"] == "Lovelace"]


async def test_a_dead_token_is_renewed_and_the_same_body_is_sent_once_more(served: Served, org: DemoOrg) -> None:
    async with await served.caller("proxy") as caller:
        assert (await caller.get(f"{DATA}/limits")).status_code == 200
        org.expire_tokens()
        small = await caller.post(f"{DATA}/sobjects/Contact", json={"LastName": "Small"})
        org.expire_tokens()
        large = await caller.post(
            f"{DATA}/sobjects/Contact", json={"LastName": "Large", "Description": "x" * 3_000_000}
        )
    assert small.status_code == 201
    assert large.status_code in (201, 400)  # as the org takes it: what counts is that it was sent whole
    assert "INVALID_SESSION_ID" not in large.text


@pytest.mark.parametrize(
    "path",
    [
        "/services/oauth2/token",
        "/secur/frontdoor.jsp",
        "/services/data/../../secur/frontdoor.jsp",
        "/services/data/%2e%2e/%2e%2e/secur/frontdoor.jsp",
        "/services/data/%252e%252e/secur/frontdoor.jsp",
        "/services//evil.example/data",
        "//evil.example/services/data",
        "/services/data\\..\\x",
        "/services/dataloader",
        "/https://evil.example/services/data/v62.0",
        "/services%2Foauth2%2Ftoken",
        "/services%2Fdata%2F..%2F..%2Fsecur%2Ffrontdoor.jsp",
        "/services%2Fdata%2F%252e%252e%2F%252e%252e%2Fsecur",
        "/%2F%2Fevil.example%2Fservices%2Fdata",
        *(
            f"/services/data/v62.0/{dots}/{dots}/secur/frontdoor.jsp"
            for dots in (
                *("..", ".", "..;", "..;x=1", ".;", ";", ";x", "%2e%2e", ".%2E", "%2e.", "%2e%2e;", "..%3b", "..%3Fx"),
                *("%252e%252e%253b", "%25252e%25252e", "%2525252525252e", "..%20", "%20..", "..%00", "..%09"),
                *("%c0%ae%c0%ae", "%25c0%25ae", "x%5c..", "x%255c..", "x\\..", "x%0d", "", "x%2f", "x%252f"),
            )
        ),
        "/services/data;x/v62.0/limits",
        "/services/data/v62.0/..",
        "/services/data/v62.0/..;",
        "/services%2Fdata%2F..%253b%2Fsecur",
    ],
)
async def test_what_is_no_path_of_the_api_is_refused_before_anything_is_sent(
    served: Served, org: DemoOrg, path: str
) -> None:
    token = await served.token("proxy")
    org.clear_requests()
    async with httpx.AsyncClient(verify=NOBODY, base_url=served.url, timeout=30) as caller:
        as_it_is = {"target": f"{PROXY}{path}".encode()}  # httpx follows dots itself, and encodes backslashes
        answer = await caller.get("/", headers={"Authorization": f"Bearer {token}"}, extensions=as_it_is)
    code = "argument_invalid" if "%00" in path else "host_not_allowed"
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert org.requests == []


@pytest.mark.parametrize(
    "key", ["a..b", "...", "a%20b", "M%C3%BCller", "%E2%82%AC", "a%2Fb", "a%3Bb", "a;b", "100%25", "100%2525", "a:b@c"]
)
async def test_whatever_an_external_id_may_be_is_a_path_of_the_api(served: Served, org: DemoOrg, key: str) -> None:
    token = await served.token("proxy")
    org.clear_requests()
    async with httpx.AsyncClient(verify=NOBODY, base_url=served.url, timeout=30) as caller:
        as_it_is = {"target": f"{DATA}/sobjects/Contact/Number__c/{key}".encode()}
        await caller.get("/", headers={"Authorization": f"Bearer {token}"}, extensions=as_it_is)
    assert [unquote(request.path) for request in org.requests] == [
        unquote(f"/services/data/v62.0/sobjects/Contact/Number__c/{key}")
    ]


async def test_a_path_with_a_null_character_is_refused_before_anything_is_sent(served: Served, org: DemoOrg) -> None:
    async with await served.caller("proxy") as caller:
        org.clear_requests()
        answer = await caller.get(f"{PROXY}/services/data%00/v62.0")
    assert (answer.status_code, answer.json()["code"]) == (400, "argument_invalid")
    assert org.requests == []


async def test_a_path_that_is_encoded_as_one_name_is_called_as_it_is_meant(served: Served, org: DemoOrg) -> None:
    async with await served.caller("proxy") as caller:
        org.clear_requests()
        found = await caller.get(f"{PROXY}/services%2Fdata%2Fv62.0%2Flimits%2F")
        await caller.get(f"{PROXY}/services%2Fdata%2Fv62.0%2Fsobjects%2FContact%2FNumber__c%2Fa%252Fb")
        await caller.get(f"{DATA}/sobjects/Contact/Number__c/a%2Fb")
    assert found.status_code == 200
    assert len({request.path for request in org.requests[1:]}) == 1


async def test_neither_the_callers_token_nor_its_cookies_reach_the_org_nor_the_orgs_token_the_caller(
    served: Served, org: DemoOrg
) -> None:
    async with await served.caller("proxy") as caller:
        org.clear_requests()
        answer = await caller.get(f"{DATA}/limits", headers={"Cookie": "a=b", "X-Forwarded-For": "1.2.3.4"})
        shown = caller.headers["authorization"].removeprefix("Bearer ")
    [request] = org.requests
    sent = {name.lower(): value for name, value in request.headers.items()}
    assert shown not in str(sent)
    assert not {"cookie", "x-forwarded-for"} & sent.keys()
    assert sent["authorization"].removeprefix("Bearer ") not in f"{answer.headers} {answer.text}"
    assert answer.headers["content-security-policy"].startswith("sandbox")
    assert len(answer.headers.get_list("date")) == 1


async def test_an_org_that_does_not_answer_is_a_problem_of_the_gateway(served: Served, org: DemoOrg) -> None:
    async with await served.caller("proxy") as caller:
        org.add_fault(Fault.reset(), match="/limits", times=None)
        answer = await caller.get(f"{DATA}/limits")
    assert (answer.status_code, answer.headers["content-type"]) == (502, "application/problem+json")


async def test_a_token_needs_the_scope_and_the_connection(served: Served) -> None:
    async with await served.caller("read", "run") as reader:
        assert (await reader.get(f"{DATA}/limits")).status_code == 403
    async with await served.caller("proxy", connections=["acme"], name="limited") as limited:
        assert (await limited.get(f"{DATA}/limits")).status_code == 200
        assert (await limited.get("/api/v1/connections/globex/proxy/services/data")).status_code == 403


async def test_a_call_by_a_connection_that_needs_a_sign_in_says_so(served: Served) -> None:
    await served.project.store.connections.update("acme", status="needs sign-in", status_reason="revoked")
    async with await served.caller("proxy") as caller:
        answer = await caller.get(f"{DATA}/limits")
    assert (answer.status_code, answer.json()["code"]) == (409, "sign_in_needed")


async def test_a_connection_that_is_called_proxy_is_called_too(served: Served) -> None:
    await served.project.connections.rename("acme", "proxy")
    async with await served.caller("proxy") as caller:
        assert (await caller.get("/api/v1/connections/proxy/proxy/services/data/v62.0/limits")).status_code == 200


async def test_below_a_path_that_is_called_proxy_calls_go_through_and_other_bodies_are_bounded(
    tmp_path: Path, org: DemoOrg
) -> None:
    async with (
        serving(tmp_path, org, ServerOptions(root_path="/proxy")) as served,
        await served.caller("admin") as caller,
    ):
        for root in ("", "/proxy"):  # proxies cut the path off, or do not
            assert (await caller.get(f"{root}{DATA}/limits")).status_code == 200
            answer = await caller.patch(f"{root}/api/v1/connections/acme", content=b" " * 2_000_000)
            assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


async def test_a_compressed_body_is_said_to_be_one(served: Served, org: DemoOrg) -> None:
    async with await served.caller("proxy") as caller:
        org.clear_requests()
        body = gzip.compress(b'{"LastName": "Packed"}')
        headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        await caller.post(f"{DATA}/sobjects/Contact", content=body, headers=headers)
    [request] = org.requests
    assert {name.lower(): value for name, value in request.headers.items()}["content-encoding"] == "gzip"


async def test_a_response_that_breaks_off_is_logged_as_that_and_without_a_traceback(
    tmp_path: Path, org: DemoOrg, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    org.add_fault(Fault.truncate(), match="/limits", times=None)
    async with serving(tmp_path, org) as served, await served.caller("proxy") as caller:
        with pytest.raises(httpx.RemoteProtocolError):
            await caller.get(f"{DATA}/limits")
    assert [record for record in caplog.records if record.exc_info] == []
    out = capsys.readouterr()
    assert "response broke off" in f"{caplog.text} {out.out} {out.err}"
