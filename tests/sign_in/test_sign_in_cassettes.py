"""Sign-in, replayed from cassettes that were recorded from the demo org."""

from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from orgsync import Credentials
from orgsync.application import Connections, Workspace, connect, open_workspace
from orgsync.demo_org import DemoOrg
from orgsync.discovery import find_sync
from orgsync.errors import SignInNeeded
from orgsync.salesforce.web_flow import state_of
from tests.projects import settings_for
from tests.stage import HOST, Stage

ACCOUNTS = find_sync("accounts", Path("nowhere"))


async def connected(workspace: Workspace, credentials: Credentials) -> str:
    made = await connect(workspace, "acme", credentials)
    assert made.connection.status == "ready"
    assert made.connection.instance_url.startswith(("http://127.0.0.1:", HOST))
    assert made.connection.api_version == "62.0"
    return made.connection.username


async def test_a_refresh_token_signs_in(stage: Stage, tmp_path: Path) -> None:
    async with open_workspace(settings_for(tmp_path)) as workspace:
        assert await connected(workspace, stage.credentials()) == "ada@demo.example"


async def test_client_credentials_sign_in(stage: Stage, tmp_path: Path) -> None:
    credentials = replace(stage.credentials(), grant="client-credentials", refresh_token=None)
    async with open_workspace(settings_for(tmp_path)) as workspace:
        assert await connected(workspace, credentials) == "ada@demo.example"
        assert (await stage.run(workspace, ACCOUNTS)).run.added == 5


async def test_a_signed_assertion_signs_in(stage: Stage, tmp_path: Path) -> None:
    credentials = replace(
        stage.credentials(),
        grant="jwt",
        refresh_token=None,
        client_secret=None,
        username="ada@demo.example",
        private_key=stage.org.private_key_pem if stage.org else any_key(),
    )
    async with open_workspace(settings_for(tmp_path)) as workspace:
        assert await connected(workspace, credentials) == "ada@demo.example"


CALLBACK = "http://localhost:8788/callback"


async def test_a_customer_who_allows_the_app_in_the_browser_is_connected(stage: Stage, tmp_path: Path) -> None:
    connections, app = Connections(settings_for(tmp_path)), stage.credentials()
    begun = await connections.begin(
        "acme",
        environment=app.login_url,
        client_id=app.client_id,
        client_secret=app.client_secret,
        redirect_uri=CALLBACK,
    )
    connection = await connections.finish(await allowed(stage, begun.url))
    assert (connection.name, connection.username, connection.grant) == ("acme", "ada@demo.example", "refresh-token")
    async with open_workspace(settings_for(tmp_path)) as workspace:
        assert (await stage.run(workspace, ACCOUNTS)).run.added == 5


async def allowed(stage: Stage, url: str) -> str:
    """Press Allow, as a browser would, and give the address it is sent back to; a replay makes one up."""
    if stage.org is None:
        return f"{CALLBACK}?code=x&state={state_of(url)}"
    async with httpx.AsyncClient() as browser:
        return (await browser.get(f"{url}&decision=allow")).headers["location"]


async def test_a_wrong_secret_is_refused_and_nothing_is_kept(stage: Stage, tmp_path: Path) -> None:
    wrong = replace(stage.credentials(), client_secret="wrong")
    async with open_workspace(settings_for(tmp_path)) as workspace:
        with pytest.raises(SignInNeeded, match="client"):
            await connect(workspace, "acme", wrong)
        assert not await workspace.store.connections()


async def test_a_dead_refresh_token_ends_the_connection_at_once(stage: Stage, tmp_path: Path) -> None:
    async with open_workspace(settings_for(tmp_path)) as workspace:
        await connect(workspace, "acme", stage.credentials())
        stage.meanwhile(lambda org: org.revoke_refresh_tokens())
        outcome = await stage.run(workspace, ACCOUNTS)
        assert isinstance(outcome.problem, SignInNeeded)
        again = await stage.run(workspace, ACCOUNTS)
        assert isinstance(again.problem, SignInNeeded)
        assert (await workspace.store.connection("acme")).status == "needs sign-in"


async def test_a_rotated_refresh_token_is_kept(stage: Stage, tmp_path: Path) -> None:
    def rotate(org: DemoOrg) -> None:
        org.rotate_refresh_tokens = True

    async with open_workspace(settings_for(tmp_path)) as workspace:
        stage.meanwhile(rotate)
        await connect(workspace, "acme", stage.credentials())
        first = (await workspace.store.secrets("acme"))["refresh_token"]
        stage.meanwhile(lambda org: org.expire_tokens())
        assert (await stage.run(workspace, ACCOUNTS)).problem is None
        second = (await workspace.store.secrets("acme"))["refresh_token"]
        stage.meanwhile(lambda org: org.expire_tokens())
        assert (await stage.run(workspace, ACCOUNTS)).problem is None
        third = (await workspace.store.secrets("acme"))["refresh_token"]
    assert len({first, second, third}) == 3


def any_key() -> str:
    """Make a key; a replay looks at no signature."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form, none = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, form, none).decode()
