"""Checks of what a sync reads on a connection: each object, its fields and conditions, and what a copy would lack."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from orgsync.errors import InternalError, ObjectNotFound, OrgProblem, OrgsyncError, ScriptProblem
from orgsync.extract.field_types import misfits
from orgsync.extract.inspection import inspect
from orgsync.extract.object_facts import ObjectFacts
from orgsync.extract.query_rules import advice, instead_of_changes
from orgsync.field_mapping import mapping_from_json
from orgsync.printable import counted
from orgsync.records import Record, Schema, mapped, schema_of
from orgsync.salesforce.api.client import Client
from orgsync.salesforce.api.counts import count
from orgsync.scripts import Sync
from orgsync.scripts.object_sync import ObjectSync
from orgsync.scripts.table_reads import conditions_of, snapshots_of
from orgsync.soql import require_condition, select, unbound
from orgsync.store import Connection, Run, Store

from .objects import model_of_object

__all__ = ["Finding", "check_last_run", "check_sync"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked: what it is about, what was found, and the problem where there is one.

    `note` is a remark on something that works, but not as well as it could.
    """

    about: str
    text: str
    problem: OrgsyncError | None = None
    note: str = ""


async def _reads(client: Client, store: Store, sync: Sync[Record]) -> dict[type[Record], str | None]:
    """Return the record classes that a sync reads and writes, with the conditions that are known."""
    if isinstance(sync, ObjectSync):
        return dict([await model_of_object(client, store, sync)])
    conditions = conditions_of(sync.function)
    return {model: conditions.get(model) for model in (*sync.models, *sync.reads)}


async def check_sync(
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
            yield Finding(about, f"{model.__name__}, {counted(len(schema.fields), 'field')}, not Salesforce's")
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
            text = f"{schema.sobject}, {counted(len(schema.org_fields), 'field')}{by}, by {ways}"
            yield Finding(about, text, note=" ".join([*notes, *_remarks(facts, schema, sync)]))


def check_last_run(run: Run) -> Iterator[Finding]:
    """Yield a finding on a sync whose last run ended by what neither time nor a sign-in mends, as its script or org."""
    if run.status != "failed":
        return
    known = OrgsyncError.reported(run.error_code or "", run.error or "", "")
    if isinstance(known, ScriptProblem | OrgProblem | InternalError):
        cause = f"The last run, {run.id}, failed: {known.cause}"
        remedy = f"Once that is mended, run it again: orgsync run {run.sync} -c {run.connection}."
        problem = OrgsyncError.reported(known.code, cause, remedy)
        yield Finding(f"{run.connection}: {run.sync}", "", problem)


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
    if sync.reconcile is None and sync.formulas is None and facts.drifting:
        remarks.append('Formulas are read again only with reconcile = "1d" or formulas = "6h".')
    return remarks
