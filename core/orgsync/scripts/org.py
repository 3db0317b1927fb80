"""An org: the authenticated REST API of one connection, which applications open and syncs are given."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import structlog

from orgsync.errors import ArgumentInvalid, OrgsyncError, TransientProblem
from orgsync.field_mapping import MappedColumn
from orgsync.logs import get_logger
from orgsync.records import Record
from orgsync.salesforce.api.client import Client
from orgsync.salesforce.api.download import Content, download
from orgsync.salesforce.api.query import records
from orgsync.salesforce.api.usage import ApiUsage
from orgsync.salesforce.errors.judge import problem_of_written
from orgsync.salesforce.errors.retry import may_be_carried_out
from orgsync.salesforce.http.http import JSON, Response
from orgsync.soql import bind
from orgsync.writes import (
    DEFAULT_STALLED_AFTER,
    FileCheck,
    FileResult,
    FileWrite,
    Ledgers,
    OperationName,
    Rows,
    WriteProgress,
    WriteRequest,
    WriteResult,
    check_file,
    key_of,
    unobserved,
    write_file,
    write_rows,
)

from .metadata import fitted

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["ConnectionInfo", "Org"]

M = TypeVar("M", bound="BaseModel")

_CARRIED_OUT = "An earlier try of it may have been carried out: look in the org before it is repeated."


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


class Org:
    """The authenticated API of one connection's org.

    `connection` describes the connection; `log` is a structlog logger bound to its name. A path is relative to the
    REST API (`limits`, `sobjects/Contact/describe`), or absolute from `/services/`. All calls raise OrgsyncError:
    SignInNeeded, QueryRefused, AccessRefused, LimitReached and others.
    """

    def __init__(
        self,
        connection: ConnectionInfo,
        client: Client,
        *,
        ledgers: Ledgers,
        log: structlog.stdlib.BoundLogger | None = None,
        stalled_after: timedelta = DEFAULT_STALLED_AFTER,
        mapping: Sequence[MappedColumn] = (),
    ) -> None:
        self.connection = connection
        self.log: structlog.stdlib.BoundLogger = log or get_logger("orgsync.script").bind(connection=connection.name)
        self._client = client
        self._ledgers = ledgers
        self._stalled_after = stalled_after
        self._mapping = mapping

    @property
    def api_version(self) -> str:
        """The version of the API that paths are taken in, such as "62.0"."""
        return self._client.api_version

    def metadata(self, model: type[M]) -> M:
        """Return the connection's metadata as a model of pydantic's: `ctx.metadata(Options).region`.

        Raises MetadataInvalid, which names the fields, where it does not fit. With `@sync(metadata=Options)` that is
        found when the metadata is set, and again before each run.
        """
        return fitted(model, self.connection.metadata, connection=self.connection.name)

    @property
    def api_calls(self) -> int:
        """The number of API requests that were sent through this object."""
        return self._client.usage.calls

    @property
    def api_usage(self) -> ApiUsage:
        """The org's daily API requests as its last responses reported them: `used`, `limit`, and the share allowed."""
        return self._client.usage

    def query(self, soql: str, /, *, deleted: bool = False, **binds: object) -> AsyncIterator[dict[str, Any]]:
        """Run SOQL and yield its records as dicts, parents nested; `:name` takes the value bound to it, escaped.

        `deleted` includes the recycle bin. Raises QueryRefused for SOQL that Salesforce does not accept.
        """
        return records(self._client, bind(soql, binds), deleted=deleted, judge=problem_of_written)

    async def write(
        self,
        target: str | type[Record],
        rows: Rows,
        *,
        operation: OperationName,
        external_id: str | None = None,
        update_only: bool = False,
        resume_as: str | None = None,
        observe: Callable[[WriteProgress], None] = unobserved,
    ) -> WriteResult:
        """Write rows of any number, and return what became of each: rows = written + refused + unprocessed + unknown.

        `target` is an object's name or a record class; `rows` is an iterable or an async iterable of mappings, keyed by
        Salesforce's field names or by the class's, or of records, of which the fields that were set are written. What
        is absent from a row stays as it is in the org; None and the empty text empty the field. A column of a class is
        written to the field that the connection maps it to; a masked one is refused. `external_id` names the field by
        which upsert finds rows; with `update_only` it makes no new ones. Up to 2,000 rows go by collections, more by
        Bulk API jobs. With `resume_as`, a name for these very rows, a later call of the same name and rows resumes what
        a process that died has begun, and writes nothing twice. `observe` is called as it advances.

        Raises ArgumentInvalid, ObjectNotFound and FieldNotFound for what is wrong with the call or with a row's
        columns, before anything is sent. A row that Salesforce refuses is in the result; what ends the write early is
        its `problem`.
        """
        request = WriteRequest(target, operation, external_id, update_only, self._mapping)
        if resume_as is None:
            return await write_rows(self._client, request, rows, observe=observe, stalled_after=self._stalled_after)
        key = key_of("name", resume_as, request.sobject.lower(), operation, external_id, update_only)
        async with self._ledgers.open(key, resume_as) as opened:
            return await write_rows(
                self._client,
                request,
                rows,
                ledger=opened.ledger,
                observe=observe,
                stalled_after=self._stalled_after,
            )

    async def write_file(
        self,
        file: FileWrite,
        *,
        observe: Callable[[WriteProgress], None] = unobserved,
        stopped: Callable[[WriteResult], None] = lambda _: None,
    ) -> FileResult:
        """Write the rows of a CSV or of JSON lines, as `orgsync write` does; see `orgsync.writes.write_file`."""
        return await write_file(
            self._client,
            self._ledgers,
            file,
            observe=observe,
            stopped=stopped,
            stalled_after=self._stalled_after,
        )

    async def check_file(self, file: FileWrite) -> FileCheck:
        """Check the rows of a file against describe, and send nothing."""
        return await check_file(self._client, file)

    async def get(self, path: str, /, **params: str) -> Any:
        """Read a REST resource: `limits`, `sobjects/Contact/describe`, or a whole path from `/services/`.

        Return parsed JSON, text where the response is not JSON, and None where it has no body, as all calls do.
        """
        return await self._client.call("GET", path, _body, judge=problem_of_written, params=params or None)

    def download(self, path: str | None, /, *, size: int | None = None) -> AbstractAsyncContextManager[Content]:
        """Open a file's content: `async with org.download(row.version_data) as content: async for piece in content`.

        `path` is what a query gives for a field of contents (ContentVersion.VersionData, Attachment.Body,
        Document.Body), or any other path as in `get`. Memory stays bounded however large the content is. A connection
        that breaks is resumed, and a content that is not complete in the end is an error; give `size`, the bytes that
        its record says (ContentSize, BodyLength), where the server need not announce it. `await content.read()` returns
        a small one whole, `await content.save(path)` writes it to a file.
        Raises NotFound and AccessRefused for what this user may not read, ContentBroken for a content that is not what
        its record says, NetworkProblem for a connection that stays broken, all of them possibly while it is read.
        """
        if not path:
            raise ArgumentInvalid(
                "download() was given no path.",
                "Call it only where the record's field of contents is not empty: if row.version_data: ...",
            )
        return download(self._client, path, size=size)

    async def post(self, path: str, body: JSON = None, /) -> Any:
        """Send JSON to a REST resource and return the body of the response."""
        sent: dict[str, Any] = {} if body is None else {"json": body}
        return await self._changed("POST", path, **sent)

    async def patch(self, path: str, body: JSON, /) -> Any:
        """Change a REST resource."""
        return await self._changed("PATCH", path, json=body)

    async def put(self, path: str, body: JSON, /) -> Any:
        """Replace a REST resource."""
        return await self._changed("PUT", path, json=body)

    async def delete(self, path: str, /) -> Any:
        """Delete a REST resource."""
        return await self._changed("DELETE", path)

    async def _changed(self, method: str, path: str, **sent: Any) -> Any:
        """Send a request that changes the org; an error says whether it may have been carried out all the same."""
        try:
            return await self._client.call(method, path, _body, judge=problem_of_written, **sent)
        except OrgsyncError as problem:
            if may_be_carried_out(problem, by_its_last_try=True):
                if not (isinstance(problem, TransientProblem) and problem.retried):
                    problem.replace_remedy("It may have been carried out: look in the org before it is repeated.")
            elif problem.in_doubt:
                problem.replace_remedy(f"{_CARRIED_OUT} {problem.remedy}".strip())
            raise


def _body(response: Response) -> Any:
    """Read JSON where the response says that it is JSON, text otherwise; an empty body is None.

    Raises ArgumentInvalid for the content of a file, which text would damage.
    """
    if not response.content:
        return None
    if "json" in response.headers.get("content-type", ""):
        return response.json()
    try:
        return response.content.decode()
    except UnicodeDecodeError:
        if response.headers.get("content-type", "").startswith("text/"):
            return response.content.decode("utf-8", "replace")
    raise ArgumentInvalid(
        f"The response to {response.place} is neither JSON nor text.",
        "Read the content of a file with org.download(path), or ctx.download(path) in a sync.",
    )
