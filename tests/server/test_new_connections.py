"""Credentials brought over HTTP: signed in with, kept, and shown nowhere."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from orgsync.demo_org import DemoOrg

from .connecting import connecting
from .serving import Served, serving

PATH = "/api/v1/connections"


@pytest_asyncio.fixture
async def served(tmp_path: Path, org: DemoOrg) -> AsyncGenerator[Served]:
    async with connecting(tmp_path, org) as found:
        yield found


def with_refresh_token(org: DemoOrg) -> dict[str, Any]:
    return {
        "name": "globex",
        "flow": "refresh-token",
        "login_url": org.login_url,
        "client_id": org.client_id,
        "client_secret": org.client_secret,
        "refresh_token": org.refresh_token,
    }


def with_sfdx_url(org: DemoOrg) -> dict[str, Any]:
    host = org.login_url.removeprefix("http://")
    url = f"force://{org.client_id}:{org.client_secret}:{org.refresh_token}@{host}"
    return {"name": "globex", "flow": "sfdx-url", "sfdx_url": url}


def with_client_credentials(org: DemoOrg) -> dict[str, Any]:
    left_out = ("refresh_token",)
    return {key: value for key, value in with_refresh_token(org).items() if key not in left_out} | {
        "flow": "client-credentials"
    }


@pytest.mark.parametrize("asked", [with_refresh_token, with_sfdx_url, with_client_credentials])
async def test_credentials_are_signed_in_with_and_no_secret_is_answered(
    served: Served, org: DemoOrg, asked: Any
) -> None:
    body = {**asked(org), "tags": ["eu"], "metadata": {"customer": 7}}
    with capture_logs() as logs:
        async with await served.caller("admin") as caller:
            answer = await caller.post(PATH, json=body)
            assert answer.status_code == 201, answer.text
            assert answer.json() == (await caller.get(f"{PATH}/globex")).json()
    assert (answer.json()["tags"], answer.json()["metadata"]) == (["eu"], {"customer": 7})
    for secret in (org.client_secret, org.refresh_token):
        assert secret not in answer.text
        assert secret not in str(logs)
    await served.project.connections.test("globex")


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"refresh_token": "5Aep861wrong"}, 409, "sign_in_needed"),
        ({"refresh_token": None}, 400, "credentials_invalid"),
        ({"username": "ada@demo.example"}, 400, "credentials_invalid"),
        ({"environment": "sandbox"}, 400, "credentials_invalid"),
        ({"login_url": "https://evil.example"}, 400, "host_not_allowed"),
        ({"login_url": "http://127.0.0.1:1"}, 400, "host_not_allowed"),
        ({"name": "a b"}, 400, "argument_invalid"),
        ({"flow": "password"}, 422, "argument_invalid"),
        ({"refresh_token": ["5Aep861wrong"]}, 422, "argument_invalid"),
        ({"flow": "jwt", "refresh_token": None, "client_secret": None}, 400, "credentials_invalid"),
    ],
)
async def test_what_does_not_sign_in_is_not_kept_and_not_repeated(
    served: Served, org: DemoOrg, changed: dict[str, Any], status: int, code: str
) -> None:
    async with await served.caller("admin") as caller:
        answer = await caller.post(PATH, json={**with_refresh_token(org), **changed})
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert "5Aep861" not in answer.text
    assert org.client_secret not in answer.text
    assert [each.name for each in await served.project.connections.list()] == ["acme"]


@pytest.mark.parametrize("part", ["client_secret", "refresh_token", "client_id"])
async def test_a_part_that_salesforce_refuses_is_named_as_the_call_gave_it(
    served: Served, org: DemoOrg, part: str
) -> None:
    async with await served.caller("admin") as caller:
        answer = await caller.post(PATH, json={**with_refresh_token(org), part: "5Aep861wrong"})
    assert answer.json()["detail"] == f"Send another {part}: it came with this call."


async def test_a_call_is_not_answered_with_what_is_to_be_run_on_the_server(served: Served, org: DemoOrg) -> None:
    async with await served.caller("admin") as caller:
        without_secret = await caller.post(PATH, json={**with_refresh_token(org), "client_secret": None})
        elsewhere = await caller.post(PATH, json={**with_refresh_token(org), "login_url": "http://127.0.0.1:9"})
    assert without_secret.json()["detail"] == "Send client_secret as well."
    assert "orgsync connect" not in elsewhere.text


async def test_it_takes_the_scope_admin_and_a_connection_of_the_tokens_own(served: Served, org: DemoOrg) -> None:
    async with (
        await served.caller("connect", "run", name="other") as other,
        await served.caller("admin", connections=["acme"], name="limited") as limited,
    ):
        assert (await other.post(PATH, json=with_refresh_token(org))).status_code == 403
        assert (await limited.post(PATH, json=with_refresh_token(org))).status_code == 403
        again = await limited.post(PATH, json={**with_refresh_token(org), "name": "acme"})
    assert again.status_code == 201


async def test_a_login_host_on_the_servers_own_machine_has_to_be_allowed_by_name(tmp_path: Path, org: DemoOrg) -> None:
    async with serving(tmp_path, org) as served, await served.caller("admin") as caller:
        org.clear_requests()
        for asked in (with_refresh_token(org), with_sfdx_url(org)):
            answer = await caller.post(PATH, json=asked)
            assert (answer.status_code, answer.json()["code"]) == (400, "host_not_allowed")
    assert org.requests == []
