"""Connect sessions over the API: made for one connection, asked after, cancelled."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from orgsync.demo_org import DemoOrg
from orgsync.server import ServerOptions

from .connecting import Customer, connecting, new_link
from .serving import Served, serving

ASKED: dict[str, Any] = {"connection": "globex", "app_name": "Acme CRM"}
PATH = "/api/v1/connect-sessions"


@pytest_asyncio.fixture
async def served(tmp_path: Path, org: DemoOrg) -> AsyncGenerator[Served]:
    async with connecting(tmp_path, org) as found:
        yield found


async def test_a_session_is_made_and_says_how_it_stands(served: Served) -> None:
    async with await served.caller("connect") as caller:
        made = (await caller.post(PATH, json={**ASKED, "return_url": "https://crm.example.com/done?a=1"})).json()
        assert made["callback_url"] == f"{served.url}/connect/callback"
        assert made["url"].startswith(f"{served.url}/connect/")
        session = made["session"]
        assert (session["state"], session["connection"], session["code"]) == ("waiting", "globex", None)
        assert session["environments"] == ["production", "sandbox", "my_domain"]
        assert (await caller.get(f"{PATH}/{session['id']}")).json() == session
        assert made["url"].rpartition("/")[2] not in (await caller.get(f"{PATH}/{session['id']}")).text


async def test_a_cancelled_session_connects_nothing_more(served: Served, org: DemoOrg) -> None:
    session, link = await new_link(served)
    async with Customer(org) as customer, await served.caller("connect") as caller:
        callback = await customer.allow(await customer.begin(link))
        assert (await caller.delete(f"{PATH}/{session}")).json()["state"] == "cancelled"
        late = await customer.browser.get(callback)
        assert (late.status_code, "withdrawn" in late.text) == (410, True)
        assert (await customer.browser.get(link)).status_code == 410
    assert [each.name for each in await served.project.connections.list()] == ["acme"]


@pytest.mark.parametrize(
    ("sent", "kind", "says"),
    [
        (b'{"connection": "acme"}', "application/x-www-form-urlencoded", "`Content-Type: application/json`"),
        (b'["acme"]', "text/plain", "The body was not sent as JSON."),
        (b'["acme"]', "application/json", "The body is not a JSON object."),
        (b'["acme"]', "Application/vnd.api+JSON", "The body is not a JSON object."),
        (b'{"connection": "acme"', "application/json", "Correct it near character 21."),
    ],
)
async def test_a_body_that_is_not_json_or_not_sent_as_it_is_refused_with_what_to_do(
    served: Served, sent: bytes, kind: str, says: str
) -> None:
    async with await served.caller("connect") as caller:
        answer = await caller.post(PATH, content=sent, headers={"Content-Type": kind})
    problem = answer.json()
    assert (answer.status_code, says in f"{problem['title']} {problem['detail']}") == (422, True), answer.text


@pytest.mark.parametrize(
    ("wrong", "status", "code"),
    [
        ({"connection": "a b"}, 400, "argument_invalid"),
        ({"app_name": ""}, 422, "argument_invalid"),
        ({"environments": ["staging"]}, 422, "argument_invalid"),
        ({"environments": []}, 422, "argument_invalid"),
        ({"colour": "red"}, 422, "argument_invalid"),
        ({"tags": ["a b"]}, 400, "argument_invalid"),
        ({"return_url": "http://crm.example.com/"}, 400, "argument_invalid"),
        ({"return_url": "//crm.example.com/"}, 400, "argument_invalid"),
        ({"return_url": "javascript:alert(1)"}, 400, "argument_invalid"),
        ({"return_url": "https://crm.example.com@evil.example/"}, 400, "argument_invalid"),
        ({"return_url": "https://crm.example.com\\@evil.example/"}, 400, "argument_invalid"),
        ({"return_url": "https://crm.example.com/\r\nSet-Cookie: a=b"}, 400, "argument_invalid"),
        ({"return_url": "https://crm.example.com/?state=connected"}, 400, "argument_invalid"),
        ({"return_url": "https://crm.example.com/<a b>"}, 400, "argument_invalid"),
        ({"return_url": "https://crm.example.com/#x"}, 400, "argument_invalid"),
    ],
)
async def test_what_cannot_be_asked_for_is_refused(
    served: Served, wrong: dict[str, Any], status: int, code: str
) -> None:
    async with await served.caller("connect") as caller:
        answer = await caller.post(PATH, json={**ASKED, **wrong})
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


async def test_only_tokens_with_the_scope_make_sessions_and_limited_ones_for_their_own_alone(served: Served) -> None:
    session, _ = await new_link(served)
    async with (
        await served.caller("read", "run", "proxy", name="reader") as reader,
        await served.caller("connect", connections=["acme"], name="limited") as limited,
    ):
        assert (await reader.post(PATH, json=ASKED)).status_code == 403
        assert (await limited.post(PATH, json=ASKED)).status_code == 403
        assert (await limited.post(PATH, json={**ASKED, "connection": "acme"})).status_code == 201
        assert (await limited.get(f"{PATH}/{session}")).status_code == 404
        assert (await limited.delete(f"{PATH}/{session}")).status_code == 404
    assert (await served.project.connect_sessions.get(session))[0].state == "waiting"


async def test_without_an_app_to_sign_in_with_it_is_said_before_any_customer_comes(
    tmp_path: Path, org: DemoOrg
) -> None:
    async with connecting(tmp_path, org, client_id=None) as served, await served.caller("connect") as caller:
        answer = await caller.post(PATH, json=ASKED)
    assert (answer.status_code, answer.json()["code"]) == (503, "setting_invalid")
    assert "ORGSYNC_CLIENT_ID" in answer.json()["detail"]


async def test_links_lead_to_the_public_address_and_its_host_is_answered(tmp_path: Path, org: DemoOrg) -> None:
    public = "https://sync.example.com/orgsync"
    async with connecting(tmp_path, org, public_url=f"{public}/") as served, await served.caller("connect") as caller:
        made = (await caller.post(PATH, json=ASKED)).json()
        assert made["url"].startswith(f"{public}/connect/")
        assert made["callback_url"] == f"{public}/connect/callback"
        page = await caller.get(f"/connect/{made['url'].rpartition('/')[2]}", headers={"Host": "sync.example.com"})
        assert page.status_code == 200
        assert page.headers["set-cookie"].startswith("__Host-orgsync-connect=")
        for part in ("Secure", "HttpOnly", "SameSite=lax", "Path=/"):
            assert part in page.headers["set-cookie"]


async def test_a_server_that_customers_would_reach_over_http_makes_no_links(tmp_path: Path, org: DemoOrg) -> None:
    options = ServerOptions(hosts=["sync.example.com"])
    async with (
        serving(tmp_path, org, options, client_id=org.client_id) as served,
        await served.caller("connect") as caller,
    ):
        answer = await caller.post(PATH, json=ASKED, headers={"Host": "sync.example.com"})
        assert (answer.status_code, answer.json()["code"]) == (503, "setting_invalid")
        assert "public_url" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("host", "status", "code"),
    [
        ("evil.example", 421, "host_not_allowed"),
        ("127.0.0.1.evil.example", 421, "host_not_allowed"),
        ("127.0.0.1:80@evil.example", 400, "host_invalid"),
    ],
)
async def test_a_foreign_host_gets_no_link_of_its_own(served: Served, host: str, status: int, code: str) -> None:
    async with await served.caller("connect") as caller:
        answer = await caller.post(PATH, json=ASKED, headers={"Host": host})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
