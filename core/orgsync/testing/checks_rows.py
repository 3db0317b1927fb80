"""Checks of what a script's runs leave: the first one, the second, and one with nothing new."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from anyio import to_thread

from orgsync.cassettes.throwaway_project import fixed_masking_key
from orgsync.demo_org import DemoOrg, Refusal
from orgsync.demo_org.grammar import parse
from orgsync.engine import Observer, Outcome, nobody
from orgsync.errors import OrgsyncError, RecordClassInvalid
from orgsync.records import parse_instant, schema_of
from orgsync.script_detail import explained
from orgsync.scripts.loading import classes_of

from .checks_text import has_tables
from .copies import Copies, Rows, difference
from .expected import passed_on, rows_of
from .org_setup import refused_queries
from .outcomes import FIRST, QUERIES, SECOND, TABLES, NotChecked, Unfit
from .subjects import fresh_sync

__all__ = ["brings_every_row", "follows_changes", "repeats_without_change", "run_first", "run_second", "sends_queries"]


async def run_first(
    copies: Copies, name: str, org: DemoOrg | None = None, *, observe: Observer = nobody
) -> Outcome:  # fmt: skip
    """Make a copy; where that fails, another check reports it."""
    outcome = await copies.run(name, org, observe=observe)
    if outcome.problem:
        raise NotChecked(await _blamed(copies, outcome.problem) or FIRST)
    return outcome


async def run_second(
    copies: Copies, name: str, org: DemoOrg | None = None, *, observe: Observer = nobody
) -> Outcome:  # fmt: skip
    """Bring a copy up to date; where that fails, another check reports it."""
    outcome = await copies.run(name, org, observe=observe)
    if outcome.problem:
        raise NotChecked(await _blamed(copies, outcome.problem) or SECOND)
    return outcome


async def sends_queries(copies: Copies) -> None:
    """Salesforce takes every query that the runs send."""
    await copies.run("copy")
    await copies.change()
    await copies.run("copy")
    if refused := refused_queries(copies.org.requests):
        report = "\n".join(f"{query}\n  {_refusal(query)}" for query in refused)
        raise Unfit(f"The sync {copies.script.home.sync} sends queries that Salesforce refuses.\n{report}")


async def brings_every_row(copies: Copies) -> None:
    """A first run ends well, and the copy holds what the org does, in the types that the classes declare."""
    outcome = await copies.run("copy")
    if outcome.problem:
        if earlier := await _blamed(copies, outcome.problem):
            raise NotChecked(earlier)
        report = explained(outcome.problem)
        raise Unfit(f"The first run of {copies.script.home.sync} is {outcome.run.status}: {report}")
    rows = await copies.live("copy")
    if not any(rows.values()):
        raise Unfit(
            f"The first run of {copies.script.home.sync} brings no row from an org that has some.\n"
            "If it looks for rows of a kind that the seeded ones are not, insert such: conformance(seed=...)."
        )
    _require_types(copies, rows)
    sync = fresh_sync(copies.script.home)
    whole = await passed_on(sync, await copies.open_context("copy"))
    if whole:
        in_org = rows_of(copies.org, whole, await fixed_masking_key("copy"))
        report = difference({whole.table: rows[whole.table]}, {whole.table: in_org}, "the copy", "the org")
        if report:
            raise Unfit(f"The first run of {copies.script.home.sync} does not bring what the org holds.\n{report}")


async def follows_changes(copies: Copies) -> None:
    """After inserts, updates, deletions (some for good) and an undelete, a second run leaves what a new copy has."""
    await run_first(copies, "copy")
    await copies.change()
    outcome = await copies.run("copy")
    if outcome.problem:
        report = explained(outcome.problem)
        raise Unfit(f"The second run of {copies.script.home.sync} is {outcome.run.status}: {report}")
    await run_second(copies, "new")
    report = difference(
        await copies.live("copy"), await copies.live("new"), "the copy that followed the changes", "a new copy"
    )  # fmt: skip
    if report:
        raise Unfit(
            f"The second run of {copies.script.home.sync} leaves another copy than a first one would.\n{report}"
        )


async def repeats_without_change(copies: Copies) -> None:
    """A run with nothing new changes no row, nor does one that reads everything again."""
    await run_first(copies, "copy")
    for full in (False, True):
        copies.org.advance(minutes=5)
        outcome = await copies.run("copy", full=full)
        if outcome.problem:
            raise NotChecked(SECOND)
        run = outcome.run
        if run.added or run.updated or run.deleted:
            raise Unfit(
                f"{'A run with full=True' if full else 'A second run'} of {copies.script.home.sync} with nothing new "
                f"in the org adds {run.added}, updates {run.updated} and deletes {run.deleted} rows."
            )


async def _blamed(copies: Copies, problem: OrgsyncError) -> str | None:
    """Return the name of the check that better explains why a run failed, if there is one."""
    if refused_queries(copies.org.requests):
        return QUERIES
    if isinstance(problem, RecordClassInvalid):
        with TemporaryDirectory() as folder:
            try:
                await to_thread.run_sync(has_tables, copies.script, Path(folder))
            except Unfit:
                return TABLES
    return None


def _refusal(query: str) -> str:
    try:
        parse(query)
    except Refusal as refusal:
        return f"{refusal.code}: {refusal.message.strip().splitlines()[-1]}"
    return "It parses, but names or compares what the org does not take."


_READ: Mapping[type, Any] = {
    datetime: parse_instant,
    date: date.fromisoformat,
    time: time.fromisoformat,
    Decimal: Decimal,
}


def _require_types(copies: Copies, rows: Rows) -> None:
    """Refuse values that could not be read back as what their class declares."""
    for schema in map(schema_of, classes_of(fresh_sync(copies.script.home))):
        for record_id, row in rows.get(schema.table, {}).items():
            for column in schema.fields:
                if not _fits(row[column.name], column.type):
                    raise Unfit(
                        f"{schema.table} {record_id}: {column.name} is {row[column.name]!r}, "
                        f"but {schema.model.__name__} declares it {column.type.__name__}."
                    )


def _fits(value: object, type: type) -> bool:
    if value is None or type in (dict, list, bool):
        return True
    if type in _READ:
        with suppress(ValueError, TypeError, ArithmeticError):
            return _READ[type](value) is not None
        return False
    return isinstance(value, int | float) if type is float else isinstance(value, type)
