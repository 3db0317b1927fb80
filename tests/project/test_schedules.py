"""When syncs are due on one connection: set, kept, followed by the scheduler and shown."""

from datetime import timedelta
from pathlib import Path

import pytest

from orgsync.application import connections_of, open_scheduler, schedules_of
from orgsync.demo_org import DemoOrg
from orgsync.errors import ArgumentInvalid, NameUnknown, NothingScheduled, ScriptNotLoaded
from orgsync.project import Schedule, open_view
from orgsync.project.status import statuses_in
from tests.projects import credentials_for, settings_for

ACCOUNTS = """\
from orgsync import Batches, Context, Record, sync


class Account(Record, table=True):
    name: str


@sync(every="15m")
def firms(ctx: Context) -> Batches[Account]:
    return ctx.changes(Account)
"""

BY_HAND = ACCOUNTS.replace('(every="15m")', "").replace("firms", "by_hand").replace("Account", "Lead")


@pytest.fixture
async def folder(tmp_path: Path, org: DemoOrg) -> Path:
    (tmp_path / "syncs").mkdir()
    (tmp_path / "syncs" / "accounts.py").write_text(ACCOUNTS)
    for name in ("acme", "globex"):
        await connections_of(settings_for(tmp_path)).add(name, credentials_for(org), tags=[f"tag-{name}"])
    return tmp_path


async def ran(folder: Path) -> list[str]:
    """Run what is due, and give what ran, as sync and connection."""
    async with open_scheduler(settings_for(folder)) as scheduler:
        await scheduler.run_due()
        return sorted(f"{run.sync} on {run.connection}" for run in await scheduler.project.runs.list())


async def test_a_sync_is_switched_off_on_one_connection_and_on_again(folder: Path) -> None:
    there = schedules_of(settings_for(folder))
    [off] = await there.set("firms", "acme", off=True)
    assert off == Schedule("firms", "acme", "15m", off=True, own=True, default="15m")
    assert await ran(folder) == ["firms on globex"]
    [on] = await there.set("firms", "acme", off=False)
    assert on == Schedule("firms", "acme", "15m", default="15m")
    assert await there.list() == []
    assert await ran(folder) == ["firms on acme", "firms on globex"]


async def test_an_object_that_the_settings_name_is_switched_off_and_given_a_time_as_a_sync_is(folder: Path) -> None:
    settings = settings_for(folder, objects=[{"name": "Lead", "every": "15m"}])
    there = schedules_of(settings)
    [off] = await there.set("Lead", "acme", off=True)
    assert off == Schedule("Lead", "acme", "15m", off=True, own=True, default="15m")
    await there.set("Lead", "globex", every="1h")
    assert [(each.connection, each.every, each.off) for each in await there.list()] == [
        ("acme", "15m", True),
        ("globex", "1h", False),
    ]
    async with open_scheduler(settings) as scheduler:
        await scheduler.run_due()
        ran = {run.connection for run in await scheduler.project.runs.list() if run.sync == "Lead"}
    assert ran == {"globex"}


async def test_a_time_of_its_own_outlives_being_switched_off(folder: Path) -> None:
    there = schedules_of(settings_for(folder))
    await there.set("firms", "acme", every=" 2 h ")
    await there.set("firms", "acme", off=True)
    [kept] = await there.list("acme")
    assert (kept.every, kept.off, kept.default) == ("2h", True, "15m")
    [kept] = await there.clear("firms", "acme")
    assert (kept.every, kept.off, kept.own) == ("15m", False, False)


async def test_a_sync_without_every_is_due_where_it_is_given_a_time(folder: Path) -> None:
    (folder / "syncs" / "accounts.py").write_text(BY_HAND)
    with pytest.raises(NothingScheduled):
        await ran(folder)
    await schedules_of(settings_for(folder)).set("by_hand", ["globex"], every="1h")
    assert await ran(folder) == ["by_hand on globex"]


