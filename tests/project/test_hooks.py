"""Hooks of a project: what they are asked when a connection is made, and what becomes of their answers."""

from dataclasses import replace
from pathlib import Path

import httpx
import pytest

import orgsync
from orgsync import Hook, Org, Refused, on_connect
from orgsync.application import connections_of
from orgsync.demo_org import DemoOrg
from orgsync.errors import OrgsyncError, QueryRefused, ScriptNotLoaded, ScriptRaised
from orgsync.project import open_project
from tests.projects import credentials_for, settings_for

COUNTS = """\
from orgsync import Org, on_connect


@on_connect
async def count_accounts(org: Org) -> dict[str, int]:
    return {"accounts": len([row async for row in org.query("SELECT Id FROM Account")])}
"""

REFUSES = """\
from orgsync import Org, Refused, on_connect


@on_connect
async def licensed(org: Org) -> None:
    raise Refused("This org has no licence for our package.", "Buy one, and connect again.")
"""


def script(folder: Path, name: str, text: str) -> None:
    (folder / "syncs").mkdir(exist_ok=True)
    (folder / "syncs" / name).write_text(text)


def allowed(url: str) -> str:
    """Press Allow on the authorize page, and give the URL that the browser is sent back to."""
    return httpx.get(f"{url}&decision=allow").headers["location"]


async def names(folder: Path) -> list[str]:
    return [each.name for each in await connections_of(settings_for(folder)).list()]


async def test_a_hook_asks_the_org_and_what_it_returns_is_kept_as_metadata(tmp_path: Path, org: DemoOrg) -> None:
    script(tmp_path, "checks.py", COUNTS)
    there = connections_of(settings_for(tmp_path))
    made = await there.add("acme", credentials_for(org), metadata={"plan": "gold", "accounts": 0})
    assert made.metadata == {"plan": "gold", "accounts": len(org.rows("Account"))}
    assert (await there.get("acme")).metadata == made.metadata


async def test_a_hook_that_refuses_keeps_everything_from_being_stored(tmp_path: Path, org: DemoOrg) -> None:
    script(tmp_path, "checks.py", REFUSES)
    with pytest.raises(Refused, match=r"no licence for our package\. Buy one, and connect again"):
        await connections_of(settings_for(tmp_path)).add("acme", credentials_for(org))
    assert await names(tmp_path) == []


async def test_a_refusal_without_a_remedy_names_the_hook(tmp_path: Path, org: DemoOrg) -> None:
    script(tmp_path, "checks.py", REFUSES.replace(', "Buy one, and connect again."', ""))
    with pytest.raises(Refused) as refused:
        await connections_of(settings_for(tmp_path)).add("acme", credentials_for(org))
    assert refused.value.remedy == "acme was not connected: the hook licensed refuses the org."


async def test_hooks_are_called_by_file_and_name_until_one_refuses(tmp_path: Path, org: DemoOrg) -> None:
    note = "from orgsync import Org, Refused, on_connect\nfrom pathlib import Path\n"
    for name, hooks in {"b.py": ("late",), "a.py": ("second", "first")}.items():
        for hook in hooks:
            note_it = f"    with Path({str(tmp_path / 'calls')!r}).open('a') as file:\n        file.write('{hook} ')\n"
            end = "    raise Refused('No.')\n" if hook == "late" else ""
            header = note if hook == hooks[0] else ""
            before = (tmp_path / "syncs" / name).read_text() if not header else ""
            script(
                tmp_path, name, f"{before}{header}\n\n@on_connect\nasync def {hook}(org: Org) -> None:\n{note_it}{end}"
            )
    with pytest.raises(Refused):
        await connections_of(settings_for(tmp_path)).add("acme", credentials_for(org))
    assert (tmp_path / "calls").read_text() == "first second late "


async def test_a_hook_that_raises_is_reported_with_its_line_and_nothing_is_stored(tmp_path: Path, org: DemoOrg) -> None:
    script(tmp_path, "checks.py", REFUSES.replace('raise Refused("This', 'raise ValueError("This'))
    with pytest.raises(ScriptRaised) as raised:
        await connections_of(settings_for(tmp_path)).add("acme", credentials_for(org))
    assert raised.value.cause == (f"The hook licensed raised ValueError at {tmp_path / 'syncs' / 'checks.py'}, line 6.")
    assert raised.value.remedy == "Correct the script; --debug shows the traceback. Nothing was stored."
    assert "no licence" not in str(raised.value)
    assert await names(tmp_path) == []


