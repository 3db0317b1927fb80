"""A history: an org that people change and that breaks, and syncs that run meanwhile, interrupted at will."""

import random
import tempfile
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import anyio

from orgsync.demo_org import DemoOrg, Refusal
from orgsync.engine import Outcome
from orgsync.errors import JobFailed, NameUnknown, ResponseUnreadable, ScriptProblem
from orgsync.field_mapping import MappedColumn, mapping_as_json
from tests.projects import SampleProject, project_at

from .consumer import Consumer
from .copies import CONTACTS, EVERY_COPY, LINKS, PREFERENCES, Copied
from .people import People

__all__ = ["DEEDS", "RUNS", "History", "Step", "history_of", "lived"]

_BEGAN = datetime(2026, 3, 1, 9, 30, 17, tzinfo=UTC)
_TRIES = 20
_LARGEST_RESPONSE = 2_000_000  # bytes, soon reached by what never ends

RUNS = ("run", "run_and_break_off", "run_all_at_once", "follow", "settle", "map_a_column")
"""What orgsync and its users do."""

DEEDS = (
    *("insert_contacts", "update_contact", "move_contact", "delete_contact", "delete_contact_for_good"),
    *("undelete_contact", "merge_contacts", "insert_account", "change_account", "delete_account"),
    *("delete_account_for_good", "undelete_account", "merge_accounts", "change_preferences", "begin_or_commit"),
    *("empty_recycle_bin", "purge_delete_log", "hide_rows", "hide_level", "show_everything"),
    *("insert_task", "archive_task", "delete_task", "delete_task_for_good"),
    *("insert_link", "hide_link", "delete_link", "delete_link_for_good", "retitle_document"),
    *("wait_seconds", "wait_hours", "wait_days", "expire_tokens", "move_instance", "rotate_refresh_tokens"),
    *("expire_locators", "forget_bulk_jobs", "fail_bulk_jobs", "shorten_bulk_pages", "miscount_bulk_rows"),
    *("fail_replication", "end_queries_early", "turn_hostile"),
    *("keep_bulk_out", "spend_bulk_jobs", "spend_calls", "slow_queries", "break_things"),
    *("begin_or_commit", "update_contact", "insert_contacts", "change_account", "wait_seconds") * 3,
)
"""What people do, and what happens to the org; what is most of life comes more often."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a history; the seed chooses what it is about."""

    deed: str
    seed: int


