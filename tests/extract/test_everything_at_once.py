"""Random changes, late commits, faults, dead tokens, moved instances, interruptions: the copy ends equal to the org."""

import random
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import pytest

from orgsync import Batches, Context, Record, Sync, sync
from orgsync import field as salesforce_field
from orgsync.demo_org import DemoOrg, Fault, Refusal, Transaction
from orgsync.runner import Progress
from tests.projects import Project, project_at


class Contact(Record, table=True):
    """A contact, with a field of its account's."""

    last_name: str | None
    email: str | None
    account_id: str | None
    account_name: str | None = salesforce_field("Account.Name")


@sync
def all_of_them(ctx: Context) -> Batches[Contact]:
    """Read every contact."""
    return ctx.changes(Contact)


@sync
def some_of_them(ctx: Context) -> Batches[Contact]:
    """Read the contacts that meet a condition, on their own fields or their account's."""
    return ctx.changes(Contact, where="Email LIKE 'a%' OR Account.Industry = 'Energy'")


@dataclass(slots=True)
class People:
    """Those who work in the org while orgsync runs, by the dice."""

    org: DemoOrg
    dice: random.Random
    stack: ExitStack
    late: Transaction | None = None
    turn: int = field(default=0)

    def work(self) -> None:
        """Do a few things, now and then inside a transaction that commits later."""
        self.turn += 1
        deeds: list[Callable[[], object]] = [self.insert, self.update, self.update, self.delete, self.undelete]
        deeds += [self.change_account, self.merge, self.org.expire_tokens, self.org.move_instance, self.begin_or_commit]
        for _ in range(self.dice.randrange(6)):
            with suppress(Refusal):  # a row that an open transaction holds, as in a real org
                self.dice.choice(deeds)()
        if self.dice.random() < 0.5:
            self.org.advance(seconds=self.dice.randrange(200))

    def insert(self) -> None:
        (self.late or self.org).insert("Contact", LastName=f"New {self.turn}", **self.values())

    def update(self) -> None:
        (self.late or self.org).update("Contact", self.one("Contact"), LastName=f"Set {self.turn}", **self.values())

    def delete(self) -> None:
        (self.late or self.org).delete("Contact", self.one("Contact"))

    def undelete(self) -> None:
        gone = [str(row["Id"]) for row in self.org.rows("Contact", deleted=True) if row["IsDeleted"]]
        if gone:
            self.org.undelete("Contact", self.dice.choice(gone))

    def change_account(self) -> None:
        industry = self.dice.choice(["Energy", "Banking"])
        self.org.update("Account", self.one("Account"), Name=f"Account {self.turn}", Industry=industry)

    def merge(self) -> None:
        winner, loser = (str(row["Id"]) for row in self.org.rows("Contact")[:2])
        self.org.merge("Contact", winner, [loser])

    def begin_or_commit(self) -> None:
        if self.late is None:
            self.late = self.stack.enter_context(self.org.transaction())
        else:
            self.stack.close()
            self.late = None

    def values(self) -> dict[str, Any]:
        account = self.dice.choice([None, self.one("Account")])
        return {"Email": self.dice.choice([None, "a@example.com", "b@example.com"]), "AccountId": account}

    def one(self, sobject: str) -> str:
        return str(self.dice.choice(self.org.rows(sobject))["Id"])

    def break_things(self) -> None:
        """Let some of the next calls fail."""
        self.org.clear_faults()
        faults = [Fault.reset(), Fault.maintenance(), Fault.truncate(), Fault.concurrent_limit()]
        faults.append(Fault.status(502, "<html>"))
        for fault in faults if self.dice.random() < 0.7 else []:
            self.org.add_fault(fault, match="/services/data/v", every=self.dice.randrange(5, 25))
        if self.dice.random() < 0.3:
            gone = Fault.json_error(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
            self.org.add_fault(gone, match="query/", every=3)


async def run_until(project: Project, reading: Sync[Contact], batches: int | None) -> None:
    """Run the sync, whatever comes of it; interrupted after so many batches if a number is given."""
    seen = 0

    def watch(_: Progress) -> None:
        nonlocal seen
        seen += 1
        if seen == batches:
            scope.cancel()

    with anyio.CancelScope() as scope:
        await project.outcome(reading, watch=watch)


def wanted(org: DemoOrg, reading: Sync[Contact]) -> dict[str, tuple[Any, ...]]:
    accounts = {row["Id"]: row for row in org.rows("Account", deleted=True)}
    rows: dict[str, tuple[Any, ...]] = {}
    for row in org.rows("Contact"):
        account: dict[str, Any] = accounts.get(row["AccountId"], {"Name": None, "Industry": None})
        matches = str(row["Email"] or "").startswith("a") or account["Industry"] == "Energy"
        if matches or reading is all_of_them:
            rows[str(row["Id"])] = (row["LastName"], row["Email"], row["AccountId"], account["Name"])
    return rows


@pytest.mark.parametrize("reading", [all_of_them, some_of_them], ids=lambda each: each.name)
@pytest.mark.parametrize("seed", range(4))
async def test_after_a_quiet_run_the_copy_equals_the_org(tmp_path: Path, seed: int, reading: Sync[Contact]) -> None:
    dice = random.Random(seed)
    names = ("last_name", "email", "account_id", "account_name")
    with DemoOrg(contacts=60, accounts=6, page_size=7, seed=seed) as org, ExitStack() as stack:
        org.rotate_refresh_tokens = dice.random() < 0.5
        people = People(org, dice, stack)
        async with project_at(tmp_path, org) as project:
            for _ in range(20):
                people.work()
                people.break_things()
                await run_until(project, reading, dice.choice([None, 1, 3, 5]))
                if people.late is None and dice.random() < 0.4:
                    org.clear_faults()
                    await project.run(reading)
                    copy = await project.live("contact")
                    assert {key: tuple(row[name] for name in names) for key, row in copy.items()} == wanted(
                        org, reading
                    )
