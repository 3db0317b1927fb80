"""One pass over what changed in an object, so that no committed change is lost.

Let W be the old watermark. A pass takes a safe instant S first, then reads every row whose SystemModstamp is at or
after W, the deleted ones too, in the order (SystemModstamp, Id); rows newer than S are delivered as well. When all are
read, and only then, the watermark becomes S. A row version stamped at or before S was visible when the pass began, so
it was read; one stamped later is read by the next pass. Reading a row twice is harmless: the store takes a row by its
Id, and never goes back to an older version.

A key (SystemModstamp, Id) marks how far a pass has come, so it goes on there after a break, in the same pass, with the
same S. Rows that change meanwhile move on in the order and are met again.

A parent's field changes without its child's stamp moving. So for each parent that a class reads from, the pass has one
more query: the rows whose parent's SystemModstamp is at or after W, by Id. And with a condition there is one that asks
for the Ids of all changed rows, whether they meet it or not: those in the copy that meet it no longer leave.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import pairwise
from typing import Generic, TypeVar

from orgsync.errors import FieldNotFound, ObjectNotFound
from orgsync.records import Batch, Position, Record, Row, decode, parse_instant, schema_of
from orgsync.salesforce.answers import LocatorExpired
from orgsync.salesforce.query import Page, pages
from orgsync.soql import literal, select

from .facts import Facts, learn
from .leaving import Leaving
from .progress import Pass, Progress
from .safe_instant import safe_instant
from .source import Source

__all__ = ["changes"]

R = TypeVar("R", bound=Record)
_Key = tuple[str, ...]


async def changes(
    source: Source, model: type[R], *, where: str | None = None, saved: Position | None = None, full: bool = False
) -> AsyncIterator[Batch[R]]:
    """Read what changed since the saved position, in batches that each bring their position with them.

    `full` reads everything once more. Raises FieldNotFound or ObjectNotFound for what the org does not show.
    """
    progress = Progress.from_position(saved)
    if full:
        progress = replace(progress, watermark=None, unfinished=None, facts=None)
    facts = progress.facts
    if facts is not None and (facts.is_stale(source.client.now) or not progress.is_of(schema_of(model), where)):
        facts = None
    while True:
        resumed = progress.unfinished is not None
        one_pass = await _begin(source, model, where, progress, facts)
        try:
            async for batch in one_pass.batches():
                progress = one_pass.progress
                yield batch
        except (FieldNotFound, ObjectNotFound):
            if facts is None:
                raise
            facts = None  # what was known is no longer so: look again, and go on or say what is missing
            continue
        if not resumed:
            return
        facts = one_pass.facts  # an earlier run's pass is done; what changed since it began is read by one of our own


async def _begin(
    source: Source, model: type[R], where: str | None, progress: Progress, facts: Facts | None
) -> "_ChangesPass[R]":
    """Go on with the pass that was under way, or take a safe instant and begin one."""
    schema = schema_of(model)
    if facts is None:
        facts = await learn(source.client, schema, where, source.warn)
    paths = tuple(path for path in schema.paths(without=facts.absent) if path != "SystemModstamp")
    known_before = progress.facts is not None or progress.where is not None
    going_on = progress.reading(paths, where, facts)
    if going_on.unfinished is None:
        until = await safe_instant(source, schema, facts)
        since = going_on.watermark
        recheck = where is not None and since is None and known_before
        begun = Pass(since, max(until, since) if since else until, recheck)
        going_on = replace(going_on, unfinished=begun)
    return _ChangesPass(source, model, going_on, facts)


@dataclass(slots=True)
class _ChangesPass(Generic[R]):
    """One pass: its queries one after the other, each begun where the last run left it."""

    source: Source
    model: type[R]
    progress: Progress
    facts: Facts
    told_empty: bool = False

    async def batches(self) -> AsyncIterator[Batch[R]]:
        steps = self._steps()
        names = list(steps)
        begun = self._pass
        at = names.index(begun.step) if begun.step in names else 0
        for name in names[at:]:
            after = begun.after if name == begun.step else ()
            async for batch in steps[name](after):
                yield batch
        self.progress = self.progress.finished()
        yield self._batch([])

    def _steps(self) -> dict[str, Callable[[_Key], AsyncIterator[Batch[R]]]]:
        steps: dict[str, Callable[[_Key], AsyncIterator[Batch[R]]]] = {"changed": self._changed}
        if self._pass.since is not None:
            for parent in self.facts.parents:
                steps[f"parent {parent}"] = _bound(self._parent_changed, parent)
        if self.progress.where is not None:
            steps |= {name: _bound(self._left, name) for name in self._leaving.steps(self._pass)}
        return steps

    async def _changed(self, after: _Key) -> AsyncIterator[Batch[R]]:
        """Read the rows whose own stamp moved, by the key (stamp, Id)."""
        cursor, since = self.facts.cursor, self._pass.since
        start = f"{cursor} >= {literal(since)}" if since else None

        def soql(key: _Key) -> str:
            condition = _beyond(cursor, key) if key else start
            return select(self._paths, self._sobject, where=[condition, self._where], order_by=[cursor, "Id"])

        async for batch in self._read("changed", soql, after, _stamp_and_id):
            yield batch

    async def _parent_changed(self, parent: str, after: _Key) -> AsyncIterator[Batch[R]]:
        """Read the rows whose parent's stamp moved, by Id."""
        since = f"{parent}.SystemModstamp >= {literal(self._pass.since)}"

        def soql(key: _Key) -> str:
            condition = f"Id > {literal(key[0])}" if key else None
            return select(self._paths, self._sobject, where=[since, condition, self._where], order_by=["Id"])

        async for batch in self._read(f"parent {parent}", soql, after, _id):
            yield batch

    async def _left(self, name: str, after: _Key) -> AsyncIterator[Batch[R]]:
        """Find the rows of the copy that no longer meet the condition."""
        async for gone, key in self._leaving.rows(name, self._pass, after):
            self.progress = self.progress.at(name, key)
            if gone:
                yield self._batch([], gone)

    async def _read(
        self, step: str, soql: Callable[[_Key], str], after: _Key, key_of: Callable[[Row], _Key | None]
    ) -> AsyncIterator[Batch[R]]:
        """Read a query to its end, beginning again behind the last row read when the rest of its pages is gone."""
        while True:
            began = after
            try:
                async for page in pages(self.source.client, soql(after), deleted=True, exact=self._exact):
                    self.source.expect(page.total)
                    rows = self._rows(page)
                    after = _last_key(rows, key_of) or after
                    self.progress = self.progress.at(step, after)
                    if rows:
                        yield self._batch(rows)
            except LocatorExpired:
                if after == began:
                    raise
            else:
                return

    def _rows(self, page: Page) -> list[Row]:
        rows = decode(schema_of(self.model), page.records, absent=self.facts.absent, cursor=self.facts.cursor)
        self._note_empty(rows)
        return rows

    def _note_empty(self, rows: Sequence[Row]) -> None:
        """Say once that a field declared without `| None` has empty values; they are kept as NULL."""
        if self.told_empty or not rows:
            return
        for at, column in enumerate(schema_of(self.model).columns):
            if not column.nullable and any(row[at] is None for row in rows):
                self.told_empty = True
                self.source.warn(
                    f"{self.model.__name__}.{column.name} is declared without `| None`, but Salesforce has rows "
                    "without a value; they are kept as NULL."
                )

    def _batch(self, rows: Sequence[Row], deleted_ids: Sequence[str] = ()) -> Batch[R]:
        stream = schema_of(self.model).table
        return Batch.read(self.model, rows, deleted_ids=deleted_ids, position=self.progress.to_position(stream))

    @property
    def _pass(self) -> Pass:
        if self.progress.unfinished is None:
            raise ValueError("the pass has ended")
        return self.progress.unfinished

    @property
    def _paths(self) -> list[str]:
        return [
            "Id",
            self.facts.cursor,
            *(path for path in self.progress.paths if path not in ("Id", self.facts.cursor)),
        ]

    @property
    def _sobject(self) -> str:
        return schema_of(self.model).sobject

    @property
    def _where(self) -> str | None:
        return self.progress.where

    @property
    def _exact(self) -> bool:
        return any(column.type is Decimal for column in schema_of(self.model).columns)

    @property
    def _leaving(self) -> Leaving:
        return Leaving(self.source, schema_of(self.model), self.facts, self.progress.where or "")


def _bound(
    step: Callable[[str, _Key], AsyncIterator[Batch[R]]], name: str
) -> Callable[[_Key], AsyncIterator[Batch[R]]]:
    return lambda after: step(name, after)


def _beyond(cursor: str, key: _Key) -> str:
    """Write the condition for the rows behind a key."""
    stamp, row_id = literal(parse_instant(key[0])), literal(key[1])
    return f"{cursor} > {stamp} OR ({cursor} = {stamp} AND Id > {row_id})"


def _last_key(rows: Sequence[Row], key_of: Callable[[Row], _Key | None]) -> _Key | None:
    """Give the last row's key; None where the rows are not in the order asked for, so that nothing is passed over."""
    keys = [key for row in rows if (key := key_of(row)) is not None]
    if len(keys) < len(rows) or not keys:
        return None
    return keys[-1] if all(a < b for a, b in pairwise(keys)) else None


def _stamp_and_id(row: Row) -> _Key | None:
    return (str(row[1]), str(row[0])) if row[1] is not None else None


def _id(row: Row) -> _Key | None:
    return (str(row[0]),)
