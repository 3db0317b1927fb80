"""Checks of a project: settings, database, key, and for each connection all that a run needs."""

from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from orgsync.errors import (
    ApiVersionUnsupported,
    LimitReached,
    NoConnection,
    ObjectNotFound,
    OrgsyncError,
    ResponseUnreadable,
    SignInNeeded,
)
from orgsync.extract.field_types import misfits
from orgsync.extract.inspection import inspect
from orgsync.extract.object_facts import ObjectFacts
from orgsync.extract.query_rules import advice, instead_of_changes
from orgsync.field_mapping import mapping_from_json
from orgsync.records import Record, Schema, mapped, schema_of
from orgsync.salesforce.api.client import Client
from orgsync.salesforce.api.counts import Limit, count, org_limits
from orgsync.salesforce.auth.versions import offered_versions
from orgsync.scripts import Sync
from orgsync.scripts.discovery import DiscoveredSync, list_syncs
from orgsync.scripts.object_sync import ObjectSync
from orgsync.scripts.table_clashes import clashes_of
from orgsync.scripts.table_reads import conditions_of, snapshots_of
from orgsync.settings import PROJECT_FILE, Settings
from orgsync.soql import require_condition, select, unbound
from orgsync.store import Connection, Store

from .mapped_classes import unknown_columns
from .objects import model_of_object
from .project import Project, open_project

