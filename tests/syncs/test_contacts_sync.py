"""The shipped syncs, replayed from cassettes that were recorded from the demo org."""

from orgsync.demo_org import DemoOrg
from orgsync.testing import RunSync
from orgsync_syncs.accounts import accounts
from orgsync_syncs.contacts import contacts


def some(org: DemoOrg, at: int) -> str:
    return str(org.rows("Contact")[at]["Id"])


async def test_the_first_run_reads_every_page(run: RunSync) -> None:
    ran = await run(contacts)
    assert (ran.run.status, ran.added, ran.api_calls) == ("done", 30, 6)
    assert len(ran.rows) == 30
    assert all(row.last_name and len(row.id) == 18 for row in ran.rows)
    assert any(row.account_name for row in ran.rows)
    assert all(row.created_date for row in ran.rows)


async def test_a_second_run_brings_only_the_changes_and_a_third_none(
    run: RunSync, recorded_org: DemoOrg | None
) -> None:
    before = await run(contacts)
    if recorded_org:
        change(recorded_org)
    second = await run(contacts)
    if recorded_org:
        recorded_org.advance(minutes=20)
    third = await run(contacts)
    renamed = [row for row in second.rows if row.account_name == "Renamed & Sons"]
    assert renamed
    assert (second.added, second.deleted, second.api_calls) == (1, 1, 4)
    assert second.updated >= len(renamed)
    assert [row.title for row in second.rows if row.id not in {row.id for row in before.rows}] == ["Åland & Söner"]
    assert [row.mailing_city for row in second.rows if row.title == "Head of Parts"] == ["São Paulo"]
    assert third.changes == []
    assert third.api_calls == 4
    assert third.rows == second.rows


def change(org: DemoOrg) -> None:
    org.advance(minutes=20)
    org.update("Contact", some(org, 0), Title="Head of Parts", MailingCity="São Paulo", Email="new@example.com")
    org.delete("Contact", some(org, 1))
    org.insert("Contact", LastName="Grönwall", FirstName="Åse", Title="Åland & Söner")
    account = next(row["AccountId"] for row in org.rows("Contact") if row["AccountId"])
    org.update("Account", str(account), Name="Renamed & Sons")


async def test_a_token_that_dies_between_runs_is_renewed(run: RunSync, recorded_org: DemoOrg | None) -> None:
    await run(contacts)
    if recorded_org:
        recorded_org.advance(minutes=5)
        recorded_org.expire_tokens()
        recorded_org.insert("Contact", LastName="After")
    ran = await run(contacts)
    assert ran.added == 1
    assert ran.api_calls == 5  # the refused one counts as a call that was made


async def test_the_accounts_sync_reads_numbers_and_money(run: RunSync) -> None:
    ran = await run(accounts)
    assert ran.added == 5
    assert {type(row.number_of_employees) for row in ran.rows} <= {int, type(None)}
    assert {type(row.annual_revenue) for row in ran.rows} <= {float, type(None)}
    assert all(row.name for row in ran.rows)
