"""Against a server that shares nothing with the demo org, with one call in ten failing, the copy ends equal as well."""

import asyncio
import random
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orgsync import Batches, Context, Credentials, Record, Sync, sync
from orgsync import field as salesforce_field
from orgsync.engine import Committed, Outcome
from orgsync.errors import ResponseUnreadable
from orgsync.project import Project, open_project
from tests.projects import Interruption, executed, settings_for
from tests.servers.plain_org import PlainOrg, Quirks
from tests.servers.plain_server import PlainServer, serving

from .consumer import Consumer
from .history import Step
from .proofs import TIMES


class Contact(Record, table=True):
    """A contact."""

    last_name: str | None
    email: str | None
    score: float | None = salesforce_field("Score__c")
    account_id: str | None
    account_name: str | None = salesforce_field("Account.Name")


class Account(Record, table=True):
    """An account."""

    name: str | None
    annual_revenue: float | None


@sync
def everybody(ctx: Context) -> Batches[Contact]:
    """Read every contact."""
    return ctx.changes(Contact)


@sync
def companies(ctx: Context) -> Batches[Account]:
    """Read every account, by Bulk."""
    return ctx.changes(Account, api="bulk")


SYNCS: tuple[tuple[Sync[Record], str], ...] = ((everybody, "contact"), (companies, "account"))
DEEDS = ("insert", "update", "delete", "undelete", "rename", "delete_for_good", "begin", "commit", "wait", "die")
RUNS = ("run", "break_off", "settle")


@dataclass(slots=True)
class Life:
    """What goes on in the second org."""

    opened: Project
    server: PlainServer
    consumers: dict[str, Consumer] = field(default_factory=lambda: {table: Consumer(table) for _, table in SYNCS})

    @property
    def org(self) -> PlainOrg:
        return self.server.org

    async def take(self, step: Step, turn: int) -> None:
        dice = random.Random(step.seed)
        if step.deed == "settle":
            await self.settle()
        elif step.deed in RUNS:
            stop_after = dice.randint(1, 5) if step.deed == "break_off" else None
            with suppress(Interruption):
                await self.run(dice.choice(SYNCS)[0], stop_after=stop_after, reconcile=dice.random() < 0.2)
        else:
            with self.server.lock:
                self.work(step.deed, dice, turn)

    def work(self, deed: str, dice: random.Random, turn: int) -> None:
        contacts, accounts = self.org.live("Contact"), self.org.live("Account")
        values = {"Email": dice.choice([None, 'a"b@example.com']), "Score__c": dice.choice([None, 1.5, 12_500.0])}
        one: str = dice.choice(contacts)["Id"]
        match deed:
            case "insert":
                parent = dice.choice(accounts)["Id"]
                self.org.insert("Contact", LastName=f"New {turn}", AccountId=parent, **values)
                self.org.insert("Account", Name=f"New {turn}", AnnualRevenue=turn * 1000.0)
            case "update":
                self.org.update("Contact", one, LastName=f"Set {turn}", **values)
            case "delete":
                self.org.update("Contact", one, IsDeleted=True)
            case "undelete":
                for row in list(self.org.rows["Contact"].values()):
                    if row["IsDeleted"]:
                        self.org.update("Contact", row["Id"], IsDeleted=False)
            case "rename":
                self.org.update("Account", dice.choice(accounts)["Id"], Name=f"Set {turn}")
            case "delete_for_good":
                if self.org.late_since is None and len(contacts) > 3:
                    self.org.hard_delete("Contact", one)
            case "begin" | "commit":
                getattr(self.org, deed)()
            case "wait":
                self.org.advance(dice.choice([1, 59, 4000, 90_000]))
            case _:
                self.server.token = "dead"

    async def run(self, chosen: Sync[Record], *, stop_after: int | None = None, reconcile: bool = False) -> Outcome:
        left = stop_after

        def interrupt(_: Committed) -> None:
            nonlocal left
            if left is not None:
                left -= 1
                if not left:
                    raise Interruption

        return await executed(self.opened, chosen, reconcile=reconcile, on_commit=interrupt, clock=lambda: self.org.now)

    async def settle(self) -> None:
        """Let the org come to rest: the copies are equal to it, and their feeds replay to them."""
        self.org.commit()
        self.org.advance(120)
        self.server.broken = False
        for chosen, table in SYNCS:
            outcome = await self.run(chosen, reconcile=not self.org.quirks.delete_log)
            if outcome.problem:
                raise outcome.problem
            live = {row["id"]: row async for row in self.opened.store.rows.read(table)}
            assert {key: shown(row) for key, row in live.items()} == self.wanted(table)
            await self.consumers[table].follow(self.opened.store)
            assert self.consumers[table].rows == live
        self.server.broken = True

    def wanted(self, table: str) -> dict[str, dict[str, Any]]:
        if table == "account":
            rows = self.org.live("Account")
            return {r["Id"]: {"name": r["Name"], "annual_revenue": r["AnnualRevenue"]} for r in rows}
        names = {"last_name": "LastName", "email": "Email", "score": "Score__c", "account_id": "AccountId"}
        names["account_name"] = "Account.Name"
        return {
            row["Id"]: {column: self.org.value(row, path) for column, path in names.items()}
            for row in self.org.live("Contact")
        }


