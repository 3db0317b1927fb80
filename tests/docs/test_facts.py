"""What the tables of the documentation say is what the code does."""

import asyncio
import inspect
import json
import re
import signal
from collections.abc import Callable
from decimal import Decimal
from importlib.metadata import entry_points
from pathlib import Path

import httpx
import pytest

import orgsync
from docs.hooks import expand
from orgsync.cassettes import Replayed
from orgsync.demo_org import DemoOrg
from orgsync.engine import Outcome
from orgsync.errors import OrgsyncError
from orgsync.project.actions import action_run_view
from orgsync.project.views import run_view
from orgsync.records.declared_columns import COLUMN_TYPES
from orgsync.salesforce.auth.browser_callback import CALLBACK_PORT
from orgsync.salesforce.auth.refusals import REFUSALS
from orgsync.salesforce.auth.sign_in_errors import refusal
from orgsync.scripts.discovery import find_sync
from orgsync.settings import Settings
from orgsync.store import Run
from orgsync.store.sqlite.tables import declared_type
from orgsync.testing import plugin
from orgsync.testing.checks import CHECKS
from orgsync_cli.commands import INTERRUPTED
from orgsync_cli.connect import FlowName
from tests.cli.commandline import finished as command_finished

from .pages import ROOT, Page, page
from .running import Program, finished

HOW = page("docs/how-it-works.md")
COMMAND = page("docs/reference/command.md")
CUSTOMERS = page("docs/how-to/customers.md")
TABLES = page("docs/reference/tables.md")
SETUP = page("docs/salesforce-setup.md")
TESTING = page("docs/testing.md")


def test_every_setting_is_documented_with_its_variable_and_default() -> None:
    table = Page(ROOT / "settings.md", expand(page("docs/reference/settings.md").text)).table("key")
    shown = {name.strip("`"): (variable, default) for name, variable, default, _ in table}
    assert shown.keys() == Settings.model_fields.keys()
    assert len(table) == len(shown)
    assert all(does for *_, does in table)
    for name, (variable, default) in shown.items():
        value = Settings.model_fields[name].default
        assert variable == f"`ORGSYNC_{name.upper()}`"
        assert default == "none" if value in (None, ()) else str(value) in default, name


def test_every_exit_code_is_documented_and_no_other() -> None:
    def codes(error: type[OrgsyncError]) -> set[int]:
        return {error.exit_code}.union(*(codes(each) for each in error.__subclasses__()))

    signals = {128 + signal.SIGINT, 128 + signal.SIGTERM, 128 + signal.SIGPIPE}
    assert INTERRUPTED in signals
    shown = {int(code) for row in COMMAND.table("exit code") for code in row[0].split(", ")}
    assert shown == {0, *codes(OrgsyncError), *signals}


def test_every_type_is_documented_with_the_column_it_becomes() -> None:
    shown = {python.strip("`"): column for _, python, column, _ in TABLES.table("Salesforce type")}
    assert shown == {kind.__name__: declared_type(column()) for kind, column in COLUMN_TYPES.items()}
    assert Decimal in COLUMN_TYPES


def test_the_bookkeeping_columns_are_documented() -> None:
    shown = {row[0].strip("`") for row in TABLES.table("column")}
    assert shown - {"the fields of the class"} == set(orgsync.Record.model_fields)


def test_the_object_of_a_run_is_shown_as_it_is() -> None:
    keys = [*run_view(Run(sync="contacts", connection="acme")), "plan"]
    finished, rehearsed, _ = (json.loads(block.text) for block in COMMAND.blocks("json"))
    assert list(finished) == keys
    assert list(rehearsed) == [*keys, "dry_run", "at_limit", "changes"]


def test_the_object_of_a_run_of_an_action_is_shown_as_it_is() -> None:
    run = Run(sync="create", connection="acme", kind="action")
    [shown] = (json.loads(block.text) for block in page("docs/how-to/actions.md").blocks("json"))
    assert list(shown) == list(action_run_view(Outcome(run)))


def test_every_action_that_comes_with_orgsync_is_documented() -> None:
    shown = Page(ROOT / "actions.md", expand(page("docs/how-to/actions.md").text)).table("action")
    assert {row[0].strip("`") for row in shown} == {each.name for each in entry_points(group="orgsync.actions")}


def test_the_object_of_a_dry_run_is_shown_as_it_is(acme: DemoOrg, folder: Path) -> None:
    (folder / "orgsync.toml").touch()
    asyncio.run(orgsync.run(find_sync("contacts", folder / "syncs"), connection="acme"))
    acme.update("Contact", str(acme.rows("Contact")[0]["Id"]), Title="Head of Parts")
    reported = command_finished(folder, "run", "contacts", "--dry-run", "--json").out
    shown = json.loads(COMMAND.blocks("json")[1].text)
    assert list(json.loads(reported)) == list(shown)
    [change], [real] = shown["changes"], json.loads(reported)["changes"]
    assert (list(change), change["table"], change["change"]) == (list(real), "contact", "updated")
    assert change["fields"].keys() == {"title"} <= real["fields"].keys()
    assert change["fields"]["title"][1] == real["fields"]["title"][1]


