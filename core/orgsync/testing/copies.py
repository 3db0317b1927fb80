"""Copies of demo orgs for a conformance test: one store, and each copy under the name of its connection.

Every run imports the script again, as a process of its own would, unless it is given a sync: so what a script keeps in
its module's variables shows in the one check that looks for it.
"""

from collections.abc import AsyncGenerator, Callable, Collection, Generator, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

from orgsync.cassettes.throwaway_project import fixed_masking_key
from orgsync.clock import utc_now
from orgsync.demo_org import DemoOrg
from orgsync.engine import Job, Observer, Outcome, nobody
from orgsync.project import GivenScripts, Project, access_to, open_project
from orgsync.records import Record
from orgsync.salesforce.auth.credentials import Credentials
from orgsync.scripts import Context, Sync, open_context
from orgsync.scripts.loading import classes_of
from orgsync.settings import Settings
from orgsync.store import Connection

from .literals import Literals, literals_of
from .org_setup import Provided, Wanted, provide, wanted_of
from .script_home import Home
from .seeds import change, fill
from .subjects import fresh_sync

__all__ = ["Copies", "Rows", "Script", "difference", "opened"]

Rows: TypeAlias = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""Live rows by table and Id, without what the store notes of each."""

_NOTED = frozenset({"connection", "sync_change", "sync_number", "sync_changed_at", "sync_first_seen_at"})
_CONTACTS, _ACCOUNTS, _PAGE = 25, 5, 10
_TRIES = 8
_SHOWN = 3
_learnt: dict[tuple[str, str], Wanted] = {}


@dataclass(frozen=True, slots=True)
class Script:
    """One sync to test, what its user seeds demo orgs with, and the metadata of the connections."""

    home: Home
    seed: Callable[[DemoOrg], None] | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def source(self) -> str:
        """The script's text."""
        return Path(self.home.path).read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Stocked:
    """A demo org with rows for a script."""

    org: DemoOrg
    provided: Provided
    words: Literals
    seed: int

    def change(self, copied: Collection[str]) -> None:
        """Insert, update, delete and undelete rows, and delete a few of the copied ones for good."""
        change(self.org, self.provided, self.words, self.seed, copied=copied)


@dataclass(frozen=True, slots=True)
class Copies:
    """A store with copies of demo orgs, the first of which is meant where none is named."""

    script: Script
    project: Project
    stocked: list[Stocked] = field(default_factory=list[Stocked])

    @property
    def org(self) -> DemoOrg:
        """The first demo org."""
        return self.stocked[0].org

    async def change(self) -> None:
        """Change rows in every org.

        Of what the script reads by `ctx.changes` or `ctx.snapshot`, a few copied rows are deleted for good: that is
        theirs to find out, while a query of the script's own cannot.
        """
        copied = await self._copied()
        for each in self.stocked:
            each.change(copied)

    async def _copied(self) -> set[str]:
        """Collect the Ids of the live rows that passes have brought, whatever table the script keeps them in."""
        store, found = self.project.store, set[str]()
        for connection in await store.connections.list():
            passes = await store.runs.checkpoints(self.script.home.sync, connection.name)
            for table in [each.kept_in for each in passes.values() if each.stream and each.kept_in]:
                found |= {row["id"] async for row in store.rows.read(table, connection=connection.name)}
        return found

    async def run(
        self,
        name: str,
        org: DemoOrg | None = None,
        *,
        sync: Sync[Record] | None = None,
        full: bool = False,
        observe: Observer = nobody,
    ) -> Outcome:
        """Run the script for the copy of a name, which the first time is connected to the org."""
        org = org or self.org
        await self._connect(name, org)
        chosen = sync or fresh_sync(self.script.home)
        project = replace(self.project, scripts=GivenScripts([chosen]), clock=lambda: org.now)
        return await project.execute(Job("sync", chosen.name, name, full=full), observe=observe)

    async def _connect(self, name: str, org: DemoOrg) -> None:
        """Connect a name to an org, with the sign-in of another that leads there, if there is one."""
        known = await self.project.store.connections.list()
        if name in [each.name for each in known]:
            return
        alike = next((each for each in known if each.login_url == org.login_url), None)
        if alike is None:
            await self.project.connections.add(name, _credentials(org), metadata=dict(self.script.metadata))
            return
        secrets = await self.project.store.connections.secrets(alike.name)
        await self.project.store.connections.save(
            Connection.model_validate({**alike.model_dump(), "name": name}), secrets
        )

    async def open_context(self, name: str) -> Context:
        """Open a context on a copy that no run commits, to see what the script reads with it."""
        return await open_context(await self.project.store.connections.get(name), **access_to(name, self.project))

    async def live(self, name: str) -> Rows:
        """Read a copy's live rows, of every table."""
        store = self.project.store
        return {
            table: {
                row["id"]: {key: value for key, value in row.items() if key not in _NOTED}
                async for row in store.rows.read(table, connection=name)
            }
            for table in sorted(await store.rows.tables())
        }


