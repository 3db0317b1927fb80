"""Reading rows with their contents: first the rows, then what is missing of their contents, one after the other.

The rows of a pass are committed as they come, with what the copy has of their contents already. Then the copy itself
says which contents are missing, so a run that ends at any instant, by its budget, a signal or a kill, is resumed by the
next: each content is on the disk before its row is committed, and each row is committed before the next content is
asked for. What a user may not read, or what is gone meanwhile, is noted in its row.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import structlog

from orgsync.errors import AccessRefused, ContentBroken, NotServed, OrgsyncError, QueryRefused, SessionBlocked
from orgsync.records import Batch, Record, Row, Schema, as_stored, schema_of
from orgsync.salesforce.api.client import Client
from orgsync.salesforce.api.download import download
from orgsync.store import ContentRows

from .columns import ERROR, HASH, ContentColumns
from .folder import ContentFolder

__all__ = ["ContentReader"]

R = TypeVar("R", bound=Record)

_PAGE = 200
_WARNED_AT_MOST = 5
_REFUSALS = (QueryRefused, AccessRefused, ContentBroken)
"""What concerns one content alone: the user may not read it, it is gone, or it is not what its record says."""


@dataclass(slots=True)
class ContentReader(Generic[R]):
    """Reads one record class with its contents.

    `folder` is None in a run that keeps nothing: then contents are not downloaded. `budget` is how many bytes a run
    downloads at most; `again` says that contents which were refused before are tried again.
    """

    client: Client
    model: type[R]
    rows: ContentRows
    folder: ContentFolder | None
    log: structlog.stdlib.BoundLogger
    budget: int | None = None
    again: bool = False
    refused: int = field(default=0, init=False)
    given_up: bool = field(default=False, init=False)

    async def read(self, batches: AsyncGenerator[Batch[R]]) -> AsyncGenerator[Batch[R]]:
        """Yield the batches of a pass, and then batches of rows whose contents have been downloaded."""
        schema = schema_of(self.model)
        columns = ContentColumns.of(schema)
        async with aclosing(batches):
            async for batch in batches:
                yield await self._with_known(batch, schema, columns)
        if self.folder is None:
            self.log.info("contents are not downloaded in a dry run")
            return
        async with aclosing(self._fetched(schema, columns, self.folder)) as fetched:
            async for batch in fetched:
                yield batch
        await self.folder.sweep(self.rows.held, due=self.given_up)

    async def _with_known(self, batch: Batch[R], schema: Schema, columns: ContentColumns) -> Batch[R]:
        """Return a batch whose rows have what the copy has of their contents, where it is still theirs."""
        self.given_up = self.given_up or bool(batch.deleted_ids) or any(row[2] for row in batch.rows)
        if not batch.rows:
            return batch
        known = await self.rows.get(schema, [str(row[0]) for row in batch.rows])
        rows = [self._known(row, known.get(str(row[0])), schema, columns) for row in batch.rows]
        return Batch.read(batch.model, rows, deleted_ids=batch.deleted_ids, position=batch.position)

    def _known(self, row: Row, copied: dict[str, Any] | None, schema: Schema, columns: ContentColumns) -> Row:
        if copied is None or row[columns.body] is None:
            return row
        before = as_stored(schema.columns, copied)
        if not columns.never_changes and before[1] != row[1]:
            self.given_up = self.given_up or before[columns.hash] is not None
            return row
        kept = before[columns.path]
        if kept is not None and (self.folder is None or self.folder.has(str(kept))):
            return _with(row, {columns.path: kept, columns.hash: before[columns.hash]})
        return row if self.again else _with(row, {columns.error: before[columns.error]})

    async def _fetched(
        self, schema: Schema, columns: ContentColumns, folder: ContentFolder
    ) -> AsyncGenerator[Batch[R]]:
        """Download what is missing, and yield each row with what is kept of its content, or why there is none."""
        empty = [HASH] if self.again else [HASH, ERROR]
        spent, after, body = 0, "", schema.columns[columns.body].name
        while page := await self.rows.lacking(schema, empty=empty, given=body, after=after, limit=_PAGE):
            for found in page:
                row = as_stored(schema.columns, found)
                after = str(row[0])
                size = None if columns.size is None else row[columns.size]
                expected = size if isinstance(size, int) else None
                if self.budget is not None and spent and spent + (expected or 0) > self.budget:
                    self.log.info("the byte budget of this run is used up; the next one resumes", bytes=spent)
                    return
                fetched, taken = await self._fetch(row, expected, columns, folder)
                spent += taken
                if fetched != row:
                    yield Batch.read(self.model, [fetched])
        if self.refused > _WARNED_AT_MOST:
            self.client.warn(f"{self.refused} contents of {schema.sobject} could not be downloaded; see content_error.")

    async def _fetch(
        self, row: Row, size: int | None, columns: ContentColumns, folder: ContentFolder
    ) -> tuple[Row, int]:
        """Download one content; return its row, and how many bytes that took."""
        checksum = None if columns.md5 is None else row[columns.md5]
        received = 0
        try:
            async with download(self.client, str(row[columns.body]), size=size) as content:
                try:
                    kept = await folder.keep(content, md5=str(checksum) if checksum else None)
                finally:
                    received = content.received
        except _REFUSALS as refusal:
            if isinstance(refusal, SessionBlocked | NotServed):
                raise
            return self._refused(row, refusal, columns), received
        values = {columns.path: kept.path, columns.hash: kept.sha256, columns.error: None}
        return _with(row, values), received

    def _refused(self, row: Row, refusal: OrgsyncError, columns: ContentColumns) -> Row:
        self.refused += 1
        if self.refused <= _WARNED_AT_MOST:
            self.client.warn(f"The content of {row[0]} is not in the copy: {refusal.cause}")
        return _with(row, {columns.path: None, columns.hash: None, columns.error: refusal.cause})


def _with(row: Row, values: dict[int, Any]) -> Row:
    changed: Sequence[Any] = [values.get(at, value) for at, value in enumerate(row)]
    return tuple(changed)
