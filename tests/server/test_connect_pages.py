"""What a customer meets who opens the link of a connect session, and what somebody who means harm does not reach."""

import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from orgsync.demo_org import DemoOrg, Fault
from tests.raw_database import execute

from .connecting import Customer, connecting, new_link
from .serving import Served

HOOK = """\
from orgsync import Org, Refused, on_connect


@on_connect
async def has_our_package(org: Org) -> None:
    raise Refused("Your org lacks <our> package.", "Install it.")
"""
RETURN = "https://crm.example.com/orgs?tab=2"


@pytest_asyncio.fixture
async def served(tmp_path: Path, org: DemoOrg) -> AsyncGenerator[Served]:
    async with connecting(tmp_path, org) as found:
        await found.project.store.webhooks.add("https://example.com/hook", events=[], connections=None, tags=[])
        yield found


@pytest_asyncio.fixture
async def customer(org: DemoOrg) -> AsyncGenerator[Customer]:
    async with Customer(org) as found:
        yield found


async def state_of(served: Served, session: str) -> tuple[str, str | None]:
    row, _ = await served.project.connect_sessions.get(session)
    return row.state, row.code


async def told(served: Served) -> list[tuple[str, dict[str, Any]]]:
    """Read what webhooks are told, the first first."""
    found = await served.project.store.webhooks.deliveries(None)
    return [(each.type, json.loads(each.body)["data"]) for each in reversed(found)]


async def names(served: Served) -> list[str]:
    return [each.name for each in await served.project.connections.list()]


async def test_a_customer_connects_an_org_and_is_sent_back_to_the_product(served: Served, customer: Customer) -> None:
    session, link = await new_link(served, return_url=RETURN, tags=["eu"], metadata={"customer": 7})
    ended = await customer.connect(link)
    assert ended.status_code == 303
    assert ended.headers["location"] == f"{RETURN}&session={session}&state=connected"
    made = await served.project.connections.get("globex")
    assert (made.status, made.tags, made.metadata, made.grant) == ("ready", ["eu"], {"customer": 7}, "refresh-token")
    assert await state_of(served, session) == ("connected", None)
    (added, _), finished = await told(served)
    assert added == "connection.added"
    assert finished == ("connect_session.finished", {"session": session, "connection": "globex"})
    await served.project.connections.test("globex")


async def test_without_a_url_to_return_to_a_page_says_that_it_is_done(served: Served, customer: Customer) -> None:
    _, link = await new_link(served)
    ended = await customer.connect(link)
    assert (ended.status_code, "is connected to Acme CRM" in ended.text) == (200, True)


async def test_the_page_says_who_asks_for_what_and_sends_nobody_elsewhere(served: Served, customer: Customer) -> None:
    _, link = await new_link(
        served, app_name="<b>Acme & Co\u202e</b>", account_name="Globex\u202e", environments=["sandbox"]
    )
    page = await customer.browser.get(link)
    assert "&lt;b&gt;Acme &amp; Co" in page.text
    assert "<b>Acme" not in page.text
    assert "\u202e" not in page.text
    assert "test.salesforce.com" in page.text
    assert "My Domain" not in page.text
    headers = page.headers
    assert (headers["cache-control"], headers["referrer-policy"]) == ("no-store", "no-referrer")
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    begun = await customer.begin(link, environment="sandbox")
    assert begun.headers["location"].startswith("https://test.salesforce.com/services/oauth2/authorize?")


async def test_a_denied_sign_in_may_be_tried_again(served: Served, customer: Customer) -> None:
    session, link = await new_link(served, return_url=RETURN)
    denied = await customer.connect(link, "deny")
    assert denied.status_code == 400
    assert "choose Allow" in denied.text
    assert f'href="{link.removeprefix(served.url)}"' in denied.text
    assert f"session={session}&amp;state=failed" in denied.text
    assert await state_of(served, session) == ("failed", "denied")
    assert (await told(served))[-1] == (
        "connect_session.failed",
        {"session": session, "connection": "globex", "code": "denied"},
    )
    again = await customer.begin(link)
    assert "prompt=login%20consent" in again.headers["location"]
    assert (await customer.browser.get(await customer.allow(again))).status_code == 303
    assert await state_of(served, session) == ("connected", None)