@asynccontextmanager
async def opened(script: Script, folder: Path, *, orgs: int = 1) -> AsyncGenerator[Copies]:
    """Open a store in a folder, and start demo orgs that hold rows for the script."""
    # Nothing of the machine's own settings counts here: ORGSYNC_DATABASE_URL would lead to real rows.
    settings = Settings.model_construct(project=folder, batch_rows=1, timeout=30.0)
    async with open_project(settings) as project:
        copies = Copies(script, replace(project, masking_keys=fixed_masking_key))
        wanted = await _wanted(copies)
        with ExitStack() as stack:
            for seed in range(1, orgs + 1):
                copies.stocked.append(stack.enter_context(_stocked(script, wanted, seed)))
            yield copies


def difference(found: Rows, expected: Rows, found_in: str, expected_in: str) -> str:
    """Return the first few differences between rows as text; "" where there are none."""
    lines: list[str] = []
    for table in sorted({*found, *expected}):
        ours, theirs = found.get(table, {}), expected.get(table, {})
        for record_id in sorted({*ours, *theirs}):
            pair = ours.get(record_id), theirs.get(record_id)
            lines += _row_difference(f"{table} {record_id}", *pair, found_in, expected_in)
    more = [f"And {len(lines) - _SHOWN} more differences."] if len(lines) > _SHOWN else []
    return "\n".join([*lines[:_SHOWN], *more])


def _row_difference(
    row: str, ours: Mapping[str, Any] | None, theirs: Mapping[str, Any] | None, found_in: str, expected_in: str
) -> Iterator[str]:
    if ours is None or theirs is None:
        there, lacking = (found_in, expected_in) if theirs is None else (expected_in, found_in)
        yield f"{row} is in {there}, but not in {lacking}."
        return
    for name in ours:
        if ours[name] != theirs.get(name):
            yield f"{row}: {name} is {ours[name]!r} in {found_in}, {theirs.get(name)!r} in {expected_in}."


async def _wanted(copies: Copies) -> Wanted:
    """Find what a script reads beside its record classes' fields, by running it until nothing more is refused."""
    script = copies.script
    key, wanted = (script.home.sync, script.source), Wanted()
    if key in _learnt:
        return _learnt[key]
    for number in range(_TRIES):
        with _stocked(script, wanted, seed=1) as trial:
            await copies.run(f"trial-{number}", trial.org)
            more = wanted | wanted_of(trial.org.requests)
        if more == wanted:
            break
        wanted = more
    _learnt[key] = wanted
    return wanted


@contextmanager
def _stocked(script: Script, wanted: Wanted, seed: int) -> Generator[Stocked]:
    """Start a demo org that holds what the script reads."""
    now = utc_now()
    with DemoOrg(contacts=_CONTACTS, accounts=_ACCOUNTS, page_size=_PAGE, seed=seed, now=now) as org:
        models = list(classes_of(fresh_sync(script.home)))
        stocked = Stocked(org, provide(org, models, wanted), literals_of(script.source), seed)
        if script.seed:
            script.seed(org)
        fill(org, stocked.provided, stocked.words, seed)
        yield stocked


def _credentials(org: DemoOrg) -> Credentials:
    return Credentials(
        grant="refresh-token",
        login_url=org.login_url,
        client_id=org.client_id,
        client_secret=org.client_secret,
        refresh_token=org.refresh_token,
    )
