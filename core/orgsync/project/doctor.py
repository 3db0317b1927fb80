"""Checks of a project: settings, database, key, and for each connection all that a run needs."""

from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping, Sequence
from contextlib import suppress

from anyio import to_thread

from orgsync.errors import (
    ApiVersionUnsupported,
    LimitReached,
    NameUnknown,
    NoConnection,
    OrgsyncError,
    ResponseUnreadable,
    SignInNeeded,
)
from orgsync.field_mapping import mapping_from_json
from orgsync.printable import counted
from orgsync.records import schema_of
from orgsync.salesforce.api.client import Client
from orgsync.salesforce.api.counts import Limit, org_limits
from orgsync.salesforce.auth.versions import offered_versions
from orgsync.scripts.discovery import DiscoveredSync, list_syncs
from orgsync.scripts.table_clashes import clashes_of
from orgsync.settings import PROJECT_FILE, Settings
from orgsync.store import Connection, Store
from orgsync.store.worker_tables import WorkersSeen

from .doctor_options import check_options
from .doctor_rights import check_rights
from .doctor_syncs import Finding, check_last_run, check_sync
from .mapped_classes import unknown_columns
from .project import Project, open_project
from .view import open_view
from .workers_seen import WORKER_TTL, described

__all__ = ["Finding", "diagnose"]


async def diagnose(settings: Settings, names: Sequence[str] = ()) -> AsyncIterator[Finding]:
    """Check the project, and these connections or all, one finding at a time; problems are findings, too."""
    project = settings.project.resolve()
    here = (project / PROJECT_FILE).is_file()
    yield Finding("settings", f"{project / PROJECT_FILE}" if here else f"no {PROJECT_FILE} in {project}: defaults hold")
    found: list[DiscoveredSync] = []
    try:
        found = list_syncs(settings.syncs_folder, settings.objects)
    except OrgsyncError as error:
        yield Finding("scripts", "", error)
    for finding in _not_loaded(found):
        yield finding
    rights: Finding | None = None
    try:
        if rights := await to_thread.run_sync(check_rights, settings):
            yield rights
        unconnected = await to_thread.run_sync(_unconnected, settings, names)
        if unconnected:
            for finding in _before_the_first_connection(settings, found, unconnected):
                yield finding
            return
        async with open_project(settings) as opened:
            async for finding in _check_store(opened, names, found):
                yield finding
    except OrgsyncError as error:
        if rights is None or rights.problem is None or rights.problem.remedy != error.remedy:
            yield Finding("database", "", error)


def _not_loaded(found: Sequence[DiscoveredSync]) -> Iterator[Finding]:
    """Return a finding for each reason why scripts do not load: those that import a broken one have the same."""
    problems: dict[str, tuple[OrgsyncError, list[str]]] = {}
    for each in found:
        if each.problem:
            _, places = problems.setdefault(str(each.problem), (each.problem, []))
            places += [] if each.where in each.problem.cause else [each.where]
    for problem, places in problems.values():
        yield Finding("scripts", ", ".join(places), problem)


def _unconnected(settings: Settings, names: Sequence[str]) -> list[OrgsyncError]:
    """Return that these connections are unknown, or that there is none, where the database has no tables; else []."""
    problems: list[OrgsyncError] = []
    with open_view(settings) as view:
        if view.has_tables:
            return []
        for name in names:
            try:
                view.connection(name)
            except NameUnknown as unknown:
                problems.append(unknown)
    return problems or [NoConnection()]


def _before_the_first_connection(
    settings: Settings, found: list[DiscoveredSync], unconnected: list[OrgsyncError]
) -> Iterator[Finding]:
    """Check what can be checked without tables: whoever looks makes none, the database may be another application's."""
    yield from _check_tables(found, {})
    yield Finding("database", f"{settings.shown_store_url}, which has no tables of orgsync's yet")
    for problem in unconnected:
        yield Finding("connections", "", problem)
    yield from _not_checked([each for each in found if each.shipped])


def _not_checked(unused: Sequence[DiscoveredSync]) -> Iterator[Finding]:
    if unused:
        names = ", ".join(each.name for each in unused)
        yield Finding("shipped syncs", f"not checked, since they have not run here: {names}")


async def _check_store(project: Project, names: Sequence[str], found: list[DiscoveredSync]) -> AsyncIterator[Finding]:
    store = project.store
    await store.require_writable()
    existing = await store.connections.list()
    owners = await store.rows.owners()
    for finding in _check_tables(found, owners):
        yield finding
    for each in found:
        for problem in await _column_problems(store, each, owners):
            yield Finding(each.name, "", problem)
    text = f"{project.settings.shown_store_url}, {counted(len(await store.rows.tables()), 'table')}"
    yield Finding("database", text, note=await store.held_back())
    if project.settings.is_on_postgres:
        async with store.workers() as on:
            seen = WorkersSeen(await on.alive(WORKER_TTL), await on.counts())
        yield Finding("workers", described(seen) or "none is alive, and no job waits for one")
    if not existing and not names:
        yield Finding("connections", "", NoConnection())
    try:
        chosen = [await store.connections.get(name) for name in names] or existing
    except OrgsyncError as error:
        yield Finding("connections", "", error)
        return
    used = [each for each in found if not each.shipped or each.name in owners.values()]
    last = await store.runs.last()
    for connection in chosen:
        problems = set[str]()
        async for finding in _check_connection(project, connection, used):
            if finding.problem:
                problems.add(finding.about)
            yield finding
        for each in used:
            run = last.get((each.name, connection.name))
            if run is not None and f"{connection.name}: {each.name}" not in problems:
                for finding in check_last_run(run):
                    yield finding
        for finding in check_options(connection, used, found, await store.schedules.list()):
            yield finding
    for finding in _not_checked([each for each in found if each not in used]):
        yield finding


