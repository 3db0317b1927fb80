"""Every way of signing in, against the demo org over real HTTP."""

import logging
import re
import sys
from collections.abc import Callable, Generator
from dataclasses import replace
from datetime import datetime
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import anyio
import pytest
import stamina
from anyio.abc import Process
from anyio.streams.text import TextReceiveStream

from orgsync.demo_org import DemoOrg, Fault
from orgsync.errors import NetworkProblem, OrgsyncError, ServerProblem, SignInNeeded
from orgsync.salesforce.auth.browser_callback import sign_in_by_browser
from orgsync.salesforce.auth.credentials import Credentials
from orgsync.salesforce.auth.grants import parse_sfdx_auth_url
from orgsync.salesforce.auth.session import Access, Session
from orgsync.salesforce.auth.sign_in import sign_in
from orgsync.salesforce.auth.token_endpoint import identity, introspect
from orgsync.salesforce.auth.versions import offered_versions
from orgsync.salesforce.http.http import Http

from .vaults import FileVault, MemoryVault

ROOT = Path(__file__).parents[2]
TOKEN = "/services/oauth2/token"


@pytest.fixture(autouse=True)
def no_waiting() -> Generator[None]:
    """Let retries follow each other at once, four attempts at most."""
    with stamina.set_testing(True, attempts=4, cap=True):
        yield


@pytest.fixture
def org() -> Generator[DemoOrg]:
    """Start a demo org with next to no rows."""
    with DemoOrg(contacts=2, accounts=1) as running:
        yield running


def refresh_token(org: DemoOrg) -> Credentials:
    return Credentials(
        grant="refresh-token",
        login_url=org.login_url,
        client_id=org.client_id,
        client_secret=org.client_secret,
        refresh_token=org.refresh_token,
    )


def jwt_bearer(org: DemoOrg) -> Credentials:
    return Credentials(
        grant="jwt",
        login_url=org.login_url,
        client_id=org.client_id,
        client_secret=org.client_secret,  # no part of the grant, but introspection asks for it
        username=org.username,
        private_key=org.private_key_pem,
    )


def client_credentials(org: DemoOrg) -> Credentials:
    return Credentials(
        grant="client-credentials",
        login_url=org.login_url,
        client_id=org.client_id,
        client_secret=org.client_secret,
    )


def sfdx_url(org: DemoOrg) -> Credentials:
    host = org.login_url.removeprefix("http://")
    return parse_sfdx_auth_url(f"force://{org.client_id}:{org.client_secret}:{org.refresh_token}@{host}")


Grant = Callable[[DemoOrg], Credentials]
GRANTS: list[Grant] = [refresh_token, jwt_bearer, client_credentials, sfdx_url]


async def works(http: Http, access: Access) -> bool:
    answer = await http.send(
        "GET",
        f"{access.instance_url}/services/data/v62.0/limits",
        headers={"Authorization": f"Bearer {access.token}"},
    )
    return answer.ok


def token_requests(org: DemoOrg) -> int:
    return sum(request.path == TOKEN for request in org.requests)


@pytest.mark.parametrize("grant", GRANTS)
async def test_each_grant_signs_in_and_learns_who_where_and_how_long(org: DemoOrg, grant: Grant) -> None:
    async with Http() as http:
        complete = await sign_in(http, grant(org))
        assert (complete.org_id, complete.user_id, complete.username) == (org.org_id, org.user_id, org.username)
        assert complete.instance_url == org.instance_url
        assert complete.lifetime == pytest.approx(7200, abs=2)
        session = Session(http, MemoryVault(complete))
        assert await works(http, await session.access())
    assert token_requests(org) == 1


@pytest.mark.parametrize("grant", GRANTS)
async def test_each_grant_renews_a_dead_token(org: DemoOrg, grant: Grant) -> None:
    async with Http() as http:
        vault = MemoryVault(await sign_in(http, grant(org)))
        session = Session(http, vault)
        dead = await session.access()
        org.expire_tokens()
        assert not await works(http, dead)
        assert await works(http, await session.renew(dead))
        assert vault.credentials.lifetime == pytest.approx(7200, abs=2)


async def test_a_jwt_without_a_client_secret_signs_in_but_learns_no_lifetime(org: DemoOrg) -> None:
    async with Http() as http:
        complete = await sign_in(http, replace(jwt_bearer(org), client_secret=None))
    assert (complete.lifetime, complete.username) == (None, org.username)


async def test_without_introspection_the_lifetime_stays_unknown_and_the_sign_in_stands(org: DemoOrg) -> None:
    org.introspection_allowed = False
    async with Http() as http:
        complete = await sign_in(http, refresh_token(org))
        assert complete.lifetime is None
        assert await works(http, await Session(http, MemoryVault(complete)).access())