__all__ = ["Finding", "diagnose"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked: what it is about, what was found, and the problem where there is one.

    `note` is a remark on something that works, but not as well as it could.
    """

    about: str
    text: str
    problem: OrgsyncError | None = None
    note: str = ""


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
    for each in found:
        if each.problem:
            yield Finding("scripts", "" if each.where in each.problem.cause else each.where, each.problem)
    try:
        async with open_project(settings) as opened:
            async for finding in _check_store(opened, names, found):
                yield finding
    except OrgsyncError as error:
        yield Finding("database", "", error)


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
    yield Finding("database", f"{project.settings.store_url}, {_count(len(await store.rows.tables()), 'table')}")
    if not existing:
        problem = NoConnection()
        yield Finding("connections", "", problem)
    try:
        chosen = [await store.connections.get(name) for name in names] or existing
    except OrgsyncError as error:
        yield Finding("connections", "", error)
        return
    used = [each for each in found if not each.shipped or each.name in owners.values()]
    for connection in chosen:
        async for finding in _check_connection(project, connection, used):
            yield finding
    if unused := [each.name for each in found if each not in used]:
        yield Finding("shipped syncs", f"not checked, since they have not run here: {', '.join(unused)}")


def _check_tables(found: Sequence[DiscoveredSync], owners: Mapping[str, str]) -> list[Finding]:
    """Return findings on syncs that read a table twice in a run, or would write one that is another's.

    A shipped sync that nobody runs is no problem for a table of the project's own: that they clash is a note.
    """
    findings: list[Finding] = []
    syncs = [each.sync for each in found if each.sync is not None]
    for each in found:
        if each.sync is None:
            continue
        if each.sync.problem:
            findings.append(Finding(each.name, "", each.sync.problem))
        for clash in clashes_of(each.sync, syncs, owners):
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
            async for finding in _check_sync(client, project.store, connection, each.sync):
                yield finding
    for problem in unknown_columns(mapping_from_json(connection.mapping), found):
        yield Finding(f"{name}: mapping", "", problem)


async def _reads(client: Client, store: Store, sync: Sync[Record]) -> dict[type[Record], str | None]:
    """Return the record classes that a sync reads and writes, with the conditions that are known."""
    if isinstance(sync, ObjectSync):
        return dict([await model_of_object(client, store, sync)])
    conditions = conditions_of(sync.function)
    return {model: conditions.get(model) for model in (*sync.models, *sync.reads)}


async def _check_sync(
    client: Client, store: Store, connection: Connection, sync: Sync[Record]
) -> AsyncIterator[Finding]:
    """Describe each object that a sync reads, and check the fields that its record class, or the mapping, names."""
    name, mapping = connection.name, mapping_from_json(connection.mapping)
    try:
        models = await _reads(client, store, sync)
    except OrgsyncError as error:
        yield Finding(f"{name}: {sync.name}", "", error)
        return
    if not models:
        yield Finding(f"{name}: {sync.name}", "not checked: its annotation names no record class")
    for model, condition in models.items():
        about, notes = f"{name}: {sync.name}", list[str]()
        try:
            schema = mapped(schema_of(model), mapping)
        except OrgsyncError as error:
            yield Finding(about, "", error)
            continue
        if schema.object_name is None:
            yield Finding(about, f"{model.__name__}, {_count(len(schema.fields), 'field')}, not Salesforce's")
            continue
        try:
            inspection = await inspect(client, schema, condition, notes.append)
            if condition is not None:
                notes += await _check_condition(client, schema, condition)
        except OrgsyncError as error:
            if schema.optional and isinstance(error, ObjectNotFound) and error.sobject == schema.sobject:
                yield Finding(about, f"no rows: the org has no {schema.sobject}, or the user may not see it")
            else:
                yield Finding(about, schema.sobject, error)
        else:
            facts = inspection.facts
            for misfit in misfits(schema, inspection.fields):
                yield Finding(about, "", misfit)
            ways = "REST" if facts.rest_only else "REST or Bulk"
            given = [each for each in schema.fields if each.mapped]
            by = ", ".join(f"{each.name} from {', '.join(each.fields) or each.path}" for each in given)
            by = f" ({by})" if by else ""
            text = f"{schema.sobject}, {_count(len(schema.org_fields), 'field')}{by}, by {ways}"
            yield Finding(about, text, note=" ".join([*notes, *_remarks(facts, schema, sync)]))


async def _check_condition(client: Client, schema: Schema, condition: str) -> list[str]:
    """Ask for one row under a condition, so that the org says whether it takes it; return a remark where none can.

    Raises QueryRefused, and what else ends a query.
    """
    if name := unbound(condition):
        return [f"The condition is not tried: the script gives :{name} when it runs."]
    soql = f"{select(['Id'], schema.sobject, where=[require_condition(condition)])} LIMIT 1"
    try:
        await count(client, soql)
    except OrgsyncError as problem:
        raise advice(problem, schema, condition) from None
    return []


def _remarks(facts: ObjectFacts, schema: Schema, sync: Sync[Record]) -> list[str]:
    """Return what a copy of the object would lack, and why its first run may take long."""
    remarks = [f"Bulk is not used: {facts.rest_only}."] if facts.rest_only else []
    if isinstance(sync, ObjectSync):
        return [*remarks, *_remarks_on_object(facts, sync)]
    if schema.model in snapshots_of(sync.function):
        return remarks
    if not facts.cursor:
        instead = instead_of_changes(schema.sobject, schema.model.__name__)
        return [*remarks, f"It has no field that ctx.changes could read by. {instead}"]
    if sync.reconcile is None and not facts.delete_log and schema.model in sync.reads:
        remarks.append("ctx.changes finds rows deleted for good only with reconcile=: getDeleted does not cover them.")
    if sync.reconcile is None and sync.formulas is None and facts.drifting:
        remarks.append(
            "ctx.changes reads formulas, and parents of several kinds, again only with reconcile= or formulas=."
        )
    return remarks


def _remarks_on_object(facts: ObjectFacts, sync: ObjectSync) -> list[str]:
    """Return the same of an object without a script, in the words of orgsync.toml."""
    if not facts.cursor:
        return ["Its changes cannot be read, so each run reads all of it."]
    remarks: list[str] = []
    if sync.reconcile is None and not facts.delete_log:
        remarks.append('Rows deleted for good are found only with reconcile = "1d": getDeleted does not cover them.')
    if sync.reconcile is None and facts.drifting:
        remarks.append('Formulas, and parents of several kinds, are read again only with reconcile = "1d".')
    return remarks


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


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
