"""A worker whose clock is wrong: what is due is so by the server's time."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import anyio
import pytest

from orgsync.clock import utc_now
from orgsync.demo_org import DemoOrg
from orgsync.scheduler import ScriptWatcher
from orgsync.workers import open_worker

from .fleets import ACCOUNTS, fleet_at

OFTEN = ACCOUNTS.replace("Account", "Contact").replace("accounts", "often").replace("name", "last_name")


@pytest.mark.parametrize("wrong", [timedelta(hours=2), timedelta(hours=-2)])
async def test_a_planner_whose_clock_is_wrong_plans_by_the_servers(
    tmp_path: Path, org: DemoOrg, wrong: timedelta
) -> None:
    async with fleet_at(tmp_path, org) as fleet:
        fleet.write("accounts.py", ACCOUNTS)
        async with fleet.worker():
            await fleet.ran(1)
            await fleet.at_rest()
        fleet.write("often.py", OFTEN.replace("15m", "1s"))
        scripts = ScriptWatcher(fleet.settings.syncs_folder, (), fleet.settings.objects)
        scripts.load()
        async with open_worker(fleet.settings, scripts) as worker, anyio.create_task_group() as tasks:
            worker.project = replace(worker.project, clock=lambda: utc_now() + wrong)
            tasks.start_soon(worker.run)
            await fleet.ran(4)
            assert sorted(each.sync for each in await fleet.runs())[:2] == ["accounts", "often"]
            tasks.cancel_scope.cancel()
