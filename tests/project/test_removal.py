"""Removing a connection: hooks before, its token revoked on request, and kept where either fails."""

from dataclasses import replace
from pathlib import Path

import pytest

from orgsync.application import connections_of
from orgsync.demo_org import DemoOrg, Fault
from orgsync.engine import hooks
from orgsync.errors import ArgumentInvalid, NetworkProblem, OrgsyncError, ScriptNotLoaded, ScriptRaised, SignInNeeded
from orgsync.project.connections import Connections
from orgsync.settings import Settings
from tests.projects import credentials_for, settings_for

ASKS = """\
from pathlib import Path

from orgsync import Org, on_disconnect


@on_disconnect
async def goodbye(org: Org) -> None:
    limits = await org.get("limits")
    Path({path!r}).write_text(f"{{org.connection.name}} {{len(limits) > 0}}")
"""

RAISES = """\
import anyio

from orgsync import Org, on_disconnect


@on_disconnect
async def goodbye(org: Org) -> None:
    {does}
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "syncs").mkdir()
    return settings_for(tmp_path)


@pytest.fixture
async def there(settings: Settings, org: DemoOrg) -> Connections:
    connections = connections_of(settings)
    await connections.add("acme", credentials_for(org))
    return connections


async def test_a_hook_is_called_with_the_org_before_the_connection_goes(
    settings: Settings, there: Connections, tmp_path: Path
) -> None:
    (settings.syncs_folder / "hooks.py").write_text(ASKS.format(path=str(tmp_path / "said")))
    removed = await there.remove("acme")
    assert (removed.revoked, removed.problems) == (None, ())
    assert (tmp_path / "said").read_text() == "acme True"
    assert await there.list() == []


async def test_revoking_ends_the_refresh_token_and_its_sessions(there: Connections, org: DemoOrg) -> None:
    assert (await there.remove("acme", revoke=True)).revoked is True
    with pytest.raises(SignInNeeded):
        await there.add("acme", credentials_for(org))


async def test_without_revoking_the_token_stays_valid(there: Connections, org: DemoOrg) -> None:
    assert (await there.remove("acme")).revoked is None
    await there.add("acme", credentials_for(org))


async def test_a_token_that_is_gone_already_keeps_nothing_from_being_removed(there: Connections, org: DemoOrg) -> None:
    org.revoke_refresh_tokens()
    assert (await there.remove("acme", revoke=True)).revoked is False
    assert await there.list() == []


async def test_a_token_that_another_connection_uses_is_not_revoked(there: Connections, org: DemoOrg) -> None:
    await there.add("acme-too", credentials_for(org))
    with pytest.raises(ArgumentInvalid, match="acme-too signs in with the same refresh token as acme"):
        await there.remove("acme", revoke=True)
    removed = await there.remove("acme", revoke=True, force=True)
    assert removed.revoked is None
    assert [problem.code for problem in removed.problems] == ["argument_invalid"]
    await there.test("acme-too")


async def test_an_org_that_cannot_be_reached_keeps_the_connection_unless_forced(
    there: Connections, org: DemoOrg
) -> None:
    org.add_fault(Fault.reset(), match="oauth2/revoke", times=None)
    with pytest.raises(NetworkProblem, match="acme was not removed; --force removes it all the same"):
        await there.remove("acme", revoke=True)
    assert [each.name for each in await there.list()] == ["acme"]
    removed = await there.remove("acme", revoke=True, force=True)
    assert isinstance(removed.problems[0], NetworkProblem)
    assert await there.list() == []


@pytest.mark.parametrize(
    ("does", "kind", "message"),
    [
        ("raise ValueError('a secret')", ScriptRaised, "The hook goodbye raised ValueError"),
        ("await anyio.sleep_forever()", ScriptRaised, "goodbye has not ended within 0 seconds"),
        ("nothing here", ScriptNotLoaded, "line 8"),
    ],
)
async def test_a_hook_that_fails_keeps_the_connection_unless_forced(
    settings: Settings,
    there: Connections,
    monkeypatch: pytest.MonkeyPatch,
    does: str,
    kind: type[OrgsyncError],
    message: str,
) -> None:
    monkeypatch.setattr(hooks, "HOOK_SECONDS", 0.01)
    (settings.syncs_folder / "hooks.py").write_text(RAISES.format(does=does))
    with pytest.raises(kind, match=message) as failed:
        await there.remove("acme")
    assert failed.value.remedy.endswith("acme was not removed; --force removes it all the same.")
    assert "a secret" not in str(failed.value)
    assert [each.name for each in await there.list()] == ["acme"]
    removed = await there.remove("acme", force=True)
    assert [type(problem) for problem in removed.problems] == [kind]
    assert await there.list() == []


async def test_a_hook_of_a_connection_that_needs_sign_in_is_called_all_the_same(
    settings: Settings, there: Connections, org: DemoOrg, tmp_path: Path
) -> None:
    org.revoke_refresh_tokens()
    org.expire_tokens()
    with pytest.raises(SignInNeeded):
        await there.test("acme")
    assert (await there.get("acme")).status == "needs sign-in"
    does = f"from pathlib import Path; Path({str(tmp_path / 'said')!r}).touch()"
    (settings.syncs_folder / "hooks.py").write_text(RAISES.format(does=does))
    await there.remove("acme")
    assert (tmp_path / "said").exists()


async def test_credentials_without_a_refresh_token_lose_their_access_token(settings: Settings, org: DemoOrg) -> None:
    app = replace(credentials_for(org), grant="client-credentials", refresh_token=None)
    there = connections_of(settings)
    await there.add("acme", app)
    assert (await there.remove("acme", revoke=True)).revoked is True