async def test_a_connection_that_needs_a_sign_in_is_ready_again(served: Served, customer: Customer) -> None:
    await served.project.store.connections.update("acme", status="needs sign-in", status_reason="revoked")
    _, link = await new_link(served, "acme")
    assert "It was connected before" in (await customer.browser.get(link)).text
    assert (await customer.connect(link)).status_code == 200
    assert (await served.project.connections.get("acme")).status == "ready"
    last = [event for event, _ in await told(served)][-3:]
    assert last == ["connection.ready", "alert.cleared", "connect_session.finished"]


async def test_another_org_does_not_take_the_place_of_a_connection(
    served: Served, org: DemoOrg, customer: Customer
) -> None:
    await served.project.store.connections.update("acme", org_id="00D000000000001AAA")
    session, link = await new_link(served, "acme")
    ended = await customer.connect(link)
    assert (ended.status_code, "another Salesforce org" in ended.text) == (400, True)
    assert await state_of(served, session) == ("failed", "wrong_org")
    kept = await served.project.store.connections.secrets("acme")
    assert kept["refresh_token"] == org.refresh_token


async def test_an_org_whose_api_is_off_is_not_connected(served: Served, org: DemoOrg, customer: Customer) -> None:
    session, link = await new_link(served)
    off = Fault.json_error(403, "API_DISABLED_FOR_ORG", "API is not enabled for this Organization or Partner")
    org.add_fault(off, match="/query")
    ended = await customer.connect(link)
    assert "API Enabled" in ended.text
    assert await state_of(served, session) == ("failed", "api_disabled")
    assert await names(served) == ["acme"]


@pytest.mark.parametrize(
    ("instance", "wanted", "code"),
    [
        ("acme--uat.sandbox.my.salesforce.com", "production", "wrong_environment_sandbox"),
        ("acme.my.salesforce.com", "sandbox", "wrong_environment_production"),
    ],
)
async def test_a_sign_in_to_the_other_kind_of_org_says_so(
    served: Served, org: DemoOrg, customer: Customer, instance: str, wanted: str, code: str
) -> None:
    answer = {"access_token": "00D!x", "refresh_token": "5Aep861", "instance_url": f"https://{instance}"}
    session, link = await new_link(served, environments=[wanted, "my_domain"])
    org.add_fault(Fault.status(200, json.dumps(answer), content_type="application/json"), match="/token")
    ended = await customer.connect(link)
    assert (ended.status_code, "You signed in to a" in ended.text) == (400, True)
    assert await state_of(served, session) == ("failed", code)
    assert await names(served) == ["acme"]


async def test_a_hook_that_refuses_an_org_tells_the_customer_so(
    served: Served, customer: Customer, tmp_path: Path
) -> None:
    (tmp_path / "syncs").mkdir()
    (tmp_path / "syncs" / "check.py").write_text(HOOK)
    session, link = await new_link(served)
    ended = await customer.connect(link)
    assert "Your org lacks &lt;our&gt; package." in ended.text
    assert await state_of(served, session) == ("failed", "refused_by_product")
    assert await names(served) == ["acme"]


async def test_one_callback_that_comes_many_times_at_once_connects_once(served: Served, customer: Customer) -> None:
    session, link = await new_link(served)
    callback = await customer.allow(await customer.begin(link))
    statuses: list[int] = []

    async def arrive() -> None:
        statuses.append((await customer.browser.get(callback)).status_code)

    async with anyio.create_task_group() as group:
        for _ in range(4):
            group.start_soon(arrive)
    assert statuses.count(200) == 1
    assert await state_of(served, session) == ("connected", None)
    assert [event for event, _ in await told(served)].count("connect_session.finished") == 1


async def test_neither_log_nor_answer_holds_what_a_customers_browser_brings(served: Served, customer: Customer) -> None:
    _, link = await new_link(served)
    with capture_logs() as logs:
        callback = await customer.allow(await customer.begin(link), "deny")
        ended = await customer.browser.get(callback)
        await customer.browser.get(f"{served.url}/connect/callback?state=x&code=s3cret")
    [failed, refused] = [each for each in logs if each["event"].startswith("connect ")]
    assert (failed["code"], refused["code"]) == ("denied", "sign_in_needed")
    for secret in (link.rpartition("/")[2], httpx.URL(callback).params["state"].partition(".")[2], "s3cret"):
        assert secret not in str(logs)
    assert httpx.URL(callback).params["state"] not in ended.text