async def test_a_query_of_a_hook_that_the_org_refuses_ends_the_sign_in(tmp_path: Path, org: DemoOrg) -> None:
    script(tmp_path, "checks.py", COUNTS.replace("FROM Account", "FROM Acount"))
    with pytest.raises(OrgsyncError, match="Acount") as raised:
        await connections_of(settings_for(tmp_path)).add("acme", credentials_for(org))
    assert isinstance(raised.value, QueryRefused) or raised.value.code == "object_not_found"
    assert await names(tmp_path) == []


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        ("'no licence'", "returns a str, not metadata"),
        ("False", "returns a bool, not metadata"),
        ("{'since': __import__('datetime').date.today()}", r"metadata\['since'\] is a date, which JSON does not hold"),
        ("{'share': float('nan')}", "no finite number"),
        ("{'name': chr(0xD800)}", "half of a character"),
        ("{'deep': __import__('functools').reduce(lambda a, _: {'a': a}, range(500), 1)}", "64 levels deep"),
        ("{7: 'seven'}", "JSON's are text"),
    ],
)
async def test_what_a_hook_returns_and_cannot_be_kept_is_named(
    tmp_path: Path, org: DemoOrg, returned: str, message: str
) -> None:
    text = REFUSES[: REFUSES.index("    raise")] + f"    return {returned}\n"
    script(tmp_path, "checks.py", text)
    with pytest.raises(ScriptNotLoaded, match=message):
        await connections_of(settings_for(tmp_path)).add("acme", credentials_for(org))
    assert await names(tmp_path) == []


async def test_a_script_that_does_not_load_keeps_an_org_out_before_anything_is_sent(
    tmp_path: Path, org: DemoOrg
) -> None:
    script(tmp_path, "checks.py", f"import nothing_of_that_name\n{COUNTS}")
    before = len(org.requests)
    with pytest.raises(ScriptNotLoaded, match=r"checks\.py, line 1: ModuleNotFoundError.*it may hold a hook"):
        await connections_of(settings_for(tmp_path)).add("acme", credentials_for(org))
    assert len(org.requests) == before


async def test_signing_in_again_asks_the_hooks_again_and_a_refusal_leaves_the_connection(
    tmp_path: Path, org: DemoOrg
) -> None:
    there = connections_of(settings_for(tmp_path))
    await there.add("acme", credentials_for(org), tags=["eu"])
    script(tmp_path, "checks.py", REFUSES)
    with pytest.raises(Refused):
        await there.add("acme", credentials_for(org), tags=["us"])
    assert (await there.get("acme")).tags == ["eu"]


async def test_a_refused_sign_in_does_not_lose_the_rotated_token_of_the_connection(
    tmp_path: Path, org: DemoOrg
) -> None:
    org.rotate_refresh_tokens = True
    there = connections_of(settings_for(tmp_path))
    await there.add("acme", credentials_for(org))
    script(tmp_path, "checks.py", REFUSES)
    async with open_project(settings_for(tmp_path)) as project:
        stored = await project.store.connections.secrets("acme")
        again = replace(credentials_for(org), refresh_token=stored["refresh_token"])
        with pytest.raises(Refused):
            await project.connections.add("acme", again)
    org.expire_tokens()
    await there.test("acme")


async def test_the_customers_sign_in_asks_the_hooks_too(tmp_path: Path, org: DemoOrg) -> None:
    script(tmp_path, "checks.py", COUNTS)
    there = connections_of(settings_for(tmp_path))
    callback = "http://127.0.0.1:8000/callback"
    org.callback_urls.append(callback)
    begun = await there.begin(
        "acme",
        redirect_uri=callback,
        client_id=org.client_id,
        client_secret=org.client_secret,
        environment=org.login_url,
        metadata={"customer": 7},
    )
    came_back = allowed(begun.url)
    made = await there.finish(came_back, state=begun.state)
    assert made.metadata == {"customer": 7, "accounts": len(org.rows("Account"))}


async def test_a_hook_can_be_called_by_a_test(tmp_path: Path, org: DemoOrg) -> None:
    @on_connect
    async def licensed(org: Org) -> dict[str, str]:
        return {"user": org.connection.user_id}

    assert isinstance(licensed, Hook)
    there = connections_of(settings_for(tmp_path))
    await there.add("acme", credentials_for(org))
    async with orgsync.open("acme", settings=settings_for(tmp_path)) as opened:
        assert await licensed(opened) == {"user": org.user_id}


@pytest.mark.parametrize(
    ("decorated", "message"),
    [
        ("@on_connect\ndef check(org):\n    ...", "The hook check is not an `async def`"),
        ("@on_connect\nasync def check(org):\n    yield", "without `yield`"),
        ("@on_connect\nasync def check():\n    ...", r"check\(\) cannot be called with its org alone"),
        ("@on_connect\nasync def check(org, other):\n    ...", r"check\(org, other\) cannot be called"),
        ("@on_connect\nclass Check:\n    ...", "stands above a class"),
        ("@on_connect('check')\nasync def check(org):\n    ...", "stands above a str"),
    ],
)
async def test_what_is_no_hook_is_refused_with_what_to_write(
    tmp_path: Path, org: DemoOrg, decorated: str, message: str
) -> None:
    script(tmp_path, "checks.py", f"from orgsync import on_connect\n\n{decorated}\n")
    with pytest.raises(ScriptNotLoaded, match=message) as raised:
        await connections_of(settings_for(tmp_path)).add("acme", credentials_for(org))
    assert "async def" in raised.value.remedy
