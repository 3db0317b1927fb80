"""The context: a script's way into the org of its connection."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, TypeVar

import structlog

from orgsync.errors import ScriptProblem
from orgsync.extract import Api, Source, changes, snapshot
from orgsync.logs import get_logger
from orgsync.records import Batch, Position, Record, Schema, schema_of
from orgsync.salesforce.api.query import records
from orgsync.salesforce.errors.judge import problem_of_written
from orgsync.salesforce.http.http import JSON, Response
from orgsync.soql import bind, require_condition

from .deliveries import Deliveries

__all__ = ["ConnectionInfo", "Context", "read_twice"]

R = TypeVar("R", bound=Record)


@dataclass(frozen=True, slots=True)
class ConnectionInfo:
    """What a script may know of its connection. `metadata` and `tags` are the user's own."""

    name: str
    org_id: str
    user_id: str
    environment: str
    instance_url: str
    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])
    tags: tuple[str, ...] = ()


class Context:
    """An authenticated way into one connection's org.

    `checkpoint` is the JSON that the sync's last committed `Batch(..., checkpoint=...)` brought, None before the
    first. `log` is a structlog logger bound to the sync and the connection.
    """

    def __init__(
        self,
        connection: ConnectionInfo,
        source: Source,
        *,
        positions: Mapping[str, Position] | None = None,
        full: bool = False,
        compare: bool = False,
        log: structlog.stdlib.BoundLogger | None = None,
        require_own: Callable[[Schema], Awaitable[None]] | None = None,
    ) -> None:
        self.connection = connection
        self.log: structlog.stdlib.BoundLogger = log or get_logger("orgsync.script").bind(connection=connection.name)
        self._source = source
        self._positions = positions or {}
        self._full = full
        self._compare = compare
        self._require_own = require_own
        self._asked: set[str] = set()
        self._deliveries = Deliveries()

    @property
    def checkpoint(self) -> dict[str, Any] | None:
        """The author's own JSON of the last committed batch that had any."""
        saved = self._positions.get("")
        return None if saved is None or self._full else dict(saved.state)

    @property
    def api_calls(self) -> int:
        """How many API requests this context has sent."""
        return self._source.client.usage.calls

    def changes(
        self, model: type[R], *, where: str | None = None, api: Api | None = None, **binds: object
    ) -> AsyncIterator[Batch[R]]:
        """Read what changed in a record class's object since the last run, deletions included.

        `where` narrows it, with binds as in `query`; a changed row that no longer matches leaves the copy.
        The first time, or when the class has gained a field, everything is read. `api` forces "rest" or "bulk"; left
        out, the number of rows decides. Once a table in a run: what leaves under one condition would be brought by
        another.
        """
        saved = self._position_of(model)
        condition = None if where is None else require_condition(bind(where, binds))
        read = changes(
            self._source, model, where=condition, api=api, saved=saved, full=self._full, compare=self._compare
        )
        return self._own(model, read)

    def snapshot(
        self,
        model: type[R],
        *,
        where: str | None = None,
        api: Api | None = None,
        allow_mass_deletion: bool = False,
        **binds: object,
    ) -> AsyncIterator[Batch[R]]:
        """Read every row of an object whose changes cannot be read, and mark deleted what is not there any more.

        Nothing is marked, and SnapshotRefused raised, when that would be more than half of the copy's rows, unless
        `allow_mass_deletion` says that it may. The rest is as in `changes`.
        """
        saved = self._position_of(model)
        condition = None if where is None else require_condition(bind(where, binds))
        read = snapshot(
            self._source,
            model,
            where=condition,
            api=api,
            saved=None if self._full else saved,
            allow_mass_deletion=allow_mass_deletion,
            compare=self._compare,
        )
        return self._own(model, read)

    @property
    def deliveries(self) -> Deliveries:
        """What has been handed out of each pass, for whoever commits it."""
        return self._deliveries

    async def _own(self, model: type[R], read: AsyncGenerator[Batch[R]]) -> AsyncGenerator[Batch[R]]:
        """Read, but nothing of a table that belongs to another sync."""
        schema = schema_of(model)
        if self._require_own is not None:
            await self._require_own(schema)
        async with aclosing(self._deliveries.noted(model, schema.table, read)) as batches:
            async for batch in batches:
                yield batch

    def _position_of(self, model: type[Record]) -> Position | None:
        """Give where a table's reading stands; raises ScriptProblem when it is asked for twice in a run."""
        table = schema_of(model).table
        if table.lower() in self._asked:
            raise read_twice(table)
        self._asked.add(table.lower())
        return self._positions.get(table)

    def query(self, soql: str, /, *, deleted: bool = False, **binds: object) -> AsyncIterator[dict[str, Any]]:
        """Run SOQL and give its records as dicts, parents nested; `:name` takes the value bound to it, escaped.

        `deleted` includes the recycle bin. Raises QueryRefused for SOQL that Salesforce does not take.
        """
        return records(self._source.client, bind(soql, binds), deleted=deleted, judge=problem_of_written)

    async def get(self, path: str, /, **params: str) -> Any:
        """Read a REST resource: `limits`, `sobjects/Contact/describe`, or a whole path from `/services/`."""
        return await self._source.client.call("GET", path, _body, judge=problem_of_written, params=params or None)

    async def post(self, path: str, body: JSON = None, /) -> Any:
        """Send JSON to a REST resource and answer with what it says."""
        return await self._source.client.call("POST", path, _body, judge=problem_of_written, **_sent(body))

    async def patch(self, path: str, body: JSON, /) -> Any:
        """Change a REST resource."""
        return await self._source.client.call("PATCH", path, _body, judge=problem_of_written, json=body)

    async def put(self, path: str, body: JSON, /) -> Any:
        """Replace a REST resource."""
        return await self._source.client.call("PUT", path, _body, judge=problem_of_written, json=body)

    async def delete(self, path: str, /) -> Any:
        """Delete a REST resource."""
        return await self._source.client.call("DELETE", path, _body, judge=problem_of_written)


def read_twice(table: str) -> ScriptProblem:
    """Say that a table is read twice."""
    return ScriptProblem(
        f"The table {table} is read twice in one run.",
        "Join the conditions with OR, or give each its own record class and table.",
    )


def _sent(body: JSON) -> dict[str, Any]:
    return {} if body is None else {"json": body}


def _body(answer: Response) -> Any:
    """Read JSON where the answer says it is JSON, text otherwise; nothing is None."""
    if not answer.content:
        return None
    if "json" in answer.headers.get("content-type", ""):
        return answer.json()
    return answer.content.decode("utf-8", "replace")