@pytest.mark.parametrize(
    ("error", "description", "code", "words"),
    [
        ("OAUTH_APP_BLOCKED", "this app is blocked by admin", "app_blocked", "is blocked in your org"),
        ("invalid_client", "app must be installed into org", "app_not_installed", "is not installed in your org"),
        ("invalid_scope", "scope not supported", "app_settings", "please tell Acme CRM"),
        ("server_error", "unexpected", "salesforce_busy", "Wait a minute"),
    ],
)
async def test_what_salesforce_refuses_is_said_in_the_customers_words(
    served: Served, customer: Customer, error: str, description: str, code: str, words: str
) -> None:
    session, link = await new_link(served)
    callback = httpx.URL(await customer.allow(await customer.begin(link)))
    refused = callback.copy_with(
        params={"error": error, "error_description": description, "state": callback.params["state"]}
    )
    ended = await customer.browser.get(refused)
    assert words in ended.text
    assert "orgsync" not in ended.text.partition("<main")[2]
    assert await state_of(served, session) == ("failed", code)


async def test_a_link_is_good_for_one_org(served: Served, customer: Customer, org: DemoOrg) -> None:
    session, link = await new_link(served)
    callback = await customer.allow(await customer.begin(link))
    assert (await customer.browser.get(callback)).status_code == 200
    tokens = len([each for each in org.requests if each.path.endswith("/token")])
    for url in (callback, link):
        again = await customer.browser.get(url)
        assert (again.status_code, "used already" in again.text) == (410, True)
    assert len([each for each in org.requests if each.path.endswith("/token")]) == tokens
    assert await state_of(served, session) == ("connected", None)


async def test_a_link_that_expires_connects_nothing(served: Served, customer: Customer, tmp_path: Path) -> None:
    session, link = await new_link(served)
    callback = await customer.allow(await customer.begin(link))
    execute(tmp_path, "UPDATE orgsync_connect_session SET expires_at = '2026-01-01T00:00:00.000Z'")
    for url in (callback, link):
        late = await customer.browser.get(url)
        assert (late.status_code, "expired" in late.text) == (410, True)
    async with await served.caller("connect") as caller:
        assert (await caller.get(f"/api/v1/connect-sessions/{session}")).json()["state"] == "expired"
    assert await names(served) == ["acme"]


async def test_another_browser_cannot_finish_what_one_has_begun(
    served: Served, org: DemoOrg, customer: Customer
) -> None:
    session, link = await new_link(served)
    callback = await customer.allow(await customer.begin(link))
    async with Customer(org) as victim:
        lured = await victim.browser.get(callback)
        assert (lured.status_code, "not begun in this browser" in lured.text) == (400, True)
        await victim.browser.get(link)  # which gives it a cookie of its own
        assert (await victim.browser.get(callback)).status_code == 400
    assert await state_of(served, session) == ("waiting", None)
    assert (await customer.browser.get(callback)).status_code == 200, "nothing was used up by them"


async def test_a_sign_in_connects_nothing_under_another_sessions_name(served: Served, customer: Customer) -> None:
    first, link = await new_link(served, "globex")
    second, other = await new_link(served, "initech")
    callback = await customer.allow(await customer.begin(link))
    await customer.allow(await customer.begin(other))
    swapped = await customer.browser.get(callback.replace(first, second))
    assert swapped.status_code == 400
    assert await names(served) == ["acme"]
    assert (await customer.browser.get(callback)).status_code == 200
    assert await names(served) == ["acme", "globex"]
    assert await state_of(served, second) == ("waiting", None)


@pytest.mark.parametrize("tampered", ["", "state=", "state=cs_none.x", "state=a&state=b", "code=x", "state=%00"])
async def test_a_callback_that_was_made_up_changes_nothing(served: Served, customer: Customer, tampered: str) -> None:
    session, link = await new_link(served)
    await customer.begin(link)
    answer = await customer.browser.get(f"{served.url}/connect/callback?{tampered}")
    assert answer.status_code == 400
    assert await state_of(served, session) == ("waiting", None)


async def test_a_form_of_another_site_begins_nothing(served: Served, org: DemoOrg, customer: Customer) -> None:
    session, link = await new_link(served)
    async with Customer(org) as attacker:
        theirs = await attacker.begin(link, csrf="0" * 64)
        assert theirs.status_code == 403
    await customer.browser.get(link)
    for form in ({"environment": "production"}, {"csrf": "", "environment": "production"}):
        answer = await customer.browser.post(link, data=form)
        assert (answer.status_code, "location" in answer.headers) == (403, False)
    row, _ = await served.project.connect_sessions.get(session)
    assert row.attempts == 0