def shown(row: dict[str, Any]) -> dict[str, Any]:
    own = ("connection", "id", "system_modstamp", "is_deleted")
    return {name: value for name, value in row.items() if name not in own and not name.startswith("sync_")}


def known_to(server: PlainServer) -> Credentials:
    return Credentials(grant="refresh-token", login_url=server.url, client_id="x", client_secret="y", refresh_token="z")


async def lived(steps: list[Step], quirks: Quirks, seed: int) -> None:
    org = PlainOrg(quirks, dice=random.Random(seed))
    accounts = [org.insert("Account", Name=f"Account {n}", AnnualRevenue=n * 1e6) for n in range(5)]
    for number in range(23):
        org.insert("Contact", LastName=f"Contact {number}", AccountId=accounts[number % 5], Score__c=number / 8)
    with serving(org) as server, tempfile.TemporaryDirectory() as folder:
        async with open_project(settings_for(Path(folder), bulk_from=1000)) as opened:
            await opened.connections.connect("acme", known_to(server))
            server.broken = True
            life = Life(opened, server)
            for turn, step in enumerate([*steps, Step("settle", 0), Step("settle", 0)]):
                await life.take(step, turn)


STEPS = st.builds(Step, st.one_of(st.sampled_from(DEEDS), st.sampled_from(RUNS)), st.integers(0, 99))
QUIRKS = st.builds(
    Quirks, page=st.sampled_from([7, 20, 50]), bulk_page=st.sampled_from([2, 11]), delete_log=st.booleans()
)


@pytest.mark.timeout(600 * TIMES)
@settings(
    max_examples=15 * TIMES, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(steps=st.lists(STEPS, min_size=15, max_size=40), quirks=QUIRKS, seed=st.integers(0, 99))
def test_after_a_quiet_run_the_copy_equals_another_servers_org(steps: list[Step], quirks: Quirks, seed: int) -> None:
    asyncio.run(lived(steps, quirks, seed))


async def test_a_result_that_neither_counts_nor_ends_is_refused(tmp_path: Path) -> None:
    for end in ("", None):
        org = PlainOrg(Quirks(end=end))
        org.insert("Account", Name="One")
        with serving(org) as server:
            async with open_project(settings_for(tmp_path / str(end))) as opened:
                await opened.connections.connect("acme", known_to(server))
                outcome = await Life(opened, server).run(companies)
        assert isinstance(outcome.problem, ResponseUnreadable)
        assert "does not say whether it is the last" in outcome.problem.cause
