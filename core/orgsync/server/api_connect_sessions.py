"""Connect sessions: made by a product, opened by its customer in a browser, and asked after."""

from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from orgsync.errors import NameUnknown
from orgsync.project.connect_views import ENVIRONMENTS, ConnectEnvironment, ConnectSessionView, session_view
from orgsync.store.connect_session_table import ConnectSessionRow

from .access import Caller, may
from .public_address import callback_url, public_base
from .schemas import model_of
from .served import Served, served_by

__all__ = ["router"]

router = APIRouter(prefix="/api/v1/connect-sessions", tags=["connect sessions"])

if TYPE_CHECKING:
    ConnectSessionModel: TypeAlias = ConnectSessionView
else:  # pydantic's, from the same view
    ConnectSessionModel = model_of(ConnectSessionView)


class NewConnectSession(BaseModel):
    """What a customer is asked for, and where they are sent back to."""

    model_config = ConfigDict(extra="forbid")

    connection: str = Field(max_length=200, description="The name that the org gets; one that is there signs in again.")
    app_name: str = Field(min_length=1, max_length=80, description="Who asks for access, as the customer knows it.")
    account_name: str | None = Field(
        default=None, max_length=120, description="Whose account the org is connected to, as the customer knows it."
    )
    environments: list[ConnectEnvironment] = Field(
        default=[*ENVIRONMENTS], min_length=1, max_length=3, description="Where the customer may sign in."
    )
    return_url: str | None = Field(
        default=None, max_length=2000, description="Where the customer is sent back to: https, or http on loopback."
    )
    metadata: dict[str, Any] | None = Field(default=None, description="Metadata of the connection.")
    tags: list[str] | None = Field(default=None, max_length=100, description="Tags of the connection.")


class MadeConnectSession(BaseModel):
    """A session that was made. Its `url` is for the customer alone, and cannot be read again."""

    session: ConnectSessionModel
    url: str
    callback_url: str = Field(description="The app in Salesforce has to know exactly this callback URL.")


@router.post("", status_code=201)
async def create_session(
    new: NewConnectSession, request: Request, caller: Annotated[Caller, Depends(may("connect"))]
) -> MadeConnectSession:
    """Make a link with which a customer connects an org, once, within 30 minutes."""
    caller.require_connection(new.connection)
    project = served_by(request).project
    base = public_base(request, project.settings)
    row, secret = await project.connect_sessions.create(
        new.connection,
        app_name=new.app_name,
        account_name=new.account_name,
        environments=new.environments,
        return_url=new.return_url,
        metadata=new.metadata,
        tags=new.tags,
    )
    return MadeConnectSession(
        session=ConnectSessionModel(**session_view(row, is_over=False)),
        url=f"{base}/connect/{secret}",
        callback_url=callback_url(base),
    )


@router.get("/{session}", response_model=ConnectSessionModel)
async def read_session(session: str, request: Request, caller: Annotated[Caller, Depends(may("connect"))]) -> Any:
    """Say how a session stands: waiting, connected, failed (it may be tried again), expired or cancelled."""
    row, is_over = await _own(served_by(request), caller, session)
    return session_view(row, is_over=is_over)


@router.delete("/{session}", response_model=ConnectSessionModel)
async def cancel_session(session: str, request: Request, caller: Annotated[Caller, Depends(may("connect"))]) -> Any:
    """End a session, so that its link leads nowhere; one that is connected stays so."""
    served = served_by(request)
    _, is_over = await _own(served, caller, session)
    return session_view(await served.project.connect_sessions.cancel(session), is_over=is_over)


async def _own(served: Served, caller: Caller, session: str) -> tuple[ConnectSessionRow, bool]:
    """Read a session; one of a connection that is not the caller's is as one that is not there."""
    row, is_over = await served.project.connect_sessions.get(session)
    if not caller.sees(row.connection):
        raise NameUnknown(
            f"There is no connect session {session!r}.",
            "Sessions are kept for 30 days. Create one: POST /api/v1/connect-sessions.",  # as for one that is not there
        )
    return row, is_over