def test_the_object_of_an_error_is_shown_as_it_is(folder: Path) -> None:
    (folder / "orgsync.toml").touch()
    reported = command_finished(folder, "run", "contacts", "--json").out
    assert json.loads(reported) == json.loads(COMMAND.blocks("json")[2].text)


def test_every_refusal_of_a_sign_in_is_in_the_table_with_its_cause_and_remedy() -> None:
    actors = {"you": "user", "the org's administrator": "admin", "the app's owner": "developer"}
    rows = [(why, what, actors.get(who, "nobody")) for _, why, what, who in SETUP.table("Salesforce says")]
    assert rows == [(each.cause, each.remedy, each.actor) for each in REFUSALS]


def test_what_the_table_says_salesforce_calls_it_is_recognized() -> None:
    for said, why, what, _ in SETUP.table("Salesforce says"):
        flow = "refresh_token" if "while renewing" in said else None
        secret_sent = {"a secret was sent": True, "none was sent": False}.get(said.rpartition(", where ")[2])
        error, separator, rest = said.partition(":")
        codes = [error.strip("` ")] if separator else re.findall(r"`([^`]+)`", said)
        descriptions = re.findall(r"`([^`]+)`", rest) or [""]
        for code in codes:
            for description in descriptions:
                name, text = (code, description) if " " not in code else ("invalid_grant", code)
                found = refusal(name, text, flow=flow, secret_sent=secret_sent)
                assert (found.cause, found.remedy) == (why, what), said


def test_the_callback_url_is_the_commands_own() -> None:
    assert f"http://localhost:{CALLBACK_PORT}/callback" in SETUP.text
    assert set(re.findall(r"http://localhost:(\w+)/callback", SETUP.text)) == {str(CALLBACK_PORT), "PORT"}


def test_the_reference_of_the_command_names_the_values_that_an_option_takes() -> None:
    rows = [line for line in expand(COMMAND.text).splitlines() if line.startswith("| `--flow` |")]
    assert len(rows) == 1
    assert all(each in rows[0] for each in FlowName)


def test_every_flow_is_documented() -> None:
    shown = {row[0].removesuffix(" (default)").strip("`") for row in SETUP.table("`--flow`")}
    assert shown == set(FlowName)


def test_a_customer_signs_in_through_the_two_halves(program: Callable[[Page], Program], acme: DemoOrg) -> None:
    running = program(CUSTOMERS)
    for block in CUSTOMERS.blocks("python"):
        if not block.remark:
            running.run(block)
    shown = vars(running.module)
    acme.callback_urls.append(shown["CALLBACK"])
    session: dict[str, str] = {}
    url = finished(shown["sign_in_url"](session, "customer-7", acme.login_url, acme.client_id, acme.client_secret))
    answer = httpx.get(f"{url}&decision=allow")
    assert finished(shown["signed_in"](session, answer.headers["location"])) == "customer-7"


@pytest.mark.parametrize("name", ["contacts", "accounts"])
def test_a_run_with_nothing_new_costs_the_calls_that_are_documented(acme: DemoOrg, folder: Path, name: str) -> None:
    sync = find_sync(name, folder / "syncs")
    asyncio.run(orgsync.run(sync, connection="acme"))
    reported = re.search(rf"`{name}` (\d+)", " ".join(HOW.text.split()))
    assert reported is not None
    assert asyncio.run(orgsync.run(sync, connection="acme")).api_calls == int(reported[1])


def names_in(first_heading: str) -> set[str]:
    """Name what the first column of a table of testing.md shows."""
    return {name for row in TESTING.table(first_heading) for name in re.findall(r"`([^`]+)`", row[0]) or [row[0]]}


def test_every_fixture_of_the_test_kit_is_documented() -> None:
    fixtures = {name for name, value in vars(plugin).items() if isinstance(value, type(plugin.run))}
    assert names_in("fixture") == fixtures - {"orgsync_case"}  # which the others stand on


def test_every_option_and_setting_of_the_test_kit_is_documented(request: pytest.FixtureRequest) -> None:
    parser = pytest.Parser(_ispytest=True)
    plugin.pytest_addoption(parser)
    assert names_in("option") == {name for each in parser.getgroup("orgsync").options for name in each.names()}
    assert request.config.getini("orgsync_cassettes") == "cassettes"
    assert "`orgsync_cassettes`" in TESTING.text


def test_every_argument_of_the_marker_is_documented() -> None:
    made_with = set(inspect.signature(DemoOrg).parameters) - {"port", "tls", "host"}  # where it listens
    assert names_in("argument") == {*inspect.signature(Replayed).parameters, "cassette", *made_with}


def test_every_check_of_conformance_is_documented() -> None:
    assert [row[0] for row in TESTING.table("check")] == list(CHECKS)