@pytest.mark.parametrize("status", [400, 401, 403, 404, 500])
async def test_no_failure_of_introspection_or_userinfo_fails_the_sign_in(org: DemoOrg, status: int) -> None:
    org.add_fault(Fault.status(status, "<html>no</html>"), match="introspect", times=None)
    org.add_fault(Fault.status(status, "<html>no</html>"), match="userinfo", times=None)
    async with Http() as http:
        complete = await sign_in(http, refresh_token(org))
    assert (complete.lifetime, complete.username) == (None, org.username)  # the identity URL tells it as well
    assert complete.org_id == org.org_id


@pytest.mark.parametrize("status", [406, 408, 420, 503])
async def test_what_passes_beside_the_token_is_asked_again(org: DemoOrg, status: int) -> None:
    for path in ("introspect", "userinfo", "/services/data$"):
        org.add_fault(Fault.status(status, "<html>busy</html>"), match=path, times=2)
    async with Http() as http:
        complete = await sign_in(http, refresh_token(org))
        assert complete.lifetime == pytest.approx(7200, abs=2)
        assert complete.username == org.username
        assert "62.0" in await offered_versions(http, org.instance_url)


async def test_a_network_that_breaks_beside_the_token_does_not_fail_the_sign_in(org: DemoOrg) -> None:
    org.add_fault(Fault.reset(), match="introspect")
    org.add_fault(Fault.reset(), match="userinfo")
    org.add_fault(Fault.reset(), match="/id/")
    async with Http() as http:
        complete = await sign_in(http, refresh_token(org))
    assert (complete.lifetime, complete.username, complete.org_id) == (None, None, org.org_id)


async def test_a_user_name_that_was_given_stays(org: DemoOrg) -> None:
    async with Http() as http:
        complete = await sign_in(http, replace(refresh_token(org), username="given@example.org"))
    assert complete.username == "given@example.org"


async def test_a_token_is_renewed_before_its_end_without_a_refused_request(org: DemoOrg) -> None:
    def clock() -> datetime:
        return org.now

    async with Http() as http:
        session = Session(http, MemoryVault(await sign_in(http, refresh_token(org), clock=clock)), clock=clock)
        first = await session.access()
        org.advance(seconds=7000)
        assert await session.access() == first
        org.advance(seconds=150)
        second = await session.access()
        assert second != first
        assert await works(http, second)
    assert [request.status for request in org.requests if request.status == 401] == []


async def test_rotated_refresh_tokens_are_followed_from_renewal_to_renewal(org: DemoOrg) -> None:
    org.rotate_refresh_tokens = True
    async with Http() as http:
        vault = MemoryVault(await sign_in(http, refresh_token(org)))
        assert vault.credentials.refresh_token != org.refresh_token
        session = Session(http, vault)
        access = await session.access()
        for _ in range(3):
            org.expire_tokens()
            access = await session.renew(access)
            assert await works(http, access)
    assert len({saved.refresh_token for saved in vault.saved}) == 3


async def test_a_revoked_refresh_token_ends_the_connection_and_is_not_asked_again(org: DemoOrg) -> None:
    async with Http() as http:
        vault = MemoryVault(await sign_in(http, refresh_token(org)))
        session = Session(http, vault)
        dead = await session.access()
        org.revoke_refresh_tokens()
        org.clear_requests()
        for _ in range(3):
            with pytest.raises(SignInNeeded, match="does not accept the refresh token"):
                await session.renew(dead)
    assert token_requests(org) == 1
    assert len(vault.reasons) == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"client_secret": "wrong"}, "does not accept the client secret"),
        ({"client_secret": None}, "without a client secret, and none was sent"),
        ({"client_id": "3MVGwrong"}, "No app with this client id"),
        ({"refresh_token": "5Aepwrong"}, "does not accept the refresh token"),
        ({"org_id": "00DOTHER0000000AAA"}, "leads to the org"),
    ],
)
async def test_wrong_credentials_are_refused_with_their_cause(
    org: DemoOrg, change: dict[str, str | None], words: str
) -> None:
    async with Http() as http:
        with pytest.raises(SignInNeeded, match=words) as caught:
            await sign_in(http, replace(refresh_token(org), **change))  # type: ignore[arg-type]
    assert caught.value.exit_code == 3
    assert token_requests(org) == 1


async def test_a_jwt_for_a_user_or_key_that_the_app_does_not_know_is_refused(org: DemoOrg) -> None:
    async with Http() as http:
        with pytest.raises(SignInNeeded, match="has not been given this app"):
            await sign_in(http, replace(jwt_bearer(org), username="eve@demo.example"))
        with pytest.raises(SignInNeeded, match="this machine's clock"):
            await sign_in(http, jwt_bearer(org), clock=lambda: datetime.fromtimestamp(0).astimezone())


