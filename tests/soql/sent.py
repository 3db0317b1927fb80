"""The SOQL that orgsync sends: the queries and Bulk jobs of runs against demo orgs, each run for some kind of them."""

import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from types import new_class
from typing import Any, TypeAlias, cast

from orgsync import Record, Sync
from orgsync import field as column
from orgsync.demo_org import DemoOrg
from orgsync.scripts.discovery import find_sync
from tests.extract.extracting import reading, snapshotting
from tests.projects import SampleProject, project_at

__all__ = ["BINDS", "RUNS", "Run"]

TEMPLATE = files("orgsync_cli") / "project" / "deals.py.txt"
NOW = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)

BINDS: dict[str, object] = {
    "null": None,
    "true": True,
    "false": False,
    "an integer": -42,
    "a large integer": 10**15,
    "a number": 1234.5,
    "a small number": 1e-7,
    "money": Decimal("1000000.10"),
    "a date": date(2026, 1, 31),
    "an instant": datetime(2026, 1, 31, 10, 15, tzinfo=UTC),
    "an instant of another zone, with milliseconds": datetime(
        2026, 1, 31, 1, 2, 3, 4000, timezone(timedelta(hours=5.5))
    ),
    "text": "plain",
    "no text": "",
    "a quote": "O'Brien",
    "a quote that would end the text": "x' OR Name != '",
    "a backslash at the end": "C:\\",
    "a backslash before a quote": "\\' OR Id != '",
    "lines, tabs and the like": "a\nb\rc\td\be\fg",
    "a double quote": 'say "hi"',
    "letters of every alphabet": "Ærøskøbing Ελλάδα Москва 東京 🜚 e\u0301",
    "what looks like a bind": ":name and %percent_",
    "a list": ["a", "b'c", "d\\"],
    "one Id": ("003Dn00000G8001IAB",),
    "numbers": [1, 2.5, Decimal("3.10")],
}
"""Values of every type that may be bound, the awkward ones too."""


@dataclass(slots=True)
class Traffic:
    """The SOQL that runs against one org have sent so far."""

    project: SampleProject
    org: DemoOrg
    texts: list[str] = field(default_factory=list[str])

    async def run(self, sync: Sync[Record], *, reconcile: bool = False, full: bool = False) -> None:
        """Run a sync, and keep the SOQL that it sent."""
        await self.project.run(sync, reconcile=reconcile, full=full)
        self.texts += sent(self.org)


def sent(org: DemoOrg) -> list[str]:
    """Return the SOQL of an org's requests: of queries, and of Bulk jobs."""
    queries = [each.query["q"] for each in org.requests if "q" in each.query]
    jobs = [each for each in org.requests if each.method == "POST" and each.path.endswith("/jobs/query")]
    return [*queries, *(json.loads(each.body)["query"] for each in jobs)]


class Contact(Record, table=True):
    """A contact, its account, and its account's owner."""

    last_name: str | None
    email: str | None
    birthdate: date | None
    mailing_address: dict[str, Any] | None
    rating: str | None = column("Account_Rating__c")
    account_name: str | None = column("Account.Name")
    account_owner: str | None = column("Account.Owner.Name")
    level: str | None = column("Level__c", optional=True)


class Plain(Record, table=True):
    """A contact without fields that change unseen."""

    __sobject__ = "Contact"
    last_name: str | None


class ContactHistory(Record, table=True):
    """Rows with CreatedDate only."""

    contact_id: str | None
    new_value: str | None


class AccountShare(Record, table=True):
    """Rows with LastModifiedDate only."""

    account_id: str | None


class UserPreference(Record, table=True):
    """Rows without any stamp."""

    preference: str | None


@asynccontextmanager
async def traffic_with(folder: Path, org: DemoOrg, **settings: Any) -> AsyncGenerator[Traffic]:
    with org:
        async with project_at(folder, org, **settings) as project:
            yield Traffic(project, org)