@dataclass(slots=True)
class History:
    """What goes on in one org, and in one project that is connected to it; `mapped` fills a contact's email there."""

    project: SampleProject
    people: People
    mapped: str = "Email"
    consumers: dict[str, Consumer] = field(
        default_factory=lambda: {each.table: Consumer(each.table) for each in EVERY_COPY}
    )

    @property
    def org(self) -> DemoOrg:
        """The org."""
        return self.people.org

    async def take(self, step: Step) -> None:
        """Take a step. What Salesforce itself refuses, such as a change of a locked row, does not happen."""
        if step.deed in RUNS:
            await getattr(self, f"_{step.deed}")(random.Random(step.seed))
            return
        with suppress(Refusal, LookupError):
            self.people.act(step.deed, step.seed)

    async def _run(self, dice: random.Random) -> None:
        await self._begun(dice.choice(EVERY_COPY), dice)

    async def _run_all_at_once(self, dice: random.Random) -> None:
        async with anyio.create_task_group() as tasks:
            for copied in EVERY_COPY:
                tasks.start_soon(self._begun, copied, dice)

    async def _begun(self, copied: Copied, dice: random.Random) -> None:
        """Run a sync, whatever comes of it, if only it is told as a problem of ours."""
        outcome = await self.project.outcome(copied.sync, full=dice.random() < 0.1, reconcile=dice.random() < 0.2)
        assert type(outcome.problem) is not ScriptProblem, outcome.problem

    async def _run_and_break_off(self, dice: random.Random) -> None:
        copied = dice.choice(EVERY_COPY)
        await self.project.interrupted(copied.sync, dice.randint(1, 6), reconcile=dice.random() < 0.4)

    async def _follow(self, _dice: random.Random) -> None:
        for consumer in self.consumers.values():
            with suppress(NameUnknown):  # no run has made the table yet
                await consumer.follow(self.project.opened.store)

    async def _map_a_column(self, dice: random.Random) -> None:
        self.mapped = dice.choice(("Email", "Title", "Department"))
        mapping = [MappedColumn("Contact", "contact", "email", (self.mapped,))] if self.mapped != "Email" else []
        await self.project.opened.store.connections.update("acme", mapping=mapping_as_json(mapping))

    async def _settle(self, dice: random.Random) -> None:
        """Let the org come to rest, and run everything once more: the copies are equal to it."""
        self.people.rest()
        compared = self.people.unstamped or dice.random() < 0.5
        self.people.unstamped = False
        for copied in EVERY_COPY:
            await self.settle(copied, compared=compared or copied is LINKS)

    async def settle(self, copied: Copied, *, compared: bool = False) -> None:
        """Run a sync in an org that rests: the copy is equal to it, and its feed replays to the copy."""
        outcome = await self._finished(copied, compared=compared)
        if outcome.problem:
            raise outcome.problem
        await self._require_equal(copied, compared=compared)

    async def _finished(self, copied: Copied, *, compared: bool) -> Outcome:
        """Run a sync to its end, again where the org had yet to fail a job or to shorten a page.

        A snapshot that goes on where an earlier run stopped shows what that had read as it was then: another follows.
        """
        if copied is PREFERENCES:
            await self.project.outcome(copied.sync)
        outcome = await self.project.outcome(copied.sync, reconcile=compared)
        for _ in range(_TRIES):
            if not isinstance(outcome.problem, JobFailed | ResponseUnreadable):
                break
            outcome = await self.project.outcome(copied.sync, reconcile=compared)
        return outcome

    async def _require_equal(self, copied: Copied, *, compared: bool) -> None:
        store, consumer = self.project.opened.store, self.consumers[copied.table]
        unsure = (*self.people.unsure, *(() if compared else ("age",))) if copied is CONTACTS else ()
        wanted = copied.wanted(self.org, without=unsure, hidden=self.people.hidden)
        if copied is CONTACTS:
            fields = {str(row["Id"]): row[self.mapped] for row in self.org.rows("Contact")}
            wanted = {key: {**row, "email": fields[key]} for key, row in wanted.items()}
        live = {row["id"]: row async for row in store.rows.read(copied.table)}
        assert copied.kept(live, without=unsure) == wanted, copied.sync.name
        await consumer.follow(store)
        assert consumer.rows == live, copied.sync.name


@asynccontextmanager
async def history_of(
    *, bulk_from: int = 50_000, overlap: float = 0, contacts: int = 30, page_size: int = 7
) -> AsyncGenerator[History]:
    """Begin a history: an org with a few rows, and a project that is connected to it and has run nothing yet."""
    with (
        tempfile.TemporaryDirectory() as folder,
        DemoOrg(contacts=contacts, accounts=6, page_size=page_size, now=_BEGAN) as org,
    ):
        org.bulk_page_size, org.bulk_polls = page_size, 1
        org.add_field("Contact", "Level__c")
        people = People(org)
        people.settle_in()
        with people.stack:
            async with project_at(
                Path(folder), org, bulk_from=bulk_from, overlap=overlap, largest_response=_LARGEST_RESPONSE
            ) as project:
                yield History(project, people)


async def lived(steps: Sequence[Step], bulk_from: int, overlap: float) -> None:
    """Live through a history; at its end everything comes to rest."""
    async with history_of(bulk_from=bulk_from, overlap=overlap) as history:
        for step in [*steps, Step("settle", 0), Step("settle", 1)]:
            await history.take(step)