async def test_a_shipped_sync_runs_where_it_is_given_a_time_and_nowhere_else(folder: Path) -> None:
    await schedules_of(settings_for(folder)).set("contacts", "globex", every="1h")
    assert await ran(folder) == ["contacts on globex", "firms on acme", "firms on globex"]


async def test_a_running_scheduler_follows_at_its_next_look(folder: Path) -> None:
    there = schedules_of(settings_for(folder))
    async with open_scheduler(settings_for(folder)) as scheduler:
        await scheduler.run_due()
        await there.set("contacts", "acme", every="1h")
        await there.set("firms", "globex", off=True)
        await scheduler.run_due()
        runs = sorted(f"{run.sync} on {run.connection}" for run in await scheduler.project.runs.list())
        assert runs == ["contacts on acme", "firms on acme", "firms on globex"]
        await there.clear("contacts", "acme")
        await scheduler.run_due()
        assert len(await scheduler.project.runs.list()) == 3


async def test_status_takes_one_that_is_off_for_neither_due_nor_overdue(folder: Path) -> None:
    await schedules_of(settings_for(folder)).set("firms", "acme", off=True)
    await schedules_of(settings_for(folder)).set("firms", "globex", every="7d")
    settings = settings_for(folder)
    with open_view(settings) as view:
        later = view.connection("acme").created_at + timedelta(days=3)
        acme, globex = statuses_in(view, settings, now=later)
    assert (acme.verdict, acme.due, acme.every, acme.needs_attention) == ("off", None, None, False)
    assert (globex.verdict, str(globex.every), globex.needs_attention) == ("never run", "7d", False)


async def test_schedules_go_with_a_renamed_connection_and_with_a_removed_one(folder: Path) -> None:
    there, connections = schedules_of(settings_for(folder)), connections_of(settings_for(folder))
    await there.set("firms", ["acme", "globex"], every="1h")
    await connections.rename("acme", "acme-eu")
    assert [each.connection for each in await there.list()] == ["acme-eu", "globex"]
    await connections.remove("acme-eu", keep_rows=True)
    assert [each.connection for each in await there.list()] == ["globex"]


@pytest.mark.parametrize("every", ["15", "often", "0 6 * *", "0 6 31 2 *", "-1h", ""])
async def test_what_is_no_time_is_refused_and_nothing_is_set(folder: Path, every: str) -> None:
    there = schedules_of(settings_for(folder))
    with pytest.raises(ArgumentInvalid, match=r"every="):
        await there.set("firms", "acme", every=every)
    assert await there.list() == []


async def test_unknown_names_are_answered_with_the_nearest_and_nothing_is_set(folder: Path) -> None:
    there = schedules_of(settings_for(folder))
    with pytest.raises(NameUnknown, match="no sync 'fims'; did you mean 'firms'"):
        await there.set(["firms", "fims"], "acme", every="1h")
    with pytest.raises(NameUnknown, match="no connection 'globx'; did you mean 'globex'"):
        await there.set("firms", ["acme", "globx"], every="1h")
    with pytest.raises(NameUnknown, match="no connection 'globx'"):
        await there.list("globx")
    with pytest.raises(ArgumentInvalid, match="nothing to set"):
        await there.set("firms", "acme")
    assert await there.list() == []


async def test_what_was_set_for_a_sync_that_is_gone_can_be_removed(folder: Path) -> None:
    there = schedules_of(settings_for(folder))
    await there.set("firms", "acme", every="1h")
    (folder / "syncs" / "accounts.py").write_text("import nothing_of_that_name\n")
    with pytest.raises(ScriptNotLoaded, match="nothing_of_that_name"):
        await there.set("firms", "acme", every="2h")
    (folder / "syncs" / "accounts.py").unlink()
    with pytest.raises(NameUnknown, match="no sync 'firms'"):
        await there.set("firms", "acme", every="2h")
    await there.clear("firms", "acme")
    assert await there.list() == []