async def everything(traffic: Traffic, sync: Sync[Record], sobject: str, **change: object) -> None:
    """Run a sync the first time, with nothing new, with changes, by comparing Ids, and from the beginning."""
    await traffic.run(sync)
    await traffic.run(sync)
    traffic.org.advance(minutes=10)
    for row in traffic.org.rows(sobject)[:3]:
        traffic.org.update(sobject, str(row["Id"]), **change)
    traffic.org.update("Account", str(traffic.org.rows("Account")[0]["Id"]), Name="O'Hara & Söhne")
    await traffic.run(sync)
    await traffic.run(sync, reconcile=True)
    await traffic.run(sync, full=True)


async def shipped(folder: Path) -> Collection[str]:
    """The shipped scripts, by REST and by Bulk."""
    texts: list[str] = []
    for name, change in (("contacts", {"Title": "Dr."}), ("accounts", {"Phone": "1"})):
        for bulk_from in (1, 50_000):
            org = DemoOrg(contacts=12, accounts=4, page_size=5, now=NOW)
            async with traffic_with(folder / f"{name}{bulk_from}", org, bulk_from=bulk_from) as traffic:
                await everything(
                    traffic, find_sync(name, folder), "Contact" if name == "contacts" else "Account", **change
                )
                texts += traffic.texts
    return texts


async def template(folder: Path) -> Collection[str]:
    """The script that a new project begins with."""
    (folder / "deals.py").write_text(TEMPLATE.read_text(encoding="utf-8"), encoding="utf-8")
    async with traffic_with(folder, DemoOrg(contacts=6, accounts=6, page_size=5, now=NOW)) as traffic:
        await everything(traffic, find_sync("deals", folder), "Opportunity", StageName="Closed Won")
        return traffic.texts


async def parents_and_conditions(folder: Path) -> Collection[str]:
    """A class with parents, a formula and a compound, narrowed by conditions that look through parents."""
    texts: list[str] = []
    for api in ("rest", "bulk"):
        where = "Account.Industry IN :industries OR (LastName LIKE :like AND CreatedDate > :after)"
        sync = reading(
            Contact,
            api=api,
            reconcile="1d",
            where=where,
            industries=["Energy", "R&D's"],
            like="O'%",
            after=NOW - timedelta(400),
        )
        async with traffic_with(folder / api, DemoOrg(contacts=12, accounts=4, page_size=5, now=NOW)) as traffic:
            await everything(traffic, sync, "Contact", LastName="O'Brien")
            texts += traffic.texts
    return texts


async def every_bind(folder: Path) -> Collection[str]:
    """Queries of an author's own, with a bind of every type."""
    async with traffic_with(folder, DemoOrg(contacts=1, accounts=1)) as traffic:
        ctx = await traffic.project.open_context()
        for value in BINDS.values():
            name, sign = bound_to(value)
            async for _ in ctx.query(f"SELECT Id, Name FROM Contact WHERE {name} {sign} :value LIMIT 5", value=value):
                pass
        return sent(traffic.org)


def bound_to(value: object) -> tuple[str, str]:
    """Choose a field that a value can be compared with, and how."""
    if isinstance(value, list | tuple):
        first = next(iter(cast("Collection[object]", value)))
        return ("LastName" if isinstance(first, str) else "MailingLatitude"), "IN"
    kinds: dict[type, str] = {bool: "HasOptedOutOfEmail", datetime: "CreatedDate", date: "Birthdate"}
    name = kinds.get(type(value), "LastName" if value is None or isinstance(value, str) else "MailingLatitude")
    return name, "="


async def wide(folder: Path) -> Collection[str]:
    """An object with more fields than an address has room for."""
    names = [f"A_field_with_a_long_name_{number:03}__c" for number in range(450)]
    columns = {f"f{number}": column(name) for number, name in enumerate(names)}
    space = {"__module__": __name__, "__annotations__": dict.fromkeys(columns, str | None), **columns}
    model = cast("type[Record]", new_class("Contact", (Record,), {"table": True}, lambda own: own.update(space)))
    org = DemoOrg(contacts=3, accounts=1, now=NOW)
    for name in names:
        org.add_field("Contact", name)
    async with traffic_with(folder, org) as traffic:
        await traffic.run(reading(model))
        return traffic.texts


def crowd(page_size: int) -> DemoOrg:
    """Make an org whose contacts share few stamps."""
    org = DemoOrg(contacts=0, accounts=4, page_size=page_size, now=NOW)
    accounts = [str(row["Id"]) for row in org.rows("Account")]
    for number in range(40):
        org.insert("Contact", LastName=f"C{number}", AccountId=accounts[number % 4])
        org.advance(seconds=1 if number % 20 else 86_400)
    org.advance(minutes=10)
    return org