async def test_a_moved_instance_is_followed(org: DemoOrg) -> None:
    async with Http() as http:
        session = Session(http, MemoryVault(await sign_in(http, refresh_token(org))))
        old = await session.access()
        org.move_instance()
        assert not await works(http, old)
        new = await session.renew(old)
        assert new.instance_url == org.instance_url != old.instance_url
        assert await works(http, new)


async def test_fifty_tasks_that_meet_a_dead_token_make_one_token_request(org: DemoOrg) -> None:
    async with Http() as http:
        session = Session(http, MemoryVault(await sign_in(http, refresh_token(org))))
        await session.access()
        org.expire_tokens()
        org.clear_requests()
        worked: list[bool] = []

        async def call() -> None:
            access = await session.access()
            if not await works(http, access):
                worked.append(await works(http, await session.renew(access)))

        async with anyio.create_task_group() as group:
            for _ in range(50):
                group.start_soon(call)
    assert worked == [True] * 50
    assert token_requests(org) == 1


@pytest.mark.parametrize(
    "fault",
    [
        Fault.status(503, "<html>busy</html>"),
        Fault.maintenance(),
        Fault.reset(),
        Fault.truncate(),
        Fault.status(406),
        Fault.status(408, "<html>Request Timeout</html>"),
        Fault.status(403, "<html>a gateway's page</html>"),
        Fault.oauth_error("server_error", ""),
        Fault.oauth_error("invalid_grant", "token request is already being processed"),
    ],
    ids=["503", "maintenance", "reset", "truncated", "406", "408", "403", "server_error", "in process"],
)
async def test_a_token_endpoint_in_trouble_is_asked_again(org: DemoOrg, fault: Fault) -> None:
    async with Http() as http:
        vault = MemoryVault(await sign_in(http, refresh_token(org)))
        session = Session(http, vault)
        dead = await session.access()
        org.expire_tokens()
        org.add_fault(fault, match=TOKEN, times=2)
        assert await works(http, await session.renew(dead))
        org.add_fault(fault, match=TOKEN, times=None)
        with pytest.raises((ServerProblem, NetworkProblem, OrgsyncError)) as caught:
            await session.renew(Access(vault.credentials.access_token or "", org.instance_url))
        assert not isinstance(caught.value, SignInNeeded)
    assert vault.reasons == []


async def test_a_first_sign_in_is_asked_again_as_well(org: DemoOrg) -> None:
    org.add_fault(Fault.maintenance(), match=TOKEN, times=2)
    async with Http() as http:
        assert (await sign_in(http, refresh_token(org))).access_token
    assert token_requests(org) == 3


async def test_a_login_host_that_hangs_is_given_up(org: DemoOrg) -> None:
    async with Http() as http:
        session = Session(http, MemoryVault(await sign_in(http, refresh_token(org))), token_timeout=0.05)
        org.add_fault(Fault.hang(), match=TOKEN, times=None)
        with pytest.raises(NetworkProblem, match="not answered in time"):
            await session.renew(await session.access())


async def test_a_revoked_token_is_dead(org: DemoOrg) -> None:
    async with Http() as http:
        complete = await sign_in(http, refresh_token(org))
        org.revoke_refresh_tokens()
        assert await introspect(http, complete) is None
        assert (await identity(http, complete)).username is None
        with pytest.raises(SignInNeeded):
            await Session(http, MemoryVault(replace(complete, access_token=None))).access()


async def test_without_a_browser_the_url_is_only_shown(org: DemoOrg) -> None:
    shown: list[str] = []
    app = Credentials(grant="refresh-token", login_url=org.login_url, client_id=org.client_id)
    async with Http() as http:
        with pytest.raises(SignInNeeded, match="Nobody finished the sign-in"):
            await sign_in_by_browser(http, app, announce=shown.append, port=0, within=0.01)
    assert shown[0].startswith(f"{org.login_url}/services/oauth2/authorize?")


