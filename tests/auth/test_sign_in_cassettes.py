"""Sign-in, replayed from cassettes that were recorded from the demo org."""

from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from orgsync import Credentials
from orgsync.application import connections_of
from orgsync.demo_org import DemoOrg
from orgsync.errors import SignInNeeded
from orgsync.project import Project, open_project
from orgsync.salesforce.auth.web_flow import state_of
from orgsync.testing import Clock, TestCassette
from orgsync_syncs.accounts import accounts
from tests.plain_http import NOBODY
from tests.projects import executed, settings_for

USERNAMES = ("ada@demo.example", "xx1@xxxx.invalid")
"""The demo org's user while recording, and who stands for them in a cassette."""


async def connected(opened: Project, credentials: Credentials) -> str:
    made = await opened.connections.connect("acme", credentials)
    assert made.connection.status == "ready"
    assert made.connection.instance_url.startswith(("http://127.0.0.1:", "https://replay.my.salesforce.com"))
    assert made.connection.api_version == "62.0"
    return made.connection.username


async def test_a_refresh_token_signs_in(cassette: TestCassette, tmp_path: Path) -> None:
    async with open_project(settings_for(tmp_path)) as opened:
        assert await connected(opened, cassette.credentials) in USERNAMES


async def test_client_credentials_sign_in(cassette: TestCassette, clock: Clock, tmp_path: Path) -> None:
    credentials = replace(cassette.credentials, grant="client-credentials", refresh_token=None)
    async with open_project(settings_for(tmp_path)) as opened:
        assert await connected(opened, credentials) in USERNAMES
        assert (await executed(opened, accounts, clock=lambda: clock.now)).run.added == 5


async def test_a_signed_assertion_signs_in(
    cassette: TestCassette, recorded_org: DemoOrg | None, tmp_path: Path
) -> None:
    credentials = replace(
        cassette.credentials,
        grant="jwt",
        refresh_token=None,
        client_secret=None,
        username="ada@demo.example",
        private_key=recorded_org.private_key_pem if recorded_org else any_key(),
    )
    async with open_project(settings_for(tmp_path)) as opened:
        assert await connected(opened, credentials) in USERNAMES


CALLBACK = "http://localhost:8788/callback"


async def test_a_customer_who_allows_the_app_in_the_browser_is_connected(
    cassette: TestCassette, clock: Clock, tmp_path: Path
) -> None:
    connections, app = connections_of(settings_for(tmp_path)), cassette.credentials
    begun = await connections.begin(
        "acme",
        environment=app.login_url,
        client_id=app.client_id,
        client_secret=app.client_secret,
        redirect_uri=CALLBACK,
    )
    callback = await allowed(begun.url, recorded=cassette.recording)
    connection = await connections.finish(callback, state=begun.state)
    assert (connection.name, connection.username, connection.grant) == ("acme", connection.username, "refresh-token")
    assert connection.username in USERNAMES
    async with open_project(settings_for(tmp_path)) as opened:
        assert (await executed(opened, accounts, clock=lambda: clock.now)).run.added == 5


async def allowed(url: str, *, recorded: bool) -> str:
    """Press Allow, as a browser would, and give the address it is sent back to; a replay makes one up."""
    if not recorded:
        return f"{CALLBACK}?code=x&state={state_of(url)}"
    async with httpx.AsyncClient(verify=NOBODY, timeout=30) as browser:
        return (await browser.get(f"{url}&decision=allow")).headers["location"]


async def test_a_wrong_secret_is_refused_and_nothing_is_kept(cassette: TestCassette, tmp_path: Path) -> None:
    wrong = replace(cassette.credentials, client_secret="wrong")
    async with open_project(settings_for(tmp_path)) as opened:
        with pytest.raises(SignInNeeded, match="client"):
            await opened.connections.connect("acme", wrong)
        assert not await opened.store.connections.list()


async def test_a_dead_refresh_token_ends_the_connection_at_once(
    cassette: TestCassette, clock: Clock, recorded_org: DemoOrg | None, tmp_path: Path
) -> None:
    async with open_project(settings_for(tmp_path)) as opened:
        await opened.connections.connect("acme", cassette.credentials)
        if recorded_org:
            recorded_org.revoke_refresh_tokens()
        outcome = await executed(opened, accounts, clock=lambda: clock.now)
        assert isinstance(outcome.problem, SignInNeeded)
        again = await executed(opened, accounts, clock=lambda: clock.now)
        assert isinstance(again.problem, SignInNeeded)
        assert (await opened.store.connections.get("acme")).status == "needs sign-in"


async def test_a_rotated_refresh_token_is_kept(
    cassette: TestCassette, clock: Clock, recorded_org: DemoOrg | None, tmp_path: Path
) -> None:
    async with open_project(settings_for(tmp_path)) as opened:
        if recorded_org:
            recorded_org.rotate_refresh_tokens = True
        await opened.connections.connect("acme", cassette.credentials)
        first = (await opened.store.connections.secrets("acme"))["refresh_token"]
        if recorded_org:
            recorded_org.expire_tokens()
        assert (await executed(opened, accounts, clock=lambda: clock.now)).problem is None
        second = (await opened.store.connections.secrets("acme"))["refresh_token"]
        if recorded_org:
            recorded_org.expire_tokens()
        assert (await executed(opened, accounts, clock=lambda: clock.now)).problem is None
        third = (await opened.store.connections.secrets("acme"))["refresh_token"]
    assert len({first, second, third}) == 3


def any_key() -> str:
    """Make a key; a replay looks at no signature."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form, none = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, form, none).decode()
