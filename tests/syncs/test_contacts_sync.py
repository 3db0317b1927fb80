"""The shipped sync of contacts, replayed from cassettes that were recorded from the demo org."""

from pathlib import Path
from typing import Any

from orgsync.application import Workspace, connect, open_workspace
from orgsync.demo_org import DemoOrg
from orgsync.discovery import find_sync
from tests.projects import settings_for
from tests.stage import Stage

CONTACTS = find_sync("contacts", Path("nowhere"))


async def copied(workspace: Workspace) -> dict[str, dict[str, Any]]:
    return {row["id"]: row async for row in workspace.store.read("contact")}


def some(org: DemoOrg, at: int) -> str:
    return str(org.rows("Contact")[at]["Id"])


async def test_the_first_run_reads_every_page(stage: Stage, tmp_path: Path) -> None:
    async with open_workspace(settings_for(tmp_path)) as workspace:
        await connect(workspace, "acme", stage.credentials())
        run = (await stage.run(workspace, CONTACTS)).run
        rows = await copied(workspace)
    assert (run.status, run.added, run.api_calls) == ("done", 30, 6)
    assert len(rows) == 30
    assert all(row["last_name"] and len(row["id"]) == 18 for row in rows.values())
    assert any(row["account_name"] for row in rows.values())
    assert {row["created_date"][-5:] for row in rows.values()} == {".000Z"}


async def test_a_second_run_brings_only_the_changes_and_a_third_none(stage: Stage, tmp_path: Path) -> None:
    def change(org: DemoOrg) -> None:
        org.update("Contact", some(org, 0), Email="new@example.com", MailingStreet="1 Long Road\nBack house")
        org.delete("Contact", some(org, 1))
        org.insert("Contact", LastName="Grönwall", FirstName="Åse")
        account = next(row["AccountId"] for row in org.rows("Contact") if row["AccountId"])
        org.update("Account", str(account), Name="Renamed & Sons")

    async with open_workspace(settings_for(tmp_path)) as workspace:
        await connect(workspace, "acme", stage.credentials())
        await stage.run(workspace, CONTACTS)
        before = await copied(workspace)
        stage.advance(minutes=20)
        stage.meanwhile(change)
        second = (await stage.run(workspace, CONTACTS)).run
        after = await copied(workspace)
        stage.advance(minutes=20)
        third = (await stage.run(workspace, CONTACTS)).run
        assert await copied(workspace) == after
    renamed = [row for row in after.values() if row["account_name"] == "Renamed & Sons"]
    assert renamed
    assert (second.added, second.deleted, second.api_calls) == (1, 1, 4)
    assert second.updated >= len(renamed)
    assert [row["first_name"] for key, row in after.items() if key not in before] == ["Åse"]
    assert [row["mailing_street"] for row in after.values() if row["email"] == "new@example.com"] == [
        "1 Long Road\nBack house"
    ]
    assert (third.added, third.updated, third.deleted, third.api_calls) == (0, 0, 0, 4)


async def test_a_token_that_dies_between_runs_is_renewed(stage: Stage, tmp_path: Path) -> None:
    async with open_workspace(settings_for(tmp_path)) as workspace:
        await connect(workspace, "acme", stage.credentials())
        await stage.run(workspace, CONTACTS)
        stage.advance(minutes=5)
        stage.meanwhile(lambda org: org.expire_tokens())
        stage.meanwhile(lambda org: org.insert("Contact", LastName="After"))
        run = (await stage.run(workspace, CONTACTS)).run
        assert (await workspace.store.secrets("acme"))["access_token"] != ""
    assert (run.status, run.added) == ("done", 1)
    assert run.api_calls == 5  # the refused one counts as a call that was made


async def test_the_accounts_sync_reads_numbers_and_money(stage: Stage, tmp_path: Path) -> None:
    async with open_workspace(settings_for(tmp_path)) as workspace:
        await connect(workspace, "acme", stage.credentials())
        run = (await stage.run(workspace, find_sync("accounts", Path("nowhere")))).run
        rows = [row async for row in workspace.store.read("account")]
    assert (run.status, run.added) == ("done", 5)
    assert {type(row["number_of_employees"]) for row in rows} <= {int, type(None)}
    assert {type(row["annual_revenue"]) for row in rows} <= {float, type(None)}
    assert all(row["name"] for row in rows)