async def by_browser(org: DemoOrg, decision: str, app: Credentials) -> tuple[Credentials, str]:
    """Sign in with an HTTP client for a browser; give the credentials and the last page."""
    urls: list[str] = []
    shown = anyio.Event()
    pages: list[str] = []
    outcome: list[Credentials] = []
    errors: list[OrgsyncError] = []

    def announce(url: str) -> None:
        org.callback_urls.append(parse_qs(urlsplit(url).query)["redirect_uri"][0])
        urls.append(url)

    def open_url(url: str) -> None:
        assert "authorize" not in url  # it becomes the argument of a process
        shown.set()

    async def command(http: Http) -> None:
        try:
            outcome.append(await sign_in_by_browser(http, app, announce=announce, open_url=open_url, port=0, within=20))
        except OrgsyncError as error:
            errors.append(error)

    async with Http() as http, anyio.create_task_group() as group:
        group.start_soon(command, http)
        await shown.wait()
        page = (await http.send("GET", urls[0])).content.decode()
        fields = dict(re.findall(r'type="hidden" name="([^"]*)" value="([^"]*)"', page))
        form = {name: unescape(value) for name, value in fields.items()} | {"decision": decision}
        sent_back = await http.send("POST", f"{org.login_url}/services/oauth2/authorize", form=form)
        location = sent_back.headers["location"].replace("localhost", "127.0.0.1")
        pages.append((await http.send("GET", location)).content.decode())
    if errors:
        assert errors[0].cause.split(" (")[0] in unescape(pages[0])
        raise errors[0]
    return outcome[0], pages[0]


async def test_a_person_signs_in_by_browser(org: DemoOrg) -> None:
    app = Credentials(
        grant="refresh-token", login_url=org.login_url, client_id=org.client_id, client_secret=org.client_secret
    )
    credentials, page = await by_browser(org, "allow", app)
    assert "<h1>Signed in</h1>" in page
    assert (credentials.org_id, credentials.username) == (org.org_id, org.username)
    assert credentials.lifetime == pytest.approx(7200, abs=2)
    assert token_requests(org) == 1
    async with Http() as http:
        vault = MemoryVault(credentials)
        session = Session(http, vault)
        dead = await session.access()
        org.expire_tokens()
        assert await works(http, await session.renew(dead))


async def test_a_person_who_denies_ends_the_sign_in(org: DemoOrg) -> None:
    app = Credentials(grant="refresh-token", login_url=org.login_url, client_id=org.client_id)
    with pytest.raises(SignInNeeded, match="refused in the browser"):
        await by_browser(org, "deny", app)
    assert token_requests(org) == 0


async def test_a_wrong_secret_is_reported_in_the_browser_as_well(org: DemoOrg) -> None:
    app = Credentials(grant="refresh-token", login_url=org.login_url, client_id=org.client_id, client_secret="wrong")
    with pytest.raises(SignInNeeded, match="does not accept the client secret"):
        await by_browser(org, "allow", app)


async def test_a_person_who_signs_in_to_another_org_than_the_connections_is_refused(org: DemoOrg) -> None:
    app = Credentials(
        grant="refresh-token",
        login_url=org.login_url,
        client_id=org.client_id,
        client_secret=org.client_secret,
        org_id="00DOTHER0000000AAA",
    )
    with pytest.raises(SignInNeeded, match="connect the other org under another name"):
        await by_browser(org, "allow", app)


async def test_two_processes_and_rotating_tokens_make_one_request(org: DemoOrg, tmp_path: Path) -> None:
    org.rotate_refresh_tokens = True
    path = tmp_path / "vault.json"
    async with Http() as http:
        first = await sign_in(http, refresh_token(org))
    FileVault(path).put(first)
    processes: list[Process] = []
    for _ in range(2):
        command = [sys.executable, "-m", f"{__package__}.renewing_process", str(path)]
        processes.append(await anyio.open_process(command, cwd=ROOT, stderr=None))
    outputs = [TextReceiveStream(process.stdout) for process in processes if process.stdout is not None]
    assert [await output.receive() for output in outputs] == [f"{first.access_token}\n"] * 2
    org.expire_tokens()
    org.clear_requests()
    for process in processes:
        assert process.stdin is not None
        await process.stdin.send(b"\n")
    renewed = {await output.receive() for output in outputs}
    for process in processes:
        await process.wait()
        await process.aclose()
    stored = await FileVault(path).load()
    assert renewed == {f"{stored.access_token}\n"}
    assert token_requests(org) == 1
    async with Http() as http:
        assert await works(http, Access(stored.access_token or "", org.instance_url))


async def test_no_secret_of_a_sign_in_is_in_a_log_or_a_repr(org: DemoOrg, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="httpx")
    caplog.set_level(logging.DEBUG, logger="httpcore.connection")
    caplog.set_level(logging.DEBUG, logger="stamina")
    org.rotate_refresh_tokens = True
    org.add_fault(Fault.maintenance(), match=TOKEN)
    async with Http() as http:
        vault = MemoryVault(await sign_in(http, refresh_token(org)))
        session = Session(http, vault)
        first = await session.access()
        org.expire_tokens()
        second = await session.renew(first)
    secrets = [org.client_secret, org.refresh_token, first.token, second.token, vault.credentials.refresh_token or "?"]
    text = " ".join([caplog.text, repr(vault.credentials), repr(session), repr(second), *map(repr, vault.saved)])
    assert [secret for secret in secrets if secret in text] == []
