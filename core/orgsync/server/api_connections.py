"""The connections: listed, read, changed, tested and removed; never their credentials."""

from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from orgsync.project.views import ConnectionView, connection_view

from .access import Caller, may
from .schemas import model_of
from .served import served_by

__all__ = ["router"]

router = APIRouter(prefix="/api/v1/connections", tags=["connections"])

if TYPE_CHECKING:
    ConnectionModel: TypeAlias = ConnectionView
else:  # pydantic's, from the same views
    ConnectionModel = model_of(ConnectionView)


class Connections(BaseModel):
    """The connections that the token may see, by name."""

    connections: list[ConnectionModel]


class ConnectionChange(BaseModel):
    """What to change of a connection; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(default=None, description="Its new name, in its rows and runs too.")
    metadata: dict[str, Any] | None = Field(default=None, description="Replaces all of the metadata.")
    tags: list[str] | None = Field(default=None, description="Replaces all tags.")
    mapping: dict[str, str | None] | None = Field(
        default=None, description='Columns and the fields that fill them: `{"Contact.level": "Tier__c"}`; null removes.'
    )


class ConnectionTest(BaseModel):
    """That one call to the org was answered."""

    connection: str
    instance_url: str
    api_version: str


class RemovedConnection(BaseModel):
    """What went with a connection."""

    connection: str
    problems: list[str]


@router.get("", response_model=Connections)
async def list_connections(
    request: Request, caller: Annotated[Caller, Depends(may("read"))], tag: str | None = None
) -> Any:
    """List the connections that the token may see, or those of them with a tag."""
    found = await served_by(request).view(lambda view: view.connections())
    seen = [each for each in found if caller.sees(each.name) and (tag is None or tag in each.tags)]
    return {"connections": [connection_view(each) for each in seen]}


@router.get("/{name}", response_model=ConnectionModel)
async def read_connection(name: str, request: Request, caller: Annotated[Caller, Depends(may("read"))]) -> Any:
    """Read one connection."""
    caller.require_connection(name)
    return connection_view(await served_by(request).view(lambda view: view.connection(name)))


@router.patch("/{name}", response_model=ConnectionModel)
async def change_connection(
    name: str, change: ConnectionChange, request: Request, caller: Annotated[Caller, Depends(may("admin"))]
) -> Any:
    """Change a connection: its metadata and tags, then its field mapping, then its name; each whole or not at all."""
    caller.require_connection(name)
    connections = served_by(request).project.connections
    now = await connections.get(name)
    if change.metadata is not None or change.tags is not None:
        now = await connections.update(name, metadata=change.metadata, tags=change.tags)
    if change.mapping is not None:
        now = await connections.map(name, change.mapping)
    if change.name is not None and change.name != name:
        await connections.rename(name, change.name)
        now = await connections.get(change.name)
    return connection_view(now)


@router.post("/{name}/test")
async def test_connection(
    name: str, request: Request, caller: Annotated[Caller, Depends(may("run"))]
) -> ConnectionTest:
    """Make one call to the org, and note that the connection is ready."""
    caller.require_connection(name)
    connections = served_by(request).project.connections
    client = await connections.test(name)
    return ConnectionTest(
        connection=name, instance_url=(await connections.get(name)).instance_url, api_version=client.api_version
    )


@router.delete("/{name}")
async def remove_connection(
    name: str,
    request: Request,
    response: Response,
    caller: Annotated[Caller, Depends(may("admin"))],
    *,
    keep_rows: bool = False,
    revoke: bool = False,
    force: bool = False,
) -> RemovedConnection:
    """Remove a connection, its credentials and positions, and its rows and runs unless `keep_rows`.

    The change feed tells that its rows are gone. With `revoke` its refresh token is revoked; with `force` it goes even
    where that, or a hook of the project's, fails.
    """
    caller.require_connection(name)
    removal = await served_by(request).project.connections.remove(name, keep_rows=keep_rows, revoke=revoke, force=force)
    return RemovedConnection(connection=name, problems=[str(each) for each in removal.problems])
