"""The webhooks: endpoints made, read, tested, rotated and removed, and what is delivered to them."""

from datetime import timedelta
from typing import Annotated, Any, TypeAlias

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from orgsync.errors import Forbidden, NameUnknown
from orgsync.project.webhooks import EVENTS, DeliveryView, WebhookRow, WebhookView, delivery_view, webhook_view

from .access import Caller, may
from .schemas import model_of
from .served import Served, served_by

__all__ = ["router"]

router = APIRouter(prefix="/api/v1/webhooks", tags=["webhooks"])
WebhookModel = model_of(WebhookView)
DeliveryModel = model_of(DeliveryView)
Event: TypeAlias = Annotated[str, Field(json_schema_extra={"enum": list(EVENTS)})]
_MOST = 1000
_MONTH = 30 * 86_400


class Webhooks(BaseModel):
    """The endpoints that the token may see, the oldest first."""

    webhooks: list[WebhookModel]  # type: ignore[valid-type]  # pyright: ignore[reportInvalidTypeForm]


class Deliveries(BaseModel):
    """Deliveries, the latest first."""

    deliveries: list[DeliveryModel]  # type: ignore[valid-type]  # pyright: ignore[reportInvalidTypeForm]


class NewWebhook(BaseModel):
    """An endpoint to make."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(max_length=2000, description="Where messages are posted to: https.")
    events: list[Event] = Field(
        default=[], max_length=100, description="What it is told; everything where it is empty."
    )
    connections: list[str] | None = Field(default=None, max_length=1000, description="Only these; null is all of them.")
    tags: list[str] = Field(default=[], max_length=100, description="And those that have one of these tags.")


class CreatedWebhook(BaseModel):
    """An endpoint that was made, with its secret, which cannot be read again."""

    webhook: WebhookModel  # type: ignore[valid-type]  # pyright: ignore[reportInvalidTypeForm]
    secret: str


class SecretRotation(BaseModel):
    """For how long the secret before is good as well."""

    model_config = ConfigDict(extra="forbid")

    overlap_seconds: int = Field(default=86_400, ge=0, le=_MONTH)


class NewSecret(BaseModel):
    """The new secret, which cannot be read again; `warning` says so where the one before signs nothing more."""

    secret: str
    warning: str


class WebhookTest(BaseModel):
    """What became of a test: `problem` is empty where the receiver accepted the message."""

    status: int | None
    problem: str


class RemovedWebhook(BaseModel):
    """The endpoint that was removed."""

    webhook: str


@router.get("", response_model=Webhooks)
async def list_webhooks(request: Request, caller: Annotated[Caller, Depends(may("admin"))]) -> Any:
    """List the endpoints that the token may see."""
    found = await served_by(request).project.webhooks.list()
    return {"webhooks": [webhook_view(each) for each in found if _sees(caller, each)]}


@router.post("", response_model=CreatedWebhook, status_code=201)
async def add_webhook(new: NewWebhook, request: Request, caller: Annotated[Caller, Depends(may("admin"))]) -> Any:
    """Make an endpoint. Its secret is in the answer, and cannot be read again."""
    if caller.token.connections is not None and (new.connections is None or new.tags):
        raise Forbidden(
            f"The token {caller.token.name} may not make a webhook for connections that are not its own.",
            "Name the connections, and no tag.",
        )
    for name in new.connections or ():
        caller.require_connection(name)
    row, secret = await served_by(request).project.webhooks.add(
        new.url, events=new.events, connections=new.connections, tags=new.tags
    )
    return {"webhook": webhook_view(row), "secret": secret}


@router.get("/deliveries", response_model=Deliveries)
async def list_deliveries(
    request: Request,
    caller: Annotated[Caller, Depends(may("admin"))],
    *,
    webhook: str | None = None,
    limit: Annotated[int, Query(ge=1, le=_MOST)] = 50,
) -> Any:
    """List deliveries of the last 30 days, the latest first: all, or those to one endpoint."""
    served = served_by(request)
    chosen, limits = None if webhook is None else [webhook], caller.token.connections
    if webhook is not None:
        await _own(served, caller, webhook)
    elif limits is not None:
        chosen = [each.id for each in await served.project.webhooks.list() if _sees(caller, each)]
    found = await served.project.webhooks.deliveries(chosen, connections=limits, limit=limit)
    return {"deliveries": [delivery_view(each) for each in found]}


@router.post("/deliveries/{delivery}/redeliver", response_model=DeliveryModel)
async def redeliver(delivery: int, request: Request, caller: Annotated[Caller, Depends(may("admin"))]) -> Any:
    """Deliver a message once more, with its id."""
    served = served_by(request)
    await _require_own_delivery(served, caller, delivery)
    return delivery_view(await served.project.webhooks.redeliver(delivery))


@router.get("/{webhook}", response_model=WebhookModel)
async def read_webhook(webhook: str, request: Request, caller: Annotated[Caller, Depends(may("admin"))]) -> Any:
    """Read one endpoint."""
    return webhook_view(await _own(served_by(request), caller, webhook))


@router.delete("/{webhook}")
async def remove_webhook(
    webhook: str, request: Request, caller: Annotated[Caller, Depends(may("admin"))]
) -> RemovedWebhook:
    """Remove an endpoint, and what is still to be delivered to it."""
    served = served_by(request)
    await _own(served, caller, webhook)
    await served.project.webhooks.remove(webhook)
    return RemovedWebhook(webhook=webhook)


@router.post("/{webhook}/enable", response_model=WebhookModel)
async def enable_webhook(webhook: str, request: Request, caller: Annotated[Caller, Depends(may("admin"))]) -> Any:
    """Send to an endpoint that was switched off again, what is pending at once."""
    served = served_by(request)
    await _own(served, caller, webhook)
    return webhook_view(await served.project.webhooks.enable(webhook))


@router.post("/{webhook}/rotate")
async def rotate_secret(
    webhook: str, rotation: SecretRotation, request: Request, caller: Annotated[Caller, Depends(may("admin"))]
) -> NewSecret:
    """Make a new secret. For the overlap, messages are signed with the one before as well."""
    served = served_by(request)
    await _own(served, caller, webhook)
    overlap = timedelta(seconds=rotation.overlap_seconds)
    rotated = await served.project.webhooks.rotate(webhook, overlap=overlap)
    return NewSecret(secret=rotated.secret, warning=rotated.warning)


@router.post("/{webhook}/test")
async def test_webhook(webhook: str, request: Request, caller: Annotated[Caller, Depends(may("admin"))]) -> WebhookTest:
    """Send a test message now, and say what became of it."""
    served = served_by(request)
    await _own(served, caller, webhook)
    attempt = await served.project.webhooks.test(webhook)
    return WebhookTest(status=attempt.status, problem=attempt.problem)


def _sees(caller: Caller, row: WebhookRow) -> bool:
    """Return whether an endpoint is told of nothing but connections that the token may work on."""
    if caller.token.connections is None:
        return True
    if not row.connections or row.tags:  # where all its connections are gone, its deliveries are still theirs
        return False
    return all(caller.sees(each) for each in row.connections)


async def _require_own_delivery(served: Served, caller: Caller, delivery: int) -> None:
    """Raise NameUnknown for a delivery that there is not, or that the token may not see: both are answered alike."""
    endpoints = {each.id for each in await served.project.webhooks.list() if _sees(caller, each)}
    try:
        found = await served.project.webhooks.delivery(delivery)
    except NameUnknown:
        found = None
    if found is None or found.webhook not in endpoints or not caller.sees(found.connection):
        raise NameUnknown(f"There is no delivery {delivery}.", "List them: GET /api/v1/webhooks/deliveries.")


async def _own(served: Served, caller: Caller, webhook: str) -> WebhookRow:
    """Read an endpoint; one that the token may not see is as one that is not there."""
    seen = {each.id: each for each in await served.project.webhooks.list() if _sees(caller, each)}
    if webhook not in seen:
        raise NameUnknown.among(
            "webhook", webhook, seen, none_yet="Create one: POST /api/v1/webhooks.", listed_by="GET /api/v1/webhooks"
        )
    return seen[webhook]
