"""What a library writes where: results are the application's, log lines go to logging, and nothing to stdout."""

import subprocess
import sys
from pathlib import Path

import pytest

from orgsync.demo_org import DemoOrg, Fault

APPLICATION = """
import asyncio, json, sys
import orgsync
from orgsync import Batches, Context, Credentials, Record, sync
{setup}

class Contact(Record, table=True):
    last_name: str
    level: str | None = orgsync.field("Level__c", optional=True)

@sync
async def contacts(ctx: Context) -> Batches[Contact]:
    ctx.log.info("as information", kind="small")
    ctx.log.warning("as a warning", kind="great")
    async for batch in ctx.changes(Contact):
        yield batch

async def main() -> None:
    url, client, secret, token = sys.argv[1:]
    credentials = Credentials(
        grant="refresh-token", login_url=url, client_id=client, client_secret=secret, refresh_token=token
    )
    await orgsync.connections.add("acme", credentials)
    run = await orgsync.run(contacts, connection="acme")
    print(json.dumps({{"added": run.added}}))

asyncio.run(main())
"""


def outcome_of(org: DemoOrg, folder: Path, setup: str = "") -> "subprocess.CompletedProcess[str]":
    (folder / "orgsync.toml").touch()
    script = folder / "application.py"
    script.write_text(APPLICATION.format(setup=setup), encoding="utf-8")
    given = (org.login_url, org.client_id, org.client_secret, org.refresh_token)
    return subprocess.run(
        [sys.executable, str(script), *given], cwd=folder, capture_output=True, text=True, check=True, timeout=120
    )


def test_an_application_has_stdout_for_itself(tmp_path: Path, org: DemoOrg) -> None:
    org.add_fault(Fault.status(503), match="/queryAll")  # a retry is told of as well
    outcome = outcome_of(org, tmp_path)
    assert outcome.stdout == '{"added": 25}\n'
    assert "as a warning (connection=acme" in outcome.stderr
    assert "Contact.level stays empty" in outcome.stderr
    assert "as information" not in outcome.stderr


def test_what_logging_is_set_to_shows_what_scripts_log(tmp_path: Path, org: DemoOrg) -> None:
    setup = "import logging\nlogging.basicConfig(level=logging.INFO, format='%(name)s %(levelname)s %(message)s')"
    outcome = outcome_of(org, tmp_path, setup)
    assert outcome.stdout == '{"added": 25}\n'
    assert "orgsync.script INFO as information (connection=acme" in outcome.stderr


@pytest.mark.parametrize("command", ["run", "syncs"])
def test_what_a_script_prints_is_not_among_the_results(
    tmp_path: Path, org: DemoOrg, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome_of(org, tmp_path)
    (tmp_path / "syncs").mkdir()
    own = APPLICATION.format(setup="print('at import')").partition("async def main")[0]
    own = own.replace('ctx.log.info("as', 'print("in the run")\n    ctx.log.info("as')
    (tmp_path / "syncs" / "contacts.py").write_text(own, encoding="utf-8")
    arguments = ["run", "contacts", "--json"] if command == "run" else ["syncs", "--json"]
    outcome = subprocess.run(
        [str(Path(sys.executable).with_name("orgsync")), *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert outcome.returncode == 0, outcome
    assert all(line.startswith("{") for line in outcome.stdout.splitlines())
    assert "at import" in outcome.stderr
    if command == "run":
        assert "in the run" in outcome.stderr
        assert "info: as information (acme" in outcome.stderr
