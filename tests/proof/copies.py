"""What the proofs keep copies of, and what each copy has to be equal to: the truth, as the org itself tells it."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from orgsync import Batches, Context, Record, Sync, field, sync
from orgsync.demo_org import DemoOrg
from orgsync.records import to_stored

__all__ = ["ACCOUNTS", "CONTACTS", "COPIES", "ENERGY", "EVERY_COPY", "LINKS", "PREFERENCES", "Copied", "Rows"]

Rows: TypeAlias = dict[str, dict[str, Any]]


class Contact(Record, table=True):
    """A contact, with fields of its account's, two formulas and a field that may hide."""

    last_name: str | None
    email: str | None
    account_id: str | None
    account_name: str | None = field("Account.Name")
    industry: str | None = field("Account.Industry")
    rating: str | None = field("Account_Rating__c")
    age: float | None = field("Age__c")
    level: str | None = field("Level__c", optional=True)


class EnergyContact(Record, table=True):
    """A contact that is of interest by its own field or by its account's."""

    __sobject__ = "Contact"

    last_name: str | None
    email: str | None
    account_id: str | None


class Account(Record, table=True):
    """An account."""

    name: str | None
    industry: str | None
    annual_revenue: float | None
    number_of_employees: int | None


class UserPreference(Record, table=True):
    """A row of an object whose changes cannot be read."""

    preference: str | None
    value: str | None


class Joined(Record, table=True):
    """A contact that is of interest by a semi-join on its account."""

    __sobject__ = "Contact"

    last_name: str | None
    account_id: str | None


class Task(Record, table=True):
    """A task, live or archived."""

    subject: str | None
    status: str | None


class ContentDocumentLink(Record, table=True):
    """A link of an object that demands a filter, and that Salesforce does not replicate."""

    visibility: str | None
    document: str | None = field("ContentDocument.Title")


@sync(reconcile="1d")
def contacts(ctx: Context) -> Batches[Contact]:
    """Read every contact."""
    return ctx.changes(Contact)


@sync
def energy(ctx: Context) -> Batches[EnergyContact]:
    """Read the contacts that meet a condition."""
    return ctx.changes(EnergyContact, where="Email LIKE 'a%' OR Account.Industry = 'Energy'")


@sync
def accounts(ctx: Context) -> Batches[Account]:
    """Read every account, by Bulk."""
    return ctx.changes(Account, api="bulk")


@sync
def preferences(ctx: Context) -> Batches[UserPreference]:
    """Take a snapshot."""
    return ctx.snapshot(UserPreference, allow_mass_deletion=True)


@sync
def joined(ctx: Context) -> Batches[Joined]:
    """Read the contacts of some accounts."""
    return ctx.changes(Joined, where="AccountId IN (SELECT Id FROM Account WHERE Industry = 'Energy')")


@sync(reconcile="1d")
def tasks(ctx: Context) -> Batches[Task]:
    """Read every task."""
    return ctx.changes(Task)


@sync
def links(ctx: Context) -> Batches[ContentDocumentLink]:
    """Read the links to some documents that everybody may see."""
    where = "ContentDocumentId IN (SELECT Id FROM ContentDocument WHERE Title != 'Hidden') AND Visibility = 'AllUsers'"
    return ctx.changes(ContentDocumentLink, where=where)


def _columns(row: dict[str, Any], **names: str) -> dict[str, Any]:
    """Take some of a row's fields, and what every changed row has."""
    found = {column: row[name] for column, name in names.items()}
    if isinstance(stamp := row.get("SystemModstamp"), datetime):
        found["system_modstamp"] = to_stored(stamp)
    return found


def _contacts(org: DemoOrg) -> Rows:
    parents = {row["Id"]: row for row in org.rows("Account", deleted=True)}
    nobody: dict[str, Any] = {"Name": None, "Industry": None}
    rows: Rows = {}
    for row in org.rows("Contact"):
        parent = parents.get(row["AccountId"], nobody)
        own = _columns(
            row, last_name="LastName", email="Email", account_id="AccountId", rating="Account_Rating__c", age="Age__c",
            level="Level__c",
        )  # fmt: skip
        rows[str(row["Id"])] = {**own, "account_name": parent["Name"], "industry": parent["Industry"]}
    return rows


def _energy(org: DemoOrg) -> Rows:
    kept = ("last_name", "email", "account_id", "system_modstamp")
    return {
        key: {name: row[name] for name in kept}
        for key, row in _contacts(org).items()
        if (row["email"] or "").lower().startswith("a") or row["industry"] == "Energy"
    }


def _accounts(org: DemoOrg) -> Rows:
    names = {"annual_revenue": "AnnualRevenue", "number_of_employees": "NumberOfEmployees"}
    return {str(row["Id"]): _columns(row, name="Name", industry="Industry", **names) for row in org.rows("Account")}


def _preferences(org: DemoOrg) -> Rows:
    return {str(row["Id"]): _columns(row, preference="Preference", value="Value") for row in org.rows("UserPreference")}


def _joined(org: DemoOrg) -> Rows:
    kept = ("last_name", "account_id", "system_modstamp")
    rows = _contacts(org).items()
    return {key: {name: row[name] for name in kept} for key, row in rows if row["industry"] == "Energy"}


def _tasks(org: DemoOrg) -> Rows:
    return {str(row["Id"]): _columns(row, subject="Subject", status="Status") for row in org.rows("Task")}


def _links(org: DemoOrg) -> Rows:
    titles = {row["Id"]: row["Title"] for row in org.rows("ContentDocument", deleted=True)}
    return {
        str(row["Id"]): {**_columns(row, visibility="Visibility"), "document": titles.get(row["ContentDocumentId"])}
        for row in org.rows("ContentDocumentLink")
        if row["Visibility"] == "AllUsers" and titles.get(row["ContentDocumentId"]) != "Hidden"
    }


@dataclass(frozen=True, slots=True)
class Copied:
    """A sync, the table it fills, and the org's truth about it."""

    sync: Sync[Record]
    table: str
    truth: Callable[[DemoOrg], Rows]

    def wanted(self, org: DemoOrg, *, without: Collection[str] = (), hidden: Collection[str] = ()) -> Rows:
        """Tell what the live rows have to be, some columns and the rows that the user may not see left out."""
        return {key: _without(row, without) for key, row in self.truth(org).items() if key not in hidden}

    def kept(self, live: Rows, *, without: Collection[str] = ()) -> Rows:
        """Take from live rows what the truth speaks of."""
        bookkeeping = ("connection", "id", "is_deleted", "sync_change", "sync_number")
        stamps = ("sync_changed_at", "sync_first_seen_at", *(() if self is not PREFERENCES else ("system_modstamp",)))
        return {key: _without(row, (*bookkeeping, *stamps, *without)) for key, row in live.items()}


def _without(row: dict[str, Any], names: Collection[str]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}


CONTACTS = Copied(contacts, "contact", _contacts)
ENERGY = Copied(energy, "energycontact", _energy)
ACCOUNTS = Copied(accounts, "account", _accounts)
PREFERENCES = Copied(preferences, "userpreference", _preferences)
JOINED = Copied(joined, "joined", _joined)
TASKS = Copied(tasks, "task", _tasks)
LINKS = Copied(links, "contentdocumentlink", _links)
COPIES = (CONTACTS, ENERGY, ACCOUNTS, PREFERENCES)
EVERY_COPY = (*COPIES, JOINED, TASKS, LINKS)