def _check_tables(found: Sequence[DiscoveredSync], owners: Mapping[str, str]) -> list[Finding]:
    """Return findings on syncs that read a table twice in a run, or would write one that is another's.

    A shipped sync that nobody runs is no problem for a table of the project's own: that they clash is a note. Two that
    would write one table are one finding.
    """
    findings: list[Finding] = []
    pairs = set[tuple[str, ...]]()
    syncs = [each.sync for each in found if each.sync is not None]
    for each in found:
        if each.sync is None:
            continue
        if each.sync.problem:
            findings.append(Finding(each.name, "", each.sync.problem))
        for clash in clashes_of(each.sync, syncs, owners):
            pair = (clash.table.lower(), *sorted([clash.sync, clash.other]))
            if pair in pairs:
                continue
            pairs.add(pair)
            other = next((rival for rival in found if rival.name == clash.other), None)
            if not each.shipped and (clash.owned or other is None or not other.shipped):
                findings.append(Finding(each.name, "", clash.problem))
            else:
                findings.append(Finding(each.name, "", note=str(clash.problem)))
    return findings


async def _column_problems(store: Store, found: DiscoveredSync, owners: Mapping[str, str]) -> list[OrgsyncError]:
    """Compare the tables that a sync owns with its classes: a column of another type ends its next run."""
    problems: list[OrgsyncError] = []
    own = {table.lower() for table, owner in owners.items() if owner == found.name}
    for model in found.sync.models if found.sync else ():
        try:
            schema = schema_of(model)
        except OrgsyncError:
            continue  # each connection's findings say so
        if schema.table.lower() in own:
            problems += await store.rows.misfits(schema)
    return problems


async def _check_connection(
    project: Project, connection: Connection, found: list[DiscoveredSync]
) -> AsyncIterator[Finding]:
    name = connection.name
    key = await _checked(f"{name}: key", _read_secrets(project, name))
    yield key
    if key.problem:
        return
    try:
        client = await project.connections.test(name)
    except OrgsyncError as error:
        yield Finding(f"{name}: sign-in", "", error)
        return
    connection = await project.store.connections.get(name)
    who = connection.username or connection.user_id or "an unknown user"
    yield Finding(f"{name}: sign-in", f"{who} in {connection.org_id or 'an unknown org'}, by {connection.grant}")
    yield _scopes(connection)
    yield await _version(project, connection)
    yield await _checked(f"{name}: limits", _limits(client))
    for each in found:
        if each.sync is not None:
            async for finding in check_sync(client, project.store, connection, each.sync):
                yield finding
    for problem in unknown_columns(name, mapping_from_json(connection.mapping), found):
        yield Finding(f"{name}: mapping", "", problem)


async def _checked(about: str, work: Awaitable[str]) -> Finding:
    try:
        return Finding(about, await work)
    except OrgsyncError as error:
        return Finding(about, "", error)


async def _read_secrets(project: Project, name: str) -> str:
    await project.store.connections.secrets(name)
    return "the credentials can be decrypted"


def _scopes(connection: Connection) -> Finding:
    about, scopes = f"{connection.name}: scopes", set((connection.scope or "").split())
    if not scopes:
        return Finding(about, "Salesforce did not report them")
    if not scopes & {"api", "full"}:
        problem = SignInNeeded(
            f"The scopes are {' '.join(sorted(scopes))}, and api is not among them.",
            f"Add the scope api to the app in Salesforce, then: orgsync connect {connection.name}",
        )
        return Finding(about, "", problem)
    return Finding(about, " ".join(sorted(scopes)))


async def _version(project: Project, connection: Connection) -> Finding:
    about = f"{connection.name}: API version"
    offered = await offered_versions(project.http, connection.instance_url or "")
    if not offered:
        return Finding(about, f"{connection.api_version}; which versions the org offers is unknown")
    if connection.api_version in offered:
        return Finding(about, f"{connection.api_version}; the org offers {offered[0]} to {offered[-1]}")
    problem = ApiVersionUnsupported(
        f"The connection uses version {connection.api_version}, but the org offers {offered[0]} to {offered[-1]}.",
        f"Run: orgsync connect {connection.name}",
    )
    return Finding(about, "", problem)


async def _limits(client: Client) -> str:
    """Return how much of the day's limits is used; raises LimitReached where a run would stop at once."""
    limits: Mapping[str, Limit] = {}
    with suppress(ResponseUnreadable):
        limits = await org_limits(client)
    daily, jobs = limits.get("DailyApiRequests"), limits.get("DailyBulkV2QueryJobs")
    if daily is None:
        return "the number of API requests left is unknown: Salesforce does not report it to this user"
    used, share = daily.max - daily.remaining, client.usage.share
    text = f"{used:,} of {daily.max:,} API requests used today; orgsync may use {daily.max * share:,.0f} ({share:.0%})"
    if daily.max and used >= daily.max * share:
        raise LimitReached(f"{text}.", "Wait, or raise the share: api_limit_share in orgsync.toml.")
    return f"{text}; {jobs.remaining:,} of {jobs.max:,} Bulk query jobs left" if jobs else text
