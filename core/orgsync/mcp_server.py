"""The copy for agents, by the Model Context Protocol: tools that read, and none that can do more."""

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import msgspec
from anyio import to_thread
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations

from orgsync.clock import utc_now
from orgsync.errors import OrgsyncError
from orgsync.logs import get_logger
from orgsync.project import View, open_view
from orgsync.project.health_views import status_view
from orgsync.project.known_names import require_known
from orgsync.project.selections import selection_of
from orgsync.project.status import statuses_in
from orgsync.project.views import listed_run_view
from orgsync.settings import Settings
from orgsync.store.free_query import QueryBounds

__all__ = ["mcp_server"]

_MOST, _MOST_BYTES = 200, 200_000
_READS = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
_INSTRUCTIONS = (
    "A copy of Salesforce data in a database, read only. Each table is an object, with the rows of every connection "
    "(an org), told apart by the column connection. Begin with the tool tables."
)


def mcp_server(settings: Settings) -> MCPServer:
    """Make the server of a project's copy. Its tools return JSON, and errors as cause and remedy."""
    server = MCPServer("orgsync", version=version("orgsync"), instructions=_INSTRUCTIONS)
    tool = server.tool(annotations=_READS, structured_output=False)

    async def read(work: Callable[[View], Any]) -> str:
        def reading() -> bytes:
            with open_view(settings) as view:
                return msgspec.json.encode(work(view), enc_hook=str)

        try:
            return (await to_thread.run_sync(reading)).decode()
        except OrgsyncError as problem:
            raise ToolError(f"{problem.cause} {problem.remedy_elsewhere}".strip()) from None
        except Exception as error:  # its text may hold data, so the agent and the log get its type alone
            get_logger("orgsync.mcp").error("unexpected error", error=type(error).__name__)
            raise ToolError(f"orgsync failed unexpectedly: {type(error).__name__}. Please report it.") from None

    @tool
    async def tables() -> str:
        """List the tables, with the columns of each and the database's types of them."""
        return await read(lambda view: {name: view.columns(name) for name in view.tables()})

    @tool
    async def sql(query: str) -> str:
        """Run one SELECT on the tables, in the SQL of the database: SQLite or PostgreSQL.

        Add NOT is_deleted to leave out what is in an org's recycle bin. At most 200 rows or 200 KB come back; `is_cut`
        says that there are more. It may take five seconds.
        """
        return await read(lambda view: view.query(query, QueryBounds(_MOST, _MOST_BYTES)))

    @tool
    async def changes(table: str, after: int = 0, connection: str | None = None, limit: int = 50) -> str:
        """List what was added, updated and deleted in a table after a number, in order; `last` is the next `after`.

        The number of a change is `sync_seq`, also in SQL on TABLE_changes; do not follow `sync_number`.
        """
        return await read(lambda view: _changes(view, settings, table, after, connection, _bounded(limit)))

    @tool
    async def runs(sync: str | None = None, connection: str | None = None, limit: int = 20) -> str:
        """List runs, the latest first: how each ended, what it changed, and why it failed."""
        return await read(lambda view: _runs(view, settings, sync, connection, _bounded(limit)))

    @tool
    async def status() -> str:
        """Say how each sync stands on each connection: lag, last success, failures in a row, when it is due."""
        return await read(lambda view: [status_view(each) for each in statuses_in(view, settings, now=utc_now())])

    return server


def _runs(view: View, settings: Settings, sync: str | None, connection: str | None, most: int) -> Any:
    """Return runs; raises NameUnknown, with the nearest, for a name that there is not."""
    found = view.runs(most, sync=sync, connection=connection)
    if not found:
        require_known(view, settings, sync=sync, connection=connection)
    return [listed_run_view(each) for each in found]


def _changes(view: View, settings: Settings, table: str, after: int, connection: str | None, most: int) -> Any:
    """Return changes up to a number of rows and bytes, and the number behind which to read on."""
    upto, size, found = view.last_change(), 0, list[dict[str, Any]]()
    options: Any = {"connection": connection, "changes": True, "after": max(0, after), "columns": [], "where": ""}
    chosen = selection_of(view, settings, table, **options)
    for row in view.read(chosen.with_(upto=upto, limit=most)):
        size += len(msgspec.json.encode(row, enc_hook=str))
        if found and size > _MOST_BYTES:
            return {"last": found[-1]["sync_seq"], "changes": found}
        found.append(row)
    return {"last": found[-1]["sync_seq"] if len(found) == most else upto, "changes": found}


def _bounded(limit: int) -> int:
    return max(1, min(limit, _MOST))