async def windows(folder: Path) -> Collection[str]:
    """Queries that Salesforce gives up on, which are then repeated window by window."""
    org = crowd(page_size=6)
    sync = reading(Contact, api="rest")
    async with traffic_with(folder, org) as traffic:
        org.query_timeout_rows = 12
        await traffic.run(sync)
        for account in org.rows("Account"):
            org.advance(minutes=20)
            org.update("Account", str(account["Id"]), Name=f"New {account['Name']}")
        await traffic.run(sync)
        await traffic.run(sync, reconcile=True)
        return traffic.texts


async def lost_pages(folder: Path) -> Collection[str]:
    """Queries whose pages vanish, which resume behind the last row."""
    org = crowd(page_size=6)
    async with traffic_with(folder, org) as traffic:
        for _ in range(2):
            outcome = await traffic.project.outcome(
                reading(Contact, api="rest"), on_commit=lambda _: org.expire_locators()
            )
            assert outcome.problem is None
            traffic.texts += sent(org)
            org.update("Account", str(org.rows("Account")[0]["Id"]), Name="Renamed")
        return traffic.texts


async def other_cursors(folder: Path) -> Collection[str]:
    """Objects that are read by another field than SystemModstamp."""
    async with traffic_with(folder, DemoOrg(contacts=5, accounts=5, page_size=2, now=NOW)) as traffic:
        for model in (ContactHistory, AccountShare):
            traffic.org.update("Contact", str(traffic.org.rows("Contact")[0]["Id"]), Email="a@example.com")
            await traffic.run(reading(model))
            await traffic.run(reading(model))
        return traffic.texts


async def snapshots(folder: Path) -> Collection[str]:
    """Everything that there is, with and without a condition, by REST and by Bulk; and what has gone or come since."""
    async with traffic_with(folder, DemoOrg(contacts=9, accounts=3, page_size=4, now=NOW)) as traffic:
        for sync in (
            snapshotting(UserPreference),
            snapshotting(Contact, api="rest"),
            snapshotting(Contact, api="bulk", where="Email != :none", none=None),
        ):
            await traffic.run(sync)
        return traffic.texts


async def comparing(folder: Path) -> Collection[str]:
    """Rows that sharing hides and shows, found by comparing Ids and read by them."""
    org = DemoOrg(contacts=30, accounts=4, page_size=7, now=NOW)
    hidden = [str(row["Id"]) for row in org.rows("Contact")][:5]
    org.restrict_rows("Contact", hidden)
    async with traffic_with(folder, org) as traffic:
        sync = reading(Plain, where="LastName != 'Nobody'")
        await traffic.run(sync)
        org.show_everything()
        org.advance(minutes=10)
        await traffic.run(sync, reconcile=True)
        return traffic.texts


Run: TypeAlias = Callable[[Path], Awaitable[Collection[str]]]

RUNS: dict[Run, str] = {
    shipped: r"SELECT .*, Account\.Name, .* FROM Contact WHERE Account\.SystemModstamp >= .* ORDER BY Id",
    template: r"SELECT .*Account\.Name.* FROM Opportunity WHERE SystemModstamp >= \S+ ORDER BY SystemModstamp, Id",
    parents_and_conditions: r"FROM Contact WHERE .*Account\.Industry IN \('Energy', 'R&D\\'s'\) OR \(LastName LIKE",
    every_bind: r"東京 🜚",
    wide: r"A_field_with_a_long_name_449__c FROM Contact",
    windows: r"WHERE \(SystemModstamp >= \S+\) AND \(SystemModstamp < |SystemModstamp < \S+ AND|\(SystemModstamp < ",
    lost_pages: r"SystemModstamp > \S+ OR \(SystemModstamp = \S+ AND Id > '003",
    other_cursors: r"FROM ContactHistory WHERE CreatedDate >= \S+ ORDER BY CreatedDate, Id",
    snapshots: r"Email != null",
    comparing: r"Id IN \('003",
}
"""The runs, each with what at least one of its texts must look like, for it to be about what it says."""
