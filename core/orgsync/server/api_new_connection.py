"""Connections made over HTTP: credentials that the caller has, of every way in which `orgsync connect` signs in."""

from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from orgsync.errors import CredentialsInvalid, HostNotAllowed, SignInNeeded
from orgsync.project import Credentials, credentials_of_sfdx_url, is_on_loopback, login_url_of
from orgsync.project.views import ConnectionView, connection_view
from orgsync.settings import Settings

from .access import Caller, may
from .schemas import model_of
from .served import served_by

__all__ = ["router"]

router = APIRouter(prefix="/api/v1/connections", tags=["connections"])

if TYPE_CHECKING:
    ConnectionModel: TypeAlias = ConnectionView
else:  # pydantic's, from the same view
    ConnectionModel = model_of(ConnectionView)

_LONGEST = 20_000
_NEEDED = {
    "refresh-token": ("client_id", "refresh_token"),
    "jwt": ("client_id", "username", "private_key"),
    "client-credentials": ("client_id", "client_secret"),
    "sfdx-url": ("sfdx_url",),
}
_ALLOWED = {
    "refresh-token": {"client_id", "client_secret", "refresh_token", "login_url", "environment"},
    "jwt": {"client_id", "username", "private_key", "audience", "login_url", "environment"},
    "client-credentials": {"client_id", "client_secret", "login_url", "environment"},
    "sfdx-url": {"sfdx_url"},
}
_PARTS = {part for parts in _ALLOWED.values() for part in parts}


class NewConnection(BaseModel):
    """Credentials to sign in with, and what is kept with the connection.

    `refresh-token` needs `client_id` and `refresh_token`, `jwt` `client_id`, `username` and `private_key`,
    `client-credentials` `client_id`, `client_secret` and the org's own `login_url`, `sfdx-url` `sfdx_url` alone.
    """

    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=200, description="One that is there signs in again, and keeps its org.")
    flow: Literal["refresh-token", "jwt", "client-credentials", "sfdx-url"]
    environment: Literal["production", "sandbox"] | None = Field(default=None, description="Production by default.")
    login_url: str | None = Field(default=None, max_length=2000, description="The org's My Domain, or a page of it.")
    client_id: str | None = Field(default=None, max_length=_LONGEST, description="The app's consumer key.")
    client_secret: SecretStr | None = Field(default=None, max_length=_LONGEST)
    refresh_token: SecretStr | None = Field(default=None, max_length=_LONGEST)
    private_key: SecretStr | None = Field(default=None, max_length=_LONGEST, description="PEM text.")
    username: str | None = Field(default=None, max_length=_LONGEST)
    audience: str | None = Field(default=None, max_length=2000, description="Of JWT assertions, in other clouds.")
    sfdx_url: SecretStr | None = Field(default=None, max_length=_LONGEST)
    metadata: dict[str, Any] | None = None
    tags: list[str] | None = Field(default=None, max_length=100)
    mapping: dict[str, str | None] | None = Field(default=None, description="As in `PATCH`.")


@router.post("", response_model=ConnectionModel, status_code=201)
async def add_connection(new: NewConnection, request: Request, caller: Annotated[Caller, Depends(may("admin"))]) -> Any:
    """Sign in with credentials and keep the connection; nothing is kept where the sign-in fails.

    A connection of this name signs in again, if the credentials lead to the same org. The answer holds no secret.
    """
    caller.require_connection(new.name)
    project = served_by(request).project
    try:
        made = await project.connections.add(
            new.name,
            _credentials(new, project.settings),
            metadata=new.metadata,
            tags=new.tags,
            mapping=new.mapping,
        )
    except SignInNeeded as refused:
        if refused.part:  # who calls has given it, and no variable of the server's
            part = "sfdx_url" if new.sfdx_url is not None else refused.part
            refused.replace_remedy(f"Send another {part}: it came with this call.")
        elif refused.missing:
            refused.replace_remedy(f"Send {refused.missing} as well.")
        raise
    return connection_view(made)


def _credentials(new: NewConnection, settings: Settings) -> Credentials:
    """Return what a flow signs in with; raises CredentialsInvalid for a part that is missing or is not the flow's."""
    given = {part for part in _PARTS if getattr(new, part) is not None}
    if missing := [part for part in _NEEDED[new.flow] if part not in given]:
        raise CredentialsInvalid(f"The flow {new.flow} lacks {', '.join(missing)}.", "Send it, or choose another flow.")
    if odd := sorted(given - _ALLOWED[new.flow]):
        raise CredentialsInvalid(f"The flow {new.flow} takes no {', '.join(odd)}.", "Leave it out.")
    if new.environment and new.login_url:
        raise CredentialsInvalid("A login URL decides the environment.", "Give one of the two.")
    if new.sfdx_url is not None:
        credentials = credentials_of_sfdx_url(new.sfdx_url.get_secret_value(), settings)
    else:
        credentials = Credentials(
            grant="refresh-token" if new.flow == "sfdx-url" else new.flow,
            login_url=login_url_of(settings, new.environment, new.login_url),
            client_id=new.client_id or "",
            client_secret=_text(new.client_secret),
            refresh_token=_text(new.refresh_token),
            private_key=_text(new.private_key),
            username=new.username,
            audience=new.audience,
        )
    _require_remote(credentials.login_url, settings)
    return credentials


def _require_remote(login_url: str, settings: Settings) -> None:
    """Raise HostNotAllowed for a login host on the server's own loopback, which the caller need not reach otherwise."""
    if is_on_loopback(login_url, but=settings.allowed_hosts):
        raise HostNotAllowed(
            "The login URL leads to the machine that the server runs on.",
            "Use the org's My Domain URL; if the host is right, allow it by name: allowed_hosts in orgsync.toml.",
        )


def _text(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value().strip()