@pytest.mark.parametrize(
    "my_domain",
    [
        *("evil.example", "https://evil.example/my.salesforce.com", "acme.my.salesforce.com.evil.example"),
        *("acme.my.salesforce.com@evil.example", "evil.example#.my.salesforce.com", "acme.my.salesforce.com:8443"),
        *("127.0.0.1", "localhost", "localhost:6379", "[::1]:80", "169.254.169.254", "10.0.0.1"),
        *("evilmy.salesforce.com.", "аcme.my.salesforce.com", "login.salesforce.com", "www.salesforce.com", ""),
    ],
)
async def test_a_my_domain_never_leads_to_a_host_that_is_not_an_orgs(
    served: Served, org: DemoOrg, customer: Customer, my_domain: str
) -> None:
    _, link = await new_link(served)
    org.clear_requests()
    with capture_logs() as logs:
        answer = await customer.begin(link, my_domain=my_domain)
    assert (answer.status_code, "location" in answer.headers) == (422, False), answer.headers
    assert org.requests == []
    [told] = [each for each in logs if each["event"] == "connect page refused a host"]
    assert "allowed_hosts" in told["remedy"]
    assert "evil" not in str(told)


@pytest.mark.parametrize(
    ("typed", "leads_to"),
    [
        ("acme", "acme.my.salesforce.com"),
        ("acme--uat", "acme--uat.sandbox.my.salesforce.com"),
        (" HTTP://Acme.my.salesforce.com/home/home.jsp ", "acme.my.salesforce.com"),
        ("https://acme.lightning.force.com/lightning/page/home", "acme.my.salesforce.com"),
        ("acme--uat.sandbox.lightning.force.com", "acme--uat.sandbox.my.salesforce.com"),
    ],
)
async def test_a_my_domain_is_understood_as_customers_have_it(
    served: Served, customer: Customer, typed: str, leads_to: str
) -> None:
    _, link = await new_link(served)
    answer = await customer.begin(link, my_domain=typed)
    assert answer.headers["location"].startswith(f"https://{leads_to}/services/oauth2/authorize?")


@pytest.mark.parametrize("typed", ["acme.my.saleforce.com", "acme.salesforce.com", "acme.my.salesforce.co"])
async def test_a_typo_in_a_my_domain_gets_the_nearest(served: Served, customer: Customer, typed: str) -> None:
    _, link = await new_link(served)
    answer = await customer.begin(link, my_domain=typed)
    assert "Did you mean acme.my.salesforce.com?" in answer.text
    assert f'value="{typed}"' in answer.text


async def test_a_sandbox_is_refused_where_production_is_asked_for(served: Served, customer: Customer) -> None:
    _, link = await new_link(served, environments=["production", "my_domain"])
    answer = await customer.begin(link, my_domain="acme--uat.sandbox.my.salesforce.com")
    assert (answer.status_code, "My Domain of a sandbox" in answer.text) == (422, True)
    assert (await customer.begin(link, environment="sandbox")).status_code == 422


async def test_nothing_in_a_request_sends_the_customer_to_another_site(served: Served, customer: Customer) -> None:
    session, link = await new_link(served, return_url=RETURN)
    begun = await customer.begin(f"{link}?return_url=https://evil.example", return_url="https://evil.example")
    callback = await customer.allow(begun)
    ended = await customer.browser.get(f"{callback}&return_url=https://evil.example")
    assert ended.headers["location"] == f"{RETURN}&session={session}&state=connected"


async def test_what_is_no_link_says_so(served: Served, customer: Customer) -> None:
    answer = await customer.browser.get(f"{served.url}/connect/{'x' * 43}")
    assert (answer.status_code, "Ask for a new link" in answer.text) == (410, True)


async def test_a_server_that_cannot_look_a_link_up_says_so_on_a_page(
    served: Served, customer: Customer, tmp_path: Path
) -> None:
    _, link = await new_link(served)
    execute(tmp_path, "DROP TABLE orgsync_connect_session")
    answer = await customer.browser.get(link)
    assert (answer.status_code // 100, answer.headers["content-type"]) == (5, "text/html; charset=utf-8")
    assert "Not connected" in answer.text
    assert "orgsync_connect_session" not in answer.text
